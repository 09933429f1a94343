/**
 * `dist_nums: n`: a node in n parallel copies on threads of their own.
 *
 *   producer -> node -> consumers     becomes     producer -> split -> copy 1 .. n -> assemble -> consumers
 *
 * Packet i goes to copy i mod n; each copy marks where what it emitted for a packet ends (actor/parallel-copy.ts), and
 * `assemble` takes that of copy i mod n as number i. So a copy may emit any number of packets for one, none included, and the order is
 * that of a single node. What copies emit after the end of their input follows, copy by copy.
 *
 * No deadlock: `assemble` waits for the oldest packet under way. Every packet before it has been taken from its copy, so that copy is
 * not held back by what it has emitted, and neither is `split` by that copy's input.
 */
import { builtinOf } from '../../catalog/builtin.js';
import type { GraphSpec, LinkSpec, NodeSpec } from './spec.js';

/** More copies than this is a mistake in the configuration, not a machine. */
export const MAX_COPIES = 64;

/** Packets that may wait at a copy: more help nobody, and after a stop all of them are still worked through. */
const COPY_QUEUE = 32;

/** Why a node cannot have copies; nothing if it can, or wants none. */
export function checkCopies(node: NodeSpec, links: readonly LinkSpec[]): string[] {
  if (node.distNums === undefined) return [];
  const state = stateOf(node);
  if (state !== undefined) return [state];
  const why: string[] = [];
  const inputs = links.filter(({ to }) => to.node === node.id).map(({ to }) => to.input);
  const outputs = new Set(links.filter(({ from }) => from.node === node.id).map(({ from }) => from.output));
  if (inputs.length !== 1 || inputs[0] !== 0) {
    why.push(
      inputs.length === 0
        ? 'a source cannot have parallel copies: there is nothing to deal out'
        : `only a node with input 0 and no other can have parallel copies; this one has ${inputs.join(', ')}`,
    );
  }
  if (outputs.size !== 1 || !outputs.has(0)) {
    const has = outputs.size === 0 ? 'none is connected' : `this one has ${[...outputs].join(', ')}`;
    why.push(`only a node with output 0 and no other can have parallel copies; ${has}`);
  }
  if (node.module.definition) {
    why.push(
      'a module of this process cannot leave its thread, so that copies of it would not run in parallel: give it as a file',
    );
  }
  const { inputManager } = node;
  const mode = typeof inputManager === 'object' ? inputManager.mode : inputManager;
  if (mode !== undefined && mode !== 'immediate') {
    why.push(`parallel copies take packets as they come: leave out the input manager '${mode}'`);
  }
  if (node.onError === 'drop-branch') {
    why.push("one of several parallel copies cannot be dropped: leave out on_error 'drop-branch' or dist_nums");
  }
  if (node.scheduler !== undefined || node.thread !== undefined) {
    why.push('parallel copies have threads of their own: leave out scheduler and thread');
  }
  return why;
}

/** What a built-in module keeps from one packet to the next. Of others it is their author's word that they keep nothing. */
function stateOf(node: NodeSpec): string | undefined {
  const builtin = builtinOf(node.module);
  if (builtin === undefined || builtin.whyStateful) return builtin?.whyStateful?.(node.options);
  return `${builtin.name} cannot have parallel copies: its packets depend on the ones before`;
}

/** The graph with `split`, copies and `assemble` in place of every node that wants copies. */
export function distribute(spec: GraphSpec): GraphSpec {
  if (spec.nodes.every((node) => node.distNums === undefined)) return spec;
  const nodes: NodeSpec[] = [];
  let links = spec.links;
  let nextId = Math.max(...spec.nodes.map((node) => node.id)) + 1;
  for (const node of spec.nodes) {
    const { distNums: count, ...plain } = node;
    if (count === undefined) {
      nodes.push(node);
      continue;
    }
    const helper = (name: string, options: Record<string, unknown>): NodeSpec => ({
      id: nextId++,
      alias: `${node.alias}/${name}`,
      module: { name },
      options,
    });
    const split: NodeSpec = {
      ...helper('split', {}),
      ...(node.queueLimit !== undefined && { queueLimit: node.queueLimit }),
    };
    const assemble = helper('assemble', { tickets: true });
    const limit = Math.min(node.queueLimit ?? spec.options.queueLengthLimit, COPY_QUEUE);
    const copies = Array.from({ length: count }, (_, i): NodeSpec => {
      const alias = `${node.alias}#${i + 1}`;
      const copyOf = { id: node.id, alias: node.alias, number: i + 1, count };
      return { ...plain, id: nextId++, alias, thread: alias, queueLimit: limit, copyOf };
    });
    nodes.push(split, ...copies, assemble);
    links = [
      ...links.map(
        ({ from, to }): LinkSpec => ({
          from: from.node === node.id ? { node: assemble.id, output: 0 } : from,
          to: to.node === node.id ? { node: split.id, input: 0 } : to,
        }),
      ),
      ...copies.flatMap((copy, i): LinkSpec[] => [
        { from: { node: split.id, output: i }, to: { node: copy.id, input: 0 } },
        { from: { node: copy.id, output: 0 }, to: { node: assemble.id, input: i } },
      ]),
    ];
  }
  return { ...spec, nodes, links };
}

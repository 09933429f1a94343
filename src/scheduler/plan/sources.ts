/**
 * Where the packets of encoders come from. A file that is written says what the one that is read says (title, languages,
 * chapters), and frames know nothing of that: decoders tell it on a channel of the run, and encoders know which of them
 * they are to listen to.
 */
import { randomUUID } from 'node:crypto';
import { builtinOf } from '../../catalog/builtin.js';
import type { NodeSources } from '../../module/contract.js';
import type { GraphSpec, NodeSpec } from './spec.js';

type Origin = NodeSources['inputs'][number]['from'][number];

/** By node id; only decoders of which somebody wants to know, and encoders that have such. */
export function sourcesOf(spec: GraphSpec): ReadonlyMap<number, NodeSources> {
  const found = new Map<number, NodeSources>();
  const encoders = spec.nodes.filter((node) => workOf(node) === 'encoding');
  const nodes = new Map(spec.nodes.map((node) => [node.id, node]));
  const channel = `millrace ${randomUUID()}`;
  for (const encoder of encoders) {
    const inputs = spec.links
      .filter(({ to }) => to.node === encoder.id)
      .map(({ from, to }) => ({ input: to.input, from: origins(spec, nodes, from) }))
      .filter(({ from }) => from.length > 0);
    if (inputs.length === 0) continue;
    const chapters = wantsChapters(encoder);
    found.set(encoder.id, { channel, inputs, chapters });
    for (const { from } of inputs) {
      for (const { node } of from) {
        found.set(node, { channel, inputs: [], chapters: chapters || found.get(node)?.chapters === true });
      }
    }
  }
  return found;
}

/** The outputs of decoders from which a stream comes, whatever it goes through. */
function origins(spec: GraphSpec, nodes: ReadonlyMap<number, NodeSpec>, stream: Origin): Origin[] {
  const found: Origin[] = [];
  const seen = new Set<number>();
  const queue = [stream];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { node: id, output } = next;
    const node = nodes.get(id);
    if (node && workOf(node) === 'decoding') {
      if (!found.some((other) => other.node === id && other.output === output)) found.push({ node: id, output });
      continue;
    }
    // The nodes of a graph without cycles are passed once.
    if (seen.has(id)) continue;
    seen.add(id);
    const into = spec.links.filter(({ to }) => to.node === id).sort((a, b) => a.to.input - b.to.input);
    queue.push(...into.map(({ from }) => from));
  }
  return found;
}

/** What goes to outputs or nowhere has no place for them, and what has its own needs no others. */
function wantsChapters({ options }: NodeSpec): boolean {
  const { chapters, push_output = 0, null_output = false } = options;
  return chapters === undefined && Number(push_output) === 0 && [false, 0, '0', 'false'].includes(null_output as never);
}

function workOf(node: NodeSpec): 'decoding' | 'encoding' | 'filtering' | undefined {
  return node.module.definition ? undefined : builtinOf(node.module)?.work;
}

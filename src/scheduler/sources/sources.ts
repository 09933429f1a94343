/**
 * Where the packets of encoders come from. A file that is written says what the one that is read says (title, languages,
 * chapters), and frames know nothing of that: decoders tell it (source-ports.ts), and encoders know which of them they
 * are to listen to.
 */
import { builtinOf, isDecoder } from '../../catalog/builtin.js';
import { uniqueName } from '../../media/unique.js';
import type { NodeSources } from '../../module/contract.js';
import { isOff } from '../../schema/schema.js';
import type { GraphSpec, LinkSpec, NodeSpec } from '../plan/spec.js';

/** Without the ways between threads. */
export type ToldSources = Omit<NodeSources, 'tell' | 'hear'>;

type Origin = NodeSources['inputs'][number]['from'][number];

/** By node id; only decoders of which somebody wants to know, and encoders that have such. */
export function sourcesOf(spec: GraphSpec): ReadonlyMap<number, ToldSources> {
  const found = new Map<number, ToldSources>();
  const encoders = spec.nodes.filter((node) => workOf(node) === 'encoding');
  const nodes = new Map(spec.nodes.map((node) => [node.id, node]));
  const into = new Map<number, LinkSpec[]>(spec.nodes.map(({ id }) => [id, []]));
  for (const link of spec.links) into.get(link.to.node)?.push(link);
  const encoding = new Set(encoders.map(({ id }) => id));
  const isForEncoders = ({ node, output }: Origin): boolean =>
    spec.links.every(({ from, to }) => from.node !== node || from.output !== output || encoding.has(to.node));
  const channel = uniqueName('millrace');
  for (const encoder of encoders) {
    const inputs = into
      .get(encoder.id)!
      .map(({ from, to }) => ({
        input: to.input,
        from: origins(nodes, into, from),
        direct: isDecoderNode(nodes.get(from.node)) && isForEncoders(from),
      }))
      .filter(({ from }) => from.length > 0);
    if (inputs.length === 0) continue;
    const chapters = wantsChapters(encoder);
    found.set(encoder.id, { channel, inputs, chapters, forEncoders: [] });
    for (const { from } of inputs) {
      for (const { node } of from) {
        const outputs = spec.links.filter((link) => link.from.node === node).map((link) => link.from);
        const forEncoders = [...new Set(outputs.filter(isForEncoders).map(({ output }) => output))];
        const known = found.get(node)?.chapters === true;
        found.set(node, { channel, inputs: [], chapters: chapters || known, forEncoders });
      }
    }
  }
  return found;
}

/** The outputs of decoders from which a stream comes, whatever it goes through. */
function origins(
  nodes: ReadonlyMap<number, NodeSpec>,
  into: ReadonlyMap<number, readonly LinkSpec[]>,
  stream: Origin,
): Origin[] {
  const found: Origin[] = [];
  const seen = new Set<number>();
  const queue = [stream];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { node: id, output } = next;
    const node = nodes.get(id);
    if (isDecoderNode(node)) {
      if (!found.some((other) => other.node === id && other.output === output)) found.push({ node: id, output });
      continue;
    }
    // The nodes of a graph without cycles are passed once.
    if (seen.has(id)) continue;
    seen.add(id);
    const own = node?.module.definition ? undefined : node && builtinOf(node.module)?.continues;
    const links = (into.get(id) ?? [])
      .filter(({ to }) => own === undefined || to.input === own)
      .sort((a, b) => a.to.input - b.to.input);
    queue.push(...links.map(({ from }) => from));
  }
  return found;
}

/** What goes out as packets or frames, or nowhere, has no place for them, and what has its own needs no others. */
function wantsChapters({ options }: NodeSpec): boolean {
  const { chapters, push_output = 0, null_output = false } = options;
  return chapters === undefined && Number(push_output) <= 1 && isOff(null_output);
}

function isDecoderNode(node: NodeSpec | undefined): boolean {
  return node !== undefined && isDecoder(node.module);
}

function workOf(node: NodeSpec): 'decoding' | 'encoding' | 'filtering' | undefined {
  return node.module.definition ? undefined : builtinOf(node.module)?.work;
}

/** Whether a stream is known to be sound: output 1 of a decoder, and what filters of sound make. */
import { builtinOf } from '../../../catalog/builtin.js';
import type { LinkSpec, NodeSpec } from '../../../scheduler/plan/spec.js';

/** FFmpeg's filters that begin a stream of sound. */
const AUDIO_SOURCE = /^(sine|anullsrc|aevalsrc|anoisesrc|afirsrc|afdelaysrc|flite|hilbert|sinc|amovie)$/;

export function isSound(
  graph: { readonly nodes: readonly NodeSpec[]; readonly links: readonly LinkSpec[] },
  nodeId: number,
  output: number,
): boolean {
  const node = graph.nodes.find(({ id }) => id === nodeId);
  if (node === undefined || node.module.definition !== undefined) return false;
  const { work } = builtinOf(node.module) ?? {};
  if (work === 'decoding') return output === 1;
  if (work !== 'filtering') return false;
  const from = graph.links.find(({ to }) => to.node === nodeId)?.from;
  return from === undefined ? AUDIO_SOURCE.test(String(node.options.name)) : isSound(graph, from.node, from.output);
}

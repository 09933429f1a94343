/** `--filter-complex`: a filtergraph between the streams of the inputs and the output. */
import { type MediaInfo, type OuterPad, outerPads } from '../../catalog/ffmpeg.js';
import type { Stream } from '../../graph/build/stream.js';
import type { Graph } from '../../graph/graph.js';
import { isCover, type MappedStream, streamsOf } from '../../graph/tasks/mapping.js';
import { UsageError } from '../errors.js';
import { selectStreams } from './maps.js';

export interface ComplexOutput extends OuterPad {
  readonly stream: Stream;
}

/**
 * Ends of the graph are streams of the inputs by FFmpeg's specifiers (`[0:v]`, `[1:a:1]`); those without a label take the
 * first stream of their kind that the graph does not have yet.
 * @throws UsageError for an end that is no stream; MillraceError ERR_MILLRACE_OPTION for what cannot be read.
 */
export function buildComplex(
  graph: Graph,
  text: string,
  inputs: readonly MediaInfo[],
  streamFor: (one: MappedStream) => Stream,
): ComplexOutput[] {
  const { inputs: pads, outputs, graph: numbered } = outerPads(text);
  const all = streamsOf(inputs);
  const used: MappedStream[] = [];
  for (const pad of pads) used.push(streamOf(pad, all, used, inputs));
  const node = graph.module('c_ffmpeg_filter', { graph: numbered }, { inputs: used.map((one) => streamFor(one)) });
  return outputs.map((pad, output) => ({ ...pad, stream: node.output(output) }));
}

function streamOf(
  { label, kind }: OuterPad,
  all: readonly MappedStream[],
  used: readonly MappedStream[],
  inputs: readonly MediaInfo[],
): MappedStream {
  const isOfKind = ({ stream }: MappedStream): boolean => stream.kind === kind && !isCover(stream);
  if (label === undefined) {
    const next = all.find((one) => isOfKind(one) && !used.includes(one));
    if (next) return next;
    throw new UsageError(`--filter-complex: no ${kind} stream is left for an end without a label`);
  }
  const [, number, of = ''] = /^(\d+)(?::(.+))?$/.exec(label) ?? [];
  const info = inputs[Number(number ?? -1)];
  if (info === undefined) {
    throw new UsageError(
      `--filter-complex: [${label}] is made by no filter, and is no stream of an input such as [0:v]`,
    );
  }
  const ofInput = all.filter(({ input }) => input === Number(number));
  const found = selectStreams(ofInput, of, info, `--filter-complex: [${label}]`).find(isOfKind);
  if (found) return found;
  throw new UsageError(`--filter-complex: [${label}]: ${info.path} has no such ${kind} stream`);
}

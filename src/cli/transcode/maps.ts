/** `--map`: which streams of which inputs, in the ffmpeg command's syntax. */
import type { MediaInfo } from '../../catalog/ffmpeg.js';
import { isCover, type MappedStream, streamsOf } from '../../graph/tasks/mapping.js';
import { UsageError } from '../errors.js';

export interface Maps {
  readonly streams: readonly MappedStream[];
  /** Those of them that were asked for by more than the number of their file: the output has to hold them. */
  readonly asked: ReadonlySet<MappedStream>;
  /** Outputs of `--filter-complex`. */
  readonly labels: readonly string[];
}

const HELP = 'Such as 0 (all of the first input), 1:a:0, 0:3, 0:s?, 0:m:language:deu, -0:d or [label]';

/** @throws UsageError for what cannot be read, and for streams that are not there unless `?` stands behind them. */
export function readMaps(specs: readonly string[], inputs: readonly MediaInfo[]): Maps {
  const all = streamsOf(inputs);
  const labels: string[] = [];
  const asked = new Set<MappedStream>();
  let streams: MappedStream[] = [];
  for (const spec of specs) {
    const label = /^\[([^[\]]+)\]$/.exec(spec)?.[1];
    if (label !== undefined) {
      if (labels.includes(label)) throw new UsageError(`--map ${spec} stands there twice`);
      labels.push(label);
      continue;
    }
    const { without, input, of, optional } = parse(spec);
    if (input >= inputs.length) {
      const known = inputs.length === 1 ? 'there is input 0 only' : `inputs are 0 to ${inputs.length - 1}`;
      throw new UsageError(`--map ${spec}: ${known}`);
    }
    const found = selectStreams(
      all.filter((one) => one.input === input),
      of,
      inputs[input]!,
      `--map ${spec}`,
    );
    if (found.length === 0 && !optional) {
      throw new UsageError(
        `--map ${spec}: ${inputs[input]!.path} has no such stream; with ? behind it, it may lack it`,
      );
    }
    if (without) streams = streams.filter((one) => !found.includes(one));
    else {
      streams.push(...found);
      if (of !== '' && !optional) for (const one of found) asked.add(one);
    }
  }
  return { streams, asked, labels };
}

function parse(spec: string): { without: boolean; input: number; of: string; optional: boolean } {
  const match = /^(-?)(\d+)(?::([^?]+))?(\??)$/.exec(spec);
  if (!match) throw new UsageError(`--map ${spec} cannot be read. ${HELP}`);
  const [, without, input, of = '', optional] = match;
  return { without: without === '-', input: Number(input), of, optional: optional === '?' };
}

/** By FFmpeg's letters; `V` is video that is no cover. */
const KINDS: Readonly<Record<string, (one: MappedStream) => boolean>> = {
  v: ({ stream }) => stream.kind === 'video',
  V: ({ stream }) => stream.kind === 'video' && !isCover(stream),
  a: ({ stream }) => stream.kind === 'audio',
  s: ({ stream }) => stream.kind === 'subtitle',
  d: ({ stream }) => stream.kind === 'data',
  t: ({ stream }) => stream.kind === 'attachment',
};

/**
 * Streams by FFmpeg's specifier: kinds, indices, programs (`p:1`), tags (`m:language:deu`) and dispositions (`disp:default+forced`),
 * each of what the one before it has left.
 * @param what Names the option in messages.
 * @throws UsageError for what cannot be read.
 */
export function selectStreams(
  streams: readonly MappedStream[],
  specifier: string,
  info: MediaInfo,
  what: string,
): readonly MappedStream[] {
  const parts = specifier === '' ? [] : specifier.split(':');
  let found = streams;
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const kind = KINDS[part];
    if (/^\d+$/.test(part)) found = found.slice(Number(part), Number(part) + 1);
    else if (kind) found = found.filter(kind);
    else if (part === 'p' && parts.length > 0) {
      const id = Number(parts.shift());
      const program = info.format.programs?.find((one) => one.id === id);
      found = found.filter(({ stream }) => program?.streams.includes(stream.index));
    } else if (part === 'disp' && parts.length > 0) {
      const names = parts.shift()!.split('+');
      found = found.filter(({ stream }) => names.every((name) => stream.disposition.includes(name)));
    } else if (part === 'm' && parts.length > 0) {
      const key = parts.shift()!;
      const value = parts.length > 0 ? parts.splice(0).join(':') : undefined;
      found = found.filter(({ stream }) => {
        const tag = key === 'language' ? stream.language : key === 'title' ? stream.title : stream.tags[key];
        return tag !== undefined && (value === undefined || tag === value);
      });
    } else throw new UsageError(`${what}: '${part}' cannot be read. ${HELP}`);
  }
  return found;
}

/** FFmpeg's `concat` filter: segments of video and audio, end to end. */

import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { Named } from './filters/call.js';
import type { NodeHandle, Stream } from './stream.js';

export interface ConcatOptions {
  /** Segments; by default as many as the streams make. */
  n?: number;
  /** Video streams per segment. Default: 1. */
  v?: number;
  /** Audio streams per segment. Default: 1 for pairs, else 0. */
  a?: number;
  unsafe?: boolean;
}

/** One segment: its video streams, then its audio streams. */
export type Segment = readonly Stream[];

/**
 * Plays segments one after another. `concat([a.video, b.video])` joins videos,
 * `concat([[a.video, a.audio], [b.video, b.audio]])` joins pairs, and a flat list with `v` and `a` is read as FFmpeg
 * reads it: for each segment its `v` videos, then its `a` audios. For audio only: `concat([x, y], { v: 0, a: 1 })`.
 * @returns A handle whose outputs are the `v` videos, then the `a` audios; `.video` and `.audio` are the first of each.
 * @throws MillraceError ERR_MILLRACE_CONFIG when the streams do not make whole segments.
 */
export function concat(streams: readonly Stream[] | readonly Segment[], named: Named<ConcatOptions> = {}): NodeHandle {
  if (!Array.isArray(streams)) {
    throw wrong(
      `the streams are ${describeValue(streams)}`,
      'Give one list: concat([a.video, b.video]), or pairs: concat([[a.video, a.audio], [b.video, b.audio]])',
    );
  }
  if (typeof named !== 'object' || named === null || isStream(named)) {
    throw wrong(
      `the named arguments are ${describeValue(named)}`,
      'All streams stand in one list, and n, v and a in an object: concat([x, y], { v: 0, a: 1 })',
    );
  }
  const segments = streams.filter((item): item is Segment => Array.isArray(item));
  const flat = streams.flat() as readonly Stream[];
  const other = flat.find((item) => !isStream(item));
  if (flat.some((item) => !isStream(item))) {
    throw wrong(`the list holds ${describeValue(other)}`, 'Give streams, or lists of streams');
  }
  if (segments.length > 0 && segments.length < streams.length) {
    throw wrong('the list mixes streams and segments', 'Give all segments as lists, or all streams in one list');
  }
  const { n: givenN, v: givenV, a: givenA, ...rest } = named;
  const pairs = segments.length > 0 && segments.every((segment) => segment.length === 2);
  const v = givenV ?? 1;
  const a = givenA ?? (pairs && v === 1 ? 1 : 0);
  for (const [name, count] of [
    ['v', v],
    ['a', a],
  ] as const) {
    if (!Number.isInteger(count) || count < 0) throw wrong(`${name} is ${count}`, 'It is a whole number of streams');
  }
  const perSegment = v + a;
  if (perSegment === 0) throw wrong('v and a are both 0', 'A segment has at least one stream');
  const odd = segments.find((segment) => segment.length !== perSegment);
  if (odd) {
    throw wrong(`a segment has ${odd.length} streams`, `Each has v + a = ${v} + ${a} = ${perSegment}`);
  }
  const n = givenN ?? flat.length / perSegment;
  if (!Number.isInteger(n) || n < 1 || flat.length !== n * perSegment) {
    throw wrong(
      `there are ${flat.length} streams`,
      `Right are n x (v + a)${givenN ? ` = ${givenN * perSegment}` : ''}, with v = ${v} and a = ${a}`,
    );
  }
  const [first, ...others] = flat;
  if (!first) throw wrong('there are no streams', 'Give at least one');
  const handle = first.filter('concat', ...others, { n, v, a, ...rest });
  return handle.withMedia(v > 0 ? 0 : undefined, a > 0 ? v : undefined);
}

/** By what it can do: the class lives in a module that imports this one. */
function isStream(value: unknown): value is Stream {
  return typeof value === 'object' && value !== null && 'nodeId' in value && 'filter' in value;
}

function wrong(what: string, hint: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_CONFIG', `concat: ${what}`, { hint });
}

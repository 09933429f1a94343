/** The parts of the input that are played, one after the other. */
import type { DecoderOptions } from '../options.js';
import type { Range } from '../track/trim.js';
import type { Timeline } from './timeline.js';

export interface TimeRange {
  /** Where to go before it, microseconds from the beginning of the input; undefined: nowhere. */
  readonly seek: bigint | undefined;
  /** What is let through, on the output's clock. */
  range(timeline: Timeline): Range;
}

export interface Plan {
  /** The input's time that becomes 0, microseconds from its beginning. */
  readonly start: bigint;
  readonly parts: readonly TimeRange[];
  /** Length of all parts in microseconds, given that of the input; 0 if unknown. */
  length(input: bigint | undefined): number;
}

/** Parts and origin for the options start_time, end_time and durations. */
export function planOf({ start_time, end_time, durations }: DecoderOptions): Plan {
  if (durations) return planOfList(durations);
  const start = start_time === undefined ? undefined : micro(start_time);
  const begin = start ?? 0n;
  const length = end_time === undefined ? undefined : micro(end_time) - begin;
  return {
    start: begin,
    parts: [
      {
        seek: start,
        range: (timeline) => {
          const from = timeline.kept ? timeline.keptTime(begin) : 0n;
          return { start: start === undefined ? undefined : from, length, end: length && from + length };
        },
      },
    ],
    length: (input) => {
      const rest = input === undefined ? undefined : input - begin;
      if (rest === undefined) return Number(length ?? 0n);
      return Math.max(0, Number(length !== undefined && length < rest ? length : rest));
    },
  };
}

function planOfList(durations: NonNullable<DecoderOptions['durations']>): Plan {
  const parts = durations.map(({ start, end }) => ({ start: micro(start), end: micro(end) }));
  const first = parts[0]?.start ?? 0n;
  return {
    start: first,
    parts: parts.map(({ start, end }) => ({
      seek: start,
      range: (timeline) => {
        const shift = timeline.kept ? timeline.keptTime(0n) : -first;
        return { start: start + shift, end: end + shift };
      },
    })),
    length: () => parts.reduce((sum, { start, end }) => sum + Number(end - start), 0),
  };
}

function micro(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e6));
}

/** Chapters of an input on the clock of a decoder's output. */
import type { Chapter } from '../../shared/media-info.js';
import type { Timeline } from './timeline.js';

/**
 * As the ffmpeg command copies them: what was before the beginning is left out, and what lasts beyond the end is cut off.
 * @param end Of what is played, microseconds on the output's clock; undefined: the end of the input.
 */
export function playedChapters(chapters: readonly Chapter[], timeline: Timeline, end: bigint | undefined): Chapter[] {
  const shift = Number(timeline.beginning - timeline.origin) / 1e6;
  const limit = end === undefined ? Number.POSITIVE_INFINITY : Number(end) / 1e6;
  return chapters.flatMap(({ start, end: stop, ...texts }): Chapter[] => {
    const moved = { start: Math.max(0, round(start + shift)), end: Math.min(limit, round(stop + shift)), ...texts };
    return moved.end > 0 && moved.start < moved.end ? [moved] : [];
  });
}

/** To microseconds, so that sums look like what they are. */
function round(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}

/** How many bits a second segments have, from their sizes and what a playlist says of how long they last. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Bits per second. */
export interface BitRates {
  /** The highest of any stretch about as long as a segment. */
  readonly peak: number;
  readonly average: number;
  /** All segments from the first to the last are there. */
  readonly isWhole: boolean;
}

export interface Segment {
  readonly seconds: number;
  readonly bits: number;
}

/** Of a media playlist; undefined where it or a segment that it names is not there. */
export function bitRates(path: string): BitRates | undefined {
  try {
    return ratesOf(readFileSync(path, 'utf8'), (uri) => statSync(join(dirname(path), uri)).size);
  } catch (error) {
    // It has not been begun, or a segment has left the window of a live output.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function ratesOf(text: string, sizeOf: (uri: string) => number): BitRates | undefined {
  const segments: Segment[] = [];
  let seconds: number | undefined;
  let range: number | undefined;
  for (const line of text.split(/\r?\n/)) {
    seconds = Number(/^#EXTINF:([\d.]+)/.exec(line)?.[1] ?? seconds);
    const length = /^#EXT-X-BYTERANGE:(\d+)/.exec(line)?.[1];
    if (length !== undefined) range = Number(length);
    if (line === '' || line.startsWith('#') || !(seconds! > 0)) continue;
    segments.push({ seconds: seconds!, bits: 8 * (range ?? sizeOf(line)) });
    seconds = range = undefined;
  }
  if (segments.length === 0) return undefined;
  const target = Number(/^#EXT-X-TARGETDURATION:(\d+)/m.exec(text)?.[1] ?? 0);
  const isWhole = text.includes('#EXT-X-ENDLIST') && /^#EXT-X-MEDIA-SEQUENCE:[01]$/m.test(text);
  return { ...segmentRates(segments, target), isWhole };
}

/** @param target Seconds that a segment is to last. */
export function segmentRates(segments: readonly Segment[], target: number): Omit<BitRates, 'isWhole'> {
  const average = rateOf(segments);
  return { average, peak: Math.max(average, peakOf(segments, target)) };
}

/** Stretches of segments that together last from half the target duration to one and a half. */
function peakOf(segments: readonly Segment[], target: number): number {
  let peak = 0;
  for (let from = 0; from < segments.length; from++) {
    let seconds = 0;
    for (let to = from; to < segments.length; to++) {
      seconds += segments[to]!.seconds;
      if (seconds > 1.5 * target) break;
      if (seconds >= 0.5 * target) peak = Math.max(peak, rateOf(segments.slice(from, to + 1)));
    }
  }
  return peak;
}

function rateOf(segments: readonly Segment[]): number {
  const seconds = segments.reduce((sum, segment) => sum + segment.seconds, 0);
  return segments.reduce((sum, { bits }) => sum + bits, 0) / seconds;
}

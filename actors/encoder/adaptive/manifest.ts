/**
 * The bandwidths in a manifest of DASH, which FFmpeg takes from what the encoders were asked for, or from the first
 * segment: what came is read from the sizes of the segments.
 */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Segment, segmentRates } from './bit-rates.js';

/** Completes a manifest in place. */
export function completeManifest(path: string): void {
  const before = readFileSync(path, 'utf8');
  const text = completed(before, (name) => statSync(join(dirname(path), name)).size);
  if (text === before) return;
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}

export function completed(text: string, sizeOf: (name: string) => number): string {
  // Segments of a live output come and go.
  if (!/<MPD[^>]*\stype="static"/.test(text)) return text;
  return text.replace(/<Representation [^>]*>[\s\S]*?<\/Representation>/g, (representation) => {
    const segments = segmentsOf(representation, sizeOf);
    if (!segments) return representation;
    const target = Math.max(...segments.map(({ seconds }) => seconds));
    const bandwidth = Math.ceil(segmentRates(segments, target).peak);
    return representation.replace(/ bandwidth="\d+"/, ` bandwidth="${bandwidth}"`);
  });
}

/** Undefined where they are not in files of their own. */
function segmentsOf(representation: string, sizeOf: (name: string) => number): Segment[] | undefined {
  const value = (name: string): string | undefined => new RegExp(` ${name}="([^"]*)"`).exec(representation)?.[1];
  const [id, media, scale, start] = [value('id'), value('media'), value('timescale'), value('startNumber')];
  if (id === undefined || media === undefined || scale === undefined || start === undefined) return undefined;
  const durations = [...representation.matchAll(/<S (?:t="\d+" )?d="(\d+)"(?: r="(\d+)")? *\/>/g)].flatMap(
    ([, duration, repeats]) => Array.from({ length: Number(repeats ?? 0) + 1 }, () => Number(duration) / Number(scale)),
  );
  if (durations.length === 0) return undefined;
  return durations.map((seconds, at) => {
    const name = media
      .replace('$RepresentationID$', id)
      .replace(/\$Number(?:%0(\d+)d)?\$/, (_, width) => String(Number(start) + at).padStart(Number(width ?? 0), '0'));
    return { seconds, bits: 8 * sizeOf(name) };
  });
}

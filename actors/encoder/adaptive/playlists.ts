/**
 * The master playlist of HLS, as FFmpeg writes it and as it should be. FFmpeg leaves out the frame rate, counts the
 * picture's bits without the sound's that go with it, or what the encoder was asked for in place of what came, and calls
 * the sounds by numbers. What is right is read from the playlists and the sizes of the segments (RFC 8216, 4.3.4).
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type BitRates, bitRates } from './bit-rates.js';

/** A stream as players are to be told of it. */
export interface PublishedStream {
  readonly kind: 'video' | 'audio' | 'subtitle';
  readonly width: number;
  readonly height: number;
  /** Frames per second; undefined if they have none. */
  readonly frameRate: number | undefined;
  readonly language: string | undefined;
  readonly title: string | undefined;
  /** It plays unless another one is chosen; undefined: as FFmpeg says. */
  readonly isDefault: boolean | undefined;
}

/**
 * Completes a master playlist in place.
 * @param streams In the order in which they stand in the output.
 * @returns whether it has anything to play, and whether all of it could be measured. FFmpeg leaves out variants of which no
 * segment is longer than half a second.
 */
export function completeMaster(
  path: string,
  streams: readonly PublishedStream[],
): { readonly isOfUse: boolean; readonly isMeasured: boolean } {
  const before = readFileSync(path, 'utf8');
  let isMeasured = true;
  const text = completed(before, streams, (uri) => {
    const rates = bitRates(join(dirname(path), uri));
    isMeasured &&= rates !== undefined;
    return rates;
  });
  if (text !== before) {
    // Whoever reads it meanwhile gets the whole of one of them.
    writeFileSync(`${path}.tmp`, text);
    renameSync(`${path}.tmp`, path);
  }
  return { isOfUse: text.includes('#EXT-X-STREAM-INF:'), isMeasured };
}

export function completed(
  text: string,
  streams: readonly PublishedStream[],
  measure: (uri: string) => BitRates | undefined,
): string {
  const lines = text.split('\n');
  const groups = audioGroups(lines, measure);
  const named = { AUDIO: namesOf(lines, streams, 'audio'), SUBTITLES: namesOf(lines, streams, 'subtitle') };
  const next = { AUDIO: 0, SUBTITLES: 0 };
  return lines
    .map((line, i) => {
      const type = /^#EXT-X-MEDIA:TYPE=(AUDIO|SUBTITLES),/.exec(line)?.[1] as 'AUDIO' | 'SUBTITLES' | undefined;
      if (type) return named[type]?.[next[type]++]?.(line) ?? line;
      if (!line.startsWith('#EXT-X-STREAM-INF:')) return line;
      const own = measure(lines[i + 1] ?? '');
      const group = attribute(line, 'AUDIO');
      const sound = group === undefined ? undefined : groups.get(group);
      return withRate(withBandwidth(line, own, sound), streams);
    })
    .join('\n');
}

/** The highest rates of the sounds of each group: any of them may be played with a picture. */
function audioGroups(
  lines: readonly string[],
  measure: (uri: string) => BitRates | undefined,
): Map<string, BitRates | undefined> {
  const groups = new Map<string, BitRates | undefined>();
  for (const line of lines) {
    const [group, uri] = [attribute(line, 'GROUP-ID'), attribute(line, 'URI')];
    if (!line.startsWith('#EXT-X-MEDIA:TYPE=AUDIO,') || group === undefined || uri === undefined) continue;
    const own = measure(uri);
    const known = groups.get(group);
    groups.set(group, known && own ? highest(known, own) : (own ?? known));
  }
  return groups;
}

function highest(a: BitRates, b: BitRates): BitRates {
  return {
    peak: Math.max(a.peak, b.peak),
    average: Math.max(a.average, b.average),
    isWhole: a.isWhole && b.isWhole,
  };
}

function withBandwidth(written: string, own: BitRates | undefined, sound: BitRates | undefined): string {
  // Before its first segment FFmpeg writes one that is anything.
  const line = written.replace(/,AVERAGE-BANDWIDTH=-\d+/, '');
  if (!own) return line;
  const peak = Math.ceil(own.peak + (sound?.peak ?? 0));
  const average = Math.ceil(own.average + (sound?.average ?? 0));
  const declared = Number(attribute(line, 'BANDWIDTH') ?? 0);
  // Of a part of it the highest is not known: more may come, or have been.
  const isWhole = own.isWhole && (sound?.isWhole ?? true);
  const bandwidth = isWhole ? peak : Math.max(peak, declared);
  return line
    .replace(/,AVERAGE-BANDWIDTH=\d+/, '')
    .replace(/:BANDWIDTH=\d+/, `:BANDWIDTH=${bandwidth},AVERAGE-BANDWIDTH=${Math.min(average, bandwidth)}`);
}

function withRate(line: string, streams: readonly PublishedStream[]): string {
  const size = attribute(line, 'RESOLUTION');
  if (size === undefined || attribute(line, 'FRAME-RATE') !== undefined) return line;
  const rates = streams.flatMap(({ kind, width, height, frameRate }) =>
    kind === 'video' && `${width}x${height}` === size ? [frameRate] : [],
  );
  const [rate] = rates;
  if (rate === undefined || rates.some((other) => other !== rate)) return line;
  return line.replace(`RESOLUTION=${size}`, `RESOLUTION=${size},FRAME-RATE=${rate.toFixed(3)}`);
}

/** How the entries of a kind are named, in their order; undefined where they are not those of the streams. */
function namesOf(
  lines: readonly string[],
  streams: readonly PublishedStream[],
  kind: 'audio' | 'subtitle',
): ((line: string) => string)[] | undefined {
  const type = kind === 'audio' ? 'AUDIO' : 'SUBTITLES';
  const own = streams.filter((stream) => stream.kind === kind);
  if (lines.filter((line) => line.startsWith(`#EXT-X-MEDIA:TYPE=${type},`)).length !== own.length) return undefined;
  const taken = new Set<string>();
  return own.map(({ title, language, isDefault }, i) => {
    const tag = language === undefined ? undefined : languageTag(language);
    const wanted = (title ?? tag)?.replace(/["\n\r]/g, ' ');
    // Unique in its group.
    const name = wanted !== undefined && taken.has(wanted) ? `${wanted} ${i + 1}` : wanted;
    if (name !== undefined) taken.add(name);
    return (line) => {
      const chosen =
        isDefault === undefined ? line : line.replace(/,DEFAULT=\w+/, `,DEFAULT=${isDefault ? 'YES' : 'NO'}`);
      const called = name === undefined ? chosen : chosen.replace(/,NAME="[^"]*"/, () => `,NAME="${name}"`);
      if (tag === undefined) return called;
      if (attribute(called, 'LANGUAGE') !== undefined) return called.replace(/,LANGUAGE="[^"]*"/, `,LANGUAGE="${tag}"`);
      return called.replace(/(,NAME="[^"]*")/, (found) => `${found},LANGUAGE="${tag}"`);
    };
  });
}

/** HLS has languages as RFC 5646 has them: 'de', where containers have 'deu' or 'ger'. */
function languageTag(language: string): string | undefined {
  if (language === 'und') return undefined;
  try {
    return Intl.getCanonicalLocales(language)[0];
  } catch {
    // It is no tag of any language, and players could make nothing of it.
    return undefined;
  }
}

function attribute(line: string, name: string): string | undefined {
  const found = new RegExp(`[:,]${name}=(?:"([^"]*)"|([^,]*))`).exec(line);
  return found ? (found[1] ?? found[2]) : undefined;
}

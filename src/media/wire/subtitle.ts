/** Subtitles across threads, by copy. */
import { originOf, Subtitle, type SubtitleData, type SubtitleOrigin, withOrigin } from '../subtitle/subtitle.js';
import { type Blob, blobOf } from './blob.js';

export interface SubtitleMeta {
  data: SubtitleData;
  /** What it was decoded from; the parts of the record are its bytes, if it has them, and then its side data. */
  codec?: string;
  hasBytes?: boolean;
  sideData?: number[];
}

export function subtitleMeta(subtitle: Subtitle): [SubtitleMeta, Blob[]] {
  const data = subtitle.toJSON();
  const origin = originOf(subtitle);
  if (!origin) return [{ data }, []];
  const { codec, bytes, sideData } = origin;
  const meta = { data, codec, hasBytes: bytes !== undefined, sideData: sideData.map(({ type }) => type) };
  return [meta, [...(bytes ? [bytes] : []), ...sideData.map((each) => each.data)].map(blobOf)];
}

export function restoreSubtitle(
  { data, codec, hasBytes, sideData = [] }: SubtitleMeta,
  parts: readonly Uint8Array[],
): Subtitle {
  // The parts are views of memory that is written anew.
  const copies = parts.map((part) => Uint8Array.from(part));
  const [first, ...rest] = copies;
  const blobs = hasBytes ? rest : copies;
  const origin: SubtitleOrigin | undefined =
    codec === undefined
      ? undefined
      : {
          codec,
          bytes: hasBytes ? first : undefined,
          sideData: sideData.map((type, i) => ({ type, data: blobs[i]! })),
        };
  return withOrigin(new Subtitle(data), origin);
}

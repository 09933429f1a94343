/**
 * What a file says of the whole: tags and chapters, those of its source unless the options say otherwise; and which of them
 * its format can hold.
 */

import type { Chapter } from '../../shared/media-info.js';
import type { SourceFacts } from '../../shared/source-facts.js';
import type { EncoderOptions } from '../options.js';
import { withoutEmpty } from '../stream/texts.js';

export interface FileTexts {
  readonly tags: Readonly<Record<string, string>>;
  /** Seconds on the clock of the output, by their beginnings. */
  readonly chapters: readonly Chapter[];
}

export const NO_TEXTS: FileTexts = { tags: {}, chapters: [] };

/** About the file that was read and not about what is in it; most of them the ffmpeg command leaves out as well. */
const OF_THE_FILE =
  /^(creation_time|encoder|duration|major_brand|minor_version|compatible_brands|(company|product)_name|product_version)$/i;
/** The same in MXF, whose muxer makes its own. */
const OF_AN_MXF_FILE =
  /^(operational_pattern_ul|(generation_|product_)?uid|(product|toolkit)_version_num|application_platform|(material|file)_package_umid|modification_date)$/;

/** @param sources What is known of the files that are read, in the order of the streams that come from them. */
export function fileTexts(options: EncoderOptions, sources: readonly SourceFacts[]): FileTexts {
  const { metadata, chapters, map_metadata, map_chapters } = options;
  const named = (alias: string): SourceFacts | undefined => sources.find((source) => source.alias === alias);
  const tagged = map_metadata === undefined ? sources[0] : named(map_metadata);
  const divided =
    map_chapters === undefined ? sources.find((source) => (source.chapters?.length ?? 0) > 0) : named(map_chapters);
  return {
    tags: metadata === false ? {} : withoutEmpty({ ...ofTheContent(tagged?.tags ?? {}), ...metadata }),
    chapters: chapters === false ? [] : (chapters ?? divided?.chapters ?? []),
  };
}

function ofTheContent(tags: Readonly<Record<string, string>>): Record<string, string> {
  const ofTheFile = (name: string, text: string): boolean =>
    OF_THE_FILE.test(name) ||
    OF_AN_MXF_FILE.test(name) ||
    // What AVI and QuickTime call the encoder, where that was FFmpeg.
    (/^software$/i.test(name) && /^Lavf\d/.test(text));
  return Object.fromEntries(Object.entries(tags).filter(([name, text]) => !ofTheFile(name, text)));
}

/** What the muxers of MP4 and MOV know (mov_write_udta_tag and mov_write_ilst_tag in movenc.c). */
const MOV =
  'title artist album_artist composer album date comment genre copyright grouping lyrics description synopsis show ' +
  'episode_id network keywords season_number episode_sort media_type hd_video gapless_playback compilation track disc ' +
  'tmpo location timecode';

/** Muxers that hold certain tags only, or none. All others that have tags at all hold any. */
const HELD: readonly (readonly [format: RegExp, tags: ReadonlySet<string>])[] = [
  [/^(mp4|ipod|ismv|psp)$/, new Set(MOV.split(' '))],
  [/^(mov)$/, new Set(`${MOV} author performer make model`.split(' '))],
  [/^(3gp|3g2)$/, new Set('artist title author genre comment album copyright location date'.split(' '))],
  [/^(mxf|mxf_opatom|gxf)$/, new Set(['timecode'])],
  [/^(mpegts|rtp_mpegts)$/, new Set(['service_name', 'service_provider'])],
  [/^(avi)$/, new Set('title artist album comment copyright date genre language track encoded_by'.split(' '))],
  [/^(wav|w64)$/, new Set('title artist album comment copyright date genre language track encoded_by'.split(' '))],
];

const ANY = /^(matroska|webm|nut|ogg|oga|ogv|opus|spx|flac|mp3|aiff|flv|asf|ffmetadata|caf|null|tta|wv|tee|segment)$/;

/** The names of tags that a muxer does not write. */
export function lostTags(format: string, tags: Readonly<Record<string, string>>, movflags = ''): string[] {
  if (ANY.test(format)) return [];
  if (/^(mp4|mov|ipod)$/.test(format) && movflags.includes('use_metadata_tags')) return [];
  const held = HELD.find(([name]) => name.test(format))?.[1];
  return Object.keys(tags).filter((name) => !held?.has(name.replace(/-\w+$/, '').toLowerCase()));
}

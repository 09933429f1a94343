/** Chapters as tags: what FFmpeg writes into the comments of Ogg and FLAC (ff_vorbiscomment_write). */
import type { Chapter } from '../../shared/media-info.js';

const COMMENTS = /^(ogg|oga|ogv|opus|spx|flac)$/;

export function hasComments(format: string): boolean {
  return COMMENTS.test(format);
}

/** They are numbered with three digits. */
const MOST = 1000;

/** What there is no room for, in words. */
export function commentsCut({ length }: readonly Chapter[]): string[] {
  return length > MOST ? [`room for ${MOST} of ${length} chapters`] : [];
}

export function chapterComments(chapters: readonly Chapter[]): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const [i, { start, tags: own }] of chapters.slice(0, MOST).entries()) {
    const name = `CHAPTER${String(i).padStart(3, '0')}`;
    tags[name] = clock(start);
    for (const [key, value] of Object.entries(own)) tags[`${name}${key === 'title' ? 'NAME' : key}`] = value;
  }
  return tags;
}

/** HH:MM:SS.mmm */
function clock(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const whole = Math.floor(ms / 1000);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return `${two(h)}:${two(m)}:${two(s)}.${String(ms % 1000).padStart(3, '0')}`;
}

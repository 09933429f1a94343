/**
 * Chapters of the file that is written. node-av cannot give a muxer chapters, so they go another way: as comments where the
 * format has them as comments anyhow (comments.ts); in MP4, MOV and Matroska a tag that is as long as they are keeps their
 * place free, and when the file is complete they are put there (mp4.ts, matroska.ts). The length of the file and the place of
 * all that is in it stay as they are.
 */
import { closeSync, openSync } from 'node:fs';
import type { Chapter } from '../../shared/media-info.js';
import { chapterComments, commentsCut, hasComments } from './comments.js';
import { matroskaPlace, putIntoMatroska } from './matroska.js';
import { mp4Cut, mp4Place, putIntoMp4 } from './mp4.js';

const MATROSKA = /^(matroska|webm)$/;
const MP4 = /^(mp4|mov|ipod|ismv)$/;

type Tags = Readonly<Record<string, string>>;

/** How chapters get into a file. */
export interface ChapterPlan {
  /** Further tags that the muxer is given. */
  readonly tags: Tags;
  /** To be called with the complete file. @throws if they cannot be put there. */
  readonly complete?: (path: string) => void;
  /** What there is no room for, in words: room for so much and no more. */
  readonly cut?: readonly string[];
}

/** @param isFile It can be read and changed when it is complete. @returns undefined: the format has no place for them. */
export function planChapters(
  format: string,
  chapters: readonly Chapter[],
  tags: Tags,
  isFile: boolean,
): ChapterPlan | undefined {
  if (chapters.length === 0) return { tags: {} };
  if (hasComments(format)) return { tags: chapterComments(chapters), cut: commentsCut(chapters) };
  if (!isFile) return undefined;
  if (MATROSKA.test(format)) {
    return {
      tags: matroskaPlace(chapters),
      complete: (path) => inFile(path, (file) => putIntoMatroska(file, chapters)),
    };
  }
  const place = MP4.test(format) ? mp4Place(format, chapters, tags) : undefined;
  return (
    place && {
      tags: place,
      complete: (path) => inFile(path, (file) => putIntoMp4(file, chapters)),
      cut: mp4Cut(chapters),
    }
  );
}

function inFile(path: string, put: (file: number) => void): void {
  const file = openSync(path, 'r+');
  try {
    put(file);
  } finally {
    closeSync(file);
  }
}

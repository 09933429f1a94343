/**
 * Chapters and programs of a container, for which node-av has no words: `av_dump_format` names them in FFmpeg's log, piece
 * by piece, and each piece is a call of its own: `    title           : `, `One`, and an empty one for the end of the line.
 * What it does not tell: more than 255 bytes of a line, and the tag `language` in small letters.
 */
import type { Chapter, Program } from './media-info.js';

export interface Outline {
  readonly chapters: Chapter[];
  readonly programs: Program[];
}

/** @param pieces What av_dump_format logs, in its order. */
export function readOutline(pieces: readonly string[]): Outline {
  const outline: Outline = { chapters: [], programs: [] };
  const reader = new Pieces(pieces);
  let tags: Record<string, string> = {};
  let chapter: Chapter | undefined;
  let streams: number[] = [];
  let indent = 0;
  for (let piece = reader.next(); piece !== undefined; piece = reader.next()) {
    const tag = /^( {4,})(\S.*?) *: $/s.exec(piece);
    const program = /^ {2}Program (-?\d+)(?: |$)/.exec(piece);
    if (/^ {4}Chapter #\d+:\d+: $/.test(piece)) {
      tags = {};
      chapter = undefined;
      indent = 8;
      const start = Number(/^start (\S+), $/.exec(reader.next() ?? '')?.[1]);
      const end = Number(/^end (\S+)$/.exec(reader.next() ?? '')?.[1]);
      if (!Number.isFinite(start) || !Number.isFinite(end)) continue;
      chapter = { start, end, tags };
      outline.chapters.push(chapter);
    } else if (program) {
      tags = {};
      chapter = undefined;
      streams = [];
      indent = 6;
      outline.programs.push({ id: Number(program[1]), tags, streams });
    } else if (/^ {2}No Program$|^ {2}Stream group /.test(piece)) {
      streams = [];
      indent = 0;
    } else if (/^ {2}Stream #\d+$/.test(piece)) {
      streams.push(Number(/^:(\d+)$/.exec(reader.next() ?? '')?.[1]));
      // The tags of a stream stand deeper, or where those of a program do.
      indent = 0;
    } else if (tag) {
      const { value, isCut } = reader.value();
      if (tag[1]!.length !== indent) continue;
      tags[tag[2]!] = value;
      if (isCut && chapter) chapter.cut = [...(chapter.cut ?? []), tag[2]!];
    }
  }
  return outline;
}

/** FFmpeg copies 255 bytes of a line at most (`dump_dictionary` in libavformat/dump.c), and may cut a character in two. */
const LINE = 255;

function whole(piece: string): string {
  return piece.endsWith('\uFFFD') && Buffer.byteLength(piece) >= LINE ? piece.slice(0, -1) : piece;
}

class Pieces {
  #at = 0;

  constructor(private readonly pieces: readonly string[]) {}

  next(): string | undefined {
    return this.pieces[this.#at++];
  }

  /** The rest of a tag's line and of those that continue it; whether one of them may have been longer. */
  value(): { value: string; isCut: boolean } {
    let value = '';
    let isCut = false;
    for (;;) {
      const piece = this.next();
      if (piece === undefined) return { value, isCut };
      const continued = /^\n +: $/.test(this.pieces[this.#at] ?? '');
      if (piece === '' && !continued) return { value, isCut };
      isCut ||= Buffer.byteLength(piece) >= LINE;
      value += whole(piece);
      if (!continued) continue;
      value += '\n';
      this.#at++;
    }
  }
}

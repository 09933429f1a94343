/**
 * Chapters in MP4 and MOV: the atom `chpl` in `moov/udta`, Nero's, which FFmpeg and most players read. It has at most 255
 * chapters, without ends, with titles of at most 255 bytes. Their place is kept by a tag that iTunes' list or QuickTime's
 * user data have, and that the file does not use.
 */
import { fstatSync } from 'node:fs';
import type { Chapter } from '../../shared/media-info.js';
import { PLACE, placeLost, placeText, readAt, writeAt } from './bytes.js';

/** Tags that the muxer writes as text, the least usual first. */
const MP4_TAGS = ['network', 'episode_id', 'show', 'synopsis', 'grouping', 'lyrics', 'description', 'copyright'];
const MOV_TAGS = ['keywords', 'performer', 'make', 'model', 'copyright'];

/** Bytes around the text: an item with its data atom in iTunes' list, an atom with length and language in QuickTime's. */
const AROUND_MP4 = 24;
const AROUND_MOV = 12;

/** A file whose header is larger is none of ours. */
const LARGEST_HEADER = 1 << 28;

/** @returns undefined if no tag is free, or nothing is left to keep a place with. */
export function mp4Place(
  format: string,
  chapters: readonly Chapter[],
  tags: Readonly<Record<string, string>>,
): Record<string, string> | undefined {
  const isMov = format === 'mov';
  const name = (isMov ? MOV_TAGS : MP4_TAGS).find((tag) => tags[tag] === undefined);
  const length = chapterAtom(chapters, 0).length - (isMov ? AROUND_MOV : AROUND_MP4);
  return name === undefined ? undefined : { [name]: placeText(Math.max(length, PLACE.length)) };
}

/** @throws MillraceError ERR_MILLRACE_OUTPUT if the place is not found. */
export function putIntoMp4(file: number, chapters: readonly Chapter[]): void {
  const moov = findHeader(file);
  const bytes = readAt(file, moov.position, moov.size);
  const udta = child(bytes, { begin: 8, end: bytes.length }, 'udta');
  if (!udta) throw placeLost();
  const meta = child(bytes, inner(udta), 'meta');
  // A full box: version and flags stand before its children.
  const list = meta && child(bytes, { begin: meta.begin + 12, end: meta.end }, 'ilst');
  const atoms = [...children(bytes, list ? inner(list) : inner(udta))];
  const place = atoms.find((atom) => bytes.subarray(atom.begin, atom.end).includes(PLACE));
  if (!place) throw placeLost();
  const size = place.end - place.begin;
  const atom = chapterAtom(chapters, size);
  if (meta && list) {
    // From the list to the end of what contains it: `chpl` stands beside.
    bytes.copyWithin(place.begin, place.end, meta.end);
    for (const { begin } of [list, meta]) bytes.writeUInt32BE(bytes.readUInt32BE(begin) - size, begin);
    atom.copy(bytes, meta.end - size);
  } else {
    atom.copy(bytes, place.begin);
  }
  writeAt(file, moov.position, bytes);
}

/** Chapters, and bytes of a title. */
const MOST = 255;

/** What there is no room for, in words. */
export function mp4Cut(chapters: readonly Chapter[]): string[] {
  const long = chapters.slice(0, MOST).filter(({ tags }) => Buffer.byteLength(tags.title ?? '') > MOST).length;
  return [
    ...(chapters.length > MOST ? [`room for ${MOST} of ${chapters.length} chapters`] : []),
    ...(long > 0 ? [`room for ${MOST} bytes of a title, and ${long} ${long === 1 ? 'is' : 'are'} longer`] : []),
  ];
}

/** @param size What it has to be at least; the rest is empty. */
function chapterAtom(chapters: readonly Chapter[], size: number): Buffer {
  const list = chapters.slice(0, MOST).map(({ start, tags }) => {
    const title = cut(tags.title ?? '');
    const entry = Buffer.alloc(9 + title.length);
    // 100 ns.
    entry.writeBigUInt64BE(BigInt(Math.round(start * 1e7)));
    entry.writeUInt8(title.length, 8);
    title.copy(entry, 9);
    return entry;
  });
  const head = Buffer.alloc(17);
  head.write('chpl', 4);
  head.writeUInt8(1, 8);
  head.writeUInt8(list.length, 16);
  const atom = Buffer.concat([head, ...list]);
  const whole = Buffer.concat([atom, Buffer.alloc(Math.max(0, size - atom.length))]);
  whole.writeUInt32BE(whole.length);
  return whole;
}

/** So many bytes, without half a character at the end. */
function cut(title: string): Buffer {
  const bytes = Buffer.from(title);
  if (bytes.length <= MOST) return bytes;
  let end = MOST;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

interface Atom {
  readonly begin: number;
  readonly end: number;
}

function inner({ begin, end }: Atom): Atom {
  return { begin: begin + 8, end };
}

function* children(bytes: Buffer, { begin, end }: Atom): Generator<Atom> {
  for (let at = begin; at + 8 <= end; ) {
    const size = bytes.readUInt32BE(at);
    if (size < 8 || at + size > end) return;
    yield { begin: at, end: at + size };
    at += size;
  }
}

function child(bytes: Buffer, parent: Atom, type: string): Atom | undefined {
  for (const atom of children(bytes, parent)) {
    if (bytes.toString('latin1', atom.begin + 4, atom.begin + 8) === type) return atom;
  }
  return undefined;
}

function findHeader(file: number): { position: number; size: number } {
  const length = fstatSync(file).size;
  for (let position = 0; position + 16 <= length; ) {
    const head = readAt(file, position, 16);
    const short = head.readUInt32BE();
    const size = short === 1 ? Number(head.readBigUInt64BE(8)) : short === 0 ? length - position : short;
    if (head.toString('latin1', 4, 8) === 'moov' && size <= LARGEST_HEADER) return { position, size };
    if (size < 8) break;
    position += size;
  }
  throw placeLost();
}

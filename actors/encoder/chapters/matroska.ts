/**
 * Chapters in Matroska and WebM: the element Chapters behind the tags, where there is room because one of them has gone. It is
 * entered into the index of the elements, which has room for it as well.
 */
import type { Chapter } from '../../shared/media-info.js';
import { PLACE, placeLost, placeText, readAt, writeAt } from './bytes.js';

const ID = {
  segment: 0x18538067,
  seekHead: 0x114d9b74,
  seek: 0x4dbb,
  seekId: 0x53ab,
  seekPosition: 0x53ac,
  tags: 0x1254c367,
  tag: 0x7373,
  cluster: 0x1f43b675,
  void: 0xec,
  crc: 0xbf,
  chapters: 0x1043a770,
  edition: 0x45b9,
  editionDefault: 0x45db,
  atom: 0xb6,
  uid: 0x73c4,
  start: 0x91,
  end: 0x92,
  display: 0x80,
  title: 0x85,
  language: 0x437c,
};

/** The name of the tag, its elements' own bytes, and an empty element where it does not fit exactly. */
const SPARE = 16;

export function matroskaPlace(chapters: readonly Chapter[]): Record<string, string> {
  return { CHAPTERS: placeText(Math.max(PLACE.length, chaptersElement(chapters).length + SPARE)) };
}

/** @throws MillraceError ERR_MILLRACE_OUTPUT if the place is not found. */
export function putIntoMatroska(file: number, chapters: readonly Chapter[]): void {
  const segment = topLevel(file, 0).find(({ id }) => id === ID.segment);
  if (!segment) throw placeLost();
  const elements = topLevel(file, segment.body);
  const tags = elements.find(({ id }) => id === ID.tags);
  if (!tags) throw placeLost();
  const at = putBehindTags(file, tags, chaptersElement(chapters));
  const index = elements.findIndex(({ id }) => id === ID.seekHead);
  const [head, gap] = elements.slice(index, index + 2);
  if (index >= 0 && head && gap?.id === ID.void) enter(file, head, gap, at - segment.body);
}

interface Element {
  readonly id: number;
  /** In the file, or in the bytes that it was read from. */
  readonly begin: number;
  readonly body: number;
  readonly end: number;
}

/** Puts an element in the place of the tag that has kept it. @returns where it begins. */
function putBehindTags(file: number, { begin, body, end }: Element, element: Buffer): number {
  const bytes = readAt(file, begin, end - begin);
  const tag = childrenOf(bytes, body - begin, bytes.length).find(
    ({ id, body: from, end: to }) => id === ID.tag && bytes.subarray(from, to).includes(PLACE),
  );
  const place =
    tag && childrenOf(bytes, tag.body, tag.end).find((one) => bytes.subarray(one.body, one.end).includes(PLACE));
  if (!tag || !place) throw placeLost();
  const room = place.end - place.begin;
  bytes.copyWithin(place.begin, place.end);
  resize(bytes, tag, -room);
  resize(bytes, { begin: 0, body: body - begin }, -room);
  voidChecksum(bytes, body - begin);
  const at = bytes.length - room;
  element.copy(bytes, at);
  gapOf(room - element.length).copy(bytes, at + element.length);
  writeAt(file, begin, bytes);
  return begin + at;
}

/** Enters an element into the index, at the cost of the empty one behind it. */
function enter(file: number, head: Element, gap: Element, position: number): void {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(ID.chapters);
  const entry = element(ID.seek, element(ID.seekId, id), element(ID.seekPosition, unsigned(BigInt(position))));
  const lengthBytes = head.body - head.begin - 4;
  const size = head.end - head.body + entry.length;
  const left = gap.end - gap.begin - entry.length;
  if (left < 2 || size >= 2 ** (7 * lengthBytes) - 1) return;
  const bytes = readAt(file, head.begin, head.end - head.begin);
  resize(bytes, { begin: 0, body: head.body - head.begin }, entry.length);
  voidChecksum(bytes, head.body - head.begin);
  writeAt(file, head.begin, Buffer.concat([bytes, entry, gapOf(left)]));
}

/** The checksum over what has changed becomes an empty element. */
function voidChecksum(bytes: Buffer, body: number): void {
  if (bytes[body] === ID.crc) bytes[body] = ID.void;
}

/** The size keeps the number of its bytes. */
function resize(bytes: Buffer, { begin, body }: Pick<Element, 'begin' | 'body'>, by: number): void {
  const at = begin + idLength(bytes[begin]!);
  const length = body - at;
  const size = readSize(bytes, at, length) + by;
  sizeBytes(size, length).copy(bytes, at);
}

function chaptersElement(chapters: readonly Chapter[]): Buffer {
  const atoms = chapters.map(({ start, end, tags }, i) =>
    element(
      ID.atom,
      element(ID.uid, unsigned(BigInt(i + 1))),
      element(ID.start, unsigned(nanoseconds(start))),
      element(ID.end, unsigned(nanoseconds(end))),
      ...(tags.title === undefined
        ? []
        : [element(ID.display, element(ID.title, Buffer.from(tags.title)), element(ID.language, Buffer.from('und')))]),
    ),
  );
  return element(ID.chapters, element(ID.edition, element(ID.editionDefault, unsigned(1n)), ...atoms));
}

function nanoseconds(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e6)) * 1000n;
}

function element(id: number, ...bodies: Buffer[]): Buffer {
  const body = Buffer.concat(bodies);
  const name = Buffer.from(id.toString(16).padStart(id.toString(16).length + (id.toString(16).length % 2), '0'), 'hex');
  return Buffer.concat([name, sizeBytes(body.length, lengthFor(body.length)), body]);
}

/** An empty element of so many bytes altogether; none for 0. */
function gapOf(bytes: number): Buffer {
  if (bytes === 0) return Buffer.alloc(0);
  const length = bytes < 10 ? 1 : 8;
  return Buffer.concat([
    Buffer.from([ID.void]),
    sizeBytes(bytes - 1 - length, length),
    Buffer.alloc(bytes - 1 - length),
  ]);
}

function unsigned(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
}

function lengthFor(size: number): number {
  let length = 1;
  while (size >= 2 ** (7 * length) - 1) length++;
  return length;
}

function sizeBytes(size: number, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE((1n << BigInt(7 * length)) | BigInt(size));
  return bytes.subarray(8 - length);
}

function idLength(first: number): number {
  return Math.clz32(first) - 23;
}

function readSize(bytes: Buffer, at: number, length: number): number {
  let size = bytes[at]! & (0xff >> length);
  for (let i = 1; i < length; i++) size = size * 256 + bytes[at + i]!;
  return size;
}

function childrenOf(bytes: Buffer, from: number, to: number): Element[] {
  const found: Element[] = [];
  for (let begin = from; begin < to; ) {
    const ids = idLength(bytes[begin]!);
    const at = begin + ids;
    const length = idLength(bytes[at]!);
    const body = at + length;
    const end = body + readSize(bytes, at, length);
    if (ids > 4 || end > to) break;
    found.push({ id: bytes.readUIntBE(begin, ids), begin, body, end });
    begin = end;
  }
  return found;
}

/** The elements of the file from a place on, up to the first cluster. */
function topLevel(file: number, from: number): Element[] {
  const found: Element[] = [];
  for (let begin = from; ; ) {
    const head = readAt(file, begin, 12);
    const ids = idLength(head[0]!);
    const length = ids > 4 ? 9 : idLength(head[ids]!);
    if (length > 8) return found;
    const id = head.readUIntBE(0, ids);
    const body = begin + ids + length;
    const end = body + readSize(head, ids, length);
    found.push({ id, begin, body, end });
    if (id === ID.cluster || id === ID.segment) return found;
    begin = end;
  }
}

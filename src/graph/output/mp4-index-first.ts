/**
 * `faststart` for a file in memory: the index (moov) of an mp4 goes before its media data, which then stand that much
 * further behind, and so do the places that the index names.
 */
import { MillraceError } from '../../errors/errors.js';

interface Box {
  readonly type: string;
  readonly start: number;
  /** Where its contents begin. */
  readonly body: number;
  readonly end: number;
}

/** Those around the tables of places. */
const AROUND = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl']);

/**
 * @param file The whole of it.
 * @param name What it is called in errors.
 * @returns its parts in their new order; the file as it is if its index comes first, or it has none of this kind.
 * @throws MillraceError ERR_MILLRACE_OUTPUT if places no longer fit into the index.
 */
export function withIndexFirst(file: Buffer, name: string): readonly Uint8Array[] {
  const boxes = boxesIn(file, 0, file.length);
  const moov = boxes.find(({ type }) => type === 'moov');
  const media = boxes.find(({ type }) => type === 'mdat');
  if (!moov || !media || moov.start < media.start) return [file];
  // Whatever stands before the media data and belongs to them, such as a box that is as large as a long header, stays there.
  const first = boxes.find(({ type }) => type !== 'ftyp')!;
  const index = Buffer.from(file.subarray(moov.start, moov.end));
  shift(index, { type: 'moov', start: 0, body: moov.body - moov.start, end: index.length }, index.length, name);
  return [file.subarray(0, first.start), index, file.subarray(first.start, moov.start), file.subarray(moov.end)];
}

function boxesIn(bytes: Buffer, from: number, to: number): Box[] {
  const boxes: Box[] = [];
  for (let start = from; start + 8 <= to; ) {
    const short = bytes.readUInt32BE(start);
    const isLong = short === 1 && start + 16 <= to;
    // 0 stands for what reaches to the end.
    const size = isLong ? Number(bytes.readBigUInt64BE(start + 8)) : short === 0 ? to - start : short;
    const body = start + (isLong ? 16 : 8);
    const end = start + size;
    if (end < body || end > to) break;
    boxes.push({ type: bytes.toString('latin1', start + 4, start + 8), start, body, end });
    start = end;
  }
  return boxes;
}

function shift(bytes: Buffer, box: Box, by: number, name: string): void {
  if (AROUND.has(box.type)) for (const inner of boxesIn(bytes, box.body, box.end)) shift(bytes, inner, by, name);
  if (box.type !== 'stco' && box.type !== 'co64') return;
  // Version and flags, then how many there are.
  const count = bytes.readUInt32BE(box.body + 4);
  for (let i = 0; i < count; i++) {
    if (box.type === 'co64') {
      const at = box.body + 8 + 8 * i;
      bytes.writeBigUInt64BE(bytes.readBigUInt64BE(at) + BigInt(by), at);
    } else {
      const at = box.body + 8 + 4 * i;
      const place = bytes.readUInt32BE(at) + by;
      if (place > 0xffff_ffff) throw tooLarge(name);
      bytes.writeUInt32BE(place, at);
    }
  }
}

function tooLarge(name: string): MillraceError {
  const what = `the output of ${name} is too large for its index to be moved to the beginning`;
  return new MillraceError('ERR_MILLRACE_OUTPUT', what, { hint: "Leave out 'faststart', or write it into a file" });
}

/**
 * The samples that an encoder of MP3 put behind the last one. FFmpeg cuts them off by the tag in the first frame (Xing or
 * Info, with the extension of LAME), but not of a stream: it compares the tag with the size of the file, and takes the
 * unknown size of a stream (avio_size fails) for a file of many tags one behind another (mp3dec.c,
 * mp3_parse_info_tag).
 */
import { AV_PKT_DATA_SKIP_SAMPLES } from 'node-av/constants';
import type { Packet } from 'node-av/lib';
import { check, fromNativeTimestamp, type Rational, rescale } from '../../../src/media/index.js';

/** A tag stands in the first frame, behind what ID3v2 says, which is skipped. */
const WINDOW = 4096;
const ID3_HEADER = 10;
/** Samples that a decoder of MP3 is late. */
const DECODER_DELAY = 529;
const ENCODERS = ['LAME', 'Lavf', 'Lavc'];

interface Padding {
  /** From this sample on everything is padding. */
  readonly first: bigint;
  /** Where the frames that the tag counts end. */
  readonly end: bigint;
}

export class Mp3Padding {
  /** The beginning behind ID3v2; undefined when nothing more is looked for. */
  #head: Buffer | undefined = Buffer.alloc(0);
  #skip = 0;
  #padding: Padding | undefined;

  /** Looks at the next bytes of the file. */
  pass(bytes: Buffer): void {
    if (this.#head === undefined) return;
    const step = Math.min(this.#skip, bytes.length);
    this.#skip -= step;
    if (this.#skip > 0) return;
    this.#head = Buffer.concat([this.#head, bytes.subarray(step)]);
    const head = this.#head;
    if (head.length >= ID3_HEADER && head.toString('latin1', 0, 3) === 'ID3') {
      const size = ID3_HEADER + synchsafe(head);
      this.#skip = Math.max(0, size - head.length);
      this.#head = head.subarray(Math.min(size, head.length));
      if (this.#head.length > 0) this.pass(Buffer.alloc(0));
      return;
    }
    if (head.length < WINDOW) return;
    this.#finish(head);
  }

  #finish(head: Buffer): void {
    this.#head = undefined;
    this.#padding = paddingOf(head.subarray(0, WINDOW));
  }

  /**
   * Marks the samples of a packet that are padding, as FFmpeg marks them in a file.
   * @param sampleRate Hz.
   */
  mark(packet: Packet, timeBase: Rational, sampleRate: number): void {
    if (this.#head !== undefined) this.#finish(this.#head);
    const padding = this.#padding;
    const pts = fromNativeTimestamp(packet.pts);
    if (padding === undefined || pts === undefined || sampleRate <= 0) return;
    const samples = (ticks: bigint): bigint => rescale(ticks, timeBase, { num: 1, den: sampleRate });
    const [begin, length] = [samples(pts), samples(packet.duration)];
    const over = begin + length - padding.first;
    if (length <= 0n || over <= 0n || begin >= padding.end) return;
    const data = Buffer.alloc(10);
    // What is to be skipped at the beginning of the packet stays.
    packet.getSideData(AV_PKT_DATA_SKIP_SAMPLES)?.copy(data);
    data.writeUInt32LE(Math.min(Number(over), Number(length)), 4);
    check(packet.addSideData(AV_PKT_DATA_SKIP_SAMPLES, data), 'Cannot mark the padding of MP3');
  }
}

function synchsafe(head: Buffer): number {
  return [6, 7, 8, 9].reduce((sum, at) => sum * 128 + (head[at]! & 0x7f), 0);
}

function paddingOf(head: Buffer): Padding | undefined {
  for (let at = 0; at + 160 < head.length; at++) {
    // Sync word and layer III.
    if (head[at] !== 0xff || (head[at + 1]! & 0xe6) !== 0xe2) continue;
    const mpeg1 = (head[at + 1]! & 0x18) === 0x18;
    const mono = (head[at + 3]! & 0xc0) === 0xc0;
    const tag = at + 4 + (mpeg1 ? (mono ? 17 : 32) : mono ? 9 : 17);
    const name = head.toString('latin1', tag, tag + 4);
    if (name !== 'Xing' && name !== 'Info') continue;
    return lamePadding(head, tag, mpeg1 ? 1152n : 576n);
  }
  return undefined;
}

/** @param tag Where the tag begins. */
function lamePadding(head: Buffer, tag: number, samplesPerFrame: bigint): Padding | undefined {
  const flags = head.readUInt32BE(tag + 4);
  if ((flags & 1) === 0) return undefined;
  const frames = BigInt(head.readUInt32BE(tag + 8));
  const lame = tag + 8 + 4 + (flags & 2 ? 4 : 0) + (flags & 4 ? 100 : 0) + (flags & 8 ? 4 : 0);
  if (lame + 24 > head.length || !ENCODERS.includes(head.toString('latin1', lame, lame + 4))) return undefined;
  const padding = BigInt(head.readUIntBE(lame + 21, 3) & 0xfff);
  const end = frames * samplesPerFrame;
  const first = end - padding + BigInt(DECODER_DELAY);
  return frames > 0n && first < end ? { first, end } : undefined;
}

/** Decoded frames beside what `ffmpeg -f framemd5` wrote for the same input. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AudioFrame, type Packet, type Rational, toMicroseconds, VideoFrame } from '../../src/media/index.js';

export interface FrameHash {
  /** Microseconds. */
  readonly time: number;
  readonly bytes: number;
  readonly md5: string;
}

/** Reads a file of FFmpeg's framemd5 muxer with one stream. */
export function readFrameMd5(path: string | URL): FrameHash[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  const [num, den] = lines
    .find((line) => line.startsWith('#tb 0:'))!
    .slice('#tb 0:'.length)
    .split('/')
    .map(Number);
  const timeBase: Rational = { num: num!, den: den! };
  return lines
    .filter((line) => /^\d/.test(line))
    .map((line) => line.split(',').map((field) => field.trim()))
    .map((fields) => ({
      time: toMicroseconds(BigInt(fields[2]!), timeBase),
      bytes: Number(fields[4]),
      md5: fields[5]!,
    }));
}

/** The same figures of packets that carry frames. */
export function hashFrames(packets: readonly Packet[]): FrameHash[] {
  return packets.map(({ payload, timestamp }) => {
    if (!(payload instanceof VideoFrame || payload instanceof AudioFrame)) throw new Error('a packet without a frame');
    const bytes = payload.toBuffer();
    return { time: timestamp!, bytes: bytes.byteLength, md5: createHash('md5').update(bytes).digest('hex') };
  });
}

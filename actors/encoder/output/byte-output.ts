/**
 * `push_output: 1`: the file as the muxer writes it, piece by piece. Muxers go back to what they have written (mp4 to the
 * size of its media data), so every piece says where it belongs.
 */
import { AVSEEK_CUR, AVSEEK_END, AVSEEK_SET, AVSEEK_SIZE } from 'node-av/constants';
import { IOContext } from 'node-av/lib';
import { ledger } from '../../../src/media/index.js';

/** A piece of a file. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** From the beginning of the file. */
  readonly offset: number;
}

const EINVAL = -22;

/** @param size Bytes of a piece at most, while the muxer goes on; it is the size of FFmpeg's buffer. */
export function openPieces(size: number, take: (piece: Piece) => void): IOContext {
  let position = 0;
  let length = 0;
  const io = new IOContext();
  const write = (bytes: Buffer): number => {
    take({ bytes, offset: position });
    position += bytes.length;
    length = Math.max(length, position);
    return bytes.length;
  };
  const seek = (offset: bigint, whence: number): bigint => {
    if (whence === AVSEEK_SIZE) return BigInt(length);
    const from = { [AVSEEK_SET]: 0, [AVSEEK_CUR]: position, [AVSEEK_END]: length }[whence];
    if (from === undefined) return BigInt(EINVAL);
    position = from + Number(offset);
    return BigInt(position);
  };
  io.allocContextWithCallbacks(size, 1, null, write, seek);
  ledger.opened('io');
  return io;
}

export function closePieces(io: IOContext): void {
  io.freeContext();
  ledger.closed('io');
}

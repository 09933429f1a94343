/**
 * `push_output: 1`: the file as the muxer writes it, piece by piece. Muxers go back to what they have written (mp4 to the
 * size of its media data), so every piece says where it belongs.
 */
import type { IOContext } from 'node-av/lib';
import { BytePlace, closeBytes, openBytes } from '../../shared/byte-io.js';

/** A piece of a file. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** From the beginning of the file. */
  readonly offset: number;
}

/** @param size Bytes of a piece at most, while the muxer goes on; it is the size of FFmpeg's buffer. */
export function openPieces(size: number, take: (piece: Piece) => void): IOContext {
  const place = new BytePlace();
  const write = (bytes: Buffer): void => {
    take({ bytes, offset: place.at });
    place.pass(bytes.length);
  };
  return openBytes({ write, place }, size);
}

export const closePieces = closeBytes;

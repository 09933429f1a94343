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

/** How the bytes of a file are wanted. */
export interface Pieces {
  /** Bytes of a piece at most, while the muxer goes on; it is the size of FFmpeg's buffer. */
  readonly size: number;
  /** What was written is gone: the muxer is not to go back. */
  readonly streamed: boolean;
  readonly take: (piece: Piece) => void;
}

export function openPieces({ size, streamed, take }: Pieces): IOContext {
  const place = new BytePlace();
  const write = (bytes: Buffer): void => {
    take({ bytes, offset: place.at });
    place.pass(bytes.length);
  };
  return openBytes({ write, place: streamed ? undefined : place }, size);
}

export const closePieces = closeBytes;

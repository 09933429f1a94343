/**
 * Small pieces of a stream of bytes. A link counts packets, and a packet of a few hundred bytes costs its way between
 * threads as much as one of 64 KiB does; so what waits for room is joined, and what may wait is counted in bytes.
 */
import { EncodedPacket } from '../../media/packet/encoded-packet.js';
import { Packet } from '../../media/packet/packet.js';

/** Longest piece that is joined to others: copying a longer one would cost more than its way. */
const LONGEST_PIECE = 16_384;
/** Bytes of small pieces that may wait for room before whoever pushes them is held back. */
export const WAITING_BYTES = 65_536;

/** Whether so many bytes are a piece that can be joined to others. None are the end of a file. */
export function isPiece(size: number): boolean {
  return size > 0 && size <= LONGEST_PIECE;
}

/**
 * A copy of the bytes of a packet that can be joined to others, whose packet is released; undefined if it cannot, and
 * stays as it is.
 */
export function pieceOf(packet: Packet): Uint8Array | undefined {
  const { payload } = packet;
  const isEncoded = payload instanceof EncodedPacket;
  const size = isEncoded ? payload.size : payload instanceof Uint8Array ? payload.byteLength : 0;
  if (!isPiece(size)) return undefined;
  // The data of an encoded packet is a copy already. The memory of an array is the user's, who may use it again.
  const piece = isEncoded ? payload.data : new Uint8Array(payload as Uint8Array);
  packet.close();
  return piece;
}

export function join(pieces: readonly Uint8Array[]): Packet {
  return new Packet(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces));
}

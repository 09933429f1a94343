/** Times of packets as a muxer takes them. */
import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Packet } from 'node-av/lib';

/**
 * The corrections of the ffmpeg command: dts not above pts, and each dts above the one before (`write_packet`).
 * @returns the decoding time that it has now.
 */
export function straighten(
  packet: Packet,
  {
    last,
    isStrict,
    changed,
  }: {
    /** Decoding time of the packet before it in its stream. */
    readonly last: bigint | undefined;
    /** A decoding time may not come twice. */
    readonly isStrict: boolean;
    /** Told what has been changed. */
    changed(what: string): void;
  },
): bigint {
  let { pts, dts } = packet;
  if (dts === AV_NOPTS_VALUE) return dts;
  const next = last === undefined ? undefined : last + (isStrict ? 1n : 0n);
  if (pts !== AV_NOPTS_VALUE && dts > pts) {
    const guess = middle(pts, dts, (last ?? AV_NOPTS_VALUE) + 1n);
    changed(`dts ${dts} is after pts ${pts}, both become ${guess}`);
    pts = guess;
    dts = guess;
    packet.pts = pts;
    packet.dts = dts;
  }
  if (next !== undefined && dts < next) {
    changed(`dts ${dts} is not after ${last}, it becomes ${next}`);
    if (pts !== AV_NOPTS_VALUE && pts >= dts && pts < next) pts = next;
    dts = next;
    packet.pts = pts;
    packet.dts = dts;
  }
  return dts;
}

function middle(a: bigint, b: bigint, c: bigint): bigint {
  return [a, b, c].sort((x, y) => (x < y ? -1 : x > y ? 1 : 0))[1]!;
}

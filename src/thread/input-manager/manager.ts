/**
 * An input manager decides which packets of a node's inputs belong together in one call of `process`. `immediate` is
 * the absence of one: whatever is queued, unaligned (actor/inputs.ts). A manager takes packets only from inputs it needs them
 * of, so that everything else stays in the links, where back-pressure and the relief rule see it.
 */
import { MillraceError } from '../../errors/errors.js';
import { VideoFrame } from '../../media/frame/video-frame.js';
import type { Packet } from '../../media/packet/packet.js';
import { isTimeBase, MICROSECONDS, NANOSECONDS, type Rational, rescale, toMicroseconds } from '../../media/time.js';
import type { SyncEvent } from '../../sync/index.js';

/** What one call of `process` gets. */
export interface Group {
  /** The packets belong to the task, which releases them. */
  readonly inputs: Map<number, Packet[]>;
  /** Time of the group in nanoseconds, where the manager has one. */
  readonly pts?: bigint | undefined;
  /** Length of the group in nanoseconds, where it is known. */
  readonly duration?: bigint | undefined;
}

/** What a manager knows of the node it works for. */
export interface ManagerHost {
  /** Nanoseconds of a clock that does not go back. */
  now(): bigint;
  /**
   * Present if a test moves that clock by hand: it has to be looked at whether or not real time passes, and who looks tells
   * up to when it has gone by it.
   */
  readonly looked?: (time: bigint) => void;
  /** Makes the host ask for the next group. */
  wake(): void;
  /** A packet of this input is there that was not taken yet. */
  available(input: number): boolean;
  /**
   * Told of every packet that is left out or used again; undefined if nobody wants to know. `pad` is the place of the
   * input among those that are connected.
   */
  trace?: ((event: SyncEvent) => void) | undefined;
}

export interface InputManager {
  /** Its groups do not wait for late packets, so it is given those that are there before it is asked for one. */
  readonly greedy?: true;
  /** It needs a packet of this input before it can go on. */
  wants(input: number): boolean;
  /**
   * Takes a packet over, end of stream included.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for one that cannot be aligned; the packet is released.
   */
  take(input: number, packet: Packet): void;
  /** The next group, or undefined while more input is needed. */
  next(): Group | undefined;
  /** Every end has been handed on: no group follows. */
  readonly finished: boolean;
  /** Packets left out, and packets used again, so far. */
  readonly dropped: number;
  readonly reused: number;
  /** Releases what it holds. @returns packets of these that it has never handed on. */
  discard(): number;
}

/** A payload that knows its own time: a frame or an encoded packet. */
interface Timed {
  pts: bigint | undefined;
  timeBase: Rational;
}

function isTimed(payload: unknown): payload is Timed {
  if (typeof payload !== 'object' || payload === null || !('pts' in payload) || !('timeBase' in payload)) return false;
  const { pts, timeBase } = payload;
  // Plain data may have properties of these names, too.
  return (pts === undefined || typeof pts === 'bigint') && typeof timeBase === 'object' && timeBase !== null;
}

function payloadTime(packet: Packet, unit: Rational): bigint | undefined {
  const { payload } = packet;
  if (!isTimed(payload) || payload.pts === undefined || !isTimeBase(payload.timeBase)) return undefined;
  return rescale(payload.pts, payload.timeBase, unit);
}

/**
 * Time of a packet in nanoseconds: its payload's own if it has one, exact from pts and time base, else the packet's;
 * undefined if it has neither.
 */
export function nanoseconds(packet: Packet): bigint | undefined {
  const own = payloadTime(packet, NANOSECONDS);
  if (own !== undefined || packet.timestamp === undefined) return own;
  return BigInt(Math.round(packet.timestamp * 1000));
}

/** Length of a packet's payload in nanoseconds; undefined if it does not say. */
export function lengthOf({ payload }: Packet): bigint | undefined {
  if (!isTimed(payload) || !isTimeBase(payload.timeBase)) return undefined;
  const { duration } = payload as Timed & { duration?: bigint };
  return typeof duration !== 'bigint' || duration <= 0n ? undefined : rescale(duration, payload.timeBase, NANOSECONDS);
}

/**
 * The same, of a packet that must have one.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD if it has none.
 */
export function requireTime(packet: Packet, input: number): bigint {
  return nanoseconds(packet) ?? refuse(input);
}

/**
 * Time of a packet in microseconds, by the same rule.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD if it has none.
 */
export function microseconds(packet: Packet, input: number): number {
  const own = payloadTime(packet, MICROSECONDS);
  return own === undefined ? (packet.timestamp ?? refuse(input)) : Number(own);
}

function refuse(input: number): never {
  throw new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `a packet of input ${input} has no timestamp, so it cannot be aligned`,
    {
      hint: "Put a 'timestamper' in front of this input, or use the input manager 'immediate'",
    },
  );
}

/** The unit is fine enough for the time, to the microsecond: 60 ticks a second cannot be told in 1/25 s. */
function tells(unit: Rational, time: bigint): boolean {
  const error = rescale(rescale(time, NANOSECONDS, unit), unit, NANOSECONDS) - time;
  return error > -1000n && error < 1000n;
}

/**
 * A copy of the packet (a reference, not the pixels) that says it is of that time, in nanoseconds; as it is if it was of
 * that time already. The rate of the stream it comes from is not that of the times it is given, so it loses it.
 */
export function restamped(packet: Packet, time: bigint): Packet {
  const copy = packet.clone();
  if (copy.payload instanceof VideoFrame && copy.payload !== packet.payload) copy.payload.frameRate = undefined;
  if (nanoseconds(packet) === time) return copy;
  const { payload } = copy;
  const timed = isTimed(payload);
  // Only a payload that was cloned is ours to change.
  if (timed && payload !== packet.payload) {
    if (!isTimeBase(payload.timeBase) || !tells(payload.timeBase, time)) payload.timeBase = NANOSECONDS;
    payload.pts = rescale(time, NANOSECONDS, payload.timeBase);
  }
  copy.timestamp = timed ? toMicroseconds(time, NANOSECONDS) : Number(time) / 1000;
  return copy;
}

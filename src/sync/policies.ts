/**
 * The four policies. Each decides the base time of a round, then collects a buffer of every pad for it.
 *
 * Source: NNStreamer 2.7, gst_tensor_time_sync_get_current_time and gst_tensor_time_sync_buffer_from_collectpad in
 * nnstreamer_plugin_api_impl.c. Ours is the handling of silent pads, and that time begins with the first PTS instead
 * of 0, which makes a difference for negative ones only.
 */
import type { Pad, Timed } from './pad.js';
import type { SyncMode } from './types.js';

/** Base time of the round in progress, which policies set, and the pads, which they take from. */
export interface Round<T> {
  readonly pads: readonly Pad<T>[];
  /** Index of the pad that `basepad` goes by. */
  readonly basePad: number;
  /** Nanoseconds: the widest window of `basepad`. */
  readonly maxWindow: bigint;
  /** Nanoseconds; undefined before the first round. Kept from round to round. */
  time: bigint | undefined;
  /** Nanoseconds: of the buffer whose PTS became the time in this round. */
  duration: bigint | undefined;
  /** `slowest`: index of the first pad whose head may not have been looked at in this round. */
  undecided: number;
  /** `basepad`: the pad whose head was the base when the round began. */
  base: Pad<T>;
  /** Nanoseconds: time as the last tick gave it. */
  readonly now: bigint | undefined;
  /** Takes the head of a pad. */
  take(pad: Pad<T>): void;
}

export interface Policy {
  /** Begins a round. False: nothing is ever output again. */
  decide<T>(round: Round<T>): boolean;
  /** True: every pad has given what it has to give to the round. False: it goes on at the next attempt. */
  collect<T>(round: Round<T>): boolean;
}

/** The time is the highest PTS of any head so far. False if a pad has ended. */
function raiseTime<T>(round: Round<T>): boolean {
  let ended = false;
  round.duration = undefined;
  for (const { head, closed } of round.pads) {
    if (head === undefined) ended ||= closed;
    else if (round.time === undefined || head.pts > round.time) setTime(round, head);
  }
  return !ended;
}

function setTime<T>(round: Round<T>, buffer: Timed<T>): void {
  round.time = buffer.pts;
  round.duration = buffer.duration;
}

const nosync: Policy = {
  decide: raiseTime,
  collect(round) {
    for (const pad of round.pads) if (pad.head !== undefined) round.take(pad);
    return true;
  },
};

const slowest: Policy = {
  decide: raiseTime,
  collect(round) {
    const { pads, undecided } = round;
    const time = round.time!;
    let firstTaken: number | undefined;
    for (let index = undecided; index < pads.length; index++) {
      const pad = pads[index]!;
      const { head, last } = pad;
      if (head === undefined) continue;
      if (head.pts < time) {
        // One drop per attempt: every pad must show a head again before the output comes. Pads whose head was left
        // would leave it again, so the next attempt need not ask them.
        round.take(pad);
        round.undecided = firstTaken ?? index;
        return false;
      }
      // A tie takes the newer.
      if (last === undefined || head.pts === time || distance(time, last.pts) >= head.pts - time) {
        round.take(pad);
        firstTaken ??= index;
      }
    }
    return true;
  },
};

const basepad: Policy = {
  decide(round) {
    // A base pad that is silent is stood in for by the first pad that has a buffer.
    const own = round.pads[round.basePad]!;
    const base = own.head === undefined ? round.pads.find((pad) => pad.head !== undefined) : own;
    round.duration = undefined;
    if (base?.head !== undefined) {
      round.base = base;
      setTime(round, base.head);
    }
    for (const { head, closed } of round.pads) if (head === undefined && closed) return false;
    return true;
  },
  collect(round) {
    const time = round.time!;
    const window = windowOf(round);
    for (const pad of round.pads) {
      const { head, last } = pad;
      if (head === undefined) continue;
      if (head.pts < time) {
        round.take(pad);
        return false;
      }
      if (last === undefined || window === undefined || head.pts - time <= window) round.take(pad);
    }
    return true;
  },
};

/**
 * Nanoseconds by which a buffer may be later than the base, undefined if any number: less than the distance between the
 * base pad's buffers. NNStreamer computes that distance - 1 as an unsigned number, hence no limit if it is 0.
 */
function windowOf<T>({ base: { head, last }, maxWindow }: Round<T>): bigint | undefined {
  if (head === undefined || last === undefined) return 0n;
  const interval = distance(head.pts, last.pts);
  if (interval === 0n) return undefined;
  return interval > maxWindow ? maxWindow : interval - 1n;
}

const refresh: Policy = {
  decide(round) {
    raiseTime(round);
    return round.pads.some((pad) => pad.head !== undefined);
  },
  collect(round) {
    for (const pad of round.pads) {
      if (pad.head !== undefined) round.take(pad);
      else if (pad.last === undefined && !pad.silent(round.now)) return false;
    }
    return true;
  },
};

function distance(a: bigint, b: bigint): bigint {
  return a < b ? b - a : a - b;
}

export const policies: Readonly<Record<SyncMode, Policy>> = { nosync, slowest, basepad, refresh };

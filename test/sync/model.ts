/**
 * The policies once more, as NNStreamer's rules read: whole sequences, no queues, nothing clever. What the synchroniser
 * must do for any input without timeouts and limits. A buffer is its place on its pad; outputs are rows of places.
 */
import type { SyncMode } from '../../src/sync/index.js';

export interface Rules {
  mode: SyncMode;
  basePad: number;
  duration: bigint;
  endsWithAny: boolean;
}

/** A pad and the place of the buffer that arrives on it, or undefined for its end. */
export interface Arrival {
  pad: number;
  place: number | undefined;
}

export interface Row {
  pts: bigint;
  places: number[];
}

export interface Expected {
  rows: Row[];
  /** `nosync`, `slowest`, `basepad`: once all pads have ended. */
  ended: boolean;
}

const distance = (a: bigint, b: bigint): bigint => (a < b ? b - a : a - b);

/** @param pads per pad the PTS of its buffers, all of which arrive and are followed by an end. */
export function expectedOutputs(rules: Rules, pads: readonly bigint[][], arrivals: readonly Arrival[]): Expected {
  return rules.mode === 'refresh' ? refresh(rules, pads, arrivals) : inLine(rules, pads);
}

/** `nosync`, `slowest` and `basepad` on complete sequences: an attempt is always possible until the end. */
function inLine({ mode, basePad, duration }: Rules, pads: readonly bigint[][]): Expected {
  const rows: Row[] = [];
  const next = pads.map(() => 0);
  const last = pads.map(() => -1);
  const head = (pad: number): bigint | undefined => pads[pad]![next[pad]!];
  const take = (pad: number): void => {
    last[pad] = next[pad]!++;
  };
  let time: bigint | undefined;
  for (;;) {
    const heads = pads.flatMap((_, pad) => head(pad) ?? []);
    if (mode === 'basepad') time = head(basePad);
    else for (const pts of heads) if (time === undefined || pts > time) time = pts;
    if (heads.length < pads.length) return { rows, ended: true };
    while (!collected(time!)) {
      // A drop: the round goes on, and pads that have run out lend their last buffer to it.
    }
    rows.push({ pts: time!, places: [...last] });
  }

  function collected(base: bigint): boolean {
    const baseHead = head(basePad);
    const baseLast = pads[basePad]![last[basePad]!];
    let window: bigint | undefined = 0n;
    if (baseHead !== undefined && baseLast !== undefined) {
      const less = distance(baseHead, baseLast) - 1n;
      window = less < 0n ? undefined : less < duration ? less : duration;
    }
    for (let pad = 0; pad < pads.length; pad++) {
      const first = head(pad);
      if (first === undefined) continue;
      if (mode === 'nosync') {
        take(pad);
        continue;
      }
      if (first < base) {
        take(pad);
        return false;
      }
      const before = pads[pad]![last[pad]!];
      const keep =
        mode === 'slowest'
          ? before !== undefined && distance(base, before) < distance(base, first)
          : before !== undefined && window !== undefined && distance(first, base) > window;
      if (!keep) take(pad);
    }
    return true;
  }
}

/** One attempt for each arrival at the head of a pad. */
function refresh({ endsWithAny }: Rules, pads: readonly bigint[][], arrivals: readonly Arrival[]): Expected {
  const rows: Row[] = [];
  const waiting: (number | 'end')[][] = pads.map(() => []);
  const shown: (number | undefined)[] = pads.map(() => undefined);
  const last: (number | undefined)[] = pads.map(() => undefined);
  const ended = pads.map(() => false);
  const events: number[] = [];
  let time: bigint | undefined;
  let fresh = true;
  let over = false;
  for (const { pad, place } of arrivals) {
    waiting[pad]!.push(place ?? 'end');
    if (shown[pad] === undefined && waiting[pad]!.length === 1) events.push(pad);
    for (let at = events.shift(); at !== undefined && !over; at = events.shift()) reach(at);
    if (over) return { rows, ended: true };
  }
  return { rows, ended: false };

  function reach(pad: number): void {
    const what = waiting[pad]!.shift()!;
    if (what === 'end') {
      ended[pad] = true;
      if (last[pad] === undefined) over = true;
      else if (endsWithAny || ended.every(Boolean)) attempt();
    } else {
      shown[pad] = what;
      attempt();
    }
  }

  function attempt(): void {
    if (fresh) {
      shown.forEach((place, pad) => {
        const pts = place === undefined ? undefined : pads[pad]![place]!;
        if (pts !== undefined && (time === undefined || pts > time)) time = pts;
      });
      if (shown.every((place) => place === undefined)) {
        over = true;
        return;
      }
      fresh = false;
    }
    for (let pad = 0; pad < pads.length; pad++) {
      if (shown[pad] !== undefined) {
        last[pad] = shown[pad];
        shown[pad] = undefined;
        if (waiting[pad]!.length > 0) events.push(pad);
      } else if (last[pad] === undefined) {
        return;
      }
    }
    rows.push({ pts: time!, places: last.map((place) => place!) });
    fresh = true;
  }
}

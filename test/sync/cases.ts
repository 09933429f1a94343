/** Random pads: rates, jitter, gaps, equal and backward PTS, late starts, early ends, and an order of arrival. */
import type { SyncMode } from '../../src/sync/index.js';
import { random } from '../fixtures/modules/plain.mjs';
import type { Arrival, Rules } from './model.js';

export interface Case extends Rules {
  pads: bigint[][];
  /** Every buffer of every pad and, behind them, the end of the pad. */
  arrivals: Arrival[];
}

export class Dice {
  private readonly next: () => number;

  constructor(seed: number) {
    this.next = random(seed);
  }

  /** An integer from 0 to n - 1. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<V>(values: readonly V[]): V {
    return values[this.below(values.length)]!;
  }
}

const INTERVALS = [1, 2, 3, 10, 10_000_000, 33_333_333, 40_000_000, 100_000_000];
const DURATIONS = [0n, 1n, 2n, 5n, 16_666_666n, 33_333_333n, 4_294_967_295n, 2n ** 63n];

export function randomCase(mode: SyncMode, dice: Dice): Case {
  // Few intervals per case, so that ties and near misses are common.
  const intervals = [dice.pick(INTERVALS), dice.pick(INTERVALS)];
  const pads = Array.from({ length: 1 + dice.below(5) }, () => randomPad(dice, dice.pick(intervals)));
  return {
    mode,
    basePad: mode === 'basepad' ? dice.below(pads.length) : 0,
    duration: mode === 'basepad' ? dice.pick(DURATIONS) : 0n,
    endsWithAny: mode !== 'refresh' || dice.chance(0.7),
    pads,
    arrivals: randomArrivals(pads, dice),
  };
}

function randomPad(dice: Dice, interval: number): bigint[] {
  const length = dice.chance(0.1) ? dice.below(2) : dice.below(25);
  const jitter = dice.chance(0.4) ? interval : 0;
  const backward = dice.chance(0.2);
  const gaps = dice.chance(0.3);
  const origin = dice.chance(0.1)
    ? 2n ** 64n - 1n - BigInt(interval * 100)
    : dice.chance(0.1)
      ? -BigInt(interval * 5)
      : 0n;
  let at = dice.chance(0.3) ? interval * dice.below(6) : 0;
  return Array.from({ length }, () => {
    const pts = origin + BigInt(at + (jitter > 0 ? dice.below(jitter) : 0));
    if (!dice.chance(0.1)) at += interval;
    if (gaps && dice.chance(0.1)) at += interval * dice.below(8);
    if (backward && dice.chance(0.1)) at = Math.max(0, at - interval * dice.below(4));
    return pts;
  });
}

/** Some order of arrival. Each pad keeps its own; its end comes last. */
export function randomArrivals(pads: readonly bigint[][], dice: Dice): Arrival[] {
  const arrivals: Arrival[] = [];
  const next = pads.map(() => 0);
  // Sometimes one pad runs ahead of the others, sometimes all take turns.
  const eager = dice.chance(0.5) ? dice.below(pads.length) : -1;
  const open = pads.map((_, pad) => pad);
  while (open.length > 0) {
    const at = eager >= 0 && dice.chance(0.7) ? open.indexOf(eager) : dice.below(open.length);
    const pad = open[Math.max(0, at)]!;
    const place = next[pad]!++;
    if (place < pads[pad]!.length) {
      arrivals.push({ pad, place });
    } else {
      arrivals.push({ pad, place: undefined });
      open.splice(open.indexOf(pad), 1);
    }
  }
  return arrivals;
}

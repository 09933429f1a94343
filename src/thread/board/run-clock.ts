/**
 * The running time of a graph: nanoseconds since it was turned to running, on the one clock of all threads, without those
 * in which it was paused. Three words of the board's head, which are where they are for good:
 *
 *   SINCE     (int64) when it began to run               stored before the board's STATE says so
 *   BY_HAND   (int64) running time that a test moves     -1: time goes by itself
 *   STANDS    (int64) running time of a paused graph     -1: it goes on; -2: it is being stopped (`halt`)
 *
 * It never goes back: `halt` reads the clock only after everybody can see that it is about to, and who has read the clock
 * before looks once more. Only the thread that built the graph halts it and lets it go on.
 */
import { monotonic } from '../../../ringbuffer/clock.js';

const SINCE = 0;
const BY_HAND = 1;
const STANDS = 2;
/** Values of STANDS that are no time. */
const GOES = -1n;
const HALTING = -2n;

/** A running time that does not come. */
export const NEVER = 2n ** 63n - 1n;

export class RunClock {
  private readonly instants: BigInt64Array;

  /** @param at byte at which its words are. */
  constructor(buffer: SharedArrayBuffer, at: number) {
    this.instants = new BigInt64Array(buffer, at, 3);
  }

  /** Before anybody else looks. @param byHand it stands still but for `advance`. */
  prepare(byHand: boolean): void {
    this.instants[BY_HAND] = byHand ? 0n : -1n;
    this.instants[STANDS] = GOES;
  }

  /** The graph is about to run. */
  begin(): void {
    Atomics.store(this.instants, SINCE, monotonic());
  }

  /** Nanoseconds; 0 before the graph runs. */
  get elapsed(): bigint {
    for (;;) {
      const stands = Atomics.load(this.instants, STANDS);
      if (stands >= 0n) return stands;
      if (stands === HALTING) continue; // a few instructions of the thread that pauses
      const now = this.goingTime();
      if (Atomics.load(this.instants, STANDS) === GOES) return now;
    }
  }

  private goingTime(): bigint {
    const since = Atomics.load(this.instants, SINCE);
    if (since === 0n) return 0n;
    const byHand = Atomics.load(this.instants, BY_HAND);
    return byHand < 0n ? monotonic() - since : byHand;
  }

  /** It is moved by a test. */
  get byHand(): boolean {
    return Atomics.load(this.instants, BY_HAND) >= 0n;
  }

  /** Of a clock that is moved by hand. */
  advance(nanoseconds: bigint): void {
    Atomics.add(this.instants, BY_HAND, nanoseconds);
  }

  /** It stands still; from the start of the running on, if that has not begun. */
  halt(): void {
    Atomics.store(this.instants, STANDS, HALTING);
    Atomics.store(this.instants, STANDS, this.goingTime());
  }

  /** It goes on from where it stands. */
  goOn(): void {
    const stands = Atomics.load(this.instants, STANDS);
    // Before it goes on: who sees that it does sees what it counts from.
    if (Atomics.load(this.instants, SINCE) !== 0n) Atomics.store(this.instants, SINCE, monotonic() - stands);
    if (this.byHand) Atomics.store(this.instants, BY_HAND, stands);
    Atomics.store(this.instants, STANDS, GOES);
  }
}

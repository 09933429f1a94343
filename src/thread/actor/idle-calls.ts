/**
 * Calls that neither take nor give. A module without inputs, or one that wants none of them (`wants() { return [] }`), is
 * called again and again, because it makes packets of its own. One that makes none would turn at full speed for ever: it is
 * a source that forgot `done()`, or a `wants` that is wrong, or it does its work in many small steps.
 *
 * So after MANY such calls in a row it is called only every PAUSE_MS, unless the calls take long enough to be work. The
 * board shows how many there were, and the watchdog does not take them for progress. A call that has waited for
 * something (a timer, I/O: it was still pending when the event loop had its turn) is none of them.
 */
import { clearTimeout, setTimeout, type Timer } from '../../../ringbuffer/clock.js';

/** Calls in a row after which somebody who makes nothing is called less often. */
const MANY = 256;
/** Shorter than a frame of 60 per second: what comes after a pause comes in time. */
const PAUSE_MS = 10;
/** A call of so many ms does something, whatever it brings. */
const WORK_MS = 0.5;

export class IdleCalls {
  /** It is not called now. */
  paused = false;
  /** In a row, so far. */
  count = 0;
  private timer: Timer | undefined;

  /** @param wake called when a pause is over. */
  constructor(private readonly wake: () => void) {}

  /** A call has brought nothing. @param milliseconds it took. */
  add(milliseconds: number): void {
    if (++this.count < MANY || milliseconds >= WORK_MS) return;
    this.paused = true;
    // While the graph is being stopped it is called within the pause, too.
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.paused = false;
      this.wake();
    }, PAUSE_MS).unref();
  }

  /** A call has brought something, or there will be none. */
  end(): void {
    this.count = 0;
    this.paused = false;
    clearTimeout(this.timer);
  }
}

/** When a user who has just been answered may be expected to go on. */
import { performance, setImmediate } from '../../../ringbuffer/clock.js';

/**
 * A user whose promise was settled goes on in a microtask, or in the next turn of the event loop: until then nobody may
 * take them for one who waits for something else.
 */
export class UserTurn {
  private pending: NodeJS.Immediate | undefined;

  /** @param onOver called a turn of the event loop later. */
  constructor(private readonly onOver: () => void) {}

  begin(): void {
    this.pending ??= setImmediate(() => {
      this.pending = undefined;
      this.onOver();
    });
  }

  get active(): boolean {
    return this.pending !== undefined;
  }
}

/** Longest time in ms for which answers may come at once, one after the other. */
const YIELD_AFTER = 5;

/**
 * Promises that are settled at once keep a loop that awaits them from ever giving timers, I/O and signals a turn. Every
 * few milliseconds one of them has to come with the event loop.
 */
export class Fairness {
  private since = performance.now();
  private count = 0;

  /** Whether the answer of now should be given by `later`. */
  isDue(): boolean {
    // Reading the clock for every packet would cost more than the packet.
    return ++this.count % 16 === 0 && performance.now() - this.since >= YIELD_AFTER;
  }

  later<T>(value: T): Promise<T> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.since = performance.now();
        resolve(value);
      });
    });
  }
}

/**
 * Which actors of a part may be able to run, so that nobody has to ask all of them. An actor is noted when something
 * happens to it: a packet arrives, room appears, a consumer leaves, a call settles, a pause or a timer ends, it has just
 * run. One that is asked and cannot run is forgotten until the next such event.
 *
 * Who goes next:
 *   1. one that has been noted for longer than PATIENCE steps: an endless stream from another thread must not keep a
 *      neighbour from its share;
 *   2. the one furthest downstream that is fed, so that packets leave before new ones enter;
 *   3. of those that need no input, the one whose last turn is longest ago.
 *
 * Invariant: an actor that can run is noted, or another thread made it so. Those to whom other threads do something are
 * named (`fromOutside`): one of them, in turn, is looked at in every step, and all of them before it is said that nobody
 * can run. All actors are asked before the thread sleeps (mayNotSleep). In a thread that does not, those whose limit another
 * thread has lifted are found within 20 ms (showIdle).
 *
 * The cost of a step does not grow with the actors: noting, forgetting and the oldest are a linked list, the furthest
 * downstream a search for the first bit.
 */

/** Steps in which one that could run lets others of its thread go first. */
const PATIENCE = 64;

/** The place of an actor that does not take part: it has not joined, or has closed and was left out. */
export const NOWHERE = -1;

/** What is asked of an actor, by its place: 0 is furthest downstream. */
export interface Asked {
  /** It would do something now. */
  isReady(place: number): boolean;
  /** What it does needs no input. */
  isSelfDriven(place: number): boolean;
}

export class ReadyQueue {
  /** One bit each: noted, and not asked since. */
  private readonly fresh: Int32Array;
  /** Noted ones in the order in which they were noted, as a ring; the place behind the last actor is its head. */
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  /** Step in which it was noted. */
  private readonly since: Float64Array;
  private step = 0;
  private turn = 0;
  /** Noted since its state was last shown. */
  private readonly stirred: Uint8Array;

  /** @param fromOutside places of the actors to whom other threads or the user do something. */
  constructor(
    private readonly size: number,
    private readonly fromOutside: readonly number[],
    private readonly asked: Asked,
  ) {
    this.fresh = new Int32Array((size + 31) >> 5);
    this.next = new Int32Array(size + 1).fill(-1);
    this.previous = new Int32Array(size + 1).fill(-1);
    this.next[size] = size;
    this.previous[size] = size;
    this.since = new Float64Array(size);
    this.stirred = new Uint8Array(size);
  }

  /** Something happened to it. What happens to one that has no place is no work of this part. */
  note(place: number): void {
    if (place === NOWHERE) return;
    this.fresh[place >> 5]! |= 1 << (place & 31);
    this.stirred[place] = 1;
    if (this.next[place] === -1) this.append(place);
  }

  /** Something happened that may concern everybody. */
  noteAll(): void {
    for (let place = 0; place < this.size; place++) this.note(place);
  }

  /** Whether anything has happened to it since this was last asked. */
  wasStirred(place: number): boolean {
    if (this.stirred[place] === 0) return false;
    this.stirred[place] = 0;
    return true;
  }

  /** Whether `take` would find somebody. */
  hasSome(): boolean {
    const place = this.chooseOfAll();
    if (place >= 0) this.note(place); // it was asked, and is to be found again
    return place >= 0;
  }

  /** The one that runs now, at the end of the order from here on; undefined: nobody can run. */
  take(): number | undefined {
    this.step++;
    const { fromOutside } = this;
    if (fromOutside.length > 0) {
      if (++this.turn >= fromOutside.length) this.turn = 0;
      this.note(fromOutside[this.turn]!); // [take.outside]
    }
    let place = this.choose();
    if (place < 0 && fromOutside.length > 0) place = this.chooseOfAll();
    if (place < 0) return undefined;
    this.remove(place);
    this.note(place); // [take.again] it may have more to do
    return place;
  }

  /** Those to whom other threads have done something included. */
  private chooseOfAll(): number {
    for (const place of this.fromOutside) this.note(place);
    return this.choose();
  }

  private choose(): number {
    const { asked, since, next, size } = this;
    for (let oldest = next[size]!; oldest !== size && this.step - since[oldest]! > PATIENCE; oldest = next[size]!) {
      if (asked.isReady(oldest)) return oldest;
      this.forget(oldest);
    }
    const fed = this.firstFed();
    if (fed >= 0) return fed;
    // Those that are left need no input; asked again, because what the others were asked may have changed something.
    for (let oldest = next[size]!; oldest !== size; oldest = next[size]!) {
      if (asked.isReady(oldest)) return oldest;
      this.forget(oldest);
    }
    return -1;
  }

  private firstFed(): number {
    const { fresh, asked } = this;
    for (let word = 0; word < fresh.length; word++) {
      while (fresh[word] !== 0) {
        const bits = fresh[word]!;
        const lowest = bits & -bits;
        const place = (word << 5) + 31 - Math.clz32(lowest);
        fresh[word] = bits & ~lowest;
        if (!asked.isReady(place))
          this.remove(place); // [take.forget] until something happens to it
        else if (!asked.isSelfDriven(place)) return place;
      }
    }
    return -1;
  }

  private forget(place: number): void {
    this.fresh[place >> 5]! &= ~(1 << (place & 31));
    this.remove(place);
  }

  private append(place: number): void {
    const { next, previous, size } = this;
    const last = previous[size]!;
    next[last] = place;
    previous[place] = last;
    next[place] = size;
    previous[size] = place;
    this.since[place] = this.step;
  }

  private remove(place: number): void {
    const { next, previous } = this;
    if (next[place] === -1) return;
    next[previous[place]!] = next[place]!;
    previous[next[place]!] = previous[place]!;
    next[place] = -1;
    previous[place] = -1;
  }
}

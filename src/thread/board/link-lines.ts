/**
 * What the two sides of a link, and whoever lifts its limit, write for one another. Three lines per link:
 *
 *   producer's   sent | blocked | blocked at taken | outbox | high water | held | awaits | awaited taken | float64 sent in all
 *   consumer's   taken | starved | left | reading | float64 time of what was taken | last job left
 *   relief's     allowance | reliefs                                        compare-and-swap by whoever finds the deadlock
 *
 * Each of the first two has one writer, its side; the other reads.
 */
import { BoardMemory, LINE } from './memory.js';

const SENT_TOTAL = 4; // float64 index inside a link's producer line: behind its int32 words
const TAKEN_TIME = 2; // float64 index inside a link's consumer line: behind its first int32 words
const LEFT_JOB = 6; // int32 index in the same line

export class LinkLines extends BoardMemory {
  // --- producer's line ------------------------------------------------------------------------------------------------

  /**
   * Packets handed to the link, counted before the consumer can see them. The word wraps, and so does that of `taken`: they
   * are compared for equality or by their difference (`queued`), never by size.
   */
  sent(link: number): number {
    return Atomics.load(this.words, this.linkAt(link));
  }

  setSent(link: number, count: number): void {
    const at = this.linkAt(link);
    this.figures[at / 2 + SENT_TOTAL] = count;
    Atomics.store(this.words, at, count);
  }

  /** The same, however many there were; for figures. */
  packets(link: number): number {
    return this.figures[this.linkAt(link) / 2 + SENT_TOTAL]!;
  }

  /** Packets that were handed to the link and not taken. */
  queued(link: number): number {
    // What is taken meanwhile must not count as sent before.
    const taken = this.taken(link);
    return (this.sent(link) - taken) | 0;
  }

  /** Whether the producer waits for room here, and the `taken` it saw when it found none. */
  blocked(link: number): boolean {
    return Atomics.load(this.words, this.linkAt(link) + 1) !== 0;
  }

  blockedAtTaken(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + 2);
  }

  setBlocked(link: number, taken: number): void {
    const at = this.linkAt(link);
    Atomics.store(this.words, at + 2, taken);
    Atomics.store(this.words, at + 1, 1);
  }

  clearBlocked(link: number): void {
    Atomics.store(this.words, this.linkAt(link) + 1, 0);
  }

  /** Packets that wait with the producer because the link has no room. */
  outbox(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + 3);
  }

  setOutbox(link: number, packets: number): void {
    Atomics.store(this.words, this.linkAt(link) + 3, packets);
  }

  highWater(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + 4);
  }

  setHighWater(link: number, packets: number): void {
    Atomics.store(this.words, this.linkAt(link) + 4, packets);
  }

  /** Frames sent by reference that the producer still keeps alive (link/frame-pins.ts). */
  held(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + 5);
  }

  setHeld(link: number, frames: number): void {
    Atomics.store(this.words, this.linkAt(link) + 5, frames);
  }

  /** Whether the producer asked to be woken when so many packets have been taken. */
  awaited(link: number, taken: number): boolean {
    const at = this.linkAt(link) + 6;
    return Atomics.load(this.words, at) !== 0 && ((taken - Atomics.load(this.words, at + 1)) | 0) >= 0;
  }

  setAwaited(link: number, taken: number): void {
    const at = this.linkAt(link) + 6;
    Atomics.store(this.words, at + 1, taken);
    Atomics.store(this.words, at, 1);
  }

  clearAwaited(link: number): void {
    Atomics.store(this.words, this.linkAt(link) + 6, 0);
  }

  // --- consumer's line ------------------------------------------------------------------------------------------------

  taken(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + LINE);
  }

  setTaken(link: number, count: number): void {
    Atomics.store(this.words, this.linkAt(link) + LINE, count);
  }

  /** Whether the consumer waits for packets of this link. */
  starved(link: number): boolean {
    return Atomics.load(this.words, this.linkAt(link) + LINE + 1) !== 0;
  }

  setStarved(link: number, starved: boolean): void {
    Atomics.store(this.words, this.linkAt(link) + LINE + 1, starved ? 1 : 0);
  }

  /** The consumer takes no more; what is sent is dropped. */
  left(link: number): boolean {
    return Atomics.load(this.words, this.linkAt(link) + LINE + 2) !== 0;
  }

  setLeft(link: number): void {
    Atomics.store(this.words, this.linkAt(link) + LINE + 2, 1);
  }

  /** Number of the last job of which the consumer takes no more; 0: none (jobs.ts). */
  leftJob(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + LINE + LEFT_JOB);
  }

  setLeftJob(link: number, job: number): void {
    Atomics.store(this.words, this.linkAt(link) + LINE + LEFT_JOB, job);
  }

  /** Microseconds; of the last packet that was taken and had a timestamp. */
  takenTimestamp(link: number): number | undefined {
    const value = this.figures[this.linkAt(link) / 2 + LINE / 2 + TAKEN_TIME]!;
    return Number.isNaN(value) ? undefined : value;
  }

  setTakenTimestamp(link: number, timestamp: number | undefined): void {
    this.figures[this.linkAt(link) / 2 + LINE / 2 + TAKEN_TIME] = timestamp ?? Number.NaN;
  }

  /** Whether the consumer is in the middle of taking a frame by reference (link/frame-pins.ts). */
  setReading(link: number, reading: boolean): void {
    Atomics.store(this.words, this.readingAt(link), reading ? 1 : 0);
  }

  isReading(link: number): boolean {
    return Atomics.load(this.words, this.readingAt(link)) !== 0;
  }

  /** Blocks the thread while it reads, for a millisecond at most. @returns false if it does not read, or has ceased to. */
  waitWhileReading(link: number): boolean {
    return Atomics.wait(this.words, this.readingAt(link), 1, 1) !== 'not-equal';
  }

  /** The same for a thread that goes on meanwhile; undefined if it does not read. */
  whileReading(link: number): Promise<unknown> | undefined {
    const wait = Atomics.waitAsync(this.words, this.readingAt(link), 1, 1);
    return wait.async ? wait.value : undefined;
  }

  private readingAt(link: number): number {
    return this.linkAt(link) + LINE + 3;
  }

  // --- relief's line --------------------------------------------------------------------------------------------------

  /** Packets the producer may hold beyond the limit and still run. */
  allowance(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + 2 * LINE);
  }

  /** False when somebody else lifted the limit first. */
  raiseAllowance(link: number, from: number, by: number): boolean {
    const at = this.linkAt(link) + 2 * LINE;
    if (Atomics.compareExchange(this.words, at, from, from + by) !== from) return false;
    Atomics.add(this.words, at + 1, 1);
    return true;
  }

  reliefs(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + 2 * LINE + 1);
  }
}

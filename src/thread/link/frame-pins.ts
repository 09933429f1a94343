/**
 * The frames a link has sent by reference and still keeps alive. What is in the ring are structs that point at native
 * memory (reference/frame-references.ts); reading one whose pin is gone would read freed memory. So a pin is dropped only when
 *
 *   1. the consumer has taken the packet: it counts a packet as taken after it took references of its own; or
 *   2. the consumer has left: it says so after its last look at the ring, and looks at it no more; or
 *   3. the graph is being aborted, and the consumer is not in the middle of taking: before it touches a struct it shows
 *      that it reads, *then* looks whether the graph is being aborted, and if so takes nothing any more. Here it is the
 *      other way round: the graph is being aborted, *then* we look whether it reads. All four are sequentially
 *      consistent, so either it sees the abort, or we see it read and wait until it has finished.
 *
 * Every end of a thread is one of these. A part that ends well ends when its pins are gone by 1 or 2 (`awaitTaken`). One
 * that fails, that calls process.exit, or that is to be terminated with its process aborts the graph first and then waits
 * by rule 3; the reader's stretch is a few native calls that wait for nobody. What stays in the ring afterwards is read by
 * nobody, and its references were the pins': they are released exactly once.
 */
import type { Pin } from '../../media/reference/frame-references.js';
import type { Board } from '../board/board.js';
import { awaitReaders } from '../board/readers.js';

interface Held {
  readonly pin: Pin;
  readonly number: number;
}

export class FramePins {
  private readonly held: Held[] = [];
  /** The board says that this thread is to be woken when it has been taken. */
  private awaited: Held | undefined;

  constructor(
    private readonly board: Board,
    private readonly link: number,
    private readonly unpin: (pin: Pin) => void,
  ) {}

  get empty(): boolean {
    return this.held.length === 0;
  }

  /** @param number of the packet on its link, from 1: it has been taken when the link's count of taken ones is as high. */
  hold(pin: Pin, number: number): void {
    this.held.push({ pin, number });
    this.board.setHeld(this.link, this.held.length);
    this.stopAwaiting();
  }

  /** Drops the pins of packets that were taken; all of them when the consumer has left. */
  dropTaken(): void {
    if (this.empty) return;
    if (this.board.left(this.link)) {
      this.drop(this.held.length);
      return;
    }
    const taken = this.board.taken(this.link);
    // Counters wrap: compared by their difference.
    const kept = this.held.findIndex(({ number }) => ((taken - number) | 0) < 0);
    if (kept !== 0) this.drop(kept < 0 ? this.held.length : kept);
  }

  /** Drops all. Only when the consumer has left or the graph is being aborted. */
  dropAll(): void {
    if (this.empty) return;
    if (!this.board.left(this.link)) awaitReaders(this.board, [this.link]);
    this.drop(this.held.length);
  }

  /**
   * This thread is about to sleep, or to end: it asks to be woken when the next packet has been taken, or the consumer
   * leaves. The look comes after the asking: what is taken after the look wakes.
   * @returns true if nothing is held.
   */
  awaitTaken(): boolean {
    for (let first = this.held[0]; first !== undefined; first = this.held[0]) {
      if (this.awaited !== first) {
        this.awaited = first;
        this.board.setAwaited(this.link, first.number);
      }
      this.dropTaken();
      if (this.held[0] === first) return false;
    }
    return true;
  }

  private drop(count: number): void {
    for (const { pin } of this.held.splice(0, count)) this.unpin(pin);
    this.board.setHeld(this.link, this.held.length);
    if (this.empty) this.stopAwaiting();
  }

  private stopAwaiting(): void {
    if (this.awaited === undefined) return;
    this.awaited = undefined;
    this.board.clearAwaited(this.link);
  }
}

/**
 * A clock that a test moves by hand. It holds the boards of the graphs that go by it: what their threads take for the
 * running time is a word on the board (`Board.elapsed`), and `advance` adds to that word.
 */
import { sleep } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../errors/errors.js';
import { stateError } from '../../errors/make.js';
import { describeValue } from '../../errors/naming.js';
import { type Board, GraphState } from '../../thread/board/board.js';

/** How often it looks whether a graph that is starting has begun to run. */
const LOOK_MS = 1;

/**
 * Time for a test of a graph, moved by hand:
 *
 * ```ts
 * const clock = new FakeClock();
 * await graph.start({ clock });
 * await clock.advance(500);
 * ```
 * The running time of the graph goes by it: `ctx.elapsed()` and `ctx.sleep()` of its modules, the `timeout` of input
 * managers, the ticks of `clock`, the decoder's `realtime`, the times of `timestamper`. It stands still until `advance` is called. What
 * guards the engine (`time_out`, `stop_grace`, network timeouts) and what is reported stay in real time.
 */
export class FakeClock {
  readonly #boards = new Set<Board>();
  #now = 0;

  /** Milliseconds by which it was advanced so far. */
  get now(): number {
    return this.#now;
  }

  /**
   * Moves the time of every graph that goes by it. Waits for those that are starting to run, so that none misses it; what
   * becomes due comes about in the graph's threads soon after: wait for what you expect of it, such as a packet.
   * @param milliseconds 0 or more.
   * @throws MillraceError ERR_MILLRACE_CONFIG for anything else, ERR_MILLRACE_STATE when no graph that has been started and has
   *   not ended goes by it.
   */
  async advance(milliseconds: number): Promise<void> {
    if (typeof milliseconds !== 'number' || !(milliseconds >= 0 && milliseconds <= Number.MAX_SAFE_INTEGER)) {
      throw new MillraceError('ERR_MILLRACE_CONFIG', `a clock cannot be advanced by ${describeValue(milliseconds)}`, {
        hint: 'Give the milliseconds, 0 or more',
      });
    }
    if (this.#boards.size === 0) {
      throw stateError(
        'no graph goes by this clock',
        'Give it to graph.start({ clock }) or graph.run({ clock }) before',
      );
    }
    const boards = [...this.#boards];
    // It ends: a start succeeds, fails, or is aborted, and each of them is a change of state.
    while (boards.some((board) => board.state === GraphState.starting)) await sleep(LOOK_MS);
    const nanoseconds = BigInt(Math.round(milliseconds * 1e6));
    for (const board of boards) board.advance(nanoseconds);
    this.#now += milliseconds;
  }

  /** @internal A run goes by it. @returns what ends that. */
  lead(board: Board): () => void {
    this.#boards.add(board);
    return () => this.#boards.delete(board);
  }
}

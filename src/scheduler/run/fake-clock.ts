/**
 * A clock that a test moves by hand. It holds the boards of the graphs that go by it: what their threads take for the
 * running time is a word on the board (`RunClock.elapsed`), and `advance` adds to that word.
 *
 * It does so while the graph rests, or a module that is about to sleep would do so a moment too late. A graph rests when every
 * thread sleeps with a ticket that its bell still has, every call under way is in a sleep that is not due or waits for the test, and every input
 * manager has gone by the present time. Nothing but a ring, a sleep that ends and the world outside can end that: a thread's
 * own event loop rings as well when it brings it something to do. If two looks find the same tickets, the graph rested
 * between them.
 */
import { performance, sleep } from '../../../ringbuffer/clock.js';
import type { Doorbell } from '../../../ringbuffer/index.js';
import { MillraceError } from '../../errors/errors.js';
import { stateError } from '../../errors/make.js';
import { describeValue } from '../../errors/naming.js';
import type { Board } from '../../thread/board/board.js';
import { NEVER } from '../../thread/board/run-clock.js';
import { GraphState, NodeCall, ThreadState } from '../../thread/board/states.js';

/** How often it looks whether a graph runs, or rests. */
const LOOK_MS = 1;
/** Longest time it waits for a graph to rest: one that works without end, or waits for the world outside, does not. */
const MAX_UNREST_MS = 1000;

interface Led {
  readonly board: Board;
  readonly bells: readonly Doorbell[];
}

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
  readonly #led = new Set<Led>();
  #now = 0;

  /** Milliseconds by which it was advanced so far. */
  get now(): number {
    return this.#now;
  }

  /**
   * Moves the time of every graph that goes by it. Before, it waits until those that are starting run and until what can be
   * done at the present time has been done; after, until what the new time has brought has been done. A graph that never
   * rests, because it works without end or a module waits for something else than `ctx.sleep()` or input, holds each of the two up by a second.
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
    if (this.#led.size === 0) {
      throw stateError(
        'no graph goes by this clock',
        'Give it to graph.start({ clock }) or graph.run({ clock }) before',
      );
    }
    const led = [...this.#led];
    // It ends: a start succeeds, fails, or is aborted, and each of them is a change of state.
    while (led.some(({ board }) => board.state === GraphState.starting)) await sleep(LOOK_MS);
    await this.#rest(led);
    const nanoseconds = BigInt(Math.round(milliseconds * 1e6));
    for (const { board } of led) board.clock.advance(nanoseconds);
    this.#now += milliseconds;
    await this.#rest(led);
  }

  /** Resolves when those that have not ended rest. */
  async #rest(led: readonly Led[]): Promise<void> {
    const until = performance.now() + MAX_UNREST_MS;
    let before: string | undefined;
    while (performance.now() < until) {
      const tickets = led.filter((run) => this.#led.has(run)).map(ticketsOfRest);
      const now = tickets.includes(undefined) ? undefined : tickets.join();
      if (now !== undefined && now === before) return;
      before = now;
      await sleep(LOOK_MS);
    }
  }

  /** @internal A run goes by it. @returns what ends that. */
  lead(board: Board, bells: readonly Doorbell[]): () => void {
    const run = { board, bells };
    this.#led.add(run);
    return () => this.#led.delete(run);
  }
}

/** The tickets with which all threads of a graph sleep; undefined if something goes on. */
function ticketsOfRest({ board, bells }: Led): string | undefined {
  const { elapsed } = board.clock;
  for (let node = 0; node < board.nodes; node++) {
    const due = board.due(node);
    if (due <= elapsed || board.looked(node) < elapsed) return undefined;
    // A call that waits for the test itself, to push or to read, is all that can be done.
    if (board.call(node) !== NodeCall.none && due === NEVER && !board.outside(node)) return undefined;
  }
  const tickets = bells.map((bell, thread) => {
    if (board.threadState(thread) >= ThreadState.ended) return 'ended';
    const ticket = board.ticketOfSleep(thread);
    return ticket === bell.ticket() ? ticket : undefined;
  });
  return tickets.includes(undefined) ? undefined : tickets.join();
}

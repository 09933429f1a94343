/** What `ctx.sleep()` of a module does: it goes by the running time, which a test may move by hand. */
import { sleep } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { Board } from './board.js';
import { NEVER } from './run-clock.js';

/** How often a time that is moved by hand is looked at. Only tests have one, so that it need not wake anybody. */
export const LOOK_BY_HAND_MS = 2;

/** How often a sleep that is over by real time looks whether the graph is still paused. */
const LOOK_PAUSED_MS = 20;

export type Sleep = (milliseconds: number) => Promise<void>;

/** By real time: of modules that are called like functions. */
export function realSleep(signal: AbortSignal): Sleep {
  return async (milliseconds) => {
    requireTime(milliseconds);
    await sleep(milliseconds, { signal });
  };
}

/** By the running time of a graph. The board has when the first of the node's sleeps is due, for who moves it by hand. */
export function runSleep(board: Board, node: number, signal: AbortSignal): Sleep {
  if (!board.clock.byHand) return pausedSleep(board, signal);
  const ends: bigint[] = [];
  const tell = (): void => {
    let first = NEVER;
    for (const end of ends) if (end < first) first = end;
    board.setDue(node, first);
  };
  return async (milliseconds) => {
    requireTime(milliseconds);
    const end = Number.isFinite(milliseconds) ? board.clock.elapsed + BigInt(Math.round(milliseconds * 1e6)) : NEVER;
    ends.push(end);
    tell();
    try {
      do await sleep(LOOK_BY_HAND_MS, { signal });
      while (board.clock.elapsed < end);
    } finally {
      ends.splice(ends.indexOf(end), 1);
      tell();
    }
  };
}

/** By real time, but for that in which the graph is paused. */
function pausedSleep(board: Board, signal: AbortSignal): Sleep {
  const real = realSleep(signal);
  return async (milliseconds) => {
    const begun = board.clock.elapsed;
    await real(milliseconds);
    // Before the graph runs its time stands still by itself.
    if ((begun === 0n && !board.paused) || !Number.isFinite(milliseconds)) return;
    const end = begun + BigInt(Math.round(milliseconds * 1e6));
    // A timer may be a millisecond early.
    for (let left = milliseconds; ; ) {
      left = Number(end - board.clock.elapsed) / 1e6;
      if (left < 1) return;
      await real(board.paused ? Math.max(left, LOOK_PAUSED_MS) : left);
    }
  };
}

function requireTime(milliseconds: unknown): void {
  if (typeof milliseconds === 'number' && milliseconds >= 0) return;
  throw new MillraceError('ERR_MILLRACE_CONFIG', `ctx.sleep() cannot last ${describeValue(milliseconds)}`, {
    hint: 'Give the milliseconds, 0 or more',
  });
}

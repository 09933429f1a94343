import { sleep } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { Board } from './board.js';

/** How often a time that is moved by hand is looked at. Only tests have one, so that it need not wake anybody. */
export const LOOK_BY_HAND_MS = 2;

/**
 * Resolves when so much running time has passed.
 * @param milliseconds 0 or more; Infinity: never.
 * @throws AbortError when the signal aborts, MillraceError ERR_MILLRACE_CONFIG for what is no time.
 */
export async function sleepFor(milliseconds: number, signal: AbortSignal, board?: Board): Promise<void> {
  if (typeof milliseconds !== 'number' || !(milliseconds >= 0)) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `ctx.sleep() cannot last ${describeValue(milliseconds)}`, {
      hint: 'Give the milliseconds, 0 or more',
    });
  }
  if (board === undefined || !board.byHand) return sleep(milliseconds, { signal });
  const passed = (): number => Number(board.elapsed) / 1e6;
  const until = passed() + milliseconds;
  do await sleep(LOOK_BY_HAND_MS, { signal });
  while (passed() < until);
}

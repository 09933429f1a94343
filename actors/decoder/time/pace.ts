/** Holds packets back until their time has come (`-re` of the ffmpeg command). */
import { sleep } from '../../../ringbuffer/clock.js';
import type { ModuleContext } from '../../../src/module/contract.js';

/** By whose running time it goes. */
type Time = Pick<ModuleContext, 'elapsed' | 'sleep' | 'signal'>;

export class Pacer {
  readonly #time: Time;
  /** Running time in milliseconds at which time 0 of the timestamps lies. */
  #origin: number | undefined;

  constructor(time: Time) {
    this.#time = time;
  }

  /**
   * Resolves when a packet is due, the first one at once; false if the signal ended the waiting.
   * @param timestamp Microseconds; a packet without one is due at once.
   */
  async due(timestamp: number | undefined): Promise<boolean> {
    const { signal } = this.#time;
    if (timestamp === undefined) return !signal.aborted;
    const time = timestamp / 1000;
    const now = this.#time.elapsed() / 1000;
    this.#origin ??= now - time;
    return pause(this.#origin + time - now, signal, (milliseconds) => this.#time.sleep(milliseconds));
  }
}

/** Waits for some milliseconds; false if the signal ended it. */
export async function pause(
  milliseconds: number,
  signal: AbortSignal,
  wait = (time: number): Promise<void> => sleep(time, { signal }),
): Promise<boolean> {
  if (signal.aborted) return false;
  if (milliseconds <= 0) return true;
  try {
    await wait(milliseconds);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** Holds packets back until their time has come (`-re` of the ffmpeg command). */
import { performance, sleep } from '../../../ringbuffer/clock.js';

export class Pacer {
  /** performance.now() at which time 0 of the timestamps lies. */
  #origin: number | undefined;

  /**
   * Resolves when a packet is due, the first one at once; false if the signal ended the waiting.
   * @param timestamp Microseconds; a packet without one is due at once.
   */
  async due(timestamp: number | undefined, signal: AbortSignal): Promise<boolean> {
    if (timestamp === undefined) return !signal.aborted;
    const time = timestamp / 1000;
    this.#origin ??= performance.now() - time;
    return pause(this.#origin + time - performance.now(), signal);
  }
}

/** Waits for some milliseconds; false if the signal ended it. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  if (milliseconds <= 0) return true;
  try {
    await sleep(milliseconds, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

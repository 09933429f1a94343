/** Waiting for a source, which may be silent for ever: whoever waits can be cut off, and what comes then is released. */
import { releaseItem } from './push-source.js';

export class Cut {
  #isCut = false;
  #interrupt: (() => void) | undefined;

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Nobody waits any more, wherever the source is. */
  cut(): void {
    this.#isCut = true;
    this.#interrupt?.();
  }

  /** What the source gives next; undefined when it was cut off before. */
  async next(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<IteratorResult<unknown> | undefined> {
    if (this.#isCut) return undefined;
    return this.or(Promise.resolve(iterator.next()), ({ value, done }) => done || releaseItem(value));
  }

  /**
   * What is asked for; undefined when it was cut off before.
   * @param late gets what comes when nobody waits for it any more.
   */
  async or<T>(asked: Promise<T>, late: (value: T) => void): Promise<T | undefined> {
    let isLate = false;
    const answer = await new Promise<T | undefined>((resolve, reject) => {
      this.#interrupt = () => {
        isLate = true;
        resolve(undefined);
      };
      if (this.#isCut) this.#interrupt();
      asked.then((value) => (isLate ? late(value) : resolve(value)), reject);
    });
    this.#interrupt = undefined;
    return answer;
  }
}

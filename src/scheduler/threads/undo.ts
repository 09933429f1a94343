/**
 * What a start has done so far, and how it is taken back. A start either succeeds as a whole or leaves nothing behind: every
 * step that takes something notes here how it is given back, and whoever is refused halfway calls `all`.
 */
export class Undo {
  readonly #steps: (() => unknown)[] = [];

  /** Notes how to take back what has just been done. */
  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  /**
   * Takes everything back, the last first; resolves when that has been done.
   * @throws what the first step that failed threw, after all the others have been taken.
   */
  async all(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** The warm modules of a run: each is claimed with its node, and given back when that has left, at the latest with the run. */
import type { NodeSpec } from '../plan/spec.js';
import type { Thread } from '../threads/thread.js';
import type { Undo } from '../threads/undo.js';

export class WarmClaims {
  /** How each is given back, by the id of its node. */
  private readonly claims = new Map<number, () => void>();

  /** @param warn is told what they have warned of outside of graphs. */
  constructor(
    private readonly graph: string,
    private readonly warn: (text: string) => void,
  ) {}

  /**
   * @returns the threads on which those of the nodes live, by the names that the nodes ask for.
   * @throws MillraceError ERR_MILLRACE_STATE for one that cannot be had: `undo` gives those before it back.
   */
  take(nodes: readonly NodeSpec[], undo: Undo): Map<unknown, Thread> {
    const lent = new Map<unknown, Thread>();
    for (const { id, warm } of nodes) {
      if (warm === undefined) continue;
      const release = warm.claim(this.graph);
      const giveBack = (): void => {
        for (const text of warm.takeWarnings()) this.warn(text);
        release();
      };
      this.claims.set(id, giveBack);
      // When that is done, the number of a node that has not come may be another one's.
      undo.add(() => {
        if (this.claims.get(id) === giveBack) this.release([id]);
      });
      if (warm.place !== undefined) lent.set(warm.place, warm.thread!);
    }
    return lent;
  }

  /** Nodes that have left, or have not come. */
  release(ids: Iterable<number>): void {
    for (const id of ids) {
      this.claims.get(id)?.();
      this.claims.delete(id);
    }
  }

  releaseAll(): void {
    this.release([...this.claims.keys()]);
  }
}

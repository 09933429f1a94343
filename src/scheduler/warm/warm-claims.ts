/** The warm modules that a run has: all of them are its own from before its start until its threads have been given back. */
import type { NodeSpec } from '../plan/spec.js';
import type { Warnings } from '../run/warnings.js';
import type { Thread } from '../threads/thread.js';
import type { Undo } from '../threads/undo.js';

export class WarmClaims {
  private readonly releases: (() => void)[] = [];

  /** @param warnings get what the modules have warned of outside of graphs. */
  constructor(private readonly warnings: Warnings) {}

  /**
   * @returns the threads on which they live, by the names that their nodes ask for.
   * @throws MillraceError ERR_MILLRACE_STATE for one that cannot be had.
   */
  take(nodes: readonly NodeSpec[], graph: string, undo: Undo): Map<string, Thread> {
    const lent = new Map<string, Thread>();
    for (const { warm } of nodes) {
      if (warm === undefined) continue;
      const release = warm.claim(graph);
      undo.add(release);
      this.releases.push(() => {
        for (const text of warm.takeWarnings()) this.warnings.add(text);
        release();
      });
      if (warm.place !== undefined) lent.set(warm.place, warm.thread!);
    }
    return lent;
  }

  giveBack(): void {
    for (const release of this.releases.splice(0)) release();
  }
}

/**
 * Counts the native FFmpeg objects that are alive in this thread, by kind. Every native object has exactly one owner,
 * which releases it; the finaliser here is a safety net for owners that were forgotten, and what it had to do is counted.
 */

interface Native {
  free(): void;
}

interface Guarded {
  kind: string;
  native: Native;
}

const alive = new Map<string, number>();
let finalised = 0;

const registry = new FinalizationRegistry<Guarded>(({ kind, native }) => {
  native.free();
  finalised++;
  closed(kind);
});

function opened(kind: string): void {
  alive.set(kind, (alive.get(kind) ?? 0) + 1);
}

function closed(kind: string): void {
  alive.set(kind, (alive.get(kind) ?? 0) - 1);
}

export const ledger = {
  /** A native object of this kind was made ('frame', 'packet', 'codec', 'format', 'filter-graph', 'scaler', …). */
  opened,
  /** It was released. */
  closed,
  /** Objects alive by kind; kinds at zero are left out. A negative figure is one released twice. */
  snapshot(): Record<string, number> {
    return Object.fromEntries([...alive].filter(([, count]) => count !== 0));
  },
  /** Objects that are alive beyond those of an earlier snapshot, by kind. */
  since(before: Readonly<Record<string, number>>): Record<string, number> {
    const more: Record<string, number> = {};
    for (const [kind, count] of Object.entries(ledger.snapshot())) {
      const grown = count - (before[kind] ?? 0);
      if (grown > 0) more[kind] = grown;
    }
    return more;
  },
  /** How many owners were garbage-collected without having been closed, in this thread so far. */
  get finalised(): number {
    return finalised;
  },
  /** Counts `native` as opened and frees it should `owner` be garbage-collected before `disown`. */
  own(owner: object, kind: string, native: Native): void {
    opened(kind);
    registry.register(owner, { kind, native }, owner);
  },
  /** Ends what `own` began; the caller frees the native object itself. */
  disown(owner: object, kind: string): void {
    registry.unregister(owner);
    closed(kind);
  },
};

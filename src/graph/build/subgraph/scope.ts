/** Where the nodes that are being added belong: the sub-graphs around them, and what these say of their nodes. */
import type { OnError } from '../../../module/contract.js';
import type { NodeSpec } from '../../../scheduler/plan/spec.js';

/** What the node of a sub-graph hands on to the nodes inside. */
export interface Inherited {
  readonly scheduler?: number | undefined;
  readonly thread?: string | undefined;
  readonly callback?: NodeSpec['callback'] | undefined;
  readonly protocolWhitelist?: string | undefined;
  readonly onError?: OnError | undefined;
}

interface Scope {
  /** `outer/inner`. */
  readonly path: string;
  readonly inherited: Inherited;
}

/** Aliases of nodes in sub-graphs are `<alias of the sub-graph>/<alias in it>`; drawings make boxes of that. */
const SEPARATOR = '/';

export class Scopes {
  private readonly open: Scope[] = [];

  /** A sub-graph is being built. */
  get building(): boolean {
    return this.open.length > 0;
  }

  /** The alias, from outside, of what is called so here. */
  qualified(alias: string): string {
    const scope = this.open.at(-1);
    return scope === undefined ? alias : `${scope.path}${SEPARATOR}${alias}`;
  }

  /** What a node here has: what it says, and else what the innermost sub-graph does that says something. */
  inherited({ scheduler, thread, callback, protocolWhitelist, onError }: Inherited): Inherited {
    const around: Inherited = this.open.at(-1)?.inherited ?? {};
    const isPlaced = scheduler !== undefined || thread !== undefined;
    return {
      ...(isPlaced ? { scheduler, thread } : { scheduler: around.scheduler, thread: around.thread }),
      callback: callback ?? around.callback,
      protocolWhitelist: protocolWhitelist ?? around.protocolWhitelist,
      onError: onError ?? around.onError,
    };
  }

  /** Does `work` inside of a sub-graph. @param alias from outside. */
  within<T>(alias: string, own: Inherited, work: () => T): T {
    this.open.push({ path: alias, inherited: this.inherited(own) });
    try {
      return work();
    } finally {
      this.open.pop();
    }
  }
}

/** Whether a node, by its alias, is in a sub-graph, or in one inside of that. */
export function isInside(alias: string, path: string): boolean {
  return alias.startsWith(`${path}${SEPARATOR}`);
}

/** The sub-graphs around a node by its alias, outermost first, and what it is called inside of them. */
export function scopesOf(alias: string): { readonly around: readonly string[]; readonly name: string } {
  const parts = alias.split(SEPARATOR);
  const around = parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join(SEPARATOR));
  return { around, name: parts.at(-1)! };
}

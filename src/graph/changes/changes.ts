/** What a running graph can be told by its user: the way of the methods of `Graph` and of handles to the run. */
import { stateError } from '../../errors/make.js';
import type { GraphRun } from '../../scheduler/run/run.js';
import { requireObject } from '../../schema/argument.js';

const changes = new WeakMap<object, GraphChanges>();

/** Of a graph; what its handles reach it by. */
export function changesOf(graph: object): GraphChanges {
  return changes.get(graph)!;
}

export class GraphChanges {
  /** @param current its run, once it has been started. */
  constructor(
    graph: object,
    private readonly blueprint: { find(id: number): { alias: string } },
    private readonly current: () => GraphRun | undefined,
  ) {
    changes.set(graph, this);
  }

  /** See `NodeHandle.reset`. */
  async reset(id: number, options: Record<string, unknown>): Promise<void> {
    requireObject(options, 'options of reset');
    const run = this.running(`reset() of node "${this.blueprint.find(id).alias}"`);
    await run.reset(id, structuredClone(options));
  }

  private running(what: string): GraphRun {
    const run = this.current();
    if (run !== undefined) return run;
    throw stateError(`${what} before the start`, 'A graph is changed while it runs: await graph.start() first');
  }
}

/** What a running graph can be told by its user: the way of the methods of `Graph` and of handles to the run. */
import { stateError } from '../../errors/make.js';
import type { GraphRun } from '../../scheduler/run/run.js';
import { requireObject } from '../../schema/argument.js';

/** What a graph consists of, as far as it is needed here. */
interface Blueprint {
  /** @throws MillraceError ERR_MILLRACE_CONFIG if there is no such node. */
  find(id: number): { readonly alias: string };
  /** The node and its links belong to the graph no more. */
  remove(id: number): void;
  /** The node that hands the bytes of an encoder to the program. */
  sinkBehind(encoder: number): number | undefined;
}

const changes = new WeakMap<object, GraphChanges>();

/** Of a graph; what its handles reach it by. */
export function changesOf(graph: object): GraphChanges {
  return changes.get(graph)!;
}

export class GraphChanges {
  /** @param current its run, once it has been started. */
  constructor(
    graph: object,
    private readonly blueprint: Blueprint,
    private readonly adding: { add<T>(run: GraphRun, build: () => T): Promise<T> },
    private readonly current: () => GraphRun | undefined,
  ) {
    changes.set(graph, this);
  }

  /** See `Graph.addNode`. */
  async add<T>(build: () => T): Promise<T> {
    return this.adding.add(this.changeable('addNode()'), build);
  }

  /** See `NodeHandle.reset`. */
  async reset(id: number, options: Record<string, unknown>): Promise<void> {
    requireObject(options, 'options of reset');
    const run = this.running(`reset() of node "${this.blueprint.find(id).alias}"`);
    await run.reset(id, structuredClone(options));
  }

  /** See `Graph.removeNode`. @param ids of one node, or of those of a sub-graph. */
  async remove(ids: readonly number[]): Promise<void> {
    const { blueprint } = this;
    const [first] = ids.map((id) => blueprint.find(id).alias);
    const run = this.changeable(`removeNode() of "${first}"`);
    const behind = ids.map((id) => blueprint.sinkBehind(id)).filter((id) => id !== undefined);
    // What hands the bytes of an encoder on has to have them all: it ends behind the last ones, and is waited for.
    const leaving = ids.filter((id) => !behind.includes(id));
    for (const id of new Set([...ids, ...behind])) blueprint.remove(id);
    const outcomes = await Promise.allSettled(leaving.map((id) => run.remove(id)));
    await Promise.all(behind.map((id) => run.closed(id)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** @throws MillraceError ERR_MILLRACE_STATE for a graph whose jobs have to go through all of its nodes. */
  private changeable(what: string): GraphRun {
    const run = this.running(what);
    if (!run.serves) return run;
    throw stateError(`${what}: a graph that serves jobs keeps its nodes`, 'Close the server and build another graph');
  }

  private running(what: string): GraphRun {
    const run = this.current();
    if (run !== undefined) return run;
    throw stateError(`${what} before the start`, 'A graph is changed while it runs: await graph.start() first');
  }
}

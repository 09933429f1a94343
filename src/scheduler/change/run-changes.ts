/**
 * Changes of a running graph, as the thread that built it asks for them: options, nodes that leave, nodes that come. What
 * has ended meanwhile, a node, its thread or the run, has nothing more to change.
 */
import { builtinOf } from '../../catalog/builtin.js';
import { NodePhase } from '../../thread/board/states.js';
import type { LinkSpec, NodeSpec } from '../plan/spec.js';
import type { ProgramSources } from '../run/program-sources.js';
import type { Warnings } from '../run/warnings.js';
import { Growing, type GrowingRun } from './growing.js';

/** What it changes of a run. */
export interface ChangingRun extends Omit<GrowingRun, 'remove'> {
  readonly sources: ProgramSources;
  readonly warnings: Warnings;
  /** The run has settled. */
  isOver(): boolean;
}

export class RunChanges {
  private readonly growing: Growing;

  constructor(private readonly run: ChangingRun) {
    this.growing = new Growing({ ...run, remove: (id) => this.remove(id) });
  }

  /**
   * Changes options of a node between two packets; resolves when it has been done.
   * @throws GraphError of the module that refuses them, or cannot change any; nothing has been changed then. MillraceError
   *   ERR_MILLRACE_CLOSED for a node that has ended.
   */
  async reset(id: number, options: Record<string, unknown>): Promise<void> {
    const { spec, merging, orders, cut } = this.run;
    const indexes = spec.nodes.flatMap((node, index) => ((node.copyOf?.id ?? node.id) === id ? [index] : []));
    const sent = indexes.map((index) => {
      const node = merging.hostOf(index);
      const member = merging.chainOf(node) === undefined ? {} : { member: index };
      return orders.send(cut.threadOf(node), { type: 'reset', node, ...member, options });
    });
    await Promise.all(sent);
  }

  /**
   * Ends a node, and with it those that are run as one with it; resolves when its module has been closed.
   * @throws GraphError when that failed; it has left the graph all the same.
   */
  async remove(id: number): Promise<void> {
    const { run } = this;
    const { spec, merging, orders, cut } = run;
    const belongs = ({ id: own, copyOf, helps }: NodeSpec): boolean => (copyOf?.id ?? helps ?? own) === id;
    const indexes = spec.nodes.flatMap((node, index) => (belongs(node) ? [merging.hostOf(index)] : []));
    await Promise.all(
      indexes.map(async (node) => {
        const thread = cut.threadOf(node);
        // It has ended by itself.
        if (run.isOver() || !orders.isOpen(thread)) return;
        try {
          await orders.send(thread, { type: 'remove', node, drains: givesAFile(spec.nodes[node]!) });
        } catch (error) {
          if (orders.isOpen(thread) || run.failed() !== undefined) throw error;
        }
      }),
    ).finally(() => this.release([id]));
  }

  /** Adds nodes, and the links into them; see `Growing.add`. */
  async add(nodes: readonly NodeSpec[], links: readonly LinkSpec[]): Promise<void> {
    try {
      await this.growing.add(nodes, links);
    } catch (error) {
      await this.release(nodes.map(({ id }) => id));
      throw error;
    }
  }

  /** Nodes have left, or have not come: what of the program's they had is theirs no more. */
  private async release(ids: readonly number[]): Promise<void> {
    this.run.warm.release(ids);
    for (const text of await this.run.sources.release(ids)) this.run.warnings.add(text);
  }

  /** Resolves when the module of a node has been closed, which ends by itself. */
  async closed(id: number): Promise<void> {
    const { run } = this;
    const node = run.spec.nodes.findIndex((candidate) => candidate.id === id);
    const thread = run.cut.threadOf(node);
    if (run.isOver() || !run.orders.isOpen(thread)) return;
    try {
      await run.orders.send(thread, { type: 'await-end', node });
    } catch (error) {
      if (run.failed() !== undefined) throw error;
    }
  }

  /** Whether the module of a node has been closed. */
  hasEnded(id: number): boolean {
    const { spec, board, merging } = this.run;
    const node = spec.nodes.findIndex((candidate) => candidate.id === id);
    return node >= 0 && board.phase(merging.hostOf(node)) === NodePhase.closed;
  }
}

/** What goes out of it is a whole only with its end. */
function givesAFile({ module, options }: NodeSpec): boolean {
  return builtinOf(module)?.work === 'encoding' && Number(options.push_output ?? 0) > 0;
}

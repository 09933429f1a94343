/**
 * Nodes that come to a running graph, as the thread that built it sees it: where they go, what every thread is told, and
 * what becomes of it if one of them cannot be initialised. What the threads do is in thread/change/arrivals.ts.
 *
 * One arrival at a time: numbers of nodes, links and threads go on from those before, and all threads have to be told in
 * the same order.
 */
import { MillraceError } from '../../errors/errors.js';
import { stateError } from '../../errors/make.js';
import type { Board } from '../../thread/board/board.js';
import type { BoardBlock } from '../../thread/board/memory.js';
import { NodePhase } from '../../thread/board/states.js';
import type { PartitionSpec } from '../../thread/protocol.js';
import type { Fusion } from '../plan/fuse-filters.js';
import type { Partitions, RunFacts } from '../plan/partitions.js';
import { freshThread, placeAdded } from '../plan/place-added.js';
import { CALLING_THREAD, type Placement } from '../plan/placement.js';
import type { GraphSpec, LinkSpec, NodeSpec } from '../plan/spec.js';
import { topologicalRanks } from '../plan/topology.js';
import type { RunThreads } from '../run/run-threads.js';
import type { Thread } from '../threads/thread.js';
import { Undo } from '../threads/undo.js';
import type { WarmClaims } from '../warm/warm-claims.js';
import type { Orders } from './orders.js';

/** What it changes of a run. */
export interface GrowingRun {
  readonly spec: GraphSpec;
  readonly board: Board;
  readonly placement: Placement;
  readonly merging: Fusion;
  readonly cut: Partitions;
  readonly threads: RunThreads;
  readonly orders: Orders;
  readonly warm: WarmClaims;
  /** What every part is told alike. */
  facts(): RunFacts;
  /** Starts a part on a worker, or on the calling thread. */
  startPart(thread: number, part: PartitionSpec): void;
  /** Nodes and links have come to the specification. */
  grown(first: { node: number; link: number }): void;
  /** Why nothing can come any more; undefined: it can. */
  closed(): Error | undefined;
  /** What it has failed of. */
  failed(): Error | undefined;
  remove(id: number): Promise<void>;
}

/** What one thread is told: the blocks and the bells that it does not know. */
interface Told {
  readonly thread: number;
  readonly announced: boolean;
  readonly blocks: BoardBlock[];
  readonly bells: SharedArrayBuffer[];
}

/** What has become of what a thread was told. */
interface Outcome {
  readonly thread: number;
  /** It has something of what comes. */
  readonly isConcerned: boolean;
  readonly done: PromiseSettledResult<number[]>;
}

export class Growing {
  /** What has come so far. */
  private readonly blocks: BoardBlock[] = [];
  private last = 0;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly run: GrowingRun) {}

  /**
   * Adds nodes and the links into them; resolves when packets go to them.
   * @throws GraphError of a module that could not be initialised, MillraceError ERR_MILLRACE_CLOSED when all streams into them have
   *   ended, or the graph has: nothing has come then, and the graph goes on.
   */
  add(nodes: readonly NodeSpec[], links: readonly LinkSpec[]): Promise<void> {
    const work = this.turn.then(() => this.addNow(nodes, links));
    this.turn = work.catch(() => {});
    return work;
  }

  private async addNow(nodes: readonly NodeSpec[], built: readonly LinkSpec[]): Promise<void> {
    const { run } = this;
    const { spec, cut, orders } = run;
    const closed = run.closed();
    if (closed) throw closed;
    const links = built.map((link) => this.fromOutput(link));
    for (const { to } of links) this.requireOwnInputs(to.node);
    const first = { node: spec.nodes.length, link: spec.links.length };
    const told = this.extend(first, nodes, links);
    const id = ++this.last;
    const isTold = (thread: number): boolean => told.some((one) => one.thread === thread);
    const growths = told.map(({ thread, ...facts }) => {
      const part = cut.growth(thread, first, { id, ...facts }, isTold);
      return { thread, ...part, isConcerned: part.growth.nodes.length + part.growth.links.length > 0 };
    });
    const concerned = growths.filter(({ isConcerned }) => isConcerned);
    const alone = concerned.length === 1;
    const growing = growths.flatMap(({ thread, growth, transfer, isConcerned }) => {
      const done = orders.send(thread, { type: 'grow', growth, joins: alone || !isConcerned }, transfer);
      // The others are waited for only if there are threads that they have to know before anything else happens.
      if (isConcerned || growth.bells.length > 0) return [{ thread, done, isConcerned }];
      done.catch(() => {});
      return [];
    });
    const outcomes = await this.outcomesOf(growing);
    const failure = this.failureOf(outcomes, alone);
    // A part that has ended since hosts nothing that comes.
    const open = concerned.map(({ thread }) => thread).filter((thread) => orders.isOpen(thread));
    if (failure !== undefined) {
      if (!alone) await Promise.allSettled(open.map((thread) => orders.send(thread, { type: 'give-up', growth: id })));
      throw failure;
    }
    const joined = alone
      ? outcomes.map(({ done }) => done)
      : await Promise.allSettled(open.map((thread) => orders.send(thread, { type: 'join', growth: id })));
    const ended = new Set<number>();
    for (const outcome of joined) if (outcome.status === 'fulfilled') for (const link of outcome.value) ended.add(link);
    const lost = joined.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
    const failed = run.failed() ?? (alone ? undefined : lost?.reason);
    if (failed) throw failed;
    const fed = cut.links.flatMap((ends, link) => (link >= first.link && ends.producer < first.node ? [link] : []));
    if (fed.length === 0 || !fed.every((link) => ended.has(link))) return;
    await Promise.allSettled(nodes.map((node) => run.remove(node.id)));
    const names = nodes.map(({ alias }) => `"${alias}"`).join(', ') || 'the connection';
    throw new MillraceError('ERR_MILLRACE_CLOSED', `${names} came too late: the streams to read from have ended`);
  }

  private async outcomesOf(
    growing: readonly { thread: number; isConcerned: boolean; done: Promise<number[]> }[],
  ): Promise<Outcome[]> {
    const done = await Promise.allSettled(growing.map((one) => one.done));
    return growing.map(({ thread, isConcerned }, at) => ({ thread, isConcerned, done: done[at]! }));
  }

  /**
   * The first of those that failed; of a thread that hosts none of the nodes, that it has ended is none.
   * @param alone what has not failed has joined.
   */
  private failureOf(outcomes: readonly Outcome[], alone: boolean): unknown {
    const { orders, closed } = this.run;
    const failed = outcomes.find(({ thread, isConcerned, done }) => {
      return done.status === 'rejected' && (isConcerned || orders.isOpen(thread));
    });
    const failure = failed && (failed.done as PromiseRejectedResult).reason;
    return alone && failure === undefined ? undefined : (closed() ?? failure);
  }

  /** A node that runs in parallel copies gives its packets by another one. */
  private fromOutput(link: LinkSpec): LinkSpec {
    const { from } = link;
    const { spec, merging } = this.run;
    const gathering = spec.nodes.find(({ helps, module }) => helps === from.node && module.name === 'assemble');
    const index = spec.nodes.findIndex(({ id }) => id === from.node);
    if (index >= 0 && merging.isMerged(index)) {
      const { alias } = spec.nodes[index]!;
      const last = spec.nodes[merging.hostOf(index)]!.alias;
      throw stateError(
        `nobody can join the stream of "${alias}" while it runs: it stays inside of the filters that are merged with "${last}"`,
        `Take the stream of "${last}", or build the graph with optimize_graph: false`,
      );
    }
    return gathering === undefined ? link : { ...link, from: { node: gathering.id, output: from.output } };
  }

  /** A node of which others are a part has no inputs of its own to which one could be added. */
  private requireOwnInputs(id: number): void {
    const { spec, merging } = this.run;
    const index = spec.nodes.findIndex((node) => node.id === id);
    if (index < 0) return; // it comes as well
    const { alias } = spec.nodes[index]!;
    if (merging.isMerged(index) || merging.chainOf(index) !== undefined) {
      throw stateError(
        `"${alias}" cannot be given another input while it runs: it is run as one with the filters around it`,
        'Build the graph with optimize_graph: false',
      );
    }
    if (spec.nodes.every(({ copyOf }) => copyOf?.id !== id)) return;
    throw stateError(
      `"${alias}" cannot be given another input while it runs: it has parallel copies`,
      'Leave out distNums (dist_nums)',
    );
  }

  /** What nobody would take any more would wait for ever. @param open threads that are told of what comes. */
  private requireGoing(links: readonly LinkSpec[], open: readonly number[]): void {
    const { spec, cut } = this.run;
    for (const { to } of links) {
      const index = spec.nodes.findIndex(({ id }) => id === to.node);
      if (index < 0 || open.includes(cut.threadOf(index))) continue;
      const { alias } = spec.nodes[index]!;
      throw new MillraceError('ERR_MILLRACE_CLOSED', `"${alias}" takes no further input: it has come to its end`);
    }
  }

  /** Everything that the calling thread has to know is extended; nothing in it waits. */
  private extend(
    first: { node: number; link: number },
    nodes: readonly NodeSpec[],
    links: readonly LinkSpec[],
  ): Told[] {
    const { board, cut, orders, threads } = this.run;
    // None of them ends any more before it knows of what comes, so that no node is given a thread that has just ended.
    const open = [...Array(cut.threads).keys()].filter((thread) => orders.isOpen(thread) && board.announce(thread));
    const undo = new Undo();
    try {
      return this.extendOn(open, first, nodes, links, undo);
    } catch (error) {
      void undo.all();
      for (const thread of open) {
        board.letIn(thread);
        threads.bells[thread]!.alarm();
      }
      throw error;
    }
  }

  /** @param open threads that are told of it; nothing fails once the board has grown. */
  private extendOn(
    open: readonly number[],
    first: { node: number; link: number },
    nodes: readonly NodeSpec[],
    links: readonly LinkSpec[],
    undo: Undo,
  ): Told[] {
    const { run } = this;
    const { spec, board, cut, placement, threads } = run;
    this.requireGoing(links, open);
    const grown = { ...spec, nodes: [...spec.nodes, ...nodes], links: [...spec.links, ...links] };
    const { rank } = topologicalRanks(grown);
    const hosts = open.filter((thread) => thread !== cut.localThread);
    const isOver = (node: number): boolean => board.phase(node) === NodePhase.closed;
    const places = placeAdded(grown, first.node, rank, placement, hosts, threads.hasResting, isOver);
    const needsLocal = places.threadOf.includes(CALLING_THREAD);
    const startsLocal = needsLocal && (cut.localThread === undefined || !open.includes(cut.localThread));
    const room = { threads: places.fresh.length + 1, nodes: nodes.length, links: links.length };
    if (!board.hasRoom(room)) throw full();
    const { threads: next } = cut;
    // A shared thread that is asked for may be one that the graph has by another number.
    threads.lend(run.warm.take(nodes, undo));
    const acquired: (number | Thread)[] = [];
    for (const asked of places.fresh) acquired.push(threads.acquire(asked, acquired, undo));
    const workers = [...new Set(acquired)].filter((one) => typeof one !== 'number');
    const numbers = acquired.map((one) => (typeof one === 'number' ? one : next + workers.indexOf(one)));
    const block: BoardBlock = { threads: workers.length + (startsLocal ? 1 : 0), nodes: 0, links: 0 };
    const further: BoardBlock = { threads: 0, nodes: nodes.length, links: links.length };
    board.grow(block);
    const bells: SharedArrayBuffer[] = [];
    const late: number[] = [];
    workers.forEach((worker, place) => {
      threads.add(next + place, worker);
      late.push(next + place);
    });
    places.fresh.forEach((asked, place) => {
      placement.asked[numbers[place]!] = asked;
    });
    if (startsLocal) {
      cut.localThread = next + workers.length;
      threads.add(cut.localThread, undefined);
      late.push(cut.localThread);
    }
    for (const thread of late) bells.push(threads.bells[thread]!.buffer);
    this.blocks.push(block);
    cut.threads += block.threads;
    for (const thread of late) {
      // Nodes that the calling thread had before its part ended are not made again.
      const part = cut.emptyPart(thread, { ...run.facts(), trace: undefined });
      run.startPart(thread, { ...part, blocks: [...this.blocks], late: true });
    }
    board.grow(further);
    this.blocks.push(further);
    spec.nodes.push(...nodes);
    spec.links.push(...links);
    const started = (thread: number): number => numbers[freshThread(0) - thread]!;
    placement.threadOf.push(...places.threadOf.map((t) => (t <= freshThread(0) ? started(t) : t)));
    placement.costs.push(...places.costs);
    cut.grow(first, rank);
    run.grown(first);
    return [
      ...open.map((thread) => ({ thread, announced: true, blocks: [block, further], bells })),
      ...late.map((thread) => ({ thread, announced: false, blocks: [further], bells: [] })),
    ];
  }
}

function full(): MillraceError {
  return stateError(
    'the graph has grown as far as a graph can while it runs',
    'Build another one: some ten thousand nodes have come to it',
  );
}

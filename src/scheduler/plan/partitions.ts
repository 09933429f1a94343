/** A placed graph cut into what each thread gets: its nodes, the links that touch it, and the rings between threads. */
import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads';
import { createRing } from '../../thread/link/ring-link.js';
import type {
  Growth,
  LinkEnds,
  PartitionLink,
  PartitionNode,
  PartitionSpec,
  WatchSpec,
} from '../../thread/protocol.js';
import { calledKeys } from '../run/callbacks.js';
import type { TracedGraph } from '../run/trace-writer.js';
import { SourcePorts } from '../sources/source-ports.js';
import type { Fusion } from './fuse-filters.js';
import { CALLING_THREAD, type Placement } from './placement.js';
import type { GraphSpec, LinkSpec, NodeSpec } from './spec.js';

/** The ring of a link that crosses threads, and the ports through which larger ones travel. */
interface Crossing {
  buffer: SharedArrayBuffer;
  producer: MessagePort;
  consumer: MessagePort;
}

/** What every part of a run is told alike. */
export type RunFacts = Pick<PartitionSpec, 'run' | 'board' | 'bells' | 'startedAt' | 'trace' | 'heard'>;

export class Partitions {
  /** The calling thread hosts a part as well. */
  get hasLocalPart(): boolean {
    return this.localThread !== undefined;
  }

  /** Index on the board of the calling thread, if it hosts a part. */
  localThread: number | undefined;
  /** Threads on the board: the workers of the start, the calling thread if it hosts a part, and those that came later. */
  threads: number;
  /** Ends of every link. */
  readonly links: LinkEnds[];
  private readonly crossings = new Map<number, Crossing>();
  private readonly told: SourcePorts;

  /** @param rank position of every node in topological order, in the order of `spec.nodes`. */
  constructor(
    private readonly spec: GraphSpec,
    private readonly placement: Placement,
    private readonly merging: Fusion,
    private rank: readonly number[],
  ) {
    this.localThread = placement.threadOf.includes(CALLING_THREAD) ? placement.threads : undefined;
    this.threads = placement.threads + (this.hasLocalPart ? 1 : 0);
    this.told = new SourcePorts(spec, (node) => this.threadOf(node));
    this.links = this.endsOf(spec.links);
  }

  private endsOf(links: readonly LinkSpec[]): LinkEnds[] {
    const { spec, merging } = this;
    const indexOf = new Map(spec.nodes.map((node, index) => [node.id, index]));
    return links.map(({ from, to }) => {
      const consumer = indexOf.get(to.node)!;
      const limit = spec.nodes[consumer]!.queueLimit ?? spec.options.queueLengthLimit;
      const producer = indexOf.get(from.node)!;
      // What goes into a chain of merged nodes goes to the node that runs them.
      return { producer, consumer: merging.isMerged(producer) ? consumer : merging.hostOf(consumer), limit };
    });
  }

  /**
   * Nodes and links have come to the specification.
   * @param rank of all nodes.
   */
  grow(first: { node: number; link: number }, rank: readonly number[]): void {
    const { spec } = this;
    this.rank = rank;
    this.links.push(...this.endsOf(spec.links.slice(first.link)));
    this.told.grow(first);
  }

  /**
   * What one thread is told of what has come since, and the ports that go with it. To be called once per thread.
   * @param isTold whether a thread is told of it: the streams of one that is not have ended.
   */
  growth(
    thread: number,
    first: { node: number; link: number },
    facts: Pick<Growth, 'id' | 'announced' | 'blocks' | 'bells'>,
    isTold: (thread: number) => boolean,
  ): { growth: Growth; transfer: Transferable[] } {
    const { spec } = this;
    const transfer: Transferable[] = [];
    const added = spec.nodes.slice(first.node);
    const growth: Growth = {
      ...facts,
      nodes: this.nodesOf(thread, first.node, transfer),
      links: this.linksAt(thread, first.link, transfer, isTold),
      nodeThreads: added.map((_, at) => this.threadOf(first.node + at)),
      names: added.map((node) => `${node.module.name} "${node.alias}"`),
      allLinks: this.links.slice(first.link),
      pushed: added.flatMap((node, at) => (node.outside === 'input' ? [first.node + at] : [])),
      watched: this.watchFrom(first),
      ranks: [...this.rank],
    };
    return { growth, transfer };
  }

  /** What each worker was wanted to be, as `Placement` has it. */
  get asked(): Placement['asked'] {
    return this.placement.asked;
  }

  /** Index on the board of the thread that hosts the node. */
  threadOf(node: number): number {
    const thread = this.placement.threadOf[node]!;
    return thread === CALLING_THREAD ? this.localThread! : thread;
  }

  /** Aliases of the nodes on a thread, for messages. */
  namesOn(thread: number): string {
    const names = this.spec.nodes.filter((_, node) => this.threadOf(node) === thread).map(({ alias }) => alias);
    return names.join(', ');
  }

  /** Nodes into which nothing leads, as far as they are run. */
  get sources(): number[] {
    const fed = new Set(this.links.filter((_, link) => !this.isMerged(link)).map(({ consumer }) => consumer));
    return [...this.spec.nodes.keys()].filter((node) => !this.merging.isMerged(node) && !fed.has(node));
  }

  /** Nodes that are run by themselves. */
  get actors(): number {
    return this.spec.nodes.filter((_, node) => !this.merging.isMerged(node)).length;
  }

  /** The link is inside of a chain of merged nodes: nothing goes over it. */
  isMerged(link: number): boolean {
    return this.merging.isMerged(this.links[link]!.producer);
  }

  crosses(link: number): boolean {
    const { producer, consumer } = this.links[link]!;
    return this.threadOf(producer) !== this.threadOf(consumer);
  }

  /** The part of one thread, and the ports that go with it. To be called once per thread. */
  part(thread: number, facts: RunFacts): { part: PartitionSpec; transfer: Transferable[] } {
    const transfer: Transferable[] = [];
    const own = { nodes: this.nodesOf(thread, 0, transfer), links: this.linksAt(thread, 0, transfer) };
    return { part: { ...this.emptyPart(thread, facts), ...own }, transfer };
  }

  /** That of a thread that knows the graph and has nothing of it. */
  emptyPart(thread: number, facts: RunFacts): PartitionSpec {
    const { spec } = this;
    return {
      ...facts,
      thread,
      nodes: [],
      links: [],
      nodeThreads: spec.nodes.map((_, index) => this.threadOf(index)),
      names: spec.nodes.map((node) => `${node.module.name} "${node.alias}"`),
      allLinks: [...this.links],
      transport: spec.options.transport,
      pushed: spec.nodes.flatMap((node, index) => (node.outside === 'input' ? [index] : [])),
      bytesLimit: spec.options.queueBytesLimit,
      hardCap: spec.options.hardCap,
      stopGrace: spec.options.stopGrace,
      watch: this.watch,
    };
  }

  /** Links that touch a thread, from one on. @param isThere a thread with which there can be a ring. */
  private linksAt(
    thread: number,
    first: number,
    transfer: Transferable[],
    isThere: (thread: number) => boolean = () => true,
  ): PartitionLink[] {
    const { spec } = this;
    const links: PartitionLink[] = [];
    for (let index = first; index < this.links.length; index++) {
      const ends = this.links[index]!;
      const producerThread = this.threadOf(ends.producer);
      const consumerThread = this.threadOf(ends.consumer);
      if (this.isMerged(index) || (producerThread !== thread && consumerThread !== thread)) continue;
      const { from, to, change } = spec.links[index]!;
      const link: PartitionLink = {
        ...ends,
        index,
        output: from.output,
        input: to.input,
        patient: [ends.producer, ends.consumer].some((node) => spec.nodes[node]!.outside !== undefined),
        free: [ends.producer, ends.consumer].every((node) => spec.nodes[node]!.module.definition !== undefined),
        serving: this.firstJobOf(spec.nodes[ends.producer]!) !== undefined,
        change,
        producerThread,
        consumerThread,
      };
      // One whose producer has ended with its thread gets its end where its consumer is: change/arrivals.ts.
      if (producerThread !== consumerThread && isThere(producerThread)) {
        const crossing = this.crossing(index);
        const port = producerThread === thread ? crossing.producer : crossing.consumer;
        transfer.push(port);
        link.ring = { buffer: crossing.buffer, port };
      }
      links.push(link);
    }
    return links;
  }

  /** What the watchdog has to know; undefined if there is none. */
  get watch(): WatchSpec | undefined {
    const { name, options } = this.spec;
    const watched = this.watchFrom({ node: 0, link: 0 });
    return watched && { graph: name, timeOut: options.timeOut, ...watched };
  }

  /** The same of what has come since. */
  watchFrom(first: { node: number; link: number }): Growth['watched'] {
    if (this.spec.options.timeOut === 0) return undefined;
    const links = this.links.slice(first.link).map((ends, i) => {
      const { from, to } = this.spec.links[first.link + i]!;
      return { ...ends, output: from.output, input: to.input };
    });
    return { nodes: this.describe(first.node), links, localThread: this.localThread };
  }

  /** What the trace has to know. */
  get traced(): TracedGraph {
    const { threads, localThread } = this;
    return { name: this.spec.name, nodes: this.describe(0), links: this.spec.links, threads, localThread };
  }

  /** What messages and the trace say of nodes, from one on. */
  describe(first: number): WatchSpec['nodes'] {
    return this.spec.nodes.slice(first).map(({ id, alias, module }, i) => {
      return { id, alias, module: module.name, thread: this.threadOf(first + i) };
    });
  }

  private crossing(link: number): Crossing {
    let crossing = this.crossings.get(link);
    if (crossing === undefined) {
      const { port1, port2 } = new MessageChannel();
      crossing = { buffer: createRing(this.links[link]!.limit), producer: port1, consumer: port2 };
      this.crossings.set(link, crossing);
    }
    return crossing;
  }

  /** Those of a thread, from one on; upstream first. */
  private nodesOf(thread: number, first: number, transfer: Transferable[]): PartitionNode[] {
    const nodes: PartitionNode[] = [];
    const { spec } = this;
    spec.nodes.slice(first).forEach((node, at) => {
      const index = first + at;
      if (this.threadOf(index) !== thread || this.merging.isMerged(index)) return;
      const chain = this.merging.chainOf(index)?.map((member) => this.node(spec.nodes[member]!, member, transfer));
      const members = chain?.map(({ index, options }) => ({ node: index, options }));
      nodes.push({ ...this.node(node, index, transfer), ...(chain !== undefined && { chain, options: { members } }) });
    });
    return nodes.sort((a, b) => a.rank - b.rank);
  }

  private node(node: NodeSpec, index: number, transfer: Transferable[]): PartitionNode {
    const { spec } = this;
    const { alias, module, options, inputManager, protocolWhitelist, onError } = node;
    return {
      index,
      // To its module and in errors a copy is the node that was built.
      id: node.copyOf?.id ?? node.id,
      alias,
      rank: this.rank[index]!,
      module,
      options,
      called: calledKeys(spec, node),
      warm: node.warm?.id,
      isCopy: node.copyOf !== undefined,
      inputManager,
      onError,
      protocolWhitelist,
      sources: this.told.of(index, transfer),
      firstJob: this.firstJobOf(node),
    };
  }

  /** In a graph that runs once there is one job for those that want to serve them. */
  private firstJobOf({ inputManager }: NodeSpec): number | undefined {
    const mode = typeof inputManager === 'object' ? inputManager.mode : inputManager;
    return this.spec.firstJob ?? (mode === 'server' ? 1 : undefined);
  }
}

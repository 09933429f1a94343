/** What a run tells of itself, read from the board: costs the actors nothing, whatever state the graph is in. */
import type { Board } from '../../thread/board/board.js';
import { NodeCall, NodeFate, NodeStatus } from '../../thread/board/states.js';
import type { Fusion } from '../plan/fuse-filters.js';
import type { Partitions } from '../plan/partitions.js';
import { CALLING_THREAD, type Placement } from '../plan/placement.js';
import type { GraphSpec } from '../plan/spec.js';
import { ProgressTeller } from './progress.js';
import type {
  GraphStats,
  LatencyStats,
  LinkStats,
  NodeStats,
  Progress,
  Report,
  SleepStats,
  WaitStats,
} from './report.js';

/** Names of NodePhase. */
const PHASES: readonly NodeStats['state'][] = ['waiting', 'running', 'finished', 'closed'];
/** Names of NodeCall. */
const CALLS = ['load', 'init', 'process', 'close', 'reset'] as const;

export class Figures {
  private readonly teller: ProgressTeller;
  /** Links by the node at that end. */
  private readonly linksBy: Record<'producer' | 'consumer', number[][]>;

  constructor(
    private readonly spec: GraphSpec,
    private readonly board: Board,
    private readonly placement: Placement,
    private readonly merging: Fusion,
    private readonly cut: Partitions,
  ) {
    this.teller = new ProgressTeller(spec);
    const byNode = (): number[][] => spec.nodes.map(() => []);
    this.linksBy = { producer: byNode(), consumer: byNode() };
    for (const [link, { producer, consumer }] of cut.links.entries()) {
      this.linksBy.producer[producer]?.push(link);
      this.linksBy.consumer[consumer]?.push(link);
    }
  }

  /** Nodes and links have come to the graph. */
  grow(first: { node: number; link: number }): void {
    const { spec, cut, linksBy } = this;
    for (let node = first.node; node < spec.nodes.length; node++) {
      linksBy.producer.push([]);
      linksBy.consumer.push([]);
    }
    for (let link = first.link; link < spec.links.length; link++) {
      const { producer, consumer } = cut.links[link]!;
      linksBy.producer[producer]!.push(link);
      linksBy.consumer[consumer]!.push(link);
    }
    this.teller.grow();
  }

  /** @param now milliseconds after the start of the run. */
  stats(now: number): GraphStats {
    return {
      nodes: this.allNodes(now),
      links: this.spec.links.map((_, index) => this.linkStats(index)),
      sleeps: Array.from({ length: this.cut.threads }, (_, thread) => this.sleepStats(thread, now)),
    };
  }

  report(milliseconds: number): Omit<Report, 'warnings' | 'dropped' | 'leaked'> {
    const stats = this.stats(milliseconds);
    const { frames, bytes } = this.teller.totals(stats.nodes);
    return {
      name: this.spec.name,
      milliseconds,
      firstPacketMilliseconds: this.board.firstPacketMilliseconds,
      frames,
      bytes,
      threads: this.placement.threads,
      stopped: this.board.stopping,
      ...stats,
    };
  }

  /** @param elapsed milliseconds after the start of the run. @param complete it has come to its end by itself. */
  progress(elapsed: number, complete: boolean): Progress {
    return this.teller.tell(this.allNodes(elapsed), elapsed, complete);
  }

  private allNodes(now: number): NodeStats[] {
    return this.spec.nodes.map((_, index) => this.nodeStats(index, now));
  }

  /** @param now milliseconds after the start of the run. */
  private nodeStats(index: number, now: number): NodeStats {
    const { board, merging, spec } = this;
    const node = spec.nodes[index]!;
    const carrier = merging.hostOf(index);
    const figure = (name: Parameters<Board['figure']>[1]): number => board.figure(index, name);
    return {
      id: node.id,
      alias: node.alias,
      module: node.module.name,
      thread: this.placement.threadOf[index]!,
      mergedInto: merging.isMerged(index) ? spec.nodes[carrier]!.id : undefined,
      state: board.fate(carrier) === NodeFate.dropped ? 'dropped' : PHASES[board.phase(carrier)]!,
      calls: figure('calls'),
      milliseconds: figure('milliseconds'),
      packetsIn: figure('packetsIn'),
      packetsOut: figure('packetsOut'),
      frames: figure('frames'),
      bytes: figure('bytes'),
      dropped: figure('dropped'),
      duplicated: figure('duplicated'),
      corrupt: figure('corrupt'),
      psnr: figure('psnr') || undefined,
      position: figure('position'),
      duration: figure('duration'),
      ...this.whatItDoes(index, now),
      outages: this.outages(index),
      latency: this.latency(index),
      held: this.sum(this.linksBy.producer[index]!, (link) => board.held(link)),
      timestampIn: this.latest(this.linksBy.consumer[index]!),
      timestampOut: this.latest(this.linksBy.producer[index]!),
    };
  }

  private outages(index: number): WaitStats {
    const { board } = this;
    const since = board.figure(index, 'outageSince');
    const going = since > 0 ? Math.max(0, Number(board.clock.elapsed) / 1e6 - since) : 0;
    return {
      count: board.figure(index, 'outages'),
      milliseconds: board.figure(index, 'outageMilliseconds') + going,
    };
  }

  private latency(index: number): LatencyStats | undefined {
    const { board } = this;
    const count = board.figure(index, 'latencyCount');
    if (count === 0) return undefined;
    const mean = board.figure(index, 'latencySum') / count;
    return { last: board.figure(index, 'latency'), mean, most: board.figure(index, 'latencyMost') };
  }

  private whatItDoes(index: number, now: number): Pick<NodeStats, 'call' | 'waitsFor' | 'waits'> {
    const { board } = this;
    const figure = (name: Parameters<Board['figure']>[1]): number => board.figure(index, name);
    const status = board.status(index) & 3;
    const phase = CALLS[board.call(index) - NodeCall.load];
    const call = phase && { phase, milliseconds: Math.max(0, now - figure('callSince')) };
    const wait = (count: number, past: number, cause: number): { count: number; milliseconds: number } => ({
      count,
      milliseconds: past + (status === cause ? Math.max(0, now - figure('waitSince')) : 0),
    });
    return {
      call,
      waitsFor: board.outside(index)
        ? 'outside'
        : status === NodeStatus.starving
          ? 'packets'
          : status === NodeStatus.blocked
            ? 'room'
            : undefined,
      waits: {
        starving: wait(figure('starvings'), figure('starvingMilliseconds'), NodeStatus.starving),
        blocked: wait(figure('blockings'), figure('blockedMilliseconds'), NodeStatus.blocked),
      },
    };
  }

  private sleepStats(thread: number, now: number): SleepStats {
    const isLocal = thread === this.cut.localThread;
    return { thread: isLocal ? CALLING_THREAD : thread, ...this.board.sleeps(thread, now) };
  }

  /** Indices of the links at which the node is the producer, or the consumer. */
  private sum(links: readonly number[], figure: (link: number) => number): number {
    return links.reduce((sum, link) => sum + figure(link), 0);
  }

  private latest(links: readonly number[]): number | undefined {
    const times = links.flatMap((link) => this.board.takenTimestamp(link) ?? []);
    return times.length > 0 ? Math.max(...times) : undefined;
  }

  private linkStats(index: number): LinkStats {
    const { board } = this;
    const { from, to } = this.spec.links[index]!;
    return {
      from: { ...from },
      to: { ...to },
      kind: this.cut.isMerged(index) ? 'merged' : this.cut.crosses(index) ? 'ring' : 'direct',
      packets: board.packets(index),
      // What a consumer that has left did not take is nobody's any more.
      queued: board.left(index) ? 0 : board.queued(index),
      highWater: board.highWater(index),
      outbox: board.left(index) ? 0 : board.outbox(index),
      held: board.held(index),
      timestamp: board.takenTimestamp(index),
      limit: this.cut.links[index]!.limit + board.allowance(index),
      reliefs: board.reliefs(index),
    };
  }
}

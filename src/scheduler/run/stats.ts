/** What a run tells of itself, read from the board: costs the actors nothing, whatever state the graph is in. */
import { builtinOf } from '../../catalog/builtin.js';
import { type Board, NodeCall, NodeStatus } from '../../thread/board/board.js';
import type { Fusion } from '../plan/fuse-filters.js';
import type { Partitions } from '../plan/partitions.js';
import { CALLING_THREAD, type Placement } from '../plan/placement.js';
import type { GraphSpec } from '../plan/spec.js';
import type { GraphStats, LinkStats, NodeStats, Progress, Report, SleepStats } from './report.js';

/** Names of NodePhase. */
const PHASES: readonly NodeStats['state'][] = ['waiting', 'running', 'finished', 'closed'];
/** Names of NodeCall. */
const CALLS = ['load', 'init', 'process', 'close', 'reset'] as const;

export class Figures {
  /** The last progress: no figure goes back, whichever node it comes from. */
  private told = { frames: 0, position: 0 };
  /** Links by the node at that end. */
  private readonly linksBy: Record<'producer' | 'consumer', number[][]>;

  constructor(
    private readonly spec: GraphSpec,
    private readonly board: Board,
    private readonly placement: Placement,
    private readonly merging: Fusion,
    private readonly cut: Partitions,
  ) {
    const byNode = (): number[][] => spec.nodes.map(() => []);
    this.linksBy = { producer: byNode(), consumer: byNode() };
    for (const [link, { producer, consumer }] of cut.links.entries()) {
      this.linksBy.producer[producer]?.push(link);
      this.linksBy.consumer[consumer]?.push(link);
    }
  }

  /** @param now milliseconds after the start of the run. */
  stats(now: number): GraphStats {
    return {
      nodes: this.spec.nodes.map((_, index) => this.nodeStats(index, now)),
      links: this.spec.links.map((_, index) => this.linkStats(index)),
      sleeps: Array.from({ length: this.cut.threads }, (_, thread) => this.sleepStats(thread, now)),
    };
  }

  report(milliseconds: number): Omit<Report, 'warnings' | 'leaked'> {
    const { frames, bytes } = this.totals();
    return {
      name: this.spec.name,
      milliseconds,
      firstPacketMilliseconds: this.board.firstPacketMilliseconds,
      frames,
      bytes,
      threads: this.placement.threads,
      stopped: this.board.stopping,
      ...this.stats(milliseconds),
    };
  }

  /** Video frames and bytes of the nodes at the end of the graph; those of the furthest ones that count any. */
  private totals(running = false): { frames: number; bytes: number; position: number; duration: number } {
    const producers = new Set(this.spec.links.map((link) => link.from.node));
    const nodes = this.spec.nodes.map((_, index) => this.nodeStats(index, 0));
    const sinks = nodes.filter((node) => !producers.has(node.id));
    const last = (figure: 'frames' | 'position'): NodeStats[] => {
      const counting = sinks.filter((node) => node[figure] > 0);
      if (counting.length > 0) return counting;
      // An encoder that has nothing out yet will count: what is ahead of it would be taken back then.
      return running &&
        this.spec.nodes.some(({ id, module }) => !producers.has(id) && builtinOf(module)?.work === 'encoding')
        ? sinks
        : nodes;
    };
    return {
      frames: Math.max(0, ...last('frames').map((node) => node.frames)),
      bytes: sinks.reduce((sum, node) => sum + node.bytes, 0),
      position: Math.max(0, ...last('position').map((node) => node.position)),
      duration: Math.max(0, ...nodes.map((node) => node.duration)),
    };
  }

  /** @param elapsed milliseconds after the start of the run. */
  progress(elapsed: number): Progress {
    const totals = this.totals(true);
    const frames = Math.max(this.told.frames, totals.frames);
    const position = Math.max(this.told.position, totals.position);
    this.told = { frames, position };
    const per = (figure: number): number | undefined => (elapsed > 0 && figure > 0 ? figure / elapsed : undefined);
    return {
      elapsed,
      frames,
      fps: per(frames * 1000),
      position: position || undefined,
      duration: totals.duration || undefined,
      speed: per(position / 1000),
    };
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
      state: PHASES[board.phase(carrier)]!,
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
      held: this.sum(this.linksBy.producer[index]!, (link) => board.held(link)),
      timestampIn: this.latest(this.linksBy.consumer[index]!),
      timestampOut: this.latest(this.linksBy.producer[index]!),
    };
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
    const isLocal = thread === this.placement.threads;
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

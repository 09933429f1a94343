/** What a run tells of itself, read from the board: costs the actors nothing, whatever state the graph is in. */
import type { Board } from '../thread/board.js';
import type { Cut } from './cut.js';
import type { Placement } from './placement.js';
import type { GraphStats, LinkStats, NodeStats, Progress, Report } from './report.js';
import type { GraphSpec } from './spec.js';

/** Names of NodePhase. */
const PHASES: readonly NodeStats['state'][] = ['waiting', 'running', 'finished', 'closed'];

export class Figures {
  constructor(
    private readonly spec: GraphSpec,
    private readonly board: Board,
    private readonly placement: Placement,
    private readonly cut: Cut,
  ) {}

  stats(): GraphStats {
    return {
      nodes: this.spec.nodes.map((_, index) => this.nodeStats(index)),
      links: this.spec.links.map((_, index) => this.linkStats(index)),
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
      ...this.stats(),
    };
  }

  /** Video frames and bytes of the nodes at the end of the graph; those of the furthest ones that count any. */
  private totals(): { frames: number; bytes: number; position: number; duration: number } {
    const producers = new Set(this.spec.links.map((link) => link.from.node));
    const nodes = this.spec.nodes.map((_, index) => this.nodeStats(index));
    const sinks = nodes.filter((node) => !producers.has(node.id));
    const last = (figure: 'frames' | 'position'): NodeStats[] => {
      const counting = sinks.filter((node) => node[figure] > 0);
      return counting.length > 0 ? counting : nodes;
    };
    return {
      frames: Math.max(0, ...last('frames').map((node) => node.frames)),
      bytes: sinks.reduce((sum, node) => sum + node.bytes, 0),
      position: Math.max(0, ...last('position').map((node) => node.position)),
      duration: Math.max(0, ...nodes.map((node) => node.duration)),
    };
  }

  /** @param startedAt performance.timeOrigin-based, in ms. */
  progress(startedAt: number): Progress {
    const elapsed = performance.timeOrigin + performance.now() - startedAt;
    const { frames, position, duration } = this.totals();
    return { elapsed, frames, fps: (frames * 1000) / elapsed, position, duration, speed: position / 1000 / elapsed };
  }

  private nodeStats(index: number): NodeStats {
    const { board, spec } = this;
    const node = spec.nodes[index]!;
    const figure = (name: Parameters<Board['figure']>[1]): number => board.figure(index, name);
    return {
      id: node.id,
      alias: node.alias,
      module: node.module.name,
      thread: this.placement.threadOf[index]!,
      state: PHASES[board.phase(index)]!,
      calls: figure('calls'),
      milliseconds: figure('milliseconds'),
      packetsIn: figure('packetsIn'),
      packetsOut: figure('packetsOut'),
      frames: figure('frames'),
      bytes: figure('bytes'),
      dropped: figure('dropped'),
      duplicated: figure('duplicated'),
      corrupt: figure('corrupt'),
      position: figure('position'),
      duration: figure('duration'),
    };
  }

  private linkStats(index: number): LinkStats {
    const { board } = this;
    const { from, to } = this.spec.links[index]!;
    const sent = board.sent(index);
    return {
      from: { ...from },
      to: { ...to },
      kind: this.cut.crosses(index) ? 'ring' : 'direct',
      packets: sent,
      // What a consumer that has left did not take is nobody's any more.
      queued: board.left(index) ? 0 : Math.max(0, sent - board.taken(index)),
      highWater: board.highWater(index),
      limit: this.cut.links[index]!.limit + board.allowance(index),
      reliefs: board.reliefs(index),
    };
  }
}

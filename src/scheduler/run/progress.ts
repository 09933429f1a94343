/** The progress of a run: what its nodes have counted, in the figures that people watch. No figure goes back. */
import { builtinOf } from '../../catalog/builtin.js';
import { withoutSecrets } from '../../errors/secrets.js';
import type { GraphSpec } from '../plan/spec.js';
import type { NodeStats, OutputProgress, Progress } from './report.js';

/** What is told of one output, or of all together. */
interface Counted {
  frames: number;
  bytes: number;
  /** Microseconds. */
  position: number;
}

export class ProgressTeller {
  private readonly told = new Map<number, Counted>();
  private readonly all: Counted = { frames: 0, bytes: 0, position: 0 };
  private percent = 0;
  private producers!: ReadonlySet<number>;
  private encoders!: ReadonlySet<number>;

  constructor(private readonly spec: GraphSpec) {
    this.grow();
  }

  /** Nodes have come to the graph. */
  grow(): void {
    const { spec } = this;
    this.producers = new Set(spec.links.map((link) => link.from.node));
    this.encoders = new Set(
      spec.nodes.filter(({ module }) => builtinOf(module)?.work === 'encoding').map(({ id }) => id),
    );
  }

  /** Video frames and bytes of the nodes at the end of the graph; those of the furthest ones that count any. */
  totals(nodes: readonly NodeStats[], running = false): Counted & { duration: number } {
    const sinks = nodes.filter((node) => !this.producers.has(node.id));
    const last = (figure: 'frames' | 'position'): readonly NodeStats[] => {
      const counting = sinks.filter((node) => node[figure] > 0);
      if (counting.length > 0) return counting;
      // An encoder that has nothing out yet will count: what is ahead of it would be taken back then.
      return running && sinks.some(({ id }) => this.encoders.has(id)) ? sinks : nodes;
    };
    return {
      frames: Math.max(0, ...last('frames').map((node) => node.frames)),
      bytes: sinks.reduce((sum, node) => sum + node.bytes, 0),
      position: Math.max(0, ...last('position').map((node) => node.position)),
      duration: Math.max(0, ...nodes.map((node) => node.duration)),
    };
  }

  /**
   * @param elapsed milliseconds after the start of the run.
   * @param complete it has come to its end by itself: nothing is left of it.
   */
  tell(nodes: readonly NodeStats[], elapsed: number, complete = false): Progress {
    const { duration, ...counted } = this.totals(nodes, true);
    const { frames, bytes, position } = raise(this.all, counted);
    const per = (figure: number): number | undefined => (elapsed > 0 && figure > 0 ? figure / elapsed : undefined);
    const speed = per(position / 1000);
    const share = duration > 0 && position > 0 ? Math.min(100, (position / duration) * 100) : 0;
    this.percent = Math.max(this.percent, complete && duration > 0 ? 100 : share);
    const left = complete ? 0 : Math.max(0, duration - position) / 1000;
    return {
      elapsed,
      frames,
      fps: per(frames * 1000),
      position: position || undefined,
      duration: duration || undefined,
      percent: this.percent || undefined,
      speed,
      eta: duration > 0 && speed !== undefined ? left / speed : undefined,
      size: bytes || undefined,
      bitRate: bitRate(bytes, position),
      latency: longest(nodes),
      outputs: nodes.flatMap((node, index) => this.output(node, index) ?? []),
    };
  }

  private output(node: NodeStats, index: number): OutputProgress | undefined {
    const { id, alias } = node;
    if (!this.encoders.has(id) && this.producers.has(id)) return undefined;
    let told = this.told.get(id);
    if (told === undefined) {
      told = { frames: 0, bytes: 0, position: 0 };
      this.told.set(id, told);
    }
    const { frames, bytes, position } = raise(told, node);
    const { output_path: path } = this.spec.nodes[index]!.options;
    return {
      node: id,
      alias,
      path: typeof path === 'string' ? withoutSecrets(path) : undefined,
      frames,
      position: position || undefined,
      size: bytes || undefined,
      bitRate: bitRate(bytes, position),
      failed: node.state === 'dropped',
      latency: node.latency?.last,
    };
  }
}

function longest(nodes: readonly NodeStats[]): number | undefined {
  const all = nodes.flatMap(({ latency }) => latency?.last ?? []);
  return all.length > 0 ? Math.max(...all) : undefined;
}

/** Takes over what has grown. */
function raise(told: Counted, now: Counted): Counted {
  told.frames = Math.max(told.frames, now.frames);
  told.bytes = Math.max(told.bytes, now.bytes);
  told.position = Math.max(told.position, now.position);
  return told;
}

function bitRate(bytes: number, position: number): number | undefined {
  return bytes > 0 && position > 0 ? (bytes * 8e6) / position : undefined;
}

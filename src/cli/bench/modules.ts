/** Modules of the hop benchmark; they run in the graph's threads. */
import { Packet } from '../../media/packet.js';
import { VideoFrame } from '../../media/video-frame.js';
import type { ModuleContext, Task } from '../../module/contract.js';
import { WARM_UP, WINDOW } from './clone-sides.js';

/** A byte that every pixel of the hop benchmark has. */
const PIXEL = 123;

export interface HopOptions {
  width: number;
  height: number;
  /** The sink takes at least so many frames and so many milliseconds, and whole windows. */
  frames: number;
  milliseconds: number;
}

/** Emits references to one picture for as long as somebody takes them, `timestamp` counting up from 0. */
export class HopSource {
  private frame: VideoFrame | undefined;
  private made = 0;

  init({ options }: ModuleContext<HopOptions>): void {
    const { width, height } = options;
    this.frame = VideoFrame.alloc({ width, height, format: 'yuv420p', pts: 0n, timeBase: { num: 1, den: 1_000_000 } });
    for (const plane of this.frame.planes()) plane.data.fill(PIXEL);
  }

  process(task: Task): void {
    task.output(0).push(new Packet(this.frame!.clone(), { timestamp: this.made++ }));
  }

  close(): void {
    this.frame?.close();
  }
}

/** What the sink tells when it has seen enough. */
export interface HopFigures {
  frames: number;
  /** Microseconds per frame, of each window. */
  windows: number[];
  /** Resident memory of the process after the first tenth of the time and at the end, in MB. */
  rss: { begin: number; end: number };
}

/** Takes the time of every window without touching a pixel; those of the last frame are looked at. */
export class HopSink {
  private ctx!: ModuleContext<HopOptions>;
  private seen = 0;
  private entered = 0;
  /** When the warm-up was over, and how many had come by then. */
  private begin = 0;
  private before = 0;
  private start = 0;
  private done = false;
  private readonly windows: number[] = [];
  private readonly rss = { begin: 0, end: 0 };

  init(ctx: ModuleContext<HopOptions>): void {
    this.ctx = ctx;
  }

  process(task: Task): Promise<unknown> | undefined {
    for (const packet of task.inputs.get(0) ?? []) {
      if (this.done || packet.isEof) break;
      this.take(packet);
    }
    if (!this.done) return undefined;
    task.done();
    const figures: HopFigures = { frames: this.seen, windows: this.windows, rss: this.rss };
    return this.ctx.callback('figures', figures);
  }

  private take(packet: Packet): void {
    const n = this.seen++;
    if (packet.timestamp !== n) throw new Error(`frame ${n} came with timestamp ${packet.timestamp}`);
    if (this.entered === 0) this.entered = performance.now();
    if (this.seen % WINDOW !== 0) return;
    const now = performance.now();
    if (now < this.entered + WARM_UP) return;
    if (this.begin === 0) {
      this.begin = now;
      this.before = this.seen;
    } else this.windows.push(((now - this.start) * 1000) / WINDOW);
    const { frames, milliseconds } = this.ctx.options;
    const done = Math.min((this.seen - this.before) / frames, (now - this.begin) / milliseconds);
    if (this.rss.begin === 0 && done >= 0.1) this.rss.begin = residentMegabytes();
    if (done >= 1) {
      this.rss.end = residentMegabytes();
      this.verify(packet.payload as VideoFrame);
      this.done = true;
    }
    this.start = performance.now();
  }

  private verify(frame: VideoFrame): void {
    const { width, height } = this.ctx.options;
    if (frame.width !== width || frame.height !== height) {
      throw new Error(`the last frame is ${frame.width}x${frame.height}, not ${width}x${height}`);
    }
    for (const plane of frame.planes()) {
      for (let y = 0; y < plane.height; y++) {
        const row = plane.data.subarray(y * plane.stride, y * plane.stride + plane.width);
        if (row.some((byte) => byte !== PIXEL)) throw new Error(`the last frame has other pixels in row ${y}`);
      }
    }
  }
}

const residentMegabytes = (): number => process.memoryUsage.rss() / 2 ** 20;

/** Modules of the hop benchmark; they run in the graph's threads. */

import { VideoFrame } from '../../src/media/frame/video-frame.js';
import { Packet } from '../../src/media/packet/packet.js';
import type { ModuleContext, Task } from '../../src/module/contract.js';
import { type Enough, Windows } from './windows.js';

/** A byte that every pixel of the hop benchmark has. */
const PIXEL = 123;

export interface HopOptions extends Enough {
  width: number;
  height: number;
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
  /** Microseconds per frame, of each window. */
  windows: number[];
  /** Resident memory of the process after the first tenth of the time and at the end, in MB. */
  rss: { begin: number; end: number };
}

/** Takes the time of every window without touching a pixel; those of the last frame are looked at. */
export class HopSink {
  private ctx!: ModuleContext<HopOptions>;
  private windows!: Windows;
  private done = false;
  private readonly rss = { begin: 0, end: 0 };

  init(ctx: ModuleContext<HopOptions>): void {
    this.ctx = ctx;
    this.windows = new Windows(ctx.options);
  }

  process(task: Task): Promise<unknown> | undefined {
    for (const packet of task.inputs.get(0) ?? []) {
      if (this.done || packet.isEof) break;
      this.take(packet);
    }
    if (!this.done) return undefined;
    task.done();
    const figures: HopFigures = { windows: this.windows.microseconds, rss: this.rss };
    return this.ctx.callback('figures', figures);
  }

  private take(packet: Packet): void {
    const n = this.windows.seen;
    if (packet.timestamp !== n) throw new Error(`frame ${n} came with timestamp ${packet.timestamp}`);
    const share = this.windows.count();
    if (this.rss.begin === 0 && share >= 0.1) this.rss.begin = residentMegabytes();
    if (share < 1) return;
    this.rss.end = residentMegabytes();
    this.verify(packet.payload as VideoFrame);
    this.done = true;
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

export interface CountOptions {
  /** Packets in all. */
  packets: number;
}

/** Emits numbers, and tells when it begins. */
export class CountSource {
  private ctx!: ModuleContext<CountOptions>;
  private made = 0;

  init(ctx: ModuleContext<CountOptions>): void {
    this.ctx = ctx;
  }

  process(task: Task): Promise<unknown> | undefined {
    if (this.made === this.ctx.options.packets) {
      task.done();
      return undefined;
    }
    task.output(0).push(new Packet(this.made));
    return this.made++ === 0 ? this.ctx.callback('began', now()) : undefined;
  }
}

/** Hands on what comes. */
export class Hand {
  process(task: Task): void {
    const output = task.output(0);
    for (const packet of task.inputs.get(0) ?? []) if (!packet.isEof) output.push(packet);
  }
}

/** Tells when the last number has come, and demands that all come in their order. */
export class CountSink {
  private ctx!: ModuleContext<CountOptions>;
  private seen = 0;

  init(ctx: ModuleContext<CountOptions>): void {
    this.ctx = ctx;
  }

  process(task: Task): Promise<unknown> | undefined {
    for (const packet of task.inputs.get(0) ?? []) {
      if (packet.isEof) continue;
      if (packet.payload !== this.seen) throw new Error(`packet ${packet.payload} came in the place of ${this.seen}`);
      if (++this.seen === this.ctx.options.packets) return this.ctx.callback('ended', now());
    }
    return undefined;
  }
}

/** Milliseconds, the same in every thread. */
const now = (): number => performance.timeOrigin + performance.now();

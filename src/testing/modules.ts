/** The modules behind TestSource and TestSink; they run in the graph's threads. */

import { createHash } from 'node:crypto';
import { sleep } from '../../ringbuffer/clock.js';
import { AudioFrame } from '../media/frame/audio-frame.js';
import { VideoFrame } from '../media/frame/video-frame.js';
import { Bundle } from '../media/packet/bundle.js';
import { EncodedPacket } from '../media/packet/encoded-packet.js';
import { ownedIn } from '../media/packet/owned.js';
import { Packet } from '../media/packet/packet.js';
import type { ModuleContext, Task } from '../module/contract.js';
import type { SeenPacket, TestSourceOptions } from './types.js';

/** By this the file is known: own-file.ts. */
export const isThreadOfMillrace = true;

const MICROSECONDS = { num: 1, den: 1_000_000 };

export class SourceModule {
  private options!: TestSourceOptions;
  private signal!: AbortSignal;
  private outputs!: readonly number[];
  private made = 0;

  init(ctx: ModuleContext<TestSourceOptions>): void {
    this.options = ctx.options;
    this.signal = ctx.signal;
    this.outputs = ctx.outputs;
  }

  process(task: Task): void | Promise<void> {
    const { count, delay } = this.options;
    if (count !== undefined && count >= 0 && this.made >= count) {
      task.done();
      return;
    }
    if (delay === undefined) this.emit(task);
    else return sleep(delay, { signal: this.signal }).then(() => this.emit(task));
  }

  private emit(task: Task): void {
    const { interval = 40_000, start = 0 } = this.options;
    const n = this.made++;
    for (const output of this.outputs) {
      const timestamp = start + n * interval;
      const packet = new Packet(this.payload(n, timestamp), { timestamp });
      task.output(output).push(packet);
    }
  }

  private payload(n: number, timestamp: number): unknown {
    const { kind = 'value', width = 64, height = 36, format = 'yuv420p', samples = 1024 } = this.options;
    switch (kind) {
      case 'value':
        return { n };
      case 'bytes':
        return new Uint8Array(this.options.size ?? 16).fill(n & 0xff);
      case 'video': {
        const frame = VideoFrame.alloc({ width, height, format, pts: BigInt(timestamp), timeBase: MICROSECONDS });
        for (const plane of frame.planes()) plane.data.fill((n * 7) & 0xff);
        return frame;
      }
      case 'audio': {
        const channel = Float32Array.from({ length: samples }, (_, i) => Math.sin((n * samples + i) / 20));
        return AudioFrame.from([channel], { sampleRate: 48_000, format: 'fltp', pts: BigInt(n * samples) });
      }
    }
  }
}

export class SinkModule {
  private ctx!: ModuleContext<{ delay?: number; limit?: number }>;
  private readonly seen: SeenPacket[] = [];
  private readonly ends: number[] = [];

  init(ctx: ModuleContext<{ delay?: number; limit?: number }>): void {
    this.ctx = ctx;
  }

  process(task: Task): void | Promise<void> {
    for (const [input, packets] of task.inputs) {
      for (const packet of packets) {
        if (packet.isEof) this.ends.push(input);
        else this.seen.push(look(input, packet));
      }
    }
    const { delay, limit } = this.ctx.options;
    if (limit !== undefined && this.seen.length >= limit) task.done();
    if (delay !== undefined) return sleep(delay);
  }

  async close(): Promise<void> {
    if (this.ctx === undefined) return;
    await this.ctx.callback('seen', { packets: this.seen, ends: this.ends });
  }
}

function look(input: number, { payload, timestamp }: Packet): SeenPacket {
  return { input, timestamp, ...described(payload) };
}

function described(payload: unknown): Omit<SeenPacket, 'input' | 'timestamp'> {
  if (payload instanceof VideoFrame) {
    const { width, height, format, pts } = payload;
    return { kind: 'video', width, height, format, pts, hash: hash(payload.copyPlanes().map((p) => p.data)) };
  }
  if (payload instanceof AudioFrame) {
    const { samples, sampleRate, channels, format, pts } = payload;
    const planes = payload.copyPlanes().map((plane) => plane.data);
    return { kind: 'audio', samples, sampleRate, channels, format, pts, hash: hash(planes) };
  }
  if (payload instanceof EncodedPacket) return { kind: 'packet', pts: payload.pts, hash: hash([payload.data]) };
  return { kind: 'value', value: payload instanceof Bundle || ownedIn(payload).length > 0 ? inside(payload) : payload };
}

/** A value in which descriptions stand for the frames: what a callback is given holds none. */
function inside(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return Array.from(value as unknown[], inside);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, inside(item)]));
  if (value instanceof Set) return new Set([...value].map(inside));
  if (Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inside(item)]));
  }
  const seen = described(value);
  return seen.kind === 'value' ? value : seen;
}

function hash(parts: readonly Uint8Array[]): string {
  const md5 = createHash('md5');
  for (const part of parts) md5.update(part);
  return md5.digest('hex');
}

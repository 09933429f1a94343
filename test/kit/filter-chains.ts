/** Chains of filters in a graph of their own, and everything that can be seen of the frames that come out. */
import { createHash } from 'node:crypto';
import { AudioFrame, Graph, type Module, Packet, type Report, type Stream, type Task, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import * as assert from 'uvu/assert';

export interface Picture {
  /** Pixels. */
  size: readonly [width: number, height: number];
  format: string;
  /** Shape of a pixel. */
  aspect?: readonly [num: number, den: number];
}

export interface Timing {
  /** Frames per second; unknown if absent. */
  rate?: number;
  /** In 1/25 s; unknown if absent. */
  duration?: bigint;
}

/** A source of these pictures, each of them another one. */
export function pictureSource(list: readonly Picture[], timing: Timing = {}): Module {
  let at = 0;
  return {
    process(task: Task) {
      const picture = list[at];
      if (picture === undefined) task.done();
      else task.output(0).push(new Packet(draw(picture, at++, timing)));
    },
  };
}

/** `count` pictures that are alike in all but their pixels. */
export function alike(
  count: number,
  size: readonly [number, number],
  format: string,
  aspect?: Picture['aspect'],
): Picture[] {
  return new Array<Picture>(count).fill({ size, format, ...(aspect && { aspect }) });
}

function draw({ size, format, aspect }: Picture, at: number, { rate, duration }: Timing): VideoFrame {
  const [width, height] = size;
  const frame = VideoFrame.alloc({ width, height, format, pts: BigInt(at), timeBase: { num: 1, den: 25 } });
  // Samples of more than 8 bits must stay in their range, so their upper byte is small.
  const deep = /1[0-6]le$/.test(format);
  frame.planes().forEach(({ data, stride, width: bytes, height: rows }, plane) => {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < bytes; x++) {
        const value = (x * 7 + y * 13 + at * 29 + plane * 50 + ((x * y) >> 3)) & 0xff;
        data[y * stride + x] = deep && x % 2 === 1 ? value & 1 : value;
      }
    }
  });
  if (aspect) frame.sampleAspectRatio = { num: aspect[0], den: aspect[1] };
  if (rate !== undefined) frame.frameRate = { num: rate, den: 1 };
  if (duration !== undefined) frame.duration = duration;
  return frame;
}

export interface Outcome {
  /** One line per frame: all its properties, and the MD5 of its pixels or samples. */
  frames: string[];
  report: Report | undefined;
  error: unknown;
}

/** Filters in FFmpeg's form, `scale=32:24`, each a node; `{ graph }` is a node with a whole filtergraph. */
export type Step = string | { graph: string };

/** Runs source, filters and a sink that looks at what comes; nothing may be left of it. */
export async function runChain(
  begin: (graph: Graph) => Stream,
  steps: readonly Step[],
  options: { optimize_graph: boolean; threads?: number },
): Promise<Outcome> {
  const graph = new Graph({ threads: 0, ...options });
  const frames: string[] = [];
  addSteps(begin(graph), steps).module({
    process(task: Task) {
      for (const packet of task.inputs.get(0) ?? []) if (!packet.isEof) frames.push(describe(packet));
    },
  });
  const leaks = new LeakWatch();
  try {
    const report = await graph.run({ signal: AbortSignal.timeout(30_000) });
    leaks.check(report);
    return { frames, report, error: undefined };
  } catch (error) {
    leaks.check();
    return { frames, report: undefined, error };
  }
}

export function addSteps(stream: Stream, steps: readonly Step[]): Stream {
  return steps.reduce<Stream>((from, step, i) => {
    if (typeof step !== 'string') return from.module('c_ffmpeg_filter', step, { alias: `step_${i}` });
    const at = step.indexOf('=');
    const options = at < 0 ? { name: step } : { name: step.slice(0, at), para: step.slice(at + 1) };
    return from.module('c_ffmpeg_filter', options, { alias: `step_${i}` });
  }, stream);
}

function describe({ payload, timestamp }: Packet): string {
  if (!(payload instanceof VideoFrame || payload instanceof AudioFrame)) throw new Error('a packet without a frame');
  const { num, den } = payload.timeBase;
  const common = [timestamp, payload.pts, payload.duration, `${num}/${den}`, payload.format];
  const md5 = createHash('md5');
  for (const { data } of payload.copyPlanes()) md5.update(data);
  const hash = md5.digest('hex');
  const metadata = JSON.stringify(payload.metadata);
  if (payload instanceof AudioFrame) {
    return [...common, payload.samples, payload.sampleRate, payload.channels, metadata, hash].join(' ');
  }
  const { width, height, sampleAspectRatio: aspect, frameRate: rate } = payload;
  const { colorSpace, colorRange, colorPrimaries, colorTransfer, keyFrame, interlaced } = payload;
  const { alphaMode, pictType, pktDts } = payload.av;
  return [
    ...common,
    `${width}x${height} ${aspect.num}:${aspect.den} ${rate ? `${rate.num}/${rate.den}` : 'no rate'}`,
    ...[colorSpace, colorRange, colorPrimaries, colorTransfer, alphaMode, keyFrame, interlaced, pictType, pktDts],
    metadata,
    hash,
  ].join(' ');
}

/** The frames of a chain of filters, which must be the same merged and node by node. */
export async function sameMerged(
  begin: Parameters<typeof runChain>[0],
  steps: readonly Step[],
  threads = 0,
): Promise<string[]> {
  const apart = await runChain(begin, steps, { optimize_graph: false, threads });
  const merged = await runChain(begin, steps, { optimize_graph: true, threads });
  assert.is(apart.error, undefined);
  assert.is(merged.error, undefined);
  assert.is(mergedNodes(apart.report!), 0);
  assert.is(mergedNodes(merged.report!), steps.length - 1);
  const at = apart.frames.findIndex((frame, i) => frame !== merged.frames[i]);
  if (at >= 0) assert.is(merged.frames[at], apart.frames[at], `frame ${at}`);
  assert.is(merged.frames.length, apart.frames.length);
  return merged.frames;
}

export function mergedNodes(report: Report): number {
  return report.nodes.filter((node) => node.mergedInto !== undefined).length;
}

export const pictures = (list: readonly Picture[], timing?: Timing) => (graph: Graph) =>
  graph.module(pictureSource(list, timing), {});

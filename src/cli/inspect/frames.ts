/** `millrace inspect FILE --frames`: a line for each picture and each piece of sound, as it is decoded. */
import type { MediaStream } from '../../catalog/ffmpeg.js';
import { Graph } from '../../graph/graph.js';
import { isCover, streamsOf } from '../../graph/tasks/mapping.js';
import { pickFrom } from '../../graph/tasks/sources.js';
import { AudioFrame } from '../../media/frame/audio-frame.js';
import { VideoFrame } from '../../media/frame/video-frame.js';
import type { Module } from '../../module/contract.js';
import { UsageError } from '../errors.js';
import { leavePipes, openInput } from '../look.js';
import { written } from '../text.js';
import type { PacketFlags } from './packets.js';

/** A frame as `--json` prints it; seconds on the clock of the container. */
interface FrameFacts {
  readonly stream: number;
  readonly kind: 'video' | 'audio';
  readonly pts?: number;
  readonly duration?: number;
  readonly key?: boolean;
  /** I, P, B, … */
  readonly type?: string;
  readonly width?: number;
  readonly height?: number;
  readonly samples?: number;
  readonly format: string;
  readonly corrupt?: true;
}

export async function printFrames(file: string, flags: PacketFlags): Promise<number> {
  const { info, path, bytes } = await openInput(file);
  const decoded = streamsOf([info]).filter(
    ({ stream }) => (stream.kind === 'video' && !isCover(stream)) || stream.kind === 'audio',
  );
  const wanted = flags.stream === undefined ? decoded : decoded.filter(({ stream }) => stream.index === flags.stream);
  if (wanted.length === 0) {
    const known = decoded.map(({ stream }) => stream.index).join(', ') || 'none';
    throw new UsageError(
      flags.stream === undefined
        ? `--frames: ${info.path} has no video and no audio`
        : `--stream ${flags.stream}: those with frames in ${info.path} are ${known}`,
    );
  }
  const graph = new Graph({ threads: 0 });
  const input = path === undefined ? graph.inputStream('standard input') : undefined;
  const options = { copyts: true, autorotate: false };
  const decoder = input ? input.decode(options) : graph.decode({ input_path: path, ...options });
  const { pick } = pickFrom([info], () => decoder);
  const streams = wanted.map(({ stream }) => stream);
  graph.module(printer(streams, flags.json === true), {}, { inputs: wanted.map((one) => pick(one)) });
  if (input === undefined) {
    await graph.run();
    return 0;
  }
  try {
    await graph.start({ mode: 'push' });
    await input.pushFrom(bytes!);
    await graph.close();
    return 0;
  } finally {
    leavePipes();
  }
}

function printer(streams: readonly MediaStream[], json: boolean): Module {
  return {
    async process(task) {
      let text = '';
      for (const [input, packets] of task.inputs) {
        const { index } = streams[input]!;
        for (const packet of packets) {
          const facts = packet.isEof ? undefined : factsOf(index, packet.payload);
          if (facts) text += `${json ? JSON.stringify(facts) : line(facts)}\n`;
        }
      }
      if (text !== '' && !(await written(text))) task.done();
    },
  };
}

function factsOf(stream: number, frame: unknown): FrameFacts | undefined {
  if (!(frame instanceof VideoFrame) && !(frame instanceof AudioFrame)) return undefined;
  const { num, den } = frame.timeBase;
  const seconds = (value: bigint): number => (Number(value) * num) / den;
  const shared = {
    stream,
    ...(frame.pts !== undefined && { pts: seconds(frame.pts) }),
    ...(frame.duration > 0n && { duration: seconds(frame.duration) }),
  };
  const corrupt = frame.corrupt ? { corrupt: true as const } : {};
  if (frame instanceof AudioFrame) {
    return { kind: 'audio', ...shared, samples: frame.samples, format: frame.format, ...corrupt };
  }
  const { width, height, format, keyFrame: key, pictureType: type } = frame;
  return { kind: 'video', ...shared, key, ...(type && { type }), width, height, format, ...corrupt };
}

function line({
  stream,
  kind,
  pts,
  duration,
  type = '',
  key,
  width,
  height,
  samples,
  format,
  corrupt,
}: FrameFacts): string {
  const cells = [
    String(stream).padStart(2),
    kind.padEnd(5),
    ...[pts, duration].map((time) => (time === undefined ? '-' : time.toFixed(6)).padStart(12)),
    (kind === 'video' ? `${width}x${height}` : `${samples} samples`).padStart(12),
    format.padEnd(9),
    ...(kind === 'video' ? [type.padEnd(1)] : []),
    ...(key ? ['key'] : []),
    ...(corrupt ? ['corrupt'] : []),
  ];
  return cells.join('  ').trimEnd();
}

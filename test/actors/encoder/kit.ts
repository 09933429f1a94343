/** Frames, packets and files for the encoder's tests: reads clips with node-av alone, so that only the encoder is on trial. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AV_NOPTS_VALUE, AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import {
  Codec,
  CodecContext,
  Filter,
  FilterGraph,
  FormatContext,
  Frame,
  Packet as NativePacket,
  Rational as NativeRational,
} from 'node-av/lib';
import * as assert from 'uvu/assert';
import FFmpegEncoder from '../../../actors/encoder/index.js';
import { MillraceError } from '../../../src/errors/errors.js';
import {
  AudioFrame,
  check,
  EncodedPacket,
  ledger,
  MICROSECONDS,
  Packet,
  type Rational,
  rescale,
  StreamInfo,
  VideoFrame,
} from '../../../src/media/index.js';
import type { ModuleClass } from '../../../src/module/contract.js';
import { type Driven, drive } from '../../kit/drive.js';

export type Feed = [input: number, packet: Packet][];

/** A clip of the fixtures. */
export function media(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/media/${name}`, import.meta.url));
}

/** Runs the encoder over a feed; whatever happens, nothing native may be left of it. */
export async function encode(
  options: Record<string, unknown>,
  feed: Feed,
  inputs?: readonly number[],
): Promise<Driven> {
  const byInput: Record<number, Packet[]> = {};
  for (const input of inputs ?? new Set(feed.map(([id]) => id))) byInput[input] = [];
  for (const [input, packet] of feed) if (!packet.isEof) byInput[input]?.push(packet);
  try {
    return await drive(FFmpegEncoder as unknown as ModuleClass<never>, { options, inputs: byInput, outputs: [] });
  } finally {
    for (const [, packet] of feed) packet.close();
    assert.equal(ledger.snapshot(), {}, 'native objects left');
  }
}

/** Runs the encoder where it must fail, and returns how. */
export async function failure(
  options: Record<string, unknown>,
  feed: Feed,
  inputs?: readonly number[],
): Promise<MillraceError> {
  try {
    await encode(options, feed, inputs);
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('the encoder did not fail');
}

/** A feed of one input. */
export function feedOf(packets: readonly Packet[], input = 0): Feed {
  return packets.map((packet) => [input, packet]);
}

/** One second of 160x120 at 25 fps. */
export function pictures(source = 'testsrc2=size=160x120:rate=25:duration=1'): Feed {
  return feedOf(generate(source));
}

/** One second of a tone, mono, 44.1 kHz. */
export function tone(source = 'sine=frequency=440:sample_rate=44100:duration=1'): Feed {
  return feedOf(generate(source, 'audio'), 1);
}

/** A directory that vanishes with the process. */
export const scratch = mkdtempSync(join(tmpdir(), 'millrace-encoder-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

export function out(name: string): string {
  return join(scratch, name);
}

interface OpenFile {
  readonly context: FormatContext;
  /** Stream index to the input of the encoder. */
  readonly inputs: Map<number, number>;
}

function open(path: string): OpenFile {
  const context = new FormatContext();
  check(context.openInputSync(path, null, null), `open ${path}`);
  check(context.findStreamInfoSync(null), `probe ${path}`);
  const inputs = new Map<number, number>();
  for (const stream of context.streams) {
    const { codecType } = stream.codecpar;
    const input = codecType === AVMEDIA_TYPE_VIDEO ? 0 : codecType === AVMEDIA_TYPE_AUDIO ? 1 : -1;
    if (input >= 0 && ![...inputs.values()].includes(input)) inputs.set(stream.index, input);
  }
  return { context, inputs };
}

/** Calls `each` for every packet of the chosen streams, in file order. */
function forPackets(file: OpenFile, each: (packet: NativePacket, input: number) => void): void {
  const packet = new NativePacket();
  packet.alloc();
  while (file.context.readFrameSync(packet) >= 0) {
    const input = file.inputs.get(packet.streamIndex);
    if (input !== undefined) each(packet, input);
    packet.unref();
  }
  packet.free();
}

/** What is decoded of a stream: each frame, and undefined at its end. */
type Decoded = [input: number, frame: Frame | undefined, rate: Rational][];

function wrapped([input, frame, rate]: Decoded[number]): Feed[number] {
  if (frame === undefined) return [input, Packet.eof()];
  const payload = input === 0 ? VideoFrame.wrap(frame, { frameRate: rate }) : AudioFrame.wrap(frame);
  return [input, new Packet(payload)];
}

/**
 * All frames of a file, each stream ended. The receiver closes them.
 * @param shifted The file's start becomes 0, as the ffmpeg command has it for an input.
 */
export function frames(path: string, inputs: readonly number[] = [0, 1], shifted = true): Feed {
  return decoded(path, inputs, shifted).map(wrapped);
}

/** Those of a clip that many tests encode: it is decoded once, and each of them has references. */
export function clipFrames(path: string): () => Feed {
  let clip: Decoded | undefined;
  return () => {
    clip ??= decoded(path, [0], true);
    return clip.map(([input, frame, rate]) => wrapped([input, frame?.clone() ?? undefined, rate]));
  };
}

function decoded(path: string, inputs: readonly number[], shifted: boolean): Decoded {
  const file = open(path);
  const feed: Decoded = [];
  const start = !shifted || file.context.startTime === AV_NOPTS_VALUE ? 0n : file.context.startTime;
  const decoders = new Map<number, CodecContext>();
  const frame = new Frame();
  frame.alloc();
  const receive = (index: number, input: number): void => {
    const stream = file.context.streams[index]!;
    const decoder = decoders.get(input)!;
    while (decoder.receiveFrameSync(frame) >= 0) {
      const own = frame.clone()!;
      const { num, den } = stream.timeBase;
      own.timeBase = stream.timeBase;
      own.pts = frame.bestEffortTimestamp - rescale(start, MICROSECONDS, { num, den });
      const rate = guessRate(plain(stream.rFrameRate), plain(stream.avgFrameRate));
      feed.push([input, own, rate]);
      frame.unref();
    }
  };
  for (const [index, input] of file.inputs) {
    if (!inputs.includes(input)) continue;
    const parameters = file.context.streams[index]!.codecpar;
    const decoder = new CodecContext();
    const codec = Codec.findDecoder(parameters.codecId)!;
    decoder.allocContext3(codec);
    check(decoder.parametersToContext(parameters), 'decoder parameters');
    decoder.pktTimebase = file.context.streams[index]!.timeBase;
    check(decoder.open2Sync(codec, null), 'open decoder');
    decoders.set(input, decoder);
  }
  forPackets(file, (packet, input) => {
    if (!decoders.has(input)) return;
    check(decoders.get(input)!.sendPacketSync(packet), 'decode');
    receive(packet.streamIndex, input);
  });
  for (const [index, input] of file.inputs) {
    const decoder = decoders.get(input);
    if (!decoder) continue;
    decoder.sendPacketSync(null);
    receive(index, input);
    feed.push([input, undefined, { num: 0, den: 1 }]);
    decoder.freeContext();
  }
  frame.free();
  file.context.closeInputSync();
  return feed;
}

/** av_guess_frame_rate: the mean where the finest common rate is beyond reason. */
function guessRate(fine: Rational, mean: Rational): Rational {
  return mean.num > 0 && mean.num / mean.den < 70 && fine.num / fine.den > 210 ? mean : fine;
}

/** All packets of a file behind their StreamInfo, as a decoder with `codec: 'copy'` emits them. */
export function packets(path: string, inputs: readonly number[] = [0, 1]): Feed {
  const file = open(path);
  const feed: Feed = [];
  for (const [index, input] of file.inputs) {
    if (!inputs.includes(input)) continue;
    const stream = file.context.streams[index]!;
    const timeBase = plain(stream.timeBase);
    const info = StreamInfo.fromCodecParameters(stream.codecpar, {
      timeBase,
      frameRate: plain(stream.avgFrameRate),
      disposition: stream.disposition,
    });
    feed.push([input, new Packet(info)]);
  }
  forPackets(file, (packet, input) => {
    if (!inputs.includes(input)) return;
    const timeBase = plain(file.context.streams[packet.streamIndex]!.timeBase);
    const own = packet.clone()!;
    const shift = rescale(file.context.startTime, MICROSECONDS, timeBase);
    own.pts -= shift;
    own.dts -= shift;
    feed.push([input, new Packet(EncodedPacket.wrap(own, { timeBase }))]);
  });
  for (const input of file.inputs.values()) if (inputs.includes(input)) feed.push([input, Packet.eof()]);
  file.context.closeInputSync();
  return feed;
}

/** The output of an FFmpeg source such as `testsrc2=size=64x48:rate=25:duration=1`. */
export function generate(source: string, kind: 'video' | 'audio' = 'video'): Packet[] {
  const graph = new FilterGraph();
  graph.alloc();
  const [name = '', ...args] = source.split('=');
  const input = graph.createFilter(Filter.getByName(name)!, 'in', args.join('='))!;
  const sink = graph.createFilter(Filter.getByName(kind === 'video' ? 'buffersink' : 'abuffersink')!, 'out')!;
  check(input.link(0, sink, 0), source);
  check(graph.configSync(), source);
  const result: Packet[] = [];
  const rate = kind === 'video' ? plain(sink.buffersinkGetFrameRate()) : undefined;
  for (;;) {
    const frame = new Frame();
    frame.alloc();
    if (sink.buffersinkGetFrameSync(frame) < 0) {
      frame.free();
      break;
    }
    const { num, den } = sink.buffersinkGetTimeBase();
    frame.timeBase = new NativeRational(num, den);
    result.push(new Packet(kind === 'video' ? VideoFrame.wrap(frame, { frameRate: rate }) : AudioFrame.wrap(frame)));
  }
  graph.free();
  return result;
}

export function plain({ num, den }: Rational): Rational {
  return { num, den };
}

export interface FileSummary {
  streams: {
    kind: string;
    codec: string;
    packets: number;
    width: number;
    height: number;
    tag: string;
    timeBase: Rational;
  }[];
  /** Pts of each packet in seconds, by stream. */
  times: number[][];
  metadata: Record<string, string>;
  duration: number;
}

/** What a demuxer sees in a file. */
export function inspect(path: string): FileSummary {
  const context = new FormatContext();
  check(context.openInputSync(path, null, null), `open ${path}`);
  check(context.findStreamInfoSync(null), `probe ${path}`);
  const times: number[][] = context.streams.map(() => []);
  const packet = new NativePacket();
  packet.alloc();
  while (context.readFrameSync(packet) >= 0) {
    const { num, den } = context.streams[packet.streamIndex]!.timeBase;
    times[packet.streamIndex]!.push(Number(packet.pts) * (num / den));
    packet.unref();
  }
  packet.free();
  const streams = context.streams.map(({ codecpar, timeBase }, i) => ({
    kind: codecpar.codecType === AVMEDIA_TYPE_VIDEO ? 'video' : 'audio',
    codec: StreamInfo.fromCodecParameters(codecpar, { timeBase: plain(timeBase) }).codec,
    packets: times[i]!.length,
    width: codecpar.width,
    height: codecpar.height,
    tag: codecpar.codecTagString ?? '',
    timeBase: plain(timeBase),
  }));
  const metadata = context.metadata?.getAll() ?? {};
  const duration = Number(context.duration) / 1e6;
  context.closeInputSync();
  return { streams, times, metadata, duration };
}

/** What is compared of a framemd5 file: stream, pts and hash of each line. */
export interface FrameHashes {
  readonly timeBases: readonly Rational[];
  readonly lines: readonly string[];
}

/** A framemd5 file made by the ffmpeg command. */
export function fixture(name: string): FrameHashes {
  const path = new URL(`../../fixtures/cli/encode-${name}.framemd5`, import.meta.url);
  const rows = readFileSync(path, 'utf8').split('\n');
  const timeBases = rows.flatMap((row) => {
    const match = /^#tb \d+: (\d+)\/(\d+)/.exec(row);
    return match ? [{ num: Number(match[1]), den: Number(match[2]) }] : [];
  });
  const lines = rows
    .filter((row) => /^\d/.test(row))
    .map((row) => {
      const [stream = '', , pts = '', , , hash = ''] = row.split(',').map((field) => field.trim());
      return `${stream} ${pts} ${hash}`;
    });
  return { timeBases, lines };
}

/** The frames of a file's video as a framemd5 of that time base has them. */
export function videoLines(path: string, timeBase: Rational): string[] {
  const lines: string[] = [];
  for (const [, packet] of frames(path, [0], false)) {
    if (packet.payload instanceof VideoFrame) {
      const md5 = createHash('md5').update(packet.payload.toBuffer()).digest('hex');
      lines.push(`0 ${rescale(packet.payload.pts!, packet.payload.timeBase, timeBase)} ${md5}`);
    }
    packet.close();
  }
  return lines;
}

/** The packets of a file as a framemd5 of `-c copy` has them. */
export function packetLines(path: string): string[] {
  const file = open(path);
  const lines: string[] = [];
  forPackets(file, (packet) => {
    lines.push(`${packet.streamIndex} ${packet.pts} ${md5(packet.data ?? Buffer.alloc(0))}`);
  });
  file.context.closeInputSync();
  return lines;
}

/** All samples of a file's sound as bytes. */
export function samples(path: string): Buffer {
  const parts: Buffer[] = [];
  for (const [, packet] of frames(path, [1], false)) {
    if (packet.payload instanceof AudioFrame) {
      const planes = packet.payload.copyPlanes();
      parts.push(
        ...planes.map((plane) => Buffer.from(plane.data.buffer, plane.data.byteOffset, plane.data.byteLength)),
      );
    }
    packet.close();
  }
  return Buffer.concat(parts);
}

export function md5(data: Uint8Array): string {
  return createHash('md5').update(data).digest('hex');
}

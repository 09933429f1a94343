/** Decodes packets that come on input 0 one by one, without a container (`push_raw_stream`). */
import { AV_NOPTS_VALUE, AVMEDIA_TYPE_AUDIO } from 'node-av/constants';
import { avGetCodecName, Codec, Packet as NativePacket } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import {
  AudioFrame,
  EncodedPacket,
  isTimeBase,
  ledger,
  MICROSECONDS,
  type Packet,
  pixelFormat,
  type Rational,
  rescale,
  type StreamInfoData,
  sampleFormat,
  toNativeTimestamp,
  VideoFrame,
} from '../../../src/media/index.js';
import type { ModuleContext, Task } from '../../../src/module/contract.js';
import { didYouMean } from '../../../src/schema/schema.js';
import type { Kind } from '../input/input.js';
import { type DistantStream, distantStream, type StreamFacts } from '../input/source-stream.js';
import type { DecoderOptions } from '../options.js';
import type { DecoderSource } from '../source.js';
import { present } from '../source.js';
import { planOf } from '../time/ranges.js';
import { Timeline } from '../time/timeline.js';
import { openTracks } from '../track/open-tracks.js';
import { gather, type Track } from '../track/track.js';
import { trackPlans } from '../track/track-plan.js';
import { type Ready, TrackSet } from '../track/track-set.js';
import { bytesOf, unusable } from './payloads.js';

const NAME = 'the packets on input 0';
/** Packets that are decoded in one call before their frames are handed on. */
const PACKETS_PER_CALL = 8;

export class RawDecoder implements DecoderSource {
  readonly #ctx: ModuleContext<DecoderOptions>;
  readonly #kind: Kind;
  readonly #tracks: TrackSet;
  readonly #packet = new NativePacket();
  #stream: DistantStream | undefined;
  #track: Track | undefined;
  #timeline: Timeline | undefined;
  /** Packets that wait for the frames before them to be taken; they are ours. */
  #waiting: Packet[] = [];
  #ended = false;
  /** The first picture waits for the second one, which tells the frame rate. */
  #first: Ready | undefined;
  #rate: Rational | undefined;
  /** Where the sound so far ends. */
  #soundEnd: { readonly pts: bigint; readonly timeBase: Rational } | undefined;
  #closed = false;

  constructor(ctx: ModuleContext<DecoderOptions>) {
    this.#ctx = ctx;
    this.#kind = ctx.options.video_codec === undefined ? 'audio' : 'video';
    this.#tracks = new TrackSet(ctx, NAME);
    this.#packet.alloc();
    ledger.opened('scratch-packet');
  }

  get #output(): number {
    return this.#kind === 'video' ? 0 : 1;
  }

  /** @throws MillraceError ERR_MILLRACE_OPTION for a codec FFmpeg cannot decode, or with other parameters only. */
  open(): void {
    const { options, outputs } = this.#ctx;
    for (const id of outputs) if (id !== this.#output) this.#tracks.end(id);
    if (!outputs.includes(this.#output)) return;
    this.#stream = distantStream(factsFrom(this.#kind, options));
    const chosen = new Map([[this.#output, this.#stream]]);
    const input = { path: NAME, withoutTimestamps: false, knows: () => false, optionNames: () => [] };
    const tracks = openTracks(
      ...([input, trackPlans(options), chosen, this.#ctx] as const),
      (output) => output === this.#output,
    );
    this.#tracks.add(tracks);
    this.#track = tracks[0];
    // Whoever sends single packets has a clock of their own, which is kept.
    const times = { containerStart: undefined, start: 0n, copyTimestamps: true, discontinuous: false };
    this.#timeline = new Timeline({ ...times, audioDecoded: false }, []);
    for (const track of tracks) track.begin(present(planOf(options).parts[0]).range(this.#timeline), 0n);
  }

  /** The packets that came with one call are decoded before more are taken. */
  wants(): readonly number[] | undefined {
    return this.#waiting.length > 0 ? [] : undefined;
  }

  process(task: Task): void | Promise<void> {
    for (const packet of task.inputs.get(0) ?? []) {
      if (packet.isEof) this.#ended = true;
      else this.#waiting.push(packet.clone());
    }
    const ready: Ready[] = [];
    this.#tracks.dropFinished(task);
    for (let i = 0; i < PACKETS_PER_CALL && this.#waiting.length > 0; i++) {
      const packet = this.#waiting.shift()!;
      try {
        this.#decode(packet, ready);
      } finally {
        packet.close();
      }
    }
    if (this.#ended && this.#waiting.length === 0) this.#finish(ready);
    this.#tracks.dropFinished(task);
    const delivered = this.#tracks.deliver(ready, task);
    if (delivered) return delivered.then(() => this.#endIfDone(task));
    this.#endIfDone(task);
  }

  #endIfDone(task: Task): void {
    if (this.#tracks.list.length > 0) return;
    this.#tracks.report();
    task.done();
  }

  #decode(packet: Packet, ready: Ready[]): void {
    const track = this.#track;
    if (!track || !this.#tracks.list.includes(track)) return;
    const { payload } = packet;
    const bytes = bytesOf(payload);
    if (bytes === undefined) throw unusable(payload, `single ${this.#kind} packets (push_raw_stream)`);
    this.#ctx.meter.bytes += bytes.byteLength;
    if (bytes.byteLength === 0) {
      this.#drain(track, ready);
      track.repeat();
      return;
    }
    const unit = track.clock.timing.timeBase;
    const time = (ticks: bigint | undefined, from: Rational): bigint =>
      toNativeTimestamp(ticks === undefined ? undefined : rescale(ticks, isTimeBase(from) ? from : unit, unit));
    const av = this.#packet;
    av.unref();
    if (payload instanceof EncodedPacket) {
      av.ref(payload.av);
      av.pts = time(payload.pts, payload.timeBase);
      av.dts = time(payload.dts, payload.timeBase);
      av.duration = payload.duration === 0n ? 0n : time(payload.duration, payload.timeBase);
    } else {
      av.data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    if (av.pts === AV_NOPTS_VALUE && packet.timestamp !== undefined)
      av.pts = time(BigInt(Math.round(packet.timestamp)), MICROSECONDS);
    this.#collect(track, ready, (out) => track.take(av, present(this.#timeline), out));
  }

  #drain(track: Track, ready: Ready[]): void {
    track.end();
    while (this.#collect(track, ready, (out) => track.drain(out)));
  }

  #finish(ready: Ready[]): void {
    for (const track of this.#tracks.list) {
      this.#drain(track, ready);
      track.checkErrorRate();
      this.#tracks.complete(track);
    }
    if (this.#first) ready.unshift(this.#first);
    this.#first = undefined;
  }

  #collect<T>(track: Track, ready: Ready[], work: (out: Packet[]) => T): T {
    return gather(work, (packet) => {
      if (packet.payload instanceof AudioFrame) this.#putBehind(packet.payload);
      this.#rateFrom({ output: track.output, packet }, ready);
    });
  }

  /**
   * Sound cannot begin before the sound before it has ended: whose timestamps say so counts packets, or anything else, and
   * BMF goes by the samples.
   */
  #putBehind(sound: AudioFrame): void {
    const { timeBase, samples } = sound;
    const end = this.#soundEnd && rescale(this.#soundEnd.pts, this.#soundEnd.timeBase, timeBase);
    if (end !== undefined && (sound.pts ?? end) <= end) sound.pts = end;
    this.#soundEnd = { pts: (sound.pts ?? 0n) + BigInt(samples), timeBase };
  }

  /** Without a container only the distance of pictures tells the frame rate, which encoders go by. */
  #rateFrom(item: Ready, ready: Ready[]): void {
    const { payload } = item.packet;
    if (!(payload instanceof VideoFrame)) {
      ready.push(item);
      return;
    }
    if (this.#rate === undefined && this.#first === undefined) {
      this.#first = item;
      return;
    }
    if (this.#first) {
      const first = this.#first.packet.payload as VideoFrame;
      this.#rate = rateBetween(first, payload) ?? first.frameRate;
      first.frameRate = this.#rate;
      ready.push(this.#first);
      this.#first = undefined;
    }
    payload.frameRate = this.#rate;
    ready.push(item);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#first?.packet.close();
    this.#first = undefined;
    for (const packet of this.#waiting.splice(0)) packet.close();
    this.#tracks.close();
    this.#stream?.close();
    this.#packet.free();
    ledger.closed('scratch-packet');
  }
}

/** Pictures per second, if the second one is later. */
function rateBetween(first: VideoFrame, second: VideoFrame): Rational | undefined {
  const distance = (second.pts ?? 0n) - (first.pts ?? 0n);
  const { num, den } = second.timeBase;
  if (distance <= 0n || num <= 0 || den <= 0) return undefined;
  const [upper, lower] = [BigInt(den), BigInt(num) * distance];
  const divisor = greatestCommonDivisor(upper, lower);
  const rate = { num: Number(upper / divisor), den: Number(lower / divisor) };
  return rate.num <= 0x7fffffff && rate.den <= 0x7fffffff ? rate : undefined;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}

/** What a container would have told of the stream. */
function factsFrom(kind: Kind, options: DecoderOptions): StreamFacts {
  const codec = rawDecoder(kind, present(kind === 'video' ? options.video_codec : options.audio_codec));
  const { channels = 0, sample_rate: sampleRate = 0 } = kind === 'audio' ? options : {};
  const timeBase = kind === 'video' ? present(options.video_time_base) : { num: 1, den: sampleRate };
  const unknown = { num: 0, den: 1 };
  const [width = 0, height = 0] = kind === 'video' ? (options.s?.split('x').map(Number) ?? []) : [];
  const info: StreamInfoData = {
    kind,
    codec: avGetCodecName(codec.id) ?? 'none',
    codecType: codec.type,
    codecId: codec.id,
    codecTag: 0,
    timeBase,
    bitRate: 0,
    format: rawFormat(kind, options),
    profile: -99,
    level: -99,
    bitsPerCodedSample: 0,
    bitsPerRawSample: 0,
    width,
    height,
    sampleAspectRatio: unknown,
    colorRange: 0,
    colorPrimaries: 2,
    colorTransfer: 2,
    colorSpace: 2,
    chromaLocation: 0,
    videoDelay: 0,
    sampleRate,
    channels,
    channelLayout: channels > 0 ? `${channels}c` : '',
    frameSize: 0,
    initialPadding: 0,
    blockAlign: 0,
    fieldOrder: 0,
    extradata: options.extradata === undefined ? '' : Buffer.from(options.extradata).toString('base64'),
    sideData: [],
    disposition: 0,
    metadata: {},
  };
  return {
    index: 0,
    timeBase,
    ptsWrapBits: 64,
    startTime: AV_NOPTS_VALUE,
    avgFrameRate: unknown,
    rFrameRate: unknown,
    sampleAspectRatio: unknown,
    disposition: 0,
    info,
  };
}

/** Uncompressed pictures and some codecs of sound do not tell it themselves. */
function rawFormat(kind: Kind, { pix_fmt, sample_fmt }: DecoderOptions): number {
  if (kind === 'video') return pix_fmt === undefined ? -1 : pixelFormat(pix_fmt);
  return sample_fmt === undefined ? -1 : sampleFormat(sample_fmt);
}

function rawDecoder(kind: Kind, name: string): Codec {
  const decoders = Codec.getCodecList().filter((codec) => codec.isDecoder());
  const found = decoders.find((codec) => codec.name === name);
  if (found && (found.type === AVMEDIA_TYPE_AUDIO) === (kind === 'audio')) return found;
  const names = decoders.map((codec) => codec.name ?? '');
  throw new MillraceError(
    'ERR_MILLRACE_OPTION',
    `${kind}_codec: ${found ? `'${name}' is no ${kind} decoder` : `this FFmpeg has no decoder '${name}'`}`,
    { hint: found ? undefined : didYouMean(name, names) },
  );
}

/** One output of the encoder, from its first frame to its end: what a graph that serves jobs has one of per job. */

import { MillraceError } from '../../src/errors/errors.js';
import { messageOf } from '../../src/errors/wire.js';
import { EncodedPacket, Packet, StreamInfo, Subtitle, VideoFrame } from '../../src/media/index.js';
import type { StreamKind } from '../../src/media/packet/stream-info.js';
import type { ModuleContext, Task } from '../../src/module/contract.js';
import type { SourceListener } from '../shared/source-facts.js';
import { checkRates, type EncoderChange, type VideoChange } from './change.js';
import { settingsFor, warnOfUnused } from './codec/settings.js';
import { Latency } from './latency.js';
import { Muxer } from './mux/muxer.js';
import { HeaderQueue, queueLimits } from './mux/muxing-queue.js';
import { isNetworkOutput, NetworkOutput } from './network/output.js';
import { type EncoderOptions, optionsOfStream, PUSH } from './options.js';
import type { Piece } from './output/byte-output.js';
import { checkWritable, chooseTarget, has, type Target } from './output/format.js';
import type { Output } from './output/output.js';
import { outputFiles } from './output/output-files.js';
import { PacketOutput } from './output/packet-output.js';
import { PacketTeller } from './packet-teller.js';
import { expect, keep, type Payload, release, sizeOf, timestampOf, unexpected } from './payloads.js';
import { EncoderSources } from './sources.js';
import { AudioStream } from './stream/audio.js';
import { CopyStream, missingStreamInfo } from './stream/copy.js';
import { isCover } from './stream/cover.js';
import { Shortest } from './stream/shortest.js';
import { requireCodec, type StreamContext } from './stream/stream.js';
import { announcedSubtitles, SubtitleStream } from './stream/subtitle.js';
import { VideoStream } from './stream/video.js';
import { streamPlaces } from './stream-options.js';

type OutputStream = VideoStream | AudioStream | CopyStream | SubtitleStream;

/** The header of a file waits so long, in microseconds of the other streams, for the first of the subtitles that a module makes. */
const WAIT_FOR_TEXT = 1_000_000;

interface Input {
  readonly id: number;
  readonly kind: StreamKind;
  readonly context: StreamContext;
  /** No other stream is encoded by the same parameters. */
  readonly hasOwnParams: boolean;
  stream: OutputStream | undefined;
  /** For a stream whose first frame has not come. */
  readonly changes: VideoChange[];
  /** Nothing more is written from this input: it has ended, or its limit is reached. */
  ended: boolean;
  /** What came before all inputs had shown their first time; only with `adjust_pts`. */
  held: Payload[];
  heldEnd: boolean;
}

export class Encoding {
  readonly #ctx: ModuleContext<EncoderOptions>;
  /** Bytes of the outputs before this one. */
  readonly #bytesBefore: number;
  /** The file to be written, if it is one. */
  readonly #path: string | undefined;
  readonly #sources: EncoderSources;
  #muxer: Output | undefined;
  #teller: PacketTeller | undefined;
  /** On their way to the outputs. */
  #ready: { readonly output: number; readonly packet: Packet }[] = [];
  readonly #inputs = new Map<number, Input>();
  /** With the option of that name: where streams wait for one another. */
  readonly #shortest: Shortest | undefined;
  /** Microseconds taken off every time; undefined until it is known. */
  #shift: bigint | undefined;
  /** Frames and packets held back for the first time of another input. */
  readonly #holding: HeaderQueue;
  /** The input whose time is the progress of the node. */
  #leader: number | undefined;
  #format = '';
  /** null: no input is live. */
  #latency: Latency | null | undefined;
  #failed = false;
  /** Everything has been given to the muxer. */
  #complete = false;
  /** A peer of the network is being left. */
  #closing: void | Promise<void> = undefined;
  /** Latest time that has come in, and the first one, microseconds. */
  #latest = 0;
  #first: number | undefined;

  /**
   * Refuses what can be refused without a frame: options, codecs, formats, paths. The file is created with the first
   * frames, so that an older one stays as it is if the graph does not get that far.
   * @throws MillraceError ERR_MILLRACE_OPTION or ERR_MILLRACE_OUTPUT.
   */
  constructor(ctx: ModuleContext<EncoderOptions>, sources: SourceListener | undefined) {
    this.#ctx = ctx;
    this.#sources = new EncoderSources(ctx, sources);
    const { options } = ctx;
    this.#bytesBefore = ctx.meter.bytes;
    const target = chooseTarget(options, ctx.job);
    const isFile = (options.push_output ?? PUSH.file) === PUSH.file && !options.null_output;
    this.#path = isFile ? target.path : undefined;
    // Everything that may be refused comes before the first thing that would have to be closed.
    const places = streamPlaces(options, ctx.inputs).map((place) => ({
      ...place,
      settings: settingsFor(place, target, options, ctx.log),
    }));
    if (options.pass !== undefined && !places.some(({ kind, settings }) => kind === 'video' && settings)) {
      throw new MillraceError('ERR_MILLRACE_OPTION', `pass ${options.pass}: no video is encoded`, {
        hint: 'Two passes are for pictures that an encoder gets',
      });
    }
    this.#holding = new HeaderQueue(queueLimits(options), target.name);
    const muxer = this.#open(target, ctx);
    this.#muxer = muxer;
    this.#format = target.format.name ?? '';
    this.#teller = PacketTeller.of(ctx, places);
    this.#leader = places[0]?.input;
    this.#shortest = options.shortest ? new Shortest(places) : undefined;
    const leads = (id: number): boolean => this.#leader === id;
    for (const { input: id, kind, number, isOnly, settings } of places) {
      const { format, name } = target;
      const { meter, log } = ctx;
      const context: StreamContext = {
        ...{ input: id, kind, number, muxer, format, settings, meter, log, name },
        options: optionsOfStream(options, number),
        source: () => this.#sources.of(id),
        shortest: this.#shortest?.of(id),
        tally: { written: 0, skipped: 0 },
        tell: (packet, timeBase) => this.#teller?.tell(id, packet, timeBase),
        latencyOf: (packet, timeBase) => this.#latencyOf(id)?.of(packet, timeBase, Number(this.#shift ?? 0n)),
        get leading() {
          return leads(id);
        },
      };
      const hasOwnParams = isOnly || Array.isArray(options[kind === 'video' ? 'video_params' : 'audio_params']);
      this.#inputs.set(id, {
        id,
        kind,
        context,
        hasOwnParams,
        stream: undefined,
        changes: [],
        ended: false,
        held: [],
        heldEnd: false,
      });
    }
    this.#shift = options.adjust_pts ? undefined : 0n;
    if (options.pass !== 1) return;
    // Nothing else is wanted: the producers of it end.
    for (const input of this.#inputs.values()) {
      if (input.kind === 'video' && input.context.settings) continue;
      this.#end(input);
      input.heldEnd = true;
    }
  }

  /** Of a stream that comes from a live input. */
  #latencyOf(input: number): Latency | undefined {
    if (this.#latency === undefined) {
      const arrivals = this.#sources.arrivals(input);
      this.#latency = arrivals === undefined ? null : new Latency(this.#ctx.meter, arrivals);
    }
    return this.#latency ?? undefined;
  }

  #open(target: Target, ctx: ModuleContext<EncoderOptions>): Output {
    const { options, inputs } = ctx;
    const isFile = this.#path !== undefined;
    const emit = (output: number, packet: Packet): void => {
      this.#ready.push({ output, packet });
    };
    switch (options.push_output) {
      case PUSH.packets:
        return new PacketOutput(emit);
      case PUSH.bytes:
        if (has(target.muxer, 'no-file')) {
          throw new MillraceError(
            'ERR_MILLRACE_OPTION',
            `format: '${target.muxer.name}' writes files of its own, so there are no bytes for push_output 1`,
            { hint: 'Name a format that is one stream of bytes: mp4, mpegts, flv, matroska, image2pipe, …' },
          );
        }
        return new Muxer(target, inputs, options, ctx, (piece) => emit(0, packetOf(piece, this.#latest)));
      default:
        if (this.#path !== undefined) {
          for (const { path, makesFolders } of outputFiles(target.path, target.format, options.mux_params)) {
            const { output_prefix: prefix, variants } = options;
            checkWritable(path, prefix !== undefined || variants !== undefined || makesFolders);
          }
        }
        if (isFile && isNetworkOutput(target, options)) return new NetworkOutput(target, ctx);
        refuseNetworkOptions(options, target.name);
        for (const key of ['queue_bytes', 'when_full'] as const) {
          if (options[key] === undefined) continue;
          ctx.log.warn(`${key} has no effect: ${target.name} is no output of the network, nor has it timeout_ms`);
        }
        return new Muxer(target, inputs, options, ctx);
    }
  }

  /** The inputs whose packets are of use now; undefined for any. */
  wants(): readonly number[] | undefined {
    return this.#shortest?.wants([...this.#inputs.values()].filter(({ ended }) => !ended).map(({ id }) => id));
  }

  process(task: Task): void | Promise<void> {
    const ended = this.#take(task);
    const settling = this.#settled();
    if (settling === undefined) return this.#deliver(task, ended);
    return settling.then(() => this.#deliver(task, ended));
  }

  /** Takes what has come. @returns whether everything has. */
  #take(task: Task): boolean {
    try {
      for (const [id, packets] of task.inputs) {
        const input = this.#inputs.get(id);
        if (input) for (const packet of packets) this.#accept(input, packet);
      }
      // One that ends may end others.
      if (this.#shortest) for (const input of this.#inputs.values()) if (isOver(input)) this.#end(input);
      // An input past its limit is left, so that its producer can stop; the others go on.
      for (const [id, input] of this.#inputs) if (input.ended) task.closeInput(id);
      const ended = [...this.#inputs.values()].every((input) => input.ended);
      if (ended) {
        if (this.#muxer?.waiting && this.#ctx.stopping) {
          this.#ctx.log.warn(`nothing was written to ${this.#muxer.name}: the graph was stopped before anything came`);
        } else {
          this.#muxer?.end();
          this.#tellEmptyStreams();
          this.#tellLostTexts();
          this.#complete = true;
        }
      }
      return ended;
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  /** @throws MillraceError ERR_MILLRACE_OPTION naming what cannot be changed: then everything is as it was. */
  change({ everywhere, streams }: EncoderChange): void {
    const videos = [...this.#inputs.values()].filter(({ kind, ended }) => kind === 'video' && !ended);
    const wanted = videos.map((input) => ({ input, change: streams[input.context.number] ?? everywhere }));
    if (wanted.length === 0 || streams.length > videos.length) {
      throw new MillraceError('ERR_MILLRACE_OPTION', 'video_params: there is no such stream of video to be changed');
    }
    for (const { input, change } of wanted) {
      const { settings, name } = input.context;
      if (settings === undefined || input.stream instanceof CopyStream) {
        throw new MillraceError('ERR_MILLRACE_OPTION', `input ${input.id} is copied into ${name}: nothing is encoded`);
      }
      checkRates(change.rates, settings);
    }
    for (const { input, change } of wanted) {
      // Of a stream whose first frame has not come, they are kept for then.
      if (input.stream instanceof VideoStream) input.stream.change(change);
      else input.changes.push(change);
    }
  }

  /** Waits for a peer of the network that is slower than this, and for the application to hear of the packets. */
  #settled(): undefined | Promise<unknown> {
    const fail = (error: unknown): never => {
      this.#failed = true;
      throw error;
    };
    try {
      const settling = this.#muxer?.settled?.();
      const answered = this.#teller?.answered();
      if (settling === undefined) return answered?.catch(fail);
      return Promise.all([settling, answered]).catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  #deliver(task: Task, ended: boolean): void {
    if (ended) {
      if (this.#complete && this.#path !== undefined) this.#ctx.wrote(this.#path);
      this.#report();
      task.done();
    }
    for (const { output, packet } of this.#ready.splice(0)) task.output(output).push(packet);
  }

  /** Also ends a file that was begun when the graph stops early: what was encoded so far can be played. */
  close(): void | Promise<void> {
    const muxer = this.#muxer;
    // What ends a file early is told to nobody: a graph that is being aborted answers no more.
    this.#teller = undefined;
    try {
      if (muxer?.writing) {
        if (!this.#failed) this.#finishEarly();
        muxer.finalise();
        this.#report();
      }
    } finally {
      this.#shortest?.close();
      for (const input of this.#inputs.values()) {
        input.stream?.close();
        for (const payload of input.held.splice(0)) release(payload);
      }
      this.#inputs.clear();
      this.#muxer = undefined;
      this.#closing = muxer?.close();
      // What is completed after the last call of `process` has nowhere to go.
      for (const { packet } of this.#ready.splice(0)) packet.close();
    }
    return this.#closing;
  }

  #finishEarly(): void {
    for (const input of this.#inputs.values()) {
      if (input.ended) continue;
      input.ended = true;
      try {
        if (input.stream) input.stream.finish();
        else input.context.shortest?.isAbsent();
      } catch (error) {
        this.#ctx.log.warn(`${input.kind} could not be completed: ${messageOf(error)}`);
      }
    }
  }

  /**
   * Packets came, and the output has none of them: the file is whole, and yet something is missing. An input to which
   * nothing came is no loss: a file without sound has its audio connected as well.
   */
  #tellEmptyStreams(): void {
    if (this.#ctx.stopping) return;
    for (const { id, kind, context } of this.#inputs.values()) {
      const { tally, name } = context;
      if (tally.written > 0 || tally.skipped === 0) continue;
      this.#ctx.log.warn(
        `${name} has no ${kind}: ${tally.skipped} packets of input ${id} were left out, because no key frame came that they ` +
          'could begin with',
      );
    }
  }

  /** One line, of all that the format has no place for. */
  #tellLostTexts(): void {
    const { options, log } = this.#ctx;
    if ((options.push_output ?? PUSH.file) > PUSH.bytes || options.null_output) return;
    for (const text of this.#sources.strangers) log.warn(text);
    const lost = this.#sources.lost(this.#format, this.#muxer?.chaptersLost ?? false, options);
    const name = this.#muxer?.name;
    if (lost !== undefined)
      log.warn(`${name} does not say what its source says: the format '${this.#format}' has no place for ${lost}`);
    if (this.#muxer?.chaptersLost) return;
    for (const text of this.#muxer?.chaptersCut ?? []) log.warn(`${name}: the format '${this.#format}' has ${text}`);
    const { cut } = this.#sources;
    if (cut !== undefined) log.warn(`${name}: ${cut}`);
  }

  #report(): void {
    if (this.#muxer) this.#ctx.meter.bytes = this.#bytesBefore + this.#muxer.bytes;
  }

  #accept(input: Input, packet: Packet): void {
    if (input.ended) {
      // Came in the same call behind the one that reached the limit.
      if (!packet.isEof) this.#ctx.meter.dropped++;
      return;
    }
    if (this.#shift !== undefined) {
      if (packet.isEof) this.#end(input);
      else this.#write(input, expect(input, packet.payload), this.#shift);
      return;
    }
    if (packet.isEof) input.heldEnd = true;
    else {
      const payload = expect(input, packet.payload);
      const missing = [...this.#inputs.values()].filter((other) => !hasBegun(other)).map(({ id }) => id);
      if (missing.length > 0) this.#holding.add(input.id, sizeOf(payload), missing);
      input.held.push(keep(payload));
    }
    this.#settleShift();
  }

  /** `adjust_pts`: once every input has shown a time or its end, the earliest becomes zero for all of them. */
  #settleShift(): void {
    const inputs = [...this.#inputs.values()];
    if (!inputs.every(hasBegun)) return;
    const firsts = inputs.flatMap((input) => input.held.map(timestampOf).find((time) => time !== undefined) ?? []);
    const shift = firsts.length > 0 ? BigInt(Math.round(Math.min(...firsts))) : 0n;
    this.#shift = shift;
    for (const input of inputs) {
      for (let payload = input.held.shift(); payload !== undefined; payload = input.held.shift()) {
        try {
          if (!input.ended) this.#write(input, payload, shift);
        } finally {
          release(payload);
        }
      }
      if (input.heldEnd && !input.ended) this.#end(input);
    }
  }

  #write(input: Input, payload: Payload, shift: bigint): void {
    const { kind, context, stream } = input;
    const time = timestampOf(payload);
    if (time !== undefined && time > this.#latest) this.#latest = time;
    this.#first ??= time;
    let next: OutputStream;
    if (!stream) this.#muxer?.describe?.(this.#sources.texts(shift));
    if (payload instanceof StreamInfo) {
      const isLate = stream instanceof SubtitleStream && context.tally.written === 0;
      if (stream && !isLate) throw unexpected(input, 'a StreamInfo after frames or packets');
      if (payload.kind !== kind) throw unexpected(input, `the StreamInfo of a ${payload.kind} stream`);
      if (isLate) {
        stream.announce(payload);
        return;
      }
      if (input.hasOwnParams) warnOfUnused(context, kind);
      // A cover is there at once and goes nowhere.
      if (this.#leader === input.id && isCover(payload)) this.#leader = this.#nextTo(input.id);
      next = kind === 'subtitle' ? announcedSubtitles(context, payload) : new CopyStream(context, payload);
    } else if (payload instanceof EncodedPacket) {
      if (!stream) throw missingStreamInfo(input.id);
      if (!(stream instanceof CopyStream || stream instanceof SubtitleStream)) {
        throw unexpected(input, 'an EncodedPacket after frames');
      }
      next = stream;
      next.push(payload, shift);
    } else if (payload instanceof Subtitle) {
      next = stream ?? new SubtitleStream(context, { first: payload });
      input.stream = next;
      if (!(next instanceof SubtitleStream)) throw unexpected(input, 'a Subtitle after encoded packets');
      next.push(payload, shift);
    } else if (payload instanceof VideoFrame) {
      next = stream ?? new VideoStream(requireCodec(context, kind));
      input.stream = next;
      if (!(next instanceof VideoStream)) throw unexpected(input, 'a VideoFrame after encoded packets');
      for (const change of input.changes.splice(0)) next.change(change);
      next.push(payload, shift);
    } else {
      next = stream ?? new AudioStream(requireCodec(context, kind));
      input.stream = next;
      if (!(next instanceof AudioStream)) throw unexpected(input, 'an AudioFrame after encoded packets');
      next.push(payload, shift);
    }
    input.stream = next;
    if (next.full) this.#end(input);
    else if (this.#muxer?.waiting) this.#beginText();
  }

  /** A module may make the first subtitle much later than the file should begin: the others do not wait for it for long. */
  #beginText(): void {
    if (this.#latest - (this.#first ?? this.#latest) < WAIT_FOR_TEXT) return;
    for (const input of this.#inputs.values()) {
      if (input.kind !== 'subtitle' || input.stream || input.ended || this.#sources.isDirect(input.id)) continue;
      input.stream = new SubtitleStream(input.context, {});
    }
  }

  #nextTo(id: number): number | undefined {
    const ids = [...this.#inputs.keys()];
    return ids[ids.indexOf(id) + 1] ?? id;
  }

  #end(input: Input): void {
    input.ended = true;
    if (input.stream) {
      input.stream.finish();
      return;
    }
    input.context.shortest?.isAbsent();
    this.#muxer?.leaveOut(input.id);
  }
}

function isOver({ ended, stream }: Input): boolean {
  return !ended && stream !== undefined && stream.full;
}

/** It has shown a time, or its end. */
function hasBegun({ held, heldEnd }: Input): boolean {
  return heldEnd || held.some((payload) => timestampOf(payload) !== undefined);
}

/** A piece of the file, with the latest time that had come in when it was written. */
function packetOf({ bytes, offset }: Piece, timestamp: number): Packet {
  return new Packet(EncodedPacket.from(bytes, { offset, whence: 0 }), { timestamp });
}

/** @throws MillraceError ERR_MILLRACE_OPTION for what only a peer of the network has. */
function refuseNetworkOptions({ reconnect, drop }: EncoderOptions, name: string): void {
  const key = reconnect ? 'reconnect' : drop !== undefined && drop !== 'none' ? 'drop' : undefined;
  if (key === undefined) return;
  throw new MillraceError('ERR_MILLRACE_OPTION', `${key}: has no effect on ${name}, which has no peer`, {
    hint: 'It is for outputs of the network, such as rtmp:, srt:, tcp: and udp:',
  });
}

/** One output of the encoder, from its first frame to its end: what a graph that serves jobs has one of per job. */

import { MillraceError } from '../../src/errors/errors.js';
import { messageOf } from '../../src/errors/wire.js';
import { type Packet, StreamInfo } from '../../src/media/index.js';
import type { ModuleContext, Task } from '../../src/module/contract.js';
import type { SourceListener } from '../shared/source-facts.js';
import type { EncoderChange } from './change.js';
import { chooseOutput, isWritten } from './choose-output.js';
import { settingsFor } from './codec/settings.js';
import { CommonStart } from './common-start.js';
import { EncoderInput } from './encoder-input.js';
import { Latency } from './latency.js';
import { tellEmptyStreams, tellLostTexts } from './losses.js';
import { queueLimits } from './mux/muxing-queue.js';
import { type EncoderOptions, optionsOfStream, PUSH } from './options.js';
import { chooseTarget } from './output/format.js';
import type { Output } from './output/output.js';
import { PacketTeller } from './packet-teller.js';
import { expect, type Payload, timestampOf } from './payloads.js';
import { EncoderSources } from './sources.js';
import { isCover } from './stream/cover.js';
import { Shortest } from './stream/shortest.js';
import type { StreamContext } from './stream/stream.js';
import { streamPlaces } from './stream-options.js';

/** The header of a file waits so long, in microseconds of the other streams, for the first of the subtitles that a module makes. */
const WAIT_FOR_TEXT = 1_000_000;

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
  readonly #inputs = new Map<number, EncoderInput>();
  /** With the option of that name: where streams wait for one another. */
  readonly #shortest: Shortest | undefined;
  /** Where the times of the output begin. */
  readonly #start: CommonStart;
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
  /** Latest time that has come in, and the first one, microseconds; noted while somebody asks for them. */
  #latest = 0;
  #first: number | undefined;
  /** Every piece of the file is told the time. */
  readonly #tellsTime: boolean;

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
    this.#path = isWritten(options) ? target.path : undefined;
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
    const inputs = places.map(({ input }) => input);
    this.#start = new CommonStart(inputs, options.adjust_pts === true, queueLimits(options), target.name);
    const emit = (output: number, packet: Packet): void => {
      this.#ready.push({ output, packet });
    };
    this.#tellsTime = options.push_output === PUSH.bytes;
    const muxer = chooseOutput(target, ctx, emit, () => this.#latest);
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
        latencyOf: (packet, timeBase) => this.#latencyOf(id)?.of(packet, timeBase, Number(this.#start.shift ?? 0n)),
        get leading() {
          return leads(id);
        },
      };
      const hasOwnParams = isOnly || Array.isArray(options[kind === 'video' ? 'video_params' : 'audio_params']);
      this.#inputs.set(id, new EncoderInput(context, hasOwnParams));
    }
    if (options.pass !== 1) return;
    // Nothing else is wanted: the producers of it end.
    for (const input of this.#inputs.values()) {
      if (input.kind === 'video' && input.context.settings) continue;
      this.#end(input);
      this.#start.end(input.id);
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
      if (this.#shortest) for (const input of this.#inputs.values()) if (!input.ended && input.full) this.#end(input);
      // An input past its limit is left, so that its producer can stop; the others go on.
      for (const [id, input] of this.#inputs) if (input.ended) task.closeInput(id);
      const ended = [...this.#inputs.values()].every((input) => input.ended);
      if (ended) {
        if (this.#muxer?.waiting && this.#ctx.stopping) {
          this.#ctx.log.warn(`nothing was written to ${this.#muxer.name}: the graph was stopped before anything came`);
        } else {
          this.#muxer?.end();
          this.#tellLosses();
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
    for (const { input, change } of wanted) input.checkChange(change);
    for (const { input, change } of wanted) input.change(change);
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
      for (const input of this.#inputs.values()) input.close();
      this.#start.close();
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
        input.finish();
      } catch (error) {
        this.#ctx.log.warn(`${input.kind} could not be completed: ${messageOf(error)}`);
      }
    }
  }

  #tellLosses(): void {
    const { options, log, stopping } = this.#ctx;
    if (!stopping) tellEmptyStreams(this.#inputs.values(), log);
    if ((options.push_output ?? PUSH.file) > PUSH.bytes || options.null_output || !this.#muxer) return;
    tellLostTexts(this.#sources, this.#muxer, this.#format, options, log);
  }

  #report(): void {
    if (this.#muxer) this.#ctx.meter.bytes = this.#bytesBefore + this.#muxer.bytes;
  }

  #accept(input: EncoderInput, packet: Packet): void {
    if (input.ended) {
      // Came in the same call behind the one that reached the limit.
      if (!packet.isEof) this.#ctx.meter.dropped++;
      return;
    }
    const start = this.#start;
    const payload = packet.control === 'eof' ? undefined : expect(input, packet.payload);
    if (start.shift !== undefined) {
      this.#go(input, payload, start.shift);
      return;
    }
    if (payload === undefined) start.end(input.id);
    else start.hold(input.id, payload);
    const { shift } = start;
    if (shift === undefined) return;
    for (const { input: id, payload: held } of start.take()) this.#go(this.#inputs.get(id)!, held, shift);
  }

  /** @param payload undefined: the input is over. */
  #go(input: EncoderInput, payload: Payload | undefined, shift: bigint): void {
    if (input.ended) return;
    if (payload === undefined) this.#end(input);
    else this.#write(input, payload, shift);
  }

  #write(input: EncoderInput, payload: Payload, shift: bigint): void {
    if (this.#tellsTime || this.#muxer?.waiting) this.#noteTime(payload);
    if (!input.hasBegun) this.#muxer?.describe?.(this.#sources.texts(shift));
    // A cover is there at once and goes nowhere.
    if (this.#leader === input.id && payload instanceof StreamInfo && isCover(payload)) {
      this.#leader = this.#nextTo(input.id);
    }
    input.push(payload, shift);
    if (input.full) this.#end(input);
    else if (this.#muxer?.waiting) this.#beginText();
  }

  #noteTime(payload: Payload): void {
    const time = timestampOf(payload);
    if (time !== undefined && time > this.#latest) this.#latest = time;
    this.#first ??= time;
  }

  /** A module may make the first subtitle much later than the file should begin: the others do not wait for it for long. */
  #beginText(): void {
    if (this.#latest - (this.#first ?? this.#latest) < WAIT_FOR_TEXT) return;
    for (const input of this.#inputs.values()) {
      if (input.kind !== 'subtitle' || input.hasBegun || input.ended || this.#sources.isDirect(input.id)) continue;
      input.beginText();
    }
  }

  #nextTo(id: number): number | undefined {
    const ids = [...this.#inputs.keys()];
    return ids[ids.indexOf(id) + 1] ?? id;
  }

  #end(input: EncoderInput): void {
    input.ended = true;
    if (!input.finish()) this.#muxer?.leaveOut(input.id);
  }
}

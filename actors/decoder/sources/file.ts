/** Decodes a file, a URL, or what the program has (`input`). */
import { MillraceError, withLines } from '../../../src/errors/errors.js';
import { Packet } from '../../../src/media/index.js';
import type { ModuleContext, Task } from '../../../src/module/contract.js';
import { type SourceStreamTexts, tellSource } from '../../shared/source-facts.js';
import { Input, type Kind } from '../input/input.js';
import type { Place } from '../input/seeking.js';
import type { SourceStream } from '../input/source-stream.js';
import { chooseStream } from '../input/stream-choice.js';
import { isPatient, NetworkInput } from '../network/input.js';
import type { DecoderOptions } from '../options.js';
import type { DecoderSource } from '../source.js';
import { present } from '../source.js';
import { playedChapters } from '../time/chapters.js';
import { pause } from '../time/pace.js';
import { type Plan, planOf } from '../time/ranges.js';
import { Timeline } from '../time/timeline.js';
import { fontsOf } from '../track/copied-track.js';
import { DecodedTrack } from '../track/decoded-track.js';
import { openTracks } from '../track/open-tracks.js';
import { type Track, textsOf } from '../track/track.js';
import { type TrackPlan, trackPlans } from '../track/track-plan.js';
import { type Ready, TrackSet } from '../track/track-set.js';
import { Batches, type Steps, takeSteps } from './batch.js';
import { demuxerName, inputParams, requiredOptions } from './input-options.js';

/** Packets read in one call before control is given back even if no frame came of them. */
const PACKETS_PER_CALL = 64;
/** How long to wait for an input that has no packet yet, milliseconds. */
const AGAIN = 10;

function nameOf({ input, input_path }: DecoderOptions): string {
  return input?.name ?? present(input_path);
}

export class FileDecoder implements DecoderSource {
  readonly #ctx: ModuleContext<DecoderOptions>;
  readonly #tracks: TrackSet;
  readonly #plans: readonly TrackPlan[];
  /** What is said of the streams. */
  #texts: readonly SourceStreamTexts[] = [];
  #told = false;
  /** To be delivered first. */
  readonly #announced: Ready[] = [];
  #input: Input | NetworkInput | undefined;
  #timeline: Timeline | undefined;
  #plan: Plan | undefined;
  /** Number of the part that is being played. */
  #part = 0;
  #repetitions = 0;
  /** Packets of wanted streams since the input last began. */
  #packets = 0;
  /** Its next packet is there at once, and nobody wants it later. */
  #isNear = false;
  /** It failed in a call that had something to give first. */
  #failure: Steps['failure'];
  /** Nothing more is to be read. */
  #drained = false;
  /** At the end of the input: the tracks whose delayed frames are still to come. */
  #draining: Track[] | undefined;
  readonly #batches = new Batches();

  constructor(ctx: ModuleContext<DecoderOptions>) {
    this.#ctx = ctx;
    this.#plans = trackPlans(ctx.options);
    this.#tracks = new TrackSet(ctx, nameOf(ctx.options));
  }

  /**
   * Opens a file; an input of the network is opened meanwhile, and what is wrong with it comes with the first call of
   * `process`: inputs are opened side by side, and the graph can be stopped before their peers have answered.
   * @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION; FFmpegError.
   */
  open(): void {
    const { options, outputs, log, protocolWhitelist, sources } = this.#ctx;
    const av = inputParams(options);
    const path = nameOf(options);
    const format = demuxerName(options);
    const input = { path, format, options: av, required: requiredOptions(options), protocolWhitelist };
    const source = options.input;
    if (!source && options.timeout_ms === undefined && !isPatient(path, format, av)) {
      const file = new Input(input);
      this.#input = file;
      this.#begin(file);
      return;
    }
    const { timeout_ms: timeout, loglevel } = options;
    const choices = this.#plans.filter(({ output }) => outputs.includes(output));
    const chapters = sources?.chapters === true;
    const data = { input, source, timeout, loglevel, choices, chapters, probes: undefined };
    this.#input = new NetworkInput(data, (message) => log.warn(message));
  }

  /** It is open. */
  #begin(input: Input | NetworkInput): void {
    const { options, meter, outputs } = this.#ctx;
    const chosen = new Map(
      this.#plans.map((plan): [number, SourceStream | undefined] => [
        plan.output,
        input instanceof NetworkInput ? input.chosen(plan.output) : chooseStream(input, plan),
      ]),
    );
    const tracks = openTracks(...([input, this.#plans, chosen, this.#ctx] as const), (output) =>
      outputs.includes(output),
    );
    this.#tracks.add(tracks);
    this.#texts = tracks.map(textsOf);
    for (const id of outputs) if (tracks.every((track) => track.output !== id)) this.#tracks.end(id);
    this.#plan = planOf(options);
    this.#repetitions = options.loop;
    this.#timeline = new Timeline(
      {
        containerStart: input.startTime,
        start: this.#plan.start,
        copyTimestamps: options.copyts,
        startAtZero: options.start_at_zero,
        // A jump on the clock of the machine is a time in which nothing came.
        discontinuous: input.discontinuous && !options.use_wallclock_as_timestamps,
        audioDecoded: tracks.some((track) => track.kind === 'audio' && track instanceof DecodedTrack),
      },
      tracks.map((track) => track.clock.timing),
    );
    this.#isNear = input instanceof Input && input.isNear && !options.realtime;
    meter.duration = this.#plan.length(input.duration) * (options.loop < 0 ? 0 : options.loop + 1);
    // Sought before the other streams are switched off, as the ffmpeg command does: it decides which one leads.
    this.#beginPart(0);
    input.keepOnly(tracks.map((track) => track.stream));
    for (const track of tracks) {
      const out: Packet[] = [];
      const wantsFonts = this.#plans.some(({ output, fonts }) => output === track.output && fonts);
      if (wantsFonts && input instanceof Input) out.push(...fontsOf(input.streams).map((info) => new Packet(info)));
      track.announce(out);
      for (const packet of out) this.#announced.push({ output: track.output, packet });
      // It is nothing but what was said of it.
      if (track.kind === 'attachment') this.#tracks.complete(track);
    }
  }

  drain(): void {
    this.#drained = true;
  }

  process(task: Task): void | Promise<void> {
    const timeline = this.#timeline;
    if (timeline === undefined) return this.#awaitBeginning(task);
    const { signal, meter } = this.#ctx;
    const input = present(this.#input);
    const tracks = this.#tracks;
    this.#tellSource();
    this.#dropFinished(task);
    if (this.#failure) throw this.#failure.error;
    const ready: Ready[] = this.#announced.splice(0);
    let left = PACKETS_PER_CALL;
    this.#batches.begin();
    const goesOn = (): boolean => {
      if (left-- === 0 || signal.aborted || tracks.list.length === 0) return false;
      return this.#isNear ? this.#batches.mayGoOn(ready, task.output) : ready.length === 0;
    };
    const { starved, failure } = takeSteps(ready, goesOn, () => this.#step(input, timeline, ready));
    this.#failure = failure;
    this.#dropFinished(task);
    meter.bytes = input.bytes;
    const delivered = tracks.deliver(ready, task);
    if (delivered) return delivered.then(() => this.#endIfDone(task));
    this.#endIfDone(task);
    if (starved) return this.#more(task);
  }

  /** Before the first packet: see source-facts.ts. */
  #tellSource(): void {
    if (this.#told) return;
    this.#told = true;
    if (!this.#ctx.sources) return;
    const input = present(this.#input);
    const chapters = this.#ctx.sources.chapters ? input.chapters : undefined;
    const timeline = present(this.#timeline);
    const last = present(this.#plan).parts.at(-1)?.range(timeline);
    tellSource(this.#ctx, {
      tags: input.tags,
      chapters: chapters && playedChapters(chapters, timeline, last?.end),
      streams: this.#texts,
    });
  }

  /** Waits until there may be another packet. */
  #more(task: Task): void | Promise<void> {
    const { signal, outputs } = this.#ctx;
    const input = present(this.#input);
    if (!(input instanceof NetworkInput)) return pause(AGAIN, signal).then(() => undefined);
    return input.more(signal, () => outputs.length === 0 || outputs.some((id) => !task.output(id).closed));
  }

  /** Waits until the input is open, but not for longer than there is somebody who wants of it. */
  #awaitBeginning(task: Task): void | Promise<void> {
    const input = present(this.#input) as NetworkInput;
    if (input.opened) {
      this.#begin(input);
      return this.process(task);
    }
    if (!this.#drained) return this.#more(task);
    for (const id of this.#ctx.outputs) if (!task.output(id).closed) task.output(id).push(Packet.eof());
    task.done();
  }

  #endIfDone(task: Task): void {
    if (this.#tracks.list.length > 0) return;
    this.#tracks.report();
    task.done();
  }

  #dropFinished(task: Task): void {
    const before = this.#tracks.list;
    this.#tracks.dropFinished(task);
    for (const track of before) if (!this.#tracks.list.includes(track)) this.#discard(track);
  }

  /** Its stream is not read any more. */
  #discard(track: Track): void {
    present(this.#input).discard(track.index);
  }

  /** Reads a packet, or takes a delayed frame at the end of the input; false if there is no packet yet. */
  #step(input: Input | NetworkInput, timeline: Timeline, ready: Ready[]): boolean {
    if (this.#draining) {
      const out: Packet[] = [];
      const track = this.#draining[0];
      if (track && this.#tracks.list.includes(track) && track.drain(out)) collect(track, out, ready);
      else this.#draining.shift();
      if (this.#draining.length === 0) this.#endPass();
      return true;
    }
    const packet = this.#drained ? 'end' : input.read();
    if (packet === 'again' || packet === 'lost') return false;
    if (packet === 'end') {
      for (const track of this.#tracks.list) track.end();
      this.#draining = [...this.#tracks.list];
      if (this.#draining.length === 0) this.#endPass();
      return true;
    }
    const tracks = this.#tracks.of(packet.streamIndex);
    if (tracks.length === 0) return true;
    this.#packets++;
    // A track puts its own times there.
    const times = tracks.length > 1 ? { pts: packet.pts, dts: packet.dts, timeBase: packet.timeBase } : undefined;
    for (const track of tracks) {
      if (times) Object.assign(packet, times);
      const out: Packet[] = [];
      try {
        track.take(packet, timeline, out);
      } finally {
        collect(track, out, ready);
      }
    }
    if (this.#tracks.rangeEnded) this.#endPart();
    return true;
  }

  /** Nothing more of this part is wanted, the input may go on. */
  #endPart(): void {
    const plan = present(this.#plan);
    if (!this.#drained && this.#part + 1 < plan.parts.length) this.#beginPart(this.#part + 1);
    else this.#finish();
  }

  /** The input has ended and all delayed frames are out. */
  #endPass(): void {
    this.#draining = undefined;
    const plan = present(this.#plan);
    if (this.#drained) this.#finish();
    else if (this.#part + 1 < plan.parts.length) this.#beginPart(this.#part + 1);
    else if (this.#repetitions !== 0 && this.#tracks.list.length > 0) this.#repeat();
    else this.#finish();
  }

  #beginPart(number: number): void {
    const input = present(this.#input);
    const timeline = present(this.#timeline);
    const part = present(this.#plan).parts[number];
    if (!part) return;
    this.#part = number;
    if (part.seek !== undefined) {
      const seconds = Number(part.seek) / 1e6;
      const lead = this.#tracks.list.find(({ kind, isCover }) => kind === 'video' && !isCover)?.index;
      this.#seek(input, timeline.origin + part.seek, lead, (place) => {
        if (place === 'before' || seconds <= 0) return;
        const why = input.reasons.length > 0 ? `. FFmpeg says: ${input.reasons.join('; ')}` : '';
        this.#ctx.log.warn(
          `${input.path} cannot seek to ${seconds} s; everything before is decoded and left out${why}`,
        );
      });
      timeline.restart(this.#tracks.list.map((track) => track.clock));
    }
    const range = part.range(timeline);
    for (const track of this.#tracks.list) track.begin(range, timeline.beginning);
  }

  /** @throws MillraceError ERR_MILLRACE_INPUT if the input cannot go back, or gave nothing. */
  #repeat(): void {
    const input = present(this.#input);
    const timeline = present(this.#timeline);
    if (this.#packets === 0) {
      throw new MillraceError('ERR_MILLRACE_INPUT', `${input.path} has no packets to repeat`, {
        hint: 'Leave out the option loop',
      });
    }
    this.#packets = 0;
    if (this.#repetitions > 0) this.#repetitions--;
    const played = (wanted: Kind) => this.#tracks.list.find(({ kind, isCover }) => kind === wanted && !isCover)?.played;
    // Packets of containers that hold decoding times only (AVI, ASF) do not tell from when to when pictures are shown.
    timeline.repeat(played('audio') ?? played('video'));
    for (const track of this.#tracks.list) track.repeat();
    this.#seek(input, timeline.origin, undefined, (place) => {
      if (place !== 'nowhere') return;
      const hint = 'Leave out the option loop, or use a file that can be sought in';
      throw new MillraceError(
        'ERR_MILLRACE_INPUT',
        `${input.path} cannot go back to its beginning`,
        withLines({ hint }, input.reasons),
      );
    });
  }

  /**
   * @param lead Index of the stream of which a key frame is to follow.
   * @param reached told, at once or within `read`, where the input stands then.
   */
  #seek(input: Input | NetworkInput, time: bigint, lead: number | undefined, reached: (place: Place) => void): void {
    if (input instanceof NetworkInput) input.seek(time, lead, reached);
    else reached(lead === undefined ? input.seek(time) : input.seekDecodable(time, lead));
  }

  /** The natural end of all tracks. */
  #finish(): void {
    for (const track of this.#tracks.list) {
      track.checkErrorRate();
      this.#tracks.complete(track);
      this.#discard(track);
    }
  }

  close(): void | Promise<void> {
    this.#draining = undefined;
    for (const { packet } of this.#announced.splice(0)) packet.close();
    this.#tracks.close();
    const input = this.#input;
    this.#input = undefined;
    return input?.close();
  }
}

function collect({ output }: Track, out: readonly Packet[], ready: Ready[]): void {
  for (const packet of out) ready.push({ output, packet });
}

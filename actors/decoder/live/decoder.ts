/**
 * Decodes a live input, or any input that is opened again when it is lost (`live`, `reconnect`). A thread of its own reads
 * it (network/reader.ts) and connects as often as it takes; here every connection is a file that follows the one before,
 * on one clock (continuity.ts), into outputs that stay open.
 */
import type { Packet as NativePacket } from 'node-av/lib';
import {
  AudioFrame,
  EncodedPacket,
  fromNativeTimestamp,
  MICROSECONDS,
  type Packet,
  rescale,
  StreamInfo,
  VideoFrame,
} from '../../../src/media/index.js';
import type { ModuleContext, Task } from '../../../src/module/contract.js';
import { Arrivals } from '../../shared/live/arrivals.js';
import { Outages } from '../../shared/live/outages.js';
import { tellSource } from '../../shared/source-facts.js';
import { type Loss, NetworkInput } from '../network/input.js';
import type { DecoderOptions } from '../options.js';
import { type DecoderSource, present } from '../source.js';
import { demuxerName, inputParams, requiredOptions } from '../sources/input-options.js';
import { type Plan, planOf } from '../time/ranges.js';
import { Timeline } from '../time/timeline.js';
import { DecodedTrack } from '../track/decoded-track.js';
import { openTracks } from '../track/open-tracks.js';
import { gather, type Track, textsOf } from '../track/track.js';
import { type TrackPlan, trackPlans } from '../track/track-plan.js';
import { type Ready, TrackSet } from '../track/track-set.js';
import type { Range } from '../track/trim.js';
import { Continuity } from './continuity.js';
import { Lag } from './lag.js';

import { changeOf, requireSame } from './same-stream.js';

/** Packets read in one call before control is given back even if no frame came of them. */
const PACKETS_PER_CALL = 64;

/** A connection that is being decoded. */
interface Connection {
  readonly timeline: Timeline;
  /** Bytes of those before. */
  readonly bytesBefore: number;
}

export class LiveDecoder implements DecoderSource {
  readonly #ctx: ModuleContext<DecoderOptions>;
  readonly #tracks: TrackSet;
  readonly #plans: readonly TrackPlan[];
  readonly #plan: Plan;
  /** Frames that are wanted yet, by output. */
  readonly #limits: Map<number, number | undefined>;
  readonly #continuity = new Continuity();
  readonly #outages: Outages;
  readonly #lag: Lag | undefined;
  /** When packets came, for the encoders that measure their way. */
  readonly #arrivals: Arrivals | undefined;
  /** Of the stream whose packets are noted there. */
  #lead: Track | undefined;
  /** Packets left out that were told of. */
  #reported = 0;
  /** To be delivered first. */
  readonly #announced: Ready[] = [];
  #input: NetworkInput | undefined;
  #connection: Connection | undefined;
  /** Connections so far. */
  #connections = 0;
  /** What each output was in the connection before. */
  readonly #known = new Map<number, StreamInfo>();
  /** Outputs whose copied stream has been described. */
  readonly #told = new Set<number>();
  /** What of the first connection is played. */
  #range: Range | undefined;
  /** At the end of a connection: the tracks whose delayed frames are still to come. */
  #draining: Track[] | undefined;
  /** Nothing more is to be read. */
  #drained = false;
  /** The end of this connection is that of all. */
  #over = false;

  constructor(ctx: ModuleContext<DecoderOptions>) {
    const { options } = ctx;
    this.#ctx = ctx;
    this.#plans = trackPlans(options);
    this.#plan = planOf(options);
    this.#limits = new Map(this.#plans.map(({ output, limit }) => [output, limit]));
    this.#tracks = new TrackSet(ctx, present(options.input_path));
    this.#arrivals = ctx.sources && new Arrivals();
    this.#outages = new Outages(ctx, present(options.input_path));
    const { drop = 'none', drop_after_ms: after } = options;
    this.#lag = drop === 'none' ? undefined : new Lag(drop, after);
  }

  /** What is wrong with the input comes with the first call of `process`: it is opened meanwhile. */
  open(): void {
    const { options, outputs, log, protocolWhitelist, sources } = this.#ctx;
    const { timeout_ms: timeout, loglevel, reconnect, live } = options;
    const path = present(options.input_path);
    const format = demuxerName(options);
    const input = {
      ...{ path, format, options: inputParams(options), required: requiredOptions(options), protocolWhitelist },
    };
    const choices = this.#plans.filter(({ output }) => outputs.includes(output));
    const chapters = sources?.chapters === true;
    this.#input = new NetworkInput(
      {
        ...{ input, timeout, loglevel, choices, chapters, live, lag: this.#lag, probes: undefined },
        reconnect: reconnect || undefined,
      },
      (message) => log.warn(message),
      (loss) => this.#onLoss(loss),
    );
  }

  #onLoss(loss: Loss): void {
    this.#outages.lost(loss, this.#connections > 0);
  }

  drain(): void {
    this.#drained = true;
  }

  process(task: Task): void | Promise<void> {
    if (this.#connection === undefined) return this.#awaitConnection(task);
    const { signal } = this.#ctx;
    this.#tracks.dropFinished(task);
    const ready: Ready[] = this.#announced.splice(0);
    let starved = false;
    try {
      for (let i = 0; i < PACKETS_PER_CALL && ready.length === 0 && this.#tracks.list.length > 0; i++) {
        if (signal.aborted || this.#connection === undefined) break;
        starved = !this.#step(ready);
        if (starved) break;
      }
      this.#tracks.dropFinished(task);
    } catch (error) {
      for (const { packet } of ready) packet.close();
      throw error;
    }
    const delivered = this.#tracks.deliver(ready, task);
    if (delivered) return delivered.then(() => this.#endIfDone(task));
    this.#endIfDone(task);
    if (starved) return this.#more(task);
  }

  /** Waits until it is open, but not for longer than there is somebody who wants of it. */
  #awaitConnection(task: Task): void | Promise<void> {
    const input = present(this.#input);
    if (this.#drained || input.givenUp) return this.#endAll(task);
    if (!input.opened) {
      if (input.givenUp) return this.#endAll(task);
      return this.#more(task);
    }
    this.#begin(input);
    return this.process(task);
  }

  #endAll(task: Task): void | Promise<void> {
    for (const id of this.#ctx.outputs) this.#tracks.end(id);
    const delivered = this.#tracks.deliver([], task);
    if (delivered) return delivered.then(() => this.#endIfDone(task));
    this.#endIfDone(task);
  }

  #more(task: Task): void | Promise<void> {
    const { signal, outputs, options, meter } = this.#ctx;
    const isWanted = (): boolean => {
      // Who is opened again may stay away for as long as that says, whatever time_out is.
      if (options.reconnect) meter.awaited = (meter.awaited ?? 0) + 1;
      return outputs.length === 0 || outputs.some((id) => !task.output(id).closed);
    };
    return present(this.#input).more(signal, isWanted);
  }

  #endIfDone(task: Task): void {
    if (this.#connection !== undefined ? this.#tracks.list.length > 0 : !this.#isOver(task)) return;
    this.#report();
    task.done();
  }

  /** Every output has ended, or nobody takes it any more. */
  #isOver(task: Task): boolean {
    return this.#ctx.outputs.every((id) => this.#tracks.isOver(id) || task.output(id).closed);
  }

  #report(): void {
    this.#tracks.report();
    this.#outages.end();
    const { drop, input_path } = this.#ctx.options;
    const dropped = (this.#lag?.dropped ?? 0) - this.#reported;
    if (this.#lag === undefined || dropped === 0) return;
    this.#reported += dropped;
    this.#ctx.log.warn(
      `${input_path}: ${dropped} packets were left out because the graph was behind, by ${Math.round(this.#lag.worst)} ms ` +
        `at most (drop: '${drop}')`,
    );
  }

  /** Reads a packet, or takes a delayed frame at the end of a connection; false if there is no packet yet. */
  #step(ready: Ready[]): boolean {
    if (this.#draining) {
      const track = this.#draining[0];
      if (track && this.#tracks.list.includes(track) && this.#collect(track, ready, (out) => track.drain(out)))
        return true;
      this.#draining.shift();
      if (this.#draining.length === 0) this.#endConnection();
      return true;
    }
    const input = present(this.#input);
    const packet = this.#drained ? 'end' : input.read();
    this.#count(input);
    if (packet === 'again') return false;
    if (packet === 'end' || packet === 'lost') {
      this.#over = packet === 'end';
      for (const track of this.#tracks.list) track.end();
      this.#draining = [...this.#tracks.list];
      if (this.#draining.length === 0) this.#endConnection();
      return true;
    }
    const { timeline } = present(this.#connection);
    const tracks = this.#tracks.of(packet.streamIndex);
    // A track puts its own times there.
    const times = tracks.length > 1 ? { pts: packet.pts, dts: packet.dts, timeBase: packet.timeBase } : undefined;
    for (const track of tracks) {
      if (times) Object.assign(packet, times);
      this.#collect(track, ready, (out) => track.take(packet, timeline, out));
      this.#continuity.came(track.clock.dts, input.arrival);
      if (track === this.#lead) this.#arrivals?.note(shownAt(packet, track), input.arrival);
    }
    if (this.#tracks.rangeEnded) this.#finish();
    return true;
  }

  #count(input: NetworkInput): void {
    const { meter } = this.#ctx;
    meter.bytes = present(this.#connection).bytesBefore + input.bytes;
    if (this.#lag) meter.dropped = this.#lag.dropped;
  }

  /** Takes what a track gives, without what was there before the connection. */
  #collect<T>(track: Track, ready: Ready[], work: (out: Packet[]) => T): T {
    return gather(work, (packet) => this.#keep(track, packet, ready));
  }

  #keep({ output }: Track, packet: Packet, ready: Ready[]): void {
    const { payload } = packet;
    if (payload instanceof StreamInfo) {
      // Whoever copies the stream is told once what it is.
      if (this.#told.has(output)) packet.close();
      else ready.push({ output, packet });
      this.#told.add(output);
      return;
    }
    const canBegin = !(payload instanceof EncodedPacket) || payload.isKey;
    const how = this.#continuity.take(output, ...timesOf(packet), canBegin);
    if (how === 'repeated') {
      packet.close();
      return;
    }
    packet.discontinuity = how === 'first';
    ready.push({ output, packet });
  }

  /** It is connected. */
  #begin(input: NetworkInput): void {
    const { options, outputs, meter } = this.#ctx;
    this.#connections++;
    this.#over = false;
    const open = outputs.filter((id) => !this.#tracks.isOver(id));
    const plans = this.#plans.map((plan) => ({ ...plan, limit: this.#limits.get(plan.output) }));
    const chosen = new Map(plans.map(({ output }) => [output, input.chosen(output)]));
    this.#compare(input, open);
    const tracks = openTracks(
      ...([input, plans, chosen, this.#ctx] as const),
      (output) => open.includes(output),
      options.live,
    );
    this.#tracks.add(tracks);
    const timeline = this.#place(input, tracks);
    this.#connection = { timeline, bytesBefore: meter.bytes };
    if (this.#connections > 1) this.#outages.back(this.#continuity.gap(input.began));
    else {
      for (const id of outputs) if (tracks.every((track) => track.output !== id)) this.#tracks.end(id);
      const { tags } = input;
      tellSource(this.#ctx, { tags, chapters: [], streams: tracks.map(textsOf), arrivals: this.#arrivals?.buffer });
    }
    this.#continuity.resume(this.#connections > 1 ? open : []);
    this.#lag?.begin(tracks.flatMap(({ kind, index }) => (kind === 'video' ? [index] : [])));
    const isPlayed = ({ kind, isCover }: Track): boolean => kind === 'video' && !isCover;
    this.#lead = tracks.find(isPlayed) ?? tracks.find(({ kind }) => kind === 'audio');
    input.keepOnly(tracks.map((track) => track.stream));
    for (const track of tracks) {
      this.#collect(track, this.#announced, (out) => track.announce(out));
      if (track.kind === 'attachment') this.#tracks.complete(track);
    }
  }

  /** What has changed while it was away. @throws MillraceError ERR_MILLRACE_INPUT for a copied stream. */
  #compare(input: NetworkInput, outputs: readonly number[]): void {
    for (const { output, kind, codec } of this.#plans) {
      const stream = input.chosen(output);
      if (!stream || !outputs.includes(output)) continue;
      const info = StreamInfo.fromCodecParameters(stream.codecpar, { timeBase: stream.timeBase });
      const before = this.#known.get(output);
      this.#known.set(output, info);
      if (before === undefined) continue;
      const isCopied = codec === 'copy' || (kind !== 'video' && kind !== 'audio');
      if (isCopied) requireSame(before, info, input.path);
      const change = changeOf(before, info);
      if (change) this.#ctx.log.warn(`${input.path} has come back with another ${kind}: ${change}`);
    }
  }

  /** Puts a connection behind the ones before it. */
  #place(input: NetworkInput, tracks: readonly Track[]): Timeline {
    const { options, meter } = this.#ctx;
    const continuity = this.#continuity;
    const start = input.startTime ?? 0n;
    const first = !continuity.begun;
    // A file goes on where it was left; so do kept times, unless they would go back.
    const resumes = !first && !input.endless;
    const goesBack = !first && !resumes && options.copyts && continuity.end !== undefined && start < continuity.end;
    if (goesBack) this.#ctx.log.warn(`${input.path} has come back with earlier times: they are moved (copyts)`);
    const timeline = new Timeline(
      {
        containerStart: input.startTime,
        start: 0n,
        begin: resumes ? 0n : continuity.beginning(input.began, leadOf(tracks)),
        copyTimestamps: options.copyts && !goesBack,
        startAtZero: options.start_at_zero,
        discontinuous: input.discontinuous && !options.use_wallclock_as_timestamps,
        audioDecoded: tracks.some((track) => track.kind === 'audio' && track instanceof DecodedTrack),
      },
      // Where the streams begin counts for a connection that begins there.
      tracks.map(({ clock: { timing } }) =>
        input.goesOnAt === undefined ? timing : { ...timing, startTime: undefined },
      ),
    );
    this.#range ??= present(this.#plan.parts[0]).range(timeline);
    meter.duration = input.endless ? 0 : this.#plan.length(input.duration);
    const range = first ? this.#range : { start: undefined, end: this.#range.end };
    for (const track of tracks) track.begin(range, timeline.beginning);
    if (resumes && continuity.end !== undefined) {
      input.seek(continuity.end - timeline.beginning + start, undefined, () => {});
      timeline.restart(tracks.map((track) => track.clock));
    }
    return timeline;
  }

  /** It has ended, or was lost, and all delayed frames are out. */
  #endConnection(): void {
    this.#draining = undefined;
    if (this.#over) {
      this.#finish();
      return;
    }
    for (const track of [...this.#tracks.list]) {
      this.#limits.set(track.output, track.left);
      this.#tracks.release(track);
    }
    this.#connection = undefined;
  }

  /** The natural end of all tracks. */
  #finish(): void {
    for (const track of this.#tracks.list) {
      track.checkErrorRate();
      this.#tracks.complete(track);
    }
  }

  close(): void | Promise<void> {
    this.#draining = undefined;
    for (const { packet } of this.#announced.splice(0)) packet.close();
    this.#tracks.close();
    this.#report();
    const input = this.#input;
    this.#input = undefined;
    return input?.close();
  }
}

/** The time by which packets of a stream follow one another, and the end of what it shows, in microseconds. */
function timesOf({ payload, timestamp = 0 }: Packet): [time: bigint | undefined, end: bigint] {
  if (payload instanceof EncodedPacket) {
    const { pts, dts = pts, duration, timeBase } = payload;
    if (dts === undefined) return [undefined, 0n];
    const shown = (pts !== undefined && pts > dts ? pts : dts) + duration;
    return [rescale(dts, timeBase, MICROSECONDS), rescale(shown, timeBase, MICROSECONDS)];
  }
  const time = BigInt(Math.round(timestamp));
  if (!(payload instanceof VideoFrame || payload instanceof AudioFrame)) return [time, time];
  return [time, time + rescale(payload.duration, payload.timeBase, MICROSECONDS)];
}

/** Microseconds; its decoding time where it has no other. */
function shownAt({ pts, timeBase }: NativePacket, track: Track): number {
  const time = fromNativeTimestamp(pts);
  return Number(time === undefined ? track.clock.dts : rescale(time, timeBase, MICROSECONDS));
}

/** By how much the decoding times of pictures may be before their beginning, microseconds. */
function leadOf(tracks: readonly Track[]): bigint {
  let lead = 0n;
  for (const { clock } of tracks) {
    const { videoDelay, averageFrameRate: rate } = clock.timing;
    const own = rate ? (BigInt(videoDelay) * 1_000_000n * BigInt(rate.den)) / BigInt(rate.num) : 0n;
    if (own > lead) lead = own;
  }
  return lead;
}

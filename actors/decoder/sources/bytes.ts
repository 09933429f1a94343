/** Decodes the bytes that come on input 0: files of any container, in pieces of any size. */
import { errorOf, unpackError } from '../../../src/errors/wire.js';
import { FilePayload, type FilePlace } from '../../../src/media/bytes/file-payload.js';
import type { Packet } from '../../../src/media/index.js';
import { crowded } from '../../../src/media/native/interruptible.js';
import { restorePacket } from '../../../src/media/wire/packet.js';
import type { ModuleContext, Task } from '../../../src/module/contract.js';
import { tellSource } from '../../shared/source-facts.js';
import { ByteSource } from '../demux-thread/client.js';
import { DistantFile } from '../demux-thread/distant-file.js';
import type { FileFacts, FromDemuxer } from '../demux-thread/protocol.js';
import { type DistantStream, distantStream } from '../input/source-stream.js';
import { isPatient, stepLimit } from '../network/input.js';
import type { DecoderOptions } from '../options.js';
import type { DecoderSource } from '../source.js';
import { present } from '../source.js';
import { playedChapters } from '../time/chapters.js';
import { type Plan, planOf } from '../time/ranges.js';
import { Splicer } from '../time/splice.js';
import { Timeline } from '../time/timeline.js';
import { DecodedTrack } from '../track/decoded-track.js';
import { openTracks } from '../track/open-tracks.js';
import { gather, type Track, textsOf } from '../track/track.js';
import { type TrackPlan, trackPlans } from '../track/track-plan.js';
import { type Ready, TrackSet } from '../track/track-set.js';
import { demuxerName, inputParams, requiredOptions } from './input-options.js';
import { bytesOf, unusable } from './payloads.js';

/** Pieces up to this size are joined to this much before they are handed to the demuxer. */
const JOIN = 65_536;

/** A file that is being decoded. */
interface OpenFile {
  readonly timeline: Timeline;
  readonly streams: readonly DistantStream[];
}

export class BytesDecoder implements DecoderSource {
  readonly #ctx: ModuleContext<DecoderOptions>;
  readonly #name: string;
  readonly #tracks: TrackSet;
  readonly #plans: readonly TrackPlan[];
  readonly #plan: Plan;
  readonly #splicer: Splicer;
  /** Frames that are wanted yet, by output. */
  readonly #limits: Map<number, number | undefined>;
  #source: ByteSource | undefined;
  /** The file that is being read, if it is behind a URL. */
  #distant: DistantFile | undefined;
  #leaving: Promise<unknown> | undefined;
  #file: OpenFile | undefined;
  #files = 0;
  /** At the end of a file: tracks whose delayed frames are still to come. */
  #draining: Track[] = [];
  /** Thrown when everything that was decoded before it has been taken. */
  #failure: Error | undefined;

  constructor(ctx: ModuleContext<DecoderOptions>) {
    const { options } = ctx;
    this.#ctx = ctx;
    this.#name = 'the bytes on input 0';
    this.#plans = trackPlans(options);
    this.#limits = new Map(this.#plans.map(({ output, limit }) => [output, limit]));
    this.#tracks = new TrackSet(ctx, this.#name);
    this.#plan = planOf(options);
    this.#splicer = new Splicer({
      overlap: micro(options.overlap_time ?? 10),
      gap: micro(options.cut_off_time ?? 10),
      interval: micro(options.cut_off_interval ?? 1 / 30),
    });
  }

  open(): void {
    const { options, outputs, protocolWhitelist, sources } = this.#ctx;
    const av = inputParams(options);
    this.#source = new ByteSource({
      name: this.#name,
      format: demuxerName(options),
      options: av,
      required: requiredOptions(options),
      protocolWhitelist,
      choices: this.#plans.filter(({ output }) => outputs.includes(output)),
      chapters: sources?.chapters === true,
      loglevel: options.loglevel,
    });
  }

  /** A decoder for the next job, on the same demuxing thread, which is its own from now on. */
  renew(): BytesDecoder {
    const next = new BytesDecoder(this.#ctx);
    this.#source?.renew();
    next.#source = this.#source;
    this.#source = undefined;
    return next;
  }

  /** More bytes only when all before them are used up and decoded: that holds back whoever sends them. */
  wants(): readonly number[] | undefined {
    const busy = this.#distant !== undefined || this.#source?.idle === false;
    const open = this.#failure !== undefined || this.#draining.length > 0 || busy;
    return open ? [] : undefined;
  }

  process(task: Task): void | Promise<void> {
    this.#feed(task.inputs.get(0) ?? []);
    return this.#advance(task);
  }

  #feed(packets: readonly Packet[]): void {
    const source = present(this.#source);
    let joined: Uint8Array[] = [];
    let size = 0;
    const flush = (): void => {
      if (size > 0) source.feed(joined.length === 1 ? joined[0]! : Buffer.concat(joined, size));
      joined = [];
      size = 0;
    };
    for (const packet of packets) {
      if (packet.isEof) {
        flush();
        source.end();
        continue;
      }
      if (packet.payload instanceof FilePayload) {
        flush();
        this.#feedFile(packet.payload.place);
        continue;
      }
      const bytes = bytesOf(packet.payload);
      if (bytes === undefined) throw unusable(packet.payload, 'bytes of a media file');
      this.#ctx.meter.bytes += bytes.byteLength;
      if (bytes.byteLength > 0 && size + bytes.byteLength > JOIN) flush();
      joined.push(bytes);
      size += bytes.byteLength;
      if (bytes.byteLength > 0) continue;
      flush();
      source.endFile();
    }
    flush();
  }

  /** A file behind a URL is read by a thread of its own, which can be interrupted; it comes alone in its job. */
  #feedFile(place: FilePlace): void {
    const { options, outputs, protocolWhitelist, sources, log } = this.#ctx;
    const [format, params] = [demuxerName(options), inputParams(options)];
    if (!('path' in place) || !isPatient(place.path, format, params)) {
      present(this.#source).feedFile(place);
      return;
    }
    const { path } = place;
    this.#distant = new DistantFile(
      {
        input: { path, format, options: params, required: requiredOptions(options), protocolWhitelist },
        limit: stepLimit(path, undefined, params),
        choices: this.#plans.filter(({ output }) => outputs.includes(output)),
        chapters: sources?.chapters === true,
        loglevel: options.loglevel,
      },
      (limit) => log.warn(crowded(path, limit)),
    );
  }

  /** Decodes until there is something to deliver, or nothing to do before more bytes come. */
  #advance(task: Task): void | Promise<void> {
    const source = present(this.#source);
    const { signal } = this.#ctx;
    this.#tracks.dropFinished(task);
    const ready: Ready[] = [];
    while (ready.length === 0 && !this.#isOver(task) && !signal.aborted) {
      if (this.#failure && this.#draining.length === 0) throw this.#failure;
      const stepped = this.#tryStep(ready);
      this.#tracks.dropFinished(task);
      if (stepped) continue;
      if (!this.#distant && source.idle) break;
      return (this.#distant ?? source).changed(signal).then(() => this.#advance(task));
    }
    const delivered = this.#tracks.deliver(ready, task);
    if (delivered) return delivered.then(() => this.#endIfDone(task));
    this.#endIfDone(task);
  }

  /** Every output has ended, or nobody takes it any more. */
  #isOver(task: Task): boolean {
    return this.#ctx.outputs.every((id) => this.#tracks.isOver(id) || task.output(id).closed);
  }

  #endIfDone(task: Task): void {
    if (!this.#isOver(task)) return;
    this.#tracks.report();
    task.done();
  }

  /** What was decoded before something failed is delivered before the failure. */
  #tryStep(ready: Ready[]): boolean {
    try {
      return this.#step(ready);
    } catch (error) {
      this.#failure = errorOf(error);
      this.#draining = [];
      return true;
    }
  }

  /** One packet, delayed frame or piece of news. @returns false if there is none yet. */
  #step(ready: Ready[]): boolean {
    const track = this.#draining[0];
    if (track) {
      if (!this.#tracks.list.includes(track) || !this.#collect(track, ready, (out) => track.drain(out))) {
        this.#draining.shift();
        if (this.#draining.length === 0) this.#endFile();
      }
      return true;
    }
    const event = (this.#distant ?? present(this.#source)).next();
    if (event === undefined) return false;
    if (event.type === 'file-end') this.#leaveDistant();
    this.#take(event, ready);
    return true;
  }

  /** Its thread ends by itself from here on; `close` waits for it. */
  #leaveDistant(): void {
    const distant = this.#distant;
    this.#distant = undefined;
    this.#leaving = Promise.all([this.#leaving, distant?.close()]);
  }

  #take(event: FromDemuxer, ready: Ready[]): void {
    switch (event.type) {
      case 'file':
        this.#begin(event.facts);
        for (const track of this.#tracks.list) this.#collect(track, ready, (out) => track.announce(out));
        for (const track of this.#tracks.list) if (track.kind === 'attachment') this.#tracks.complete(track);
        break;
      case 'packet':
        for (const track of this.#tracks.of(event.meta.stream)) {
          const { timeline } = present(this.#file);
          const [bytes, ...sideData] = event.parts;
          const packet = restorePacket(event.meta, bytes!, sideData);
          try {
            this.#collect(track, ready, (out) => track.take(packet.av, timeline, out));
          } finally {
            packet.close();
          }
        }
        break;
      case 'file-end':
        if (event.error) this.#failed(unpackError(event.error));
        for (const track of this.#tracks.list) track.end();
        this.#draining = [...this.#tracks.list];
        if (this.#draining.length === 0) this.#endFile();
        break;
      case 'end':
        for (const id of this.#ctx.outputs) this.#tracks.end(id);
        break;
      case 'hungry':
        break;
    }
  }

  /** A file that breaks off because the graph was stopped is none that is damaged. */
  #failed(error: Error): void {
    const { stopping, log } = this.#ctx;
    if (stopping) log.warn(`the graph was stopped within a file: ${error.message}`);
    else this.#failure = error;
  }

  /** Takes what a track gives, without what was there before the file began. */
  #collect<T>(track: Track, ready: Ready[], work: (out: Packet[]) => T): T {
    return gather(work, (packet) => this.#keep(track, packet, ready));
  }

  #keep(track: Track, packet: Packet, ready: Ready[]): void {
    if (this.#splicer.isRepeated(track.output, packet)) {
      packet.close();
      this.#ctx.meter.dropped++;
      return;
    }
    ready.push({ output: track.output, packet });
  }

  #begin(facts: FileFacts): void {
    const streams = new Map<number, DistantStream>();
    const outputs = this.#ctx.outputs.filter((id) => !this.#tracks.isOver(id));
    try {
      for (const { output, stream } of facts.chosen) streams.set(output, distantStream(stream));
      const input = {
        path: this.#name,
        withoutTimestamps: facts.withoutTimestamps,
        knows: (name: string) => facts.knownOptions.includes(name),
        optionNames: () => [...facts.optionNames],
      };
      const plans = this.#plans.map((plan) => ({ ...plan, limit: this.#limits.get(plan.output) }));
      const tracks = openTracks(...([input, plans, streams, this.#ctx] as const), (output) => outputs.includes(output));
      this.#tracks.add(tracks);
      this.#file = this.#place(facts, tracks, [...streams.values()]);
    } catch (error) {
      for (const stream of streams.values()) stream.close();
      throw error;
    }
    if (this.#files++ > 0) return;
    // Whoever waits for a stream that is not there would wait for ever.
    for (const id of outputs) {
      if (!this.#tracks.list.some((track) => track.output === id)) this.#tracks.end(id);
    }
  }

  #place(facts: FileFacts, tracks: readonly Track[], streams: readonly DistantStream[]): OpenFile {
    const { options, meter } = this.#ctx;
    const first = this.#files === 0;
    const skipped = first ? this.#plan.start : 0n;
    const begin = this.#splicer.begin(facts.startTime ?? 0n, { skipped, kept: options.copyts });
    const timeline = new Timeline(
      {
        containerStart: facts.startTime,
        start: skipped,
        begin,
        copyTimestamps: options.copyts,
        startAtZero: options.start_at_zero,
        discontinuous: facts.discontinuous && !options.use_wallclock_as_timestamps,
        audioDecoded: tracks.some((track) => track.kind === 'audio' && track instanceof DecodedTrack),
      },
      tracks.map((track) => track.clock.timing),
    );
    const range = present(this.#plan.parts[0]).range(timeline);
    if (first) meter.duration = this.#plan.length(facts.duration);
    const { tags, chapters } = facts;
    tellSource(this.#ctx, {
      tags,
      chapters: chapters && playedChapters(chapters, timeline, range.end),
      streams: tracks.map(textsOf),
    });
    for (const track of tracks) track.begin(first ? range : { start: undefined, end: range.end }, timeline.beginning);
    return { timeline, streams };
  }

  #endFile(): void {
    for (const track of [...this.#tracks.list]) {
      if (this.#failure === undefined) track.checkErrorRate();
      this.#limits.set(track.output, track.left);
      this.#tracks.release(track, this.#failure === undefined);
    }
    for (const stream of this.#file?.streams ?? []) stream.close();
    this.#file = undefined;
  }

  async close(): Promise<void> {
    this.#draining = [];
    this.#tracks.close();
    for (const stream of this.#file?.streams ?? []) stream.close();
    this.#file = undefined;
    const source = this.#source;
    this.#source = undefined;
    if (this.#distant) this.#leaveDistant();
    await source?.close();
    await this.#leaving;
  }
}

function micro(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e6));
}

/** Decodes a file or URL. */
import { AVDISCARD_ALL } from 'node-av/constants';
import type { Stream } from 'node-av/lib';
import { MillraceError } from '../../src/errors.js';
import type { Packet } from '../../src/media/index.js';
import type { ModuleContext, Task } from '../../src/module/contract.js';
import type { DecoderSource } from './index.js';
import { Input, type Kind } from './input.js';
import { demuxerName, requiredOptions } from './input-options.js';
import type { DecoderOptions } from './options.js';
import { pause } from './pace.js';
import { type Plan, planOf } from './ranges.js';
import { Timeline } from './timeline.js';
import type { Track } from './track.js';
import { present, type Ready, TrackSet } from './track-set.js';
import { openTracks } from './tracks.js';

/** Packets read in one call before control is given back even if no frame came of them. */
const PACKETS_PER_CALL = 64;
/** How long to wait for an input that has no packet yet, milliseconds. */
const AGAIN = 10;

export class FileDecoder implements DecoderSource {
  readonly #ctx: ModuleContext<DecoderOptions>;
  readonly #tracks: TrackSet;
  #input: Input | undefined;
  #timeline: Timeline | undefined;
  #plan: Plan | undefined;
  /** Number of the part that is being played. */
  #part = 0;
  #repetitions = 0;
  /** Packets of wanted streams since the input last began. */
  #packets = 0;
  /** At the end of the input: the tracks whose delayed frames are still to come. */
  /** Nothing more is to be read. */
  #drained = false;
  #draining: Track[] | undefined;

  constructor(ctx: ModuleContext<DecoderOptions>) {
    this.#ctx = ctx;
    this.#tracks = new TrackSet(ctx, present(ctx.options.input_path));
  }

  /** @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION; FFmpegError. */
  open(): void {
    const { options, meter, outputs, protocolWhitelist } = this.#ctx;
    const { f: _demuxer, ...av } = options.dec_params;
    const path = present(options.input_path);
    const format = demuxerName(options);
    const input = new Input({ path, format, options: av, required: requiredOptions(options), protocolWhitelist });
    this.#input = input;
    const streams = new Map<Kind, Stream | undefined>([
      ['video', input.select('video', options.map_v)],
      ['audio', input.select('audio', options.map_a)],
    ]);
    const tracks = openTracks(input, streams, this.#ctx);
    this.#tracks.add(tracks);
    for (const id of outputs) if (tracks.every((track) => track.output !== id)) this.#tracks.end(id);
    this.#plan = planOf(options);
    this.#repetitions = options.loop;
    this.#timeline = new Timeline(
      {
        containerStart: input.startTime,
        start: this.#plan.start,
        copyTimestamps: options.copyts,
        discontinuous: input.discontinuous,
        audioDecoded: options.audio_codec !== 'copy' && tracks.some((track) => track.kind === 'audio'),
      },
      tracks.map((track) => track.clock.timing),
    );
    meter.duration = this.#plan.length(input.duration) * (options.loop < 0 ? 0 : options.loop + 1);
    // Sought before the other streams are switched off, as the ffmpeg command does: it decides which one leads.
    this.#beginPart(0);
    input.keepOnly(tracks.map((track) => track.stream));
  }

  drain(): void {
    this.#drained = true;
  }

  process(task: Task): void | Promise<void> {
    const { signal, meter } = this.#ctx;
    const tracks = this.#tracks;
    this.#dropFinished(task);
    const ready: Ready[] = [];
    let starved = false;
    try {
      for (let i = 0; i < PACKETS_PER_CALL && ready.length === 0 && tracks.list.length > 0; i++) {
        if (signal.aborted) break;
        starved = !this.#step(ready);
        if (starved) break;
      }
      this.#dropFinished(task);
    } catch (error) {
      for (const { packet } of ready) packet.close();
      throw error;
    }
    meter.bytes = present(this.#input).bytes;
    const delivered = tracks.deliver(ready, task);
    if (delivered) return delivered.then(() => this.#endIfDone(task));
    this.#endIfDone(task);
    if (starved) return pause(AGAIN, signal).then(() => undefined);
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
    const stream = present(this.#input).streams[track.index];
    if (stream) stream.discard = AVDISCARD_ALL;
  }

  /** Reads a packet, or takes a delayed frame at the end of the input; false if there is no packet yet. */
  #step(ready: Ready[]): boolean {
    const out: Packet[] = [];
    const collect = (track: Track) => {
      for (const packet of out) ready.push({ output: track.output, packet });
    };
    if (this.#draining) {
      const track = this.#draining[0];
      if (track && this.#tracks.list.includes(track) && track.drain(out)) collect(track);
      else this.#draining.shift();
      if (this.#draining.length === 0) this.#endPass();
      return true;
    }
    const packet = this.#drained ? 'end' : present(this.#input).read();
    if (packet === 'again') return false;
    if (packet === 'end') {
      for (const track of this.#tracks.list) track.end();
      this.#draining = [...this.#tracks.list];
      if (this.#draining.length === 0) this.#endPass();
      return true;
    }
    const streamIndex = packet.streamIndex;
    const track = this.#tracks.list.find(({ index }) => index === streamIndex);
    if (!track) return true;
    this.#packets++;
    try {
      track.take(packet, present(this.#timeline), out);
    } finally {
      collect(track);
    }
    if (this.#tracks.list.every(({ rangeEnded, full }) => rangeEnded || full)) this.#endPart();
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
      const place = input.seek(timeline.origin + part.seek);
      if (place !== 'before' && part.seek > 0n) {
        const seconds = Number(part.seek) / 1e6;
        this.#ctx.log.warn(`${input.path} cannot seek to ${seconds} s; everything before is decoded and left out`);
      }
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
    const played = (wanted: Kind) => this.#tracks.list.find(({ kind }) => kind === wanted)?.played;
    // Packets of containers that hold decoding times only (AVI, ASF) do not tell from when to when pictures are shown.
    timeline.repeat(played('audio') ?? played('video'));
    for (const track of this.#tracks.list) track.repeat();
    if (input.seek(timeline.origin) === 'nowhere') {
      throw new MillraceError('ERR_MILLRACE_INPUT', `${input.path} cannot go back to its beginning`, {
        hint: 'Leave out the option loop, or use a file that can be sought in',
      });
    }
  }

  /** The natural end of all tracks. */
  #finish(): void {
    for (const track of this.#tracks.list) {
      track.checkErrorRate();
      this.#tracks.leave(track);
      this.#discard(track);
    }
  }

  close(): void {
    this.#draining = undefined;
    this.#tracks.close();
    this.#input?.close();
    this.#input = undefined;
  }
}

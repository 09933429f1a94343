/**
 * c_ffmpeg_decoder: demuxes and decodes a file or URL; output 0 is video, 1 is audio. Frames, timestamps and their
 * order are those of the ffmpeg command with the same settings; names and types of the options are BMF's.
 */
import { AVDISCARD_ALL } from 'node-av/constants';
import type { Stream } from 'node-av/lib';
import { MillraceError } from '../../src/errors.js';
import { Packet, StreamInfo, setLogLevel } from '../../src/media/index.js';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { Input, type Kind } from './input.js';
import { type DecoderOptions, decoderOptions } from './options.js';
import { Pacer, pause } from './pace.js';
import { type Plan, planOf } from './ranges.js';
import { Timeline } from './timeline.js';
import type { Track } from './track.js';
import { openTracks } from './tracks.js';

/** Packets read in one call before control is given back even if no frame came of them. */
const PACKETS_PER_CALL = 64;
/** How long to wait for an input that has no packet yet, milliseconds. */
const AGAIN = 10;

export default class FFmpegDecoder implements Module<DecoderOptions> {
  static readonly schema = decoderOptions;
  readonly schema = decoderOptions;
  #ctx: ModuleContext<DecoderOptions> | undefined;
  #input: Input | undefined;
  #timeline: Timeline | undefined;
  #tracks: Track[] = [];
  #plan: Plan | undefined;
  /** Number of the part that is being played. */
  #part = 0;
  #repetitions = 0;
  /** Packets of wanted streams since the input last began. */
  #packets = 0;
  /** At the end of the input: the tracks whose delayed frames are still to come. */
  #draining: Track[] | undefined;
  #pacer: Pacer | undefined;
  /** Outputs that have no track, and get their end with the first call. */
  #missing: number[] = [];
  /** Outputs whose tracks have ended with this call. */
  #ended: number[] = [];
  #finished = { corrupt: 0, refused: 0 };

  /** @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION; FFmpegError. */
  init(ctx: ModuleContext<DecoderOptions>): void {
    const { options, meter } = ctx;
    this.#ctx = ctx;
    if (options.loglevel) setLogLevel(options.loglevel);
    const { f: format, ...av } = options.dec_params;
    const input = new Input({
      path: options.input_path,
      format: format === undefined ? undefined : String(format),
      options: av,
      required: requiredOptions(options),
    });
    this.#input = input;
    const streams = new Map<Kind, Stream | undefined>([
      ['video', input.select('video', options.map_v)],
      ['audio', input.select('audio', options.map_a)],
    ]);
    this.#tracks = openTracks(input, streams, ctx);
    this.#missing = ctx.outputs.filter((id) => this.#tracks.every((track) => track.output !== id));
    this.#plan = planOf(options);
    this.#repetitions = options.loop;
    this.#timeline = new Timeline(
      {
        containerStart: input.startTime,
        start: this.#plan.start,
        copyTimestamps: options.copyts,
        discontinuous: input.discontinuous,
        audioDecoded: options.audio_codec !== 'copy' && this.#tracks.some((track) => track.kind === 'audio'),
      },
      this.#tracks.map((track) => track.clock.timing),
    );
    this.#pacer = options.realtime ? new Pacer() : undefined;
    meter.duration = this.#plan.length(input.duration) * (options.loop < 0 ? 0 : options.loop + 1);
    // Sought before the other streams are switched off, as the ffmpeg command does: it decides which one leads.
    this.#beginPart(0);
    input.keepOnly(this.#tracks.map((track) => track.stream));
  }

  process(task: Task): void | Promise<void> {
    const ctx = this.#require(this.#ctx);
    for (const id of this.#missing.splice(0)) task.output(id).push(Packet.eof());
    this.#dropFinished(task);
    const ready: Ready[] = [];
    let starved = false;
    try {
      for (let i = 0; i < PACKETS_PER_CALL && ready.length === 0 && this.#tracks.length > 0; i++) {
        if (ctx.signal.aborted) break;
        starved = !this.#step(ready);
        if (starved) break;
      }
      this.#dropFinished(task);
    } catch (error) {
      for (const { packet } of ready) packet.close();
      throw error;
    }
    ctx.meter.bytes = this.#require(this.#input).bytes;
    ctx.meter.corrupt = this.#finished.corrupt + this.#tracks.reduce((sum, track) => sum + track.corrupt, 0);
    if (this.#pacer) return this.#deliverPaced(ready, task, this.#pacer, ctx.signal);
    this.#deliver(ready, task);
    if (starved) return pause(AGAIN, ctx.signal).then(() => undefined);
  }

  /** Tracks that have all their frames, or whose consumers have left. */
  #dropFinished(task: Task): void {
    for (const track of [...this.#tracks]) {
      if (track.full || task.output(track.output).closed) this.#leave(track);
    }
  }

  /** Reads a packet, or takes a delayed frame at the end of the input; false if there is no packet yet. */
  #step(ready: Ready[]): boolean {
    const out: Packet[] = [];
    const collect = (track: Track) => {
      for (const packet of out) ready.push({ output: track.output, packet });
    };
    if (this.#draining) {
      const track = this.#draining[0];
      if (track && this.#tracks.includes(track) && track.drain(out)) collect(track);
      else this.#draining.shift();
      if (this.#draining.length === 0) this.#endPass();
      return true;
    }
    const packet = this.#require(this.#input).read();
    if (packet === 'again') return false;
    if (packet === 'end') {
      for (const track of this.#tracks) track.end();
      this.#draining = [...this.#tracks];
      if (this.#draining.length === 0) this.#endPass();
      return true;
    }
    const streamIndex = packet.streamIndex;
    const track = this.#tracks.find(({ index }) => index === streamIndex);
    if (!track) return true;
    this.#packets++;
    try {
      track.take(packet, this.#require(this.#timeline), out);
    } finally {
      collect(track);
    }
    if (this.#tracks.every(({ rangeEnded, full }) => rangeEnded || full)) this.#endPart();
    return true;
  }

  /** Nothing more of this part is wanted, the input may go on. */
  #endPart(): void {
    const plan = this.#require(this.#plan);
    if (this.#part + 1 < plan.parts.length) this.#beginPart(this.#part + 1);
    else this.#finish();
  }

  /** The input has ended and all delayed frames are out. */
  #endPass(): void {
    this.#draining = undefined;
    const plan = this.#require(this.#plan);
    if (this.#part + 1 < plan.parts.length) this.#beginPart(this.#part + 1);
    else if (this.#repetitions !== 0 && this.#tracks.length > 0) this.#repeat();
    else this.#finish();
  }

  #beginPart(number: number): void {
    const input = this.#require(this.#input);
    const timeline = this.#require(this.#timeline);
    const part = this.#require(this.#plan).parts[number];
    if (!part) return;
    this.#part = number;
    if (part.seek !== undefined) {
      const ret = input.seek(timeline.origin + part.seek);
      if (ret < 0) {
        const seconds = Number(part.seek) / 1e6;
        this.#ctx?.log.warn(`${input.path} cannot seek to ${seconds} s; everything before is decoded and left out`);
      }
      timeline.restart(this.#tracks.map((track) => track.clock));
    }
    const range = part.range(timeline);
    for (const track of this.#tracks) track.begin(range);
  }

  /** @throws MillraceError ERR_MILLRACE_INPUT if the input cannot go back, or gave nothing. */
  #repeat(): void {
    const input = this.#require(this.#input);
    const timeline = this.#require(this.#timeline);
    if (this.#packets === 0) {
      throw new MillraceError('ERR_MILLRACE_INPUT', `${input.path} has no packets to repeat`, {
        hint: 'Leave out the option loop',
      });
    }
    this.#packets = 0;
    if (this.#repetitions > 0) this.#repetitions--;
    timeline.repeat(this.#tracks.find(({ kind }) => kind === 'audio')?.endTime);
    for (const track of this.#tracks) track.repeat();
    if (input.seek(timeline.origin) < 0) {
      throw new MillraceError('ERR_MILLRACE_INPUT', `${input.path} cannot go back to its beginning`, {
        hint: 'Leave out the option loop, or use a file that can be sought in',
      });
    }
  }

  /** The natural end of all tracks. */
  #finish(): void {
    for (const track of [...this.#tracks]) {
      track.checkErrorRate();
      this.#leave(track);
    }
  }

  /** Ends one output; its stream is not read any more. */
  #leave(track: Track): void {
    this.#tracks = this.#tracks.filter((other) => other !== track);
    track.stream.discard = AVDISCARD_ALL;
    this.#close(track);
    this.#ended.push(track.output);
  }

  #deliver(ready: readonly Ready[], task: Task): void {
    for (const item of ready) this.#push(item, task);
    this.#deliverEnds(task);
  }

  async #deliverPaced(ready: readonly Ready[], task: Task, pacer: Pacer, signal: AbortSignal): Promise<void> {
    for (const [i, item] of ready.entries()) {
      if (await pacer.due(item.packet.timestamp, signal)) {
        this.#push(item, task);
        continue;
      }
      for (const { packet } of ready.slice(i)) packet.close();
      return;
    }
    this.#deliverEnds(task);
  }

  #push({ output, packet }: Ready, task: Task): void {
    const meter = this.#require(this.#ctx).meter;
    const time = packet.timestamp;
    if (time !== undefined && time > meter.position) meter.position = time;
    if (output === 0 && !(packet.payload instanceof StreamInfo)) meter.frames++;
    task.output(output).push(packet);
  }

  #deliverEnds(task: Task): void {
    for (const id of this.#ended.splice(0)) if (!task.output(id).closed) task.output(id).push(Packet.eof());
    if (this.#tracks.length > 0) return;
    this.#report();
    task.done();
  }

  #close(track: Track): void {
    this.#finished.corrupt += track.corrupt;
    this.#finished.refused += track.refused;
    track.close();
  }

  /** Says once what was left out. */
  #report(): void {
    const { corrupt, refused } = this.#finished;
    const path = this.#input?.path;
    if (corrupt > 0) this.#ctx?.log.warn(`${path}: ${corrupt} damaged packets could not be decoded and were left out`);
    if (refused > 0) this.#ctx?.log.warn(`${path}: ${refused} pictures larger than max_width_height were left out`);
    this.#finished = { corrupt: 0, refused: 0 };
  }

  #require<T>(value: T | undefined): T {
    if (value === undefined)
      throw new MillraceError('ERR_MILLRACE_STATE', 'The decoder was used before init or after close');
    return value;
  }

  reset(): void {
    const ctx = this.#require(this.#ctx);
    this.close();
    this.init(ctx);
  }

  close(): void {
    for (const track of this.#tracks) this.#close(track);
    this.#tracks = [];
    this.#draining = undefined;
    this.#ended = [];
    this.#report();
    this.#input?.close();
    this.#input = undefined;
  }
}

interface Ready {
  readonly output: number;
  readonly packet: Packet;
}

/** Options of the decoder that only a certain demuxer has. */
function requiredOptions({ s, pix_fmt, decryption_key }: DecoderOptions) {
  const required: Record<string, { option: string; value: string }> = {};
  if (s !== undefined) required.s = { option: 'video_size', value: s };
  if (pix_fmt !== undefined) required.pix_fmt = { option: 'pixel_format', value: pix_fmt };
  if (decryption_key !== undefined) required.decryption_key = { option: 'decryption_key', value: decryption_key };
  return required;
}

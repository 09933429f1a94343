/**
 * From the container's timestamps to those of the outputs, packet by packet, as the ffmpeg command does it
 * (fftools/ffmpeg_demux.c: ts_fixup, ts_discontinuity_process, ist_dts_update, seek_to_start): the beginning moves to
 * 0, wrapped counters are unrolled, jumps in MPEG-TS are closed, repetitions follow one another. Pure arithmetic.
 */
import { MICROSECONDS, type Rational, rescale } from '../../../src/media/index.js';
import type { StreamKind } from '../../../src/media/packet/stream-info.js';

/** Jumps longer than this are closed where the format allows jumps (-dts_delta_threshold). Microseconds. */
const JUMP = 10_000_000n;
/** Timestamps further off than this are dropped as damaged (-dts_error_threshold). Microseconds. */
const ABSURD = 3_600n * 30n * 1_000_000n;

export interface StreamTiming {
  readonly kind: StreamKind;
  readonly timeBase: Rational;
  /** Bits of the container's counter; 64: it never wraps. */
  readonly wrapBits: number;
  /** In ticks of `timeBase`; undefined if unknown. */
  readonly startTime: bigint | undefined;
  readonly averageFrameRate: Rational | undefined;
  /** Of the codec parameters. */
  readonly frameRate: Rational | undefined;
  readonly videoDelay: number;
  readonly sampleRate: number;
  /** Samples per packet; 0 if it varies. */
  readonly frameSize: number;
}

/** The times of a packet, in ticks of its stream's time base. */
export interface PacketTimes {
  pts: bigint | undefined;
  dts: bigint | undefined;
  readonly duration: bigint;
}

/** What is known of one stream so far. Times in microseconds of the output. */
export class StreamClock {
  readonly timing: StreamTiming;
  wrapDone = false;
  /** Decoding time of the last packet, estimated where it had none. */
  dts = 0n;
  nextDts: bigint | undefined;
  started = false;

  constructor(timing: StreamTiming) {
    this.timing = timing;
    this.wrapDone = timing.wrapBits >= 64;
  }

  /** After a seek the next packet says where the stream is. */
  restart(): void {
    this.started = false;
    this.nextDts = undefined;
  }
}

export interface TimelineOptions {
  /** Of the container, microseconds; undefined if unknown. */
  readonly containerStart: bigint | undefined;
  /** The input's time from which it is played, microseconds from its beginning. */
  readonly start: bigint;
  readonly copyTimestamps: boolean;
  /** Those that are kept are shifted so that the beginning of the container is 0 (-start_at_zero). */
  readonly startAtZero?: boolean | undefined;
  /** Where on the output's clock that time comes to lie, microseconds; 0 unless given. */
  readonly begin?: bigint | undefined;
  /** The format allows jumps. */
  readonly discontinuous: boolean;
  /** Audio is decoded: then the end of its last frame is the input's end, exactly, for repetitions. */
  readonly audioDecoded: boolean;
}

/** From the beginning of the first decoded frame to the end of the last one, microseconds. */
export interface Played {
  /** Undefined: what the packets say. */
  readonly begin: bigint | undefined;
  readonly end: bigint;
}

export class Timeline {
  readonly #options: TimelineOptions;
  /** Microseconds added to every timestamp. */
  #offset: bigint;
  #containerStart: bigint | undefined;
  #jumps = 0n;
  #lastTime: bigint | undefined;
  /** Length of all repetitions so far, microseconds. */
  #repeated = 0n;
  #earliest: bigint | undefined;
  #latest: bigint | undefined;

  constructor(options: TimelineOptions, streams: readonly StreamTiming[]) {
    this.#options = options;
    this.#containerStart = options.containerStart;
    const absolute = (options.containerStart ?? 0n) + options.start;
    const kept = options.startAtZero ? -(options.containerStart ?? 0n) : 0n;
    this.#offset = options.copyTimestamps ? kept : (options.begin ?? 0n) - absolute;
    if (options.discontinuous) this.#startWith(streams);
  }

  /** Where jumps are possible only the streams in use count for the beginning (ffmpeg_demux.c, correct start times). */
  #startWith(streams: readonly StreamTiming[]): void {
    let first: bigint | undefined;
    for (const { startTime, timeBase } of streams) {
      if (startTime === undefined) continue;
      const time = rescale(startTime, timeBase, MICROSECONDS);
      if (first === undefined || time < first) first = time;
    }
    if (first === undefined || first === this.#containerStart) return;
    const sought = (this.#containerStart ?? 0n) + this.#options.start;
    this.#containerStart = first;
    const begin = this.#options.begin ?? 0n;
    if (!this.#options.copyTimestamps) this.#offset = begin - (sought > first ? sought : first);
    else if (this.#options.startAtZero) this.#offset = -first;
  }

  /** The container's timestamps are kept. */
  get kept(): boolean {
    return this.#options.copyTimestamps;
  }

  /** Where a time of the input, microseconds from its beginning, is looked for when timestamps are kept. */
  keptTime(time: bigint): bigint {
    return this.#options.startAtZero ? time : this.origin + time;
  }

  /** Where the input begins on the container's clock, microseconds. */
  get origin(): bigint {
    return this.#options.containerStart ?? 0n;
  }

  /** Where the beginning of the input lies on the output's clock, microseconds. */
  get beginning(): bigint {
    return this.origin + this.#offset;
  }

  /** Corrects the times of a packet and notes how far its stream has come. */
  apply(clock: StreamClock, packet: PacketTimes): void {
    const { timeBase } = clock.timing;
    this.#unwrap(clock, packet);
    shift(packet, this.#offset, timeBase);
    shift(packet, this.#repeated, timeBase);
    const shown = packet.pts === undefined ? undefined : this.#extend(packet.pts, packet.duration, timeBase);
    shift(packet, this.#jumps, timeBase);
    let time = timeOf(packet.dts, timeBase);
    // Between two subtitles lies what time there is.
    const isSteady = clock.timing.kind === 'video' || clock.timing.kind === 'audio';
    if (time !== undefined && isSteady) {
      time = this.#closeJump(clock, packet, time, shown);
      if (time !== undefined) this.#lastTime = time;
    }
    updateDts(clock, packet, time);
  }

  #unwrap(clock: StreamClock, packet: PacketTimes): void {
    if (clock.wrapDone || this.#containerStart === undefined) return;
    const { timeBase, wrapBits } = clock.timing;
    const half = rescale(this.#containerStart, MICROSECONDS, timeBase) + (1n << BigInt(wrapBits - 1));
    clock.wrapDone = true;
    for (const key of ['pts', 'dts'] as const) {
      const value = packet[key];
      if (value === undefined || value <= half) continue;
      packet[key] = value - (1n << BigInt(wrapBits));
      clock.wrapDone = false;
    }
  }

  /** @returns when the packet is shown, microseconds. */
  #extend(pts: bigint, duration: bigint, timeBase: Rational): bigint {
    const begin = rescale(pts, timeBase, MICROSECONDS);
    const end = this.#options.audioDecoded ? begin : rescale(pts + duration, timeBase, MICROSECONDS);
    if (this.#earliest === undefined || begin < this.#earliest) this.#earliest = begin;
    if (this.#latest === undefined || end > this.#latest) this.#latest = end;
    return begin;
  }

  /**
   * @param time when the packet is decoded, microseconds.
   * @param shown when it is shown, if no jump lies before it.
   * @returns when it is decoded now; undefined if that is not known any more.
   */
  #closeJump(clock: StreamClock, packet: PacketTimes, time: bigint, shown: bigint | undefined): bigint | undefined {
    const { timeBase, wrapBits } = clock.timing;
    const { discontinuous, copyTimestamps } = this.#options;
    const next = clock.nextDts;
    if (next !== undefined && (!copyTimestamps || (discontinuous && wraps(time, next, timeBase, wrapBits)))) {
      const delta = time - next;
      if (discontinuous) {
        if (magnitude(delta) > JUMP || time + 100_000n < clock.dts) return this.#jump(packet, delta, timeBase);
      } else {
        if (shown !== undefined && magnitude(shown - next) > ABSURD) packet.pts = undefined;
        if (magnitude(delta) > ABSURD) {
          packet.dts = undefined;
          return undefined;
        }
      }
    } else if (next === undefined && !copyTimestamps && discontinuous && this.#lastTime !== undefined) {
      const delta = time - this.#lastTime;
      if (magnitude(delta) > JUMP) return this.#jump(packet, delta, timeBase);
    }
    return time;
  }

  /** @returns when the packet is decoded now. */
  #jump(packet: PacketTimes, delta: bigint, timeBase: Rational): bigint | undefined {
    this.#jumps -= delta;
    shift(packet, -delta, timeBase);
    return timeOf(packet.dts, timeBase);
  }

  /** After a seek inside the input a distance to the last packet is no jump. */
  restart(clocks: readonly StreamClock[]): void {
    this.#lastTime = undefined;
    for (const clock of clocks) clock.restart();
  }

  /**
   * The input begins anew, after what has been played.
   * @param played Time of the decoded sound, or without sound of the pictures, microseconds; undefined if nothing is
   * decoded.
   */
  repeat(played: Played | undefined): void {
    const { begin, end } = played ?? {};
    if (begin !== undefined && (this.#earliest === undefined || begin < this.#earliest)) this.#earliest = begin;
    if (end !== undefined && (this.#latest === undefined || end > this.#latest)) this.#latest = end;
    if (this.#latest !== undefined) this.#repeated = this.#latest - (this.#earliest ?? 0n);
  }
}

/** With the counter's wrap added the time fits ten times better. */
function wraps(time: bigint, next: bigint, timeBase: Rational, wrapBits: number): boolean {
  if (wrapBits >= 60) return false;
  const wrapped = time + rescale(1n << BigInt(wrapBits), timeBase, MICROSECONDS);
  return magnitude(wrapped - next) < magnitude(time - next) / 10n;
}

/**
 * The decoding time of this packet and the one to be expected next (ist_dts_update).
 * @param time when it is decoded, microseconds; undefined if it does not say.
 */
function updateDts(clock: StreamClock, packet: PacketTimes, time: bigint | undefined): void {
  const { timing } = clock;
  const { timeBase } = timing;
  if (!clock.started) {
    const { averageFrameRate: rate } = timing;
    clock.dts = rate ? -(BigInt(timing.videoDelay) * 1_000_000n * BigInt(rate.den)) / BigInt(rate.num) : 0n;
    if (packet.pts !== undefined) clock.dts += rescale(packet.pts, timeBase, MICROSECONDS);
    clock.started = true;
  }
  clock.nextDts ??= clock.dts;
  if (time !== undefined) clock.nextDts = time;
  clock.dts = clock.nextDts;
  clock.nextDts += expectedDuration(timing, packet);
}

function expectedDuration(timing: StreamTiming, packet: PacketTimes): bigint {
  if (timing.kind === 'audio' && timing.sampleRate > 0) {
    return (1_000_000n * BigInt(timing.frameSize)) / BigInt(timing.sampleRate);
  }
  if (packet.duration > 0n) return rescale(packet.duration, timing.timeBase, MICROSECONDS);
  const rate = timing.frameRate;
  return rate && timing.kind === 'video' ? rescale(1n, { num: rate.den, den: rate.num }, MICROSECONDS) : 0n;
}

/** @param by microseconds. */
function shift(packet: PacketTimes, by: bigint, timeBase: Rational): void {
  if (by === 0n) return;
  const ticks = rescale(by, MICROSECONDS, timeBase);
  if (packet.pts !== undefined) packet.pts += ticks;
  if (packet.dts !== undefined) packet.dts += ticks;
}

/** Microseconds. */
function timeOf(ticks: bigint | undefined, timeBase: Rational): bigint | undefined {
  return ticks === undefined ? undefined : rescale(ticks, timeBase, MICROSECONDS);
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

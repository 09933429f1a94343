/** An open container: demuxer options, stream selection, reading, seeking. */

import { type Stats, statSync } from 'node:fs';
import {
  AV_OPT_FLAG_DECODING_PARAM,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AVDISCARD_ALL,
  AVFMT_NO_BYTE_SEEK,
  AVFMT_NOFILE,
  AVFMT_NOTIMESTAMPS,
  AVFMT_SEEK_TO_PTS,
  AVFMT_TS_DISCONT,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  AVSEEK_FLAG_BACKWARD,
  AVSEEK_FLAG_BYTE,
  type AVSeekFlag,
} from 'node-av/constants';
import {
  avGetMediaTypeString,
  Dictionary,
  FormatContext,
  InputFormat,
  type IOContext,
  Packet,
  type Stream,
} from 'node-av/lib';
import { MillraceError, withLines } from '../../../src/errors/errors.js';
import { hintByResult, peerHint, refusalOf } from '../../../src/errors/file-error.js';
import { describeValue } from '../../../src/errors/naming.js';
import { messageOf } from '../../../src/errors/wire.js';
import {
  alone,
  awaitLog,
  check,
  errorText,
  fromNativeTimestamp,
  isAgain,
  isEof,
  ledger,
  linesOf,
  markLog,
  NO_CODEC,
  recorded,
} from '../../../src/media/index.js';
import type { AVOptionValues } from '../../../src/schema/schema.js';
import { findOption, optionNames, optionText, refusedValue } from '../../shared/avoptions.js';
import { localPath, nameForFFmpeg } from '../../shared/location.js';
import { refuseProtocolLists } from '../../shared/protocol-lists.js';
import { protocolOf, whitelistFor } from '../../shared/protocols.js';
import { refuseSelfOpening } from '../../shared/self-opening.js';
import type { SourceStream } from './source-stream.js';

/** Seconds that FFmpeg waits for a peer that is to connect by RTSP: it fails without any, and `timeout_ms` ends it. */
const LISTEN_TIMEOUT = 1_000_000;

/** How often a description is asked for once more before it is given up. */
const DUMPS = 8;

/** Of a seek: the first key frame at or after the time. */
const NEXT = 0 as AVSeekFlag;

/**
 * What a playlist or a session description among bytes may open. FFmpeg allows a local file to name what is as local; bytes
 * could name anything, and nobody knows where they come from: they name nothing unless that is allowed.
 */
const BYTES_WHITELIST = 'crypto,data';

export interface InputOptions {
  /** File or URL; with `io` only a name for messages. */
  readonly path: string;
  /** Where the bytes come from instead; it stays the caller's. */
  readonly io?: IOContext | undefined;
  /** Name of the demuxer; guessed from the content without it. */
  readonly format?: string | undefined;
  /** Options for demuxer, protocol and decoders together; those that the input knows are applied. */
  readonly options: AVOptionValues;
  /** FFmpeg's list of the protocols that may be opened, unless `options` have a list of their own; absent: FFmpeg's rule. */
  readonly protocolWhitelist?: string | undefined;
  /** Options that only the input can know: refused if it does not. The name in the error is the key of `options`. */
  readonly required: Readonly<Record<string, { readonly option: string; readonly value: string }>>;
}

export type Kind = 'video' | 'audio';

/** Where an input stands after a seek: at a key frame before the time, at its beginning; 'nowhere': it cannot seek. */
export type Place = 'before' | 'beginning' | 'nowhere';

/** Seeks that are to be made one after the other, each with its result. */
type Seeking = Generator<Parameters<FormatContext['seekFrameSync']>, Place, number>;

/** How the calls of an input are made that wait for its peer. @throws if one was given up; `what` says what it does. */
export type PatientCall = (what: string, call: () => Promise<number>) => Promise<number>;

export class Input {
  readonly path: string;
  streams: readonly Stream[] = [];
  readonly #context = new FormatContext();
  readonly #packet = new Packet();
  readonly #demuxer: InputFormat | null;
  /** Where FFmpeg's log stood when the last patient call began. */
  #since: number | undefined;
  /** What FFmpeg says of a seek that has led nowhere. */
  reasons: readonly string[] = [];
  #opening = false;
  #closed = false;

  /**
   * Opens it, and blocks the thread meanwhile.
   * @param connects It is opened by `connect`.
   * @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION, with everything native released.
   */
  constructor(options: InputOptions, connects = false) {
    this.path = options.path;
    awaitLog();
    this.#demuxer = findDemuxer(options.format);
    refuseSelfOpening(this.#demuxer, options.protocolWhitelist, 'dec_params.f');
    refuseProtocolLists(options.options, 'dec_params', options.protocolWhitelist !== undefined);
    if (!options.io) refuseUnreadable(options.path, this.#demuxer);
    this.#context.allocContext();
    ledger.opened('format');
    this.#packet.alloc();
    ledger.opened('scratch-packet');
    if (connects) return;
    try {
      // What is far away takes its time, and others would wait for it in vain.
      const near = !options.io && protocolOf(options.path) === 'file';
      if (near) alone(() => this.#openNow(options));
      else this.#openNow(options);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Opens an input that was made to be connected. It is the caller's to close, whatever comes of it, and to interrupt.
   * @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION, and what `patiently` throws.
   */
  async connect(options: InputOptions, patiently: PatientCall): Promise<void> {
    const dictionary = this.#dictionary(options);
    try {
      const ret = await patiently(`Cannot open ${this.path}`, () => {
        this.#opening = true;
        this.#since = markLog();
        return this.#context.openInput(nameOf(options), this.#demuxer, dictionary);
      });
      this.#opened(ret, options);
    } finally {
      dictionary.free();
    }
    const probing = `Cannot recognise the streams of ${this.path}`;
    // What was said while it was opened may be why nothing is found now.
    this.#probed(await patiently(probing, () => this.#context.findStreamInfo(null)));
  }

  /** Ends a call that waits, and every later one (see interruptible.ts). */
  interrupt(): void {
    this.#context.interrupt();
  }

  #openNow(options: InputOptions): void {
    const dictionary = this.#dictionary(options);
    try {
      this.#opening = true;
      const ret = this.#context.openInputSync(nameOf(options), this.#demuxer, dictionary);
      this.#opened(ret, options);
    } finally {
      dictionary.free();
    }
    this.#probed(this.#context.findStreamInfoSync(null));
  }

  /** What FFmpeg is given beside the name. @throws MillraceError ERR_MILLRACE_OPTION for a value that is wrong. */
  #dictionary({ path, io, options, required, protocolWhitelist }: InputOptions): Dictionary {
    const dictionary = new Dictionary();
    try {
      for (const [name, value] of Object.entries({
        scan_all_pmts: 1,
        ...(io ? {} : networkDefaults(path, options)),
        ...(io ? { protocol_whitelist: BYTES_WHITELIST } : restriction(path, protocolWhitelist)),
        ...options,
      })) {
        this.#checkGeneric(name, value);
        dictionary.set(name, optionText(value));
      }
      for (const { option, value } of Object.values(required)) dictionary.set(option, value);
      if (io) this.#context.pb = io;
      return dictionary;
    } catch (error) {
      dictionary.free();
      throw error;
    }
  }

  #opened(ret: number, { path, required }: InputOptions): void {
    const hint = ret < 0 ? hintFor(ret, path, this.#demuxer) : undefined;
    check(ret, `Cannot open ${path}`, { code: 'ERR_MILLRACE_INPUT', hint, since: this.#since });
    for (const [key, { option }] of Object.entries(required)) {
      if (findOption(this.#context, option)) continue;
      throw new MillraceError(
        'ERR_MILLRACE_OPTION',
        `${key}: the demuxer '${this.format}' of ${path} has no such setting`,
      );
    }
  }

  #probed(ret: number): void {
    this.streams = this.#context.streams;
    if (this.streams.length > 0) return;
    const why = ret < 0 ? `: ${errorText(ret)}` : '';
    throw new MillraceError(
      'ERR_MILLRACE_INPUT',
      `No streams in ${this.path}${why} (read as '${this.format}')`,
      withLines({ hint: 'Is it a media file, and complete?' }, linesOf(NO_CODEC, this.#since)),
    );
  }

  /** A wrong value of a general demuxer option would come back as a nameless error of the open call. */
  #checkGeneric(name: string, value: AVOptionValues[string]): void {
    const option = findOption(this.#context, name);
    if (!option || (option.flags & AV_OPT_FLAG_DECODING_PARAM) === 0) return;
    const ret = this.#context.setOption(name, optionText(value), AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
    if (ret < 0) throw refusedValue(name, value, `dec_params (input ${this.path})`, ret, option);
  }

  /** The demuxer, its protocol or libavformat itself has this option, for reading. */
  knows(option: string): boolean {
    const found = findOption(this.#context, option);
    return found !== undefined && (found.flags & AV_OPT_FLAG_DECODING_PARAM) !== 0;
  }

  optionNames(): string[] {
    return optionNames(this.#context, { use: 'decoding' });
  }

  /** Name of the demuxer. */
  get format(): string {
    return this.#context.iformat?.name ?? 'unknown';
  }

  /** Microseconds; undefined if unknown. */
  get startTime(): bigint | undefined {
    return fromNativeTimestamp(this.#context.startTime);
  }

  /** Microseconds; undefined if unknown. */
  get duration(): bigint | undefined {
    return fromNativeTimestamp(this.#context.duration);
  }

  /** Bits per second; 0 if unknown. */
  get bitRate(): number {
    return Number(this.#context.bitRate);
  }

  /** Bytes of a file; undefined for what comes from elsewhere: node-av does not tell. */
  get size(): number | undefined {
    const file = localPath(this.path);
    const found = file === undefined ? undefined : statOf(file, this.path);
    return found?.isFile() ? found.size : undefined;
  }

  get tags(): Record<string, string> {
    return this.#context.metadata?.getAll() ?? {};
  }

  /** What av_dump_format says of it, piece by piece; undefined if FFmpeg's log is not heard, or never was quiet. */
  dump(): readonly string[] | undefined {
    const dump = () => recorded(() => this.#context.dumpFormat(0, '', false));
    let last = dump();
    // Others may have said something in between: what was said twice is what this one says.
    for (let i = 0; i < DUMPS && last !== undefined; i++) {
      const next = dump();
      if (next?.join('\n') === last.join('\n')) return next;
      last = next;
    }
    return undefined;
  }

  /** Bytes read so far. */
  get bytes(): number {
    return Number(this.#context.pbBytes);
  }

  /** The format allows jumps in its timestamps (MPEG-TS). */
  get discontinuous(): boolean {
    return this.#has(AVFMT_TS_DISCONT);
  }

  /** The container has no timestamps of its own (raw streams). */
  get withoutTimestamps(): boolean {
    return this.#has(AVFMT_NOTIMESTAMPS);
  }

  #has(flag: number): boolean {
    return ((this.#context.iformat?.flags ?? 0) & flag) !== 0;
  }

  /**
   * The stream of a kind to read: the one asked for, or the best (av_find_best_stream, which takes a cover picture
   * only where there is no other video); undefined if there is none.
   * @param wanted Absolute index; negative: the best.
   * @throws MillraceError ERR_MILLRACE_INPUT if the one asked for is not there or of another kind.
   */
  select(kind: Kind, wanted: number): Stream | undefined {
    const type = kind === 'video' ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO;
    if (wanted < 0) {
      const index = this.#context.findBestStream(type, -1, -1);
      return index < 0 ? undefined : this.streams[index];
    }
    const stream = this.streams[wanted];
    if (stream?.codecpar.codecType === type) return stream;
    const what = stream ? `is ${this.#kindOf(stream)}` : 'does not exist';
    throw new MillraceError(
      'ERR_MILLRACE_INPUT',
      `${kind === 'video' ? 'map_v' : 'map_a'}: stream ${wanted} of ${this.path} ${what}`,
      { hint: `It has ${this.streams.map((s, i) => `${i}: ${this.#kindOf(s)}`).join(', ')}` },
    );
  }

  #kindOf(stream: Stream): string {
    return avGetMediaTypeString(stream.codecpar.codecType) ?? 'of no known kind';
  }

  /** Only packets of these streams are read from here on. */
  keepOnly(wanted: readonly Pick<SourceStream, 'index'>[]): void {
    for (const { index } of this.streams) {
      if (!wanted.some((stream) => index === stream.index)) this.discard(index);
    }
  }

  /** The packets of a stream are not read from here on. */
  discard(index: number): void {
    const stream = this.streams[index];
    if (stream) stream.discard = AVDISCARD_ALL;
  }

  /**
   * Goes to the last key frame at or before a time (avformat_seek_file as the ffmpeg command calls it), or if FFmpeg
   * cannot, to the beginning.
   * @param time Microseconds on the container's own clock.
   * @returns where the input stands now; 'nowhere': it cannot be sought in at all.
   */
  seek(time: bigint): Place {
    return this.#sought(this.#seeking(time));
  }

  #sought(seeking: Seeking): Place {
    markLog();
    let step = seeking.next();
    while (!step.done) step = seeking.next(this.#context.seekFrameSync(...step.value));
    return this.#reached(step.value);
  }

  #reached(place: Place, since?: number): Place {
    this.reasons = place === 'nowhere' ? linesOf(NO_CODEC, since) : [];
    return place;
  }

  /** The same for an input that was connected; a key frame is not looked for, because that could be a long way. */
  async seekPatiently(time: bigint, patiently: PatientCall): Promise<Place> {
    const seeking = this.#seeking(time);
    const since = markLog();
    let step = seeking.next();
    while (!step.done) {
      const { value } = step;
      step = seeking.next(await patiently(`Cannot seek in ${this.path}`, () => this.#context.seekFrame(...value)));
    }
    return this.#reached(step.value, since);
  }

  *#seeking(time: bigint): Seeking {
    const begin = this.startTime ?? 0n;
    // Without timestamps only from the beginning on can frames be counted.
    if (this.withoutTimestamps) return yield* this.#rewinding(begin);
    // Where the index holds decoding times, the frame wanted may have been stored up to a few frames earlier.
    const reordered = !this.#has(AVFMT_SEEK_TO_PTS) && this.streams.some((stream) => stream.codecpar.videoDelay > 0);
    const target = reordered ? time - 3_000_000n / 23n : time;
    // No index has an entry before the beginning. What is searched by its timestamps has decoding times before it.
    const known = target < begin && !this.discontinuous ? begin : target;
    if ((yield [-1, known, AVSEEK_FLAG_BACKWARD]) >= 0) return 'before';
    return yield* this.#rewinding(begin);
  }

  /**
   * Goes to a time as `seek` does, but to the beginning where no key frame of a stream would follow: MPEG-TS and its kind
   * are entered anywhere, and from there to the next key frame nothing can be decoded.
   * @param lead Index of that stream.
   */
  seekDecodable(time: bigint, lead: number): Place {
    const place = this.seek(time);
    if (place !== 'before' || !this.discontinuous) return place;
    return this.#keyFrameFollows(lead) ? this.seek(time) : this.#sought(this.#rewinding(this.startTime ?? 0n));
  }

  #keyFrameFollows(index: number): boolean {
    for (;;) {
      const packet = this.read();
      if (packet === 'end') return false;
      if (packet === 'again' || (packet.streamIndex === index && packet.isKeyframe)) return true;
    }
  }

  /** A failed seek leaves the input anywhere, so each way back is tried in turn. */
  *#rewinding(begin: bigint): Seeking {
    // What has no headers but those in the stream can be entered by bytes. FFmpeg does not tell whether that worked.
    if ((this.withoutTimestamps || this.discontinuous) && !this.#has(AVFMT_NO_BYTE_SEEK)) {
      const before = this.bytes;
      if ((yield [-1, 0n, AVSEEK_FLAG_BYTE]) >= 0 && this.bytes < before) return 'beginning';
    }
    if ((yield [-1, begin, AVSEEK_FLAG_BACKWARD]) >= 0) return 'beginning';
    // The first entry of the index may lie behind the beginning.
    return (yield [-1, begin, NEXT]) >= 0 ? 'beginning' : 'nowhere';
  }

  /**
   * The next packet, valid until the next call; 'end' at the end, 'again' if there is none yet.
   * @throws FFmpegError ERR_MILLRACE_INPUT for a failed read.
   */
  read(): Packet | 'end' | 'again' {
    this.#packet.unref();
    return this.#taken(this.#context.readFrameSync(this.#packet));
  }

  /** The same for an input that was connected. */
  async readPatiently(patiently: PatientCall): Promise<Packet | 'end' | 'again'> {
    this.#packet.unref();
    const ret = await patiently(`Cannot read ${this.path}`, () => {
      this.#since = markLog();
      return this.#context.readFrame(this.#packet);
    });
    return this.#taken(ret);
  }

  #taken(ret: number): Packet | 'end' | 'again' {
    if (isEof(ret)) return 'end';
    if (isAgain(ret)) return 'again';
    const hint = ret < 0 && protocolOf(this.path) !== 'file' ? peerHint(ret) : undefined;
    check(ret, `Cannot read ${this.path}`, { code: 'ERR_MILLRACE_INPUT', hint, since: this.#since });
    return this.#packet;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#packet.free();
    ledger.closed('scratch-packet');
    // node-av crashes when a context is closed that was never given to avformat_open_input.
    if (this.#opening) this.#context.closeInputSync();
    this.#context.freeContext();
    ledger.closed('format');
  }
}

/** @throws MillraceError ERR_MILLRACE_OPTION for one that FFmpeg does not have. */
export function findDemuxer(name: string | undefined): InputFormat | null {
  if (name === undefined) return null;
  const found = InputFormat.findInputFormat(name);
  if (found) return found;
  throw new MillraceError('ERR_MILLRACE_OPTION', `dec_params.f: FFmpeg has no demuxer ${describeValue(name)}`, {
    hint: "Leave it out to have the format recognised, or name one such as 'mpegts', 'rawvideo' or 's16le'",
  });
}

/** As FFmpeg is told it. */
function nameOf({ path, io }: InputOptions): string {
  return io ? '' : nameForFFmpeg(path);
}

function restriction(path: string, whitelist: string | undefined): AVOptionValues {
  return whitelist === undefined ? {} : { protocol_whitelist: whitelistFor(path, whitelist) };
}

function networkDefaults(path: string, { rtsp_flags: flags }: AVOptionValues): AVOptionValues {
  const listens = protocolOf(path).startsWith('rtsp') && /\blisten\b/.test(String(flags ?? ''));
  return listens ? { listen_timeout: LISTEN_TIMEOUT } : {};
}

/** A directory, pipe or device fails by name: FFmpeg's own words for them mislead, and a pipe may block for ever. */
export function refuseUnreadable(path: string, demuxer: InputFormat | null): void {
  const protocol = protocolOf(path);
  if (protocol === 'pipe' || protocol === 'fd' || path === '-') {
    throw refusal(`Cannot open ${path}: reading from a pipe is not supported`, 'Write it into a file first');
  }
  const file = localPath(path);
  if (file === undefined || ((demuxer?.flags ?? 0) & AVFMT_NOFILE) !== 0) return;
  const found = statOf(file, path);
  // What does not exist may be a pattern of the image demuxer; otherwise FFmpeg says so itself.
  if (!found || found.isFile()) {
    if (found?.size === 0) throw refusal(`Cannot open ${path}: the file is empty`, 'Was it written completely?');
    return;
  }
  if (found.isDirectory()) throw refusal(`Cannot open ${path}: it is a directory`, 'Name a media file in it');
  const what = found.isFIFO() ? 'a pipe' : found.isSocket() ? 'a socket' : 'a device';
  throw refusal(`Cannot open ${path}: it is ${what}, and reading it could block for ever`, 'Copy it into a file first');
}

function statOf(file: string, path: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (cause) {
    const { why = messageOf(cause), hint } = refusalOf(cause) ?? {};
    throw new MillraceError('ERR_MILLRACE_INPUT', `Cannot open ${path}: ${why}`, { cause, hint });
  }
}

function refusal(message: string, hint: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_INPUT', message, { hint });
}

function hintFor(ret: number, path: string, demuxer: InputFormat | null): string | undefined {
  const text = errorText(ret);
  if (text.startsWith('Invalid data')) return 'It is no media file that FFmpeg recognises, or it is cut off or damaged';
  // The name is no file where a demuxer has its own ideas of it (filters, devices), and a peer is none either.
  const isFile = protocolOf(path) === 'file' && ((demuxer?.flags ?? 0) & AVFMT_NOFILE) === 0;
  return hintByResult(ret, path, isFile);
}

/** An open container: stream selection, reading, seeking. How it is opened is decided in opening.ts. */
import {
  AV_OPT_FLAG_DECODING_PARAM,
  AVDISCARD_ALL,
  AVFMT_NOTIMESTAMPS,
  AVFMT_TS_DISCONT,
  type AVMediaType,
} from 'node-av/constants';
import { FormatContext, type InputFormat, Packet, type Stream } from 'node-av/lib';
import { MillraceError, withLines } from '../../../src/errors/errors.js';
import { peerHint } from '../../../src/errors/file-error.js';
import {
  alone,
  awaitLog,
  check,
  errorText,
  failure,
  fromNativeTimestamp,
  isAgain,
  isEof,
  ledger,
  linesOf,
  markLog,
  NO_CODEC,
  recorded,
} from '../../../src/media/index.js';
import { findOption, optionNames } from '../../shared/avoptions.js';
import { localPath } from '../../shared/location.js';
import type { Chapter } from '../../shared/media-info.js';
import { readOutline } from '../../shared/outline.js';
import { refuseProtocolLists } from '../../shared/protocols/lists.js';
import { protocolOf } from '../../shared/protocols/protocols.js';
import { refuseSelfOpening } from '../../shared/self-opening.js';
import { findDemuxer, hintFor, type InputOptions, nameOf, openDictionary, refuseUnreadable } from './opening.js';
import { refuseForeignPipe, statOf } from './pipe.js';
import { type Place, rewinding, type Seeking, seeking } from './seeking.js';
import type { SourceStream } from './source-stream.js';

/** How often a description is asked for once more before it is given up. */
const DUMPS = 8;

/** What can be decoded. */
export type Kind = 'video' | 'audio';

/** Formats in which there are none: to ask takes milliseconds. */
const WITHOUT_CHAPTERS =
  /^(mpegts|mpeg|flv|avi|lavfi|rawvideo|yuv4mpegpipe|h264|hevc|image2|gif|hls|rtsp|sdp|\w+_pipe)$/;

/** Protocols whose bytes can only be taken as they come. */
const AS_IT_COMES: ReadonlySet<string> = new Set('dtls rist rtp sctp srt srtp tcp tls udp udplite unix'.split(' '));

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
  /** At the end of the file it waits for more (an option of FFmpeg's protocol `file`). */
  readonly #follows: boolean;
  #opening = false;
  #closed = false;
  /** It comes from a pipe. */
  #piped = false;

  /**
   * Opens it, and blocks the thread meanwhile.
   * @param connects It is opened by `connect`.
   * @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION, with everything native released.
   */
  constructor(options: InputOptions, connects = false) {
    this.path = options.path;
    this.#follows = options.options.follow !== undefined;
    awaitLog();
    this.#demuxer = findDemuxer(options.format);
    refuseSelfOpening(this.#demuxer, options.protocolWhitelist, 'dec_params.f');
    refuseProtocolLists(options.options, 'dec_params', options.protocolWhitelist !== undefined);
    if (!options.io) {
      refuseForeignPipe(options.path, this.#demuxer, options.protocolWhitelist);
      refuseUnreadable(options.path, this.#demuxer, connects);
    }
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
    this.#piped = options.io !== undefined;
    const dictionary = openDictionary(this.#context, options);
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
    if (!this.#closed) this.#context.interrupt();
  }

  #openNow(options: InputOptions): void {
    const dictionary = openDictionary(this.#context, options);
    try {
      this.#opening = true;
      const ret = this.#context.openInputSync(nameOf(options), this.#demuxer, dictionary);
      this.#opened(ret, options);
    } finally {
      dictionary.free();
    }
    this.#probed(this.#context.findStreamInfoSync(null));
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

  /** Nobody knows where it ends: it has no length, or what it says of one is that of a file which its peer has. */
  get endless(): boolean {
    return this.#piped || (this.duration ?? 0n) <= 0n || AS_IT_COMES.has(protocolOf(this.path));
  }

  /** A file with an end: its next packet is there at once, and no read of it waits for somebody to write. */
  get isNear(): boolean {
    return this.size !== undefined && !this.endless && !this.#follows;
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

  /** Seconds on the container's clock; undefined if they cannot be known (see `dump`). */
  get chapters(): readonly Chapter[] | undefined {
    if (WITHOUT_CHAPTERS.test(this.format)) return [];
    const pieces = this.dump();
    return pieces && readOutline(pieces).chapters;
  }

  /** Bytes read so far. */
  get bytes(): number {
    return Number(this.#context.pbBytes);
  }

  /** The format allows jumps in its timestamps (MPEG-TS). */
  get discontinuous(): boolean {
    return this.has(AVFMT_TS_DISCONT);
  }

  /** The container has no timestamps of its own (raw streams). */
  get withoutTimestamps(): boolean {
    return this.has(AVFMT_NOTIMESTAMPS);
  }

  /** A flag of the demuxer. */
  has(flag: number): boolean {
    return ((this.#context.iformat?.flags ?? 0) & flag) !== 0;
  }

  /** Index of FFmpeg's choice of a kind; negative if there is none. */
  findBest(type: AVMediaType): number {
    return this.#context.findBestStream(type, -1, -1);
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
    return this.#sought(seeking(this, time));
  }

  #sought(steps: Seeking): Place {
    markLog();
    let step = steps.next();
    while (!step.done) step = steps.next(this.#context.seekFrameSync(...step.value));
    return this.#reached(step.value);
  }

  #reached(place: Place, since?: number): Place {
    this.reasons = place === 'nowhere' ? linesOf(NO_CODEC, since) : [];
    return place;
  }

  /** The same for an input that was connected; a key frame is not looked for, because that could be a long way. */
  async seekPatiently(time: bigint, patiently: PatientCall): Promise<Place> {
    const steps = seeking(this, time);
    const since = markLog();
    let step = steps.next();
    while (!step.done) {
      const { value } = step;
      step = steps.next(await patiently(`Cannot seek in ${this.path}`, () => this.#context.seekFrame(...value)));
    }
    return this.#reached(step.value, since);
  }

  /**
   * Goes to a time as `seek` does, but to the beginning where no key frame of a stream would follow: MPEG-TS and its kind
   * are entered anywhere, and from there to the next key frame nothing can be decoded.
   * @param lead Index of that stream.
   */
  seekDecodable(time: bigint, lead: number): Place {
    const place = this.seek(time);
    if (place !== 'before' || !this.discontinuous) return place;
    return this.#keyFrameFollows(lead) ? this.seek(time) : this.#sought(rewinding(this, this.startTime ?? 0n));
  }

  #keyFrameFollows(index: number): boolean {
    for (;;) {
      const packet = this.read();
      if (packet === 'end') return false;
      if (packet === 'again' || (packet.streamIndex === index && packet.isKeyframe)) return true;
    }
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
    if (ret >= 0) return this.#packet;
    if (isEof(ret)) return 'end';
    if (isAgain(ret)) return 'again';
    const hint = protocolOf(this.path) !== 'file' ? peerHint(ret) : undefined;
    throw failure(ret, `Cannot read ${this.path}`, { code: 'ERR_MILLRACE_INPUT', hint, since: this.#since });
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

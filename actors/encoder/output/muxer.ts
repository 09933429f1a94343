/**
 * The output file: waits with its header until every stream is known, interleaves, keeps decoding times rising as the
 * ffmpeg command does, and reports every failed write.
 */
import { constants } from 'node:os';
import {
  AV_CODEC_ID_VP8,
  AV_CODEC_ID_VP9,
  AV_NOPTS_VALUE,
  AV_PKT_FLAG_KEY,
  AVERROR_EINVAL,
  AVERROR_INVALIDDATA,
  AVERROR_PATCHWELCOME,
} from 'node-av/constants';
import {
  avGetCodecName,
  Dictionary,
  FormatContext,
  Rational as NativeRational,
  type Packet,
  type Stream,
} from 'node-av/lib';
import { MillraceError, withLines } from '../../../src/errors/errors.js';
import { hintByResult } from '../../../src/errors/file-error.js';
import { messageOf } from '../../../src/errors/wire.js';
import {
  alone,
  check,
  errorText,
  ledger,
  linesOf,
  markLog,
  NO_CODEC,
  type Rational,
} from '../../../src/media/index.js';
import type { Log, ModuleContext } from '../../../src/module/contract.js';
import { localPath } from '../../shared/location.js';
import { protocolOf } from '../../shared/protocols/protocols.js';
import { AdaptiveOutput } from '../adaptive/adaptive.js';
import { type ChapterPlan, planChapters } from '../chapters/index.js';
import type { EncoderOptions } from '../options.js';
import { markDefaults } from '../stream/texts.js';
import { streamPlaces } from '../stream-options.js';
import type { Piece, Pieces } from './byte-output.js';
import { type FileTexts, NO_TEXTS } from './file-texts.js';
import { has, makeFolder, type Target } from './format.js';
import { type PatientWrite, runNow, runPatiently, type WriteCall, type Writing } from './mux-calls.js';
import { MuxFile, PIECE } from './mux-file.js';
import { contain, refuseTarget, setMuxerOptions, streamable } from './mux-settings.js';
import { straighten } from './mux-times.js';
import { HeaderQueue, InterleavingQueue, longestWait, type QueueLimits, queueLimits } from './muxing-queue.js';
import type { Output, StreamDescription } from './output.js';

interface Track {
  /** undefined until known. */
  description?: StreamDescription;
  absent: boolean;
  stream?: Stream;
  /** Of the stream in the file, as the muxer chose it. */
  streamTimeBase: Rational;
  lastDts: bigint | undefined;
}

interface Held {
  readonly input: number;
  readonly packet: Packet;
}

/** av_interleave_packet_per_dts does not give up waiting for streams of these. */
const WAITED_FOR = new Set<number>([AV_CODEC_ID_VP8, AV_CODEC_ID_VP9]);

/** Of the hls muxer, at the end. */
const LOST = /^Failed to (open|upload) file '/;

/** AVERROR(ENOSYS): the muxer can do no such thing. */
const ENOSYS = -constants.errno.ENOSYS;

export class Muxer implements Output {
  /** Packets accepted so far, and their bytes. */
  packets = 0;
  payloadBytes = 0;
  readonly #target: Target;
  readonly #options: EncoderOptions;
  readonly #log: Log;
  /** Nothing but certain protocols may be opened. */
  readonly #restricted: boolean;
  /** Files that cannot be written are none of the user's concern: the option of the hls muxer. */
  readonly #ignoresFailures: boolean;
  /** The file has a folder of its own. */
  readonly #makesFolder: boolean;
  readonly #pieces: Pieces | undefined;
  /** How calls are made that wait for a peer; without it they block the thread. */
  readonly #patiently: PatientWrite | undefined;
  readonly #context = new FormatContext();
  readonly #tracks = new Map<number, Track>();
  #held: Held[] = [];
  readonly #waiting: HeaderQueue;
  readonly #limits: QueueLimits;
  /** The interleaving of libavformat ends its waits by itself after so many seconds. */
  readonly #longestWait: number;
  /** From the header on. */
  #interleaving: InterleavingQueue | undefined;
  #state: 'waiting' | 'writing' | 'ended' | 'closed' = 'waiting';
  /** The open file; undefined for muxers that open their files themselves. */
  #file: MuxFile | undefined;
  #finalBytes: number | undefined;
  /** Where FFmpeg's log stood when the last patient call began. */
  #since: number | undefined;
  /** The trailer is written. */
  #finished = false;
  #texts: FileTexts = NO_TEXTS;
  /** For hls and dash. */
  #adaptive: AdaptiveOutput | undefined;
  #chapters: ChapterPlan | undefined;
  /** What every packet would have to ask FFmpeg for. */
  readonly #format: { readonly hasTimes: boolean; readonly isStrict: boolean; readonly isPictures: boolean };
  /** There are some, and the format has no place for them. */
  chaptersLost = false;
  chaptersCut: readonly string[] = [];

  /**
   * @param inputs The inputs that a stream may come from.
   * @param take Gets the bytes, which go into the file of the target without it.
   * @param patiently With it `add`, `leaveOut`, `write` and `end` answer with promises, one after the other.
   * @throws MillraceError ERR_MILLRACE_OPTION for a muxer option FFmpeg does not know.
   */
  constructor(
    target: Target,
    inputs: readonly number[],
    options: EncoderOptions,
    { log, protocolWhitelist }: Pick<ModuleContext, 'log' | 'protocolWhitelist'>,
    take?: (piece: Piece) => void,
    patiently?: PatientWrite,
  ) {
    this.#target = target;
    const { muxer } = target;
    this.#format = {
      hasTimes: !has(muxer, 'no-timestamps'),
      isStrict: !has(muxer, 'non-strict'),
      isPictures: muxer.name === 'image2',
    };
    this.#options = options;
    this.#log = log;
    this.#restricted = protocolWhitelist !== undefined;
    refuseTarget(target, options, protocolWhitelist);
    this.#ignoresFailures = ['1', 'true'].includes(String(options.mux_params?.ignore_io_errors));
    // The hls muxer makes the folders of its variants.
    const hasFolder = options.variants !== undefined && !target.path.includes('%v');
    this.#makesFolder = (options.output_prefix !== undefined || hasFolder) && !options.null_output;
    this.#patiently = patiently;
    this.#pieces = take && { size: options.avio_buffer_size ?? PIECE, streamed: options.streamed === true, take };
    this.#limits = queueLimits(options);
    this.#longestWait = longestWait(options.mux_params?.max_interleave_delta);
    this.#waiting = new HeaderQueue(this.#limits, target.name);
    const places = streamPlaces(options, inputs);
    for (const { input } of places) {
      this.#tracks.set(input, { absent: false, streamTimeBase: { num: 1, den: 1 }, lastDts: undefined });
    }
    check(
      this.#context.allocOutputContext2(target.muxer, null, options.null_output ? '' : target.path),
      `Cannot prepare ${target.name}`,
      { code: 'ERR_MILLRACE_OUTPUT' },
    );
    ledger.opened('format');
    try {
      this.#adaptive = AdaptiveOutput.of(target, options);
      const kinds = places.map(({ kind }) => kind);
      const settings = setMuxerOptions(
        this.#context,
        target,
        { ...options, ...streamable(target, options, kinds) },
        log,
      );
      if (this.#isContained) contain(this.#context, target, this.#url, settings, protocolWhitelist);
      // FFmpeg has the option for reading only, and follows it in whatever a muxer opens.
      if (protocolWhitelist !== undefined) {
        check(this.#context.setOption('protocol_whitelist', protocolWhitelist), 'Cannot restrict what the muxer opens');
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The file is opened by a muxer around this one, which can be interrupted (slave.ts). */
  get #isContained(): boolean {
    return this.#patiently !== undefined && !has(this.#target.muxer, 'no-file');
  }

  /** Ends a call that waits, and every later one (see interruptible.ts). */
  interrupt(): void {
    if (this.#state !== 'closed') this.#context.interrupt();
  }

  #run(writing: Writing): void | Promise<void> {
    if (!this.#patiently) return runNow(writing);
    return runPatiently(writing, this.#patiently, () => {
      this.#since = markLog();
    });
  }

  /** Bytes of the file so far; for muxers that open their files themselves, of the packets. */
  get bytes(): number {
    if (this.#finalBytes !== undefined) return this.#finalBytes;
    return this.#file?.position ?? this.payloadBytes;
  }

  /** Nothing has come that could be written. */
  get waiting(): boolean {
    return this.#state === 'waiting';
  }

  get name(): string {
    return this.#target.name;
  }

  /** True from the moment the header is in the file until the trailer is. */
  get writing(): boolean {
    return this.#state === 'writing';
  }

  describe(texts: FileTexts): void {
    this.#texts = texts;
  }

  /** A stream is known. The header follows when all are. */
  add(input: number, description: StreamDescription): void | Promise<void> {
    this.#track(input).description = description;
    return this.#run(this.#start());
  }

  /** An input ended before a stream came: the file is made without it. */
  leaveOut(input: number): void | Promise<void> {
    this.#track(input).absent = true;
    return this.#run(this.#start());
  }

  /** Writes a packet whose times are in the time base of its description. The caller keeps the packet object. */
  write(input: number, packet: Packet): void | Promise<void> {
    this.packets++;
    this.payloadBytes += packet.size;
    if (this.#state === 'writing') {
      return this.#run(this.#interleave(input, packet));
    }
    const missing = [...this.#tracks].filter(([, track]) => !track.description && !track.absent);
    this.#waiting.add(
      input,
      packet.size,
      missing.map(([id]) => id),
    );
    const kept = packet.clone();
    if (kept === null) throw new MillraceError('ERR_MILLRACE_FFMPEG', 'Cannot keep a packet: out of memory');
    ledger.opened('held-packet');
    this.#held.push({ input, packet: kept });
  }

  /**
   * Ends the file; every input has been added or left out before.
   * @throws MillraceError ERR_MILLRACE_OUTPUT if the rest cannot be written, or if there was nothing to write.
   */
  end(): void | Promise<void> {
    if (this.#state === 'waiting') {
      throw new MillraceError(
        'ERR_MILLRACE_OUTPUT',
        `Nothing to write to ${this.#target.name}: no input delivered anything`,
        {
          hint: 'Look at the time range, frame limits and filters before the encoder',
        },
      );
    }
    if (this.#state !== 'writing') return;
    this.#state = 'ended';
    const late = this.#interleaving?.late ?? 0;
    if (late > 0) {
      this.#log.warn(
        `${late} packets of ${this.#target.name} came so late that later ones of another stream were written before them ` +
          '(max_muxing_queue_size, muxing_queue_data_threshold)',
      );
    }
    return this.#run(this.#finish());
  }

  *#finish(): Writing {
    // libavformat flushes before it returns, and answers with the error of the file if that failed.
    const finishNow = (): number => {
      const ret = this.#context.writeTrailerSync();
      this.#tellLost(ret);
      return ret;
    };
    const ret = yield {
      what: `Cannot finish ${this.#target.name}`,
      now: () => (this.#losesSilently ? alone(finishNow) : this.#context.writeTrailerSync()),
      patiently: () => this.#context.writeTrailer(),
    };
    this.#failing(ret, 'Cannot finish');
    if (this.#patiently) this.#tellLost(ret);
    this.#finished = true;
    this.#finalBytes = this.#file?.size ?? this.bytes;
    this.#failing(this.#closeFile(), 'Cannot close');
    this.#putChapters();
    this.#completePlaylists(() => {
      const missing = this.#adaptive?.end();
      if (missing !== undefined) this.#log.warn(missing);
    });
  }

  /** What players are told of the variants is of no use to anything here: the files are whole without it. */
  #completePlaylists(complete: () => void): void {
    try {
      complete();
    } catch (error) {
      this.#log.warn(`The playlists of ${this.#target.name} could not be completed: ${messageOf(error)}`);
    }
  }

  /** A muxer whose last segment may be lost without a result that says so (hls_write_trailer in hlsenc.c). */
  get #losesSilently(): boolean {
    return this.#target.muxer.name === 'hls';
  }

  /**
   * @param ret of the trailer, which says nothing of files that could not be opened.
   * @throws MillraceError ERR_MILLRACE_OUTPUT for such a file, of which only the log has the name.
   */
  #tellLost(ret: number): void {
    if (ret < 0 || !this.#losesSilently) return;
    const lost = linesOf(NO_CODEC, this.#since).filter((line) => LOST.test(line));
    if (lost.length === 0) return;
    const message = `A segment of ${this.#target.name} is missing`;
    if (this.#ignoresFailures) this.#log.warn(`${message}. FFmpeg says: ${lost.join('; ')}`);
    else throw new MillraceError('ERR_MILLRACE_OUTPUT', message, withLines({}, lost));
  }

  /** Best effort for a graph that stops early: what has been written becomes a valid file where the format allows. */
  finalise(): void {
    if (this.#state !== 'writing') return;
    try {
      this.end();
    } catch (error) {
      this.#log.warn(messageOf(error));
    }
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const { packet } of this.#held.splice(0)) freeHeld(packet);
    const ret = this.#closeFile();
    if (ret < 0) this.#log.warn(`Cannot close ${this.#target.name}: ${errorText(ret)}`);
    // What a peer has not taken is not waited for.
    if (this.#patiently && !this.#finished) this.#context.interrupt();
    this.#context.freeContext();
    ledger.closed('format');
    this.#adaptive?.close();
  }

  /** @returns FFmpeg's code: closing a file can fail as well. */
  #closeFile(): number {
    const file = this.#file;
    if (!file) return 0;
    this.#file = undefined;
    this.#context.pb = null;
    return file.close();
  }

  #track(input: number): Track {
    const track = this.#tracks.get(input);
    if (!track) throw new MillraceError('ERR_MILLRACE_STATE', `The output has no stream for input ${input}`);
    return track;
  }

  *#start(): Writing {
    const tracks = [...this.#tracks.values()];
    if (tracks.some((track) => !track.description && !track.absent)) return;
    if (tracks.every((track) => track.absent)) return;
    for (const track of tracks) {
      if (!track.description) continue;
      const { timeBase, describe } = track.description;
      track.stream = this.#context.newStream(null);
      // A wish that many muxers follow; what became of it is read after the header.
      track.stream.timeBase = new NativeRational(timeBase.num, timeBase.den);
      describe(track.stream);
    }
    markDefaults(
      tracks.flatMap(({ stream, description }) => (stream && description ? [{ stream, kind: description.kind }] : [])),
      this.#options,
    );
    this.#adaptive?.prepare(
      this.#context,
      streamPlaces(this.#options, [...this.#tracks.keys()]).flatMap(({ input, kind, number }) => {
        const { stream } = this.#track(input);
        return stream ? [{ kind, number, stream }] : [];
      }),
    );
    this.#present(this.#texts);
    if (this.#makesFolder) makeFolder(this.#target.path);
    if (!has(this.#target.muxer, 'no-file') && !this.#isContained) {
      this.#file = this.#open();
      this.#context.pb = this.#file.io;
    }
    const codecs = tracks.flatMap((track) =>
      track.stream ? (avGetCodecName(track.stream.codecpar.codecId) ?? 'unknown') : [],
    );
    const hint = `Can the format '${this.#target.muxer.name}' carry ${codecs.join(' and ')} with these mux_params?`;
    const checkHeader = (ret: number): void => {
      const refused = ret === AVERROR_EINVAL || ret === AVERROR_INVALIDDATA || this.#file?.inMemory === true;
      // What has a peer is opened in the same call: what the system and the peer refuse is the file.
      const isOpened = this.#patiently === undefined || refused || ret === AVERROR_PATCHWELCOME || ret === ENOSYS;
      this.#failing(ret, isOpened ? 'Cannot write the header of' : 'Cannot open', refused ? hint : undefined);
    };
    const writeNow = (): number => {
      const ret = this.#context.writeHeaderSync(null);
      // Here already: it is the reason for the lines that FFmpeg has left.
      checkHeader(ret);
      this.#file?.open(
        this.#url,
        (io) => {
          this.#context.pb = io;
        },
        this.#checkOpened,
      );
      return ret;
    };
    checkHeader(
      yield {
        what: `Cannot open ${this.#target.name}`,
        now: () => alone(writeNow),
        patiently: () => this.#context.writeHeader(null),
      },
    );
    this.#state = 'writing';
    for (const track of tracks) {
      if (!track.stream) continue;
      const { num, den } = track.stream.timeBase;
      track.streamTimeBase = { num, den };
    }
    this.#watchInterleaving();
    const held = this.#held.splice(0);
    try {
      for (const { input, packet } of held) yield* this.#interleave(input, packet);
    } finally {
      for (const { packet } of held) freeHeld(packet);
    }
  }

  #present({ tags, chapters }: FileTexts): void {
    const isFile =
      this.#pieces === undefined && localPath(this.#target.path) !== undefined && !this.#options.null_output;
    this.#chapters = planChapters(this.#target.muxer.name ?? '', chapters, tags, isFile);
    this.chaptersLost = this.#chapters === undefined;
    this.chaptersCut = this.#chapters?.cut ?? [];
    const all = { ...tags, ...this.#chapters?.tags };
    if (Object.keys(all).length > 0) this.#context.metadata = Dictionary.fromObject(all);
  }

  /** Into the file that is complete. */
  #putChapters(): void {
    const { path, name } = this.#target;
    try {
      this.#chapters?.complete?.(localPath(path) ?? path);
    } catch (error) {
      this.#log.warn(`The chapters of ${name} could not be written: ${messageOf(error)}`);
    }
  }

  #open(): MuxFile {
    if (this.#pieces) return MuxFile.inPieces(this.#pieces);
    return MuxFile.forHeader(this.#url, this.#target.muxer.name, this.#checkOpened);
  }

  readonly #checkOpened = (ret: number): void => this.#failing(ret, 'Cannot open');

  /** A file of an untrusted graph is opened as one, whatever its name looks like to FFmpeg. */
  get #url(): string {
    const { path } = this.#target;
    return this.#restricted && protocolOf(path) === 'file' && !path.startsWith('file:') ? `file:${path}` : path;
  }

  *#interleave(input: number, packet: Packet): Writing {
    const track = this.#track(input);
    if (!track.stream || !track.description) {
      throw new MillraceError('ERR_MILLRACE_STATE', `A packet of input ${input} came for a stream that was left out`);
    }
    packet.rescaleTs(track.description.timeBase, track.streamTimeBase);
    const { name } = this.#target;
    const { hasTimes, isStrict, isPictures } = this.#format;
    if (hasTimes && !track.description.keepTimes) {
      straighten(packet, { last: track.lastDts, isStrict, changed: (what) => this.#log.debug(`${name}: ${what}`) });
    }
    track.lastDts = packet.dts === AV_NOPTS_VALUE ? undefined : packet.dts;
    packet.streamIndex = track.stream.index;
    packet.timeBase = track.streamTimeBase;
    const image = isPictures && !this.#target.path.includes('%');
    const hint = image
      ? 'For more than one picture: a pattern such as out%03d.png, vframes: 1, or mux_params: { update: 1 }'
      : undefined;
    // libavformat takes the packet over.
    const { dts, size } = packet;
    const isKey = track.description.kind === 'video' && (packet.flags & AV_PKT_FLAG_KEY) !== 0;
    this.#failing(yield this.#handOver(packet), 'Cannot write to', hint);
    if (isKey) this.#completePlaylists(() => this.#adaptive?.keyFrame());
    const { num, den } = track.streamTimeBase;
    const time = dts === AV_NOPTS_VALUE ? undefined : (Number(dts) * num) / den;
    // With null it writes what it keeps for another stream, which has sent nothing for too long.
    if (this.#interleaving?.add(input, time, size)) this.#failing(yield this.#handOver(null), 'Cannot write to');
  }

  #handOver(packet: Packet | null): WriteCall {
    return {
      what: `Cannot write to ${this.#target.name}`,
      now: () => this.#context.interleavedWriteFrameSync(packet),
      patiently: () => this.#context.interleavedWriteFrame(packet),
    };
  }

  #watchInterleaving(): void {
    const present = [...this.#tracks].filter(
      ([, { stream, description }]) => stream !== undefined && description?.kind !== 'attachment',
    );
    // libavformat waits for these as long as it takes.
    const endless = present.some(([, { stream }]) => WAITED_FOR.has(stream!.codecpar.codecId));
    const inputs = present.map(([input]) => input);
    this.#interleaving = new InterleavingQueue(this.#limits, inputs, endless ? Infinity : this.#longestWait);
  }

  /** @param hint instead of what follows from the result. Nothing is put together for a call that went well. */
  #failing(ret: number, what: string, hint?: string): void {
    if (ret >= 0) return;
    const { name, path } = this.#target;
    check(ret, `${what} ${name}`, {
      code: 'ERR_MILLRACE_OUTPUT',
      hint: hint ?? hintByResult(ret, path, protocolOf(path) === 'file'),
      since: this.#since,
    });
  }
}

function freeHeld(packet: Packet): void {
  packet.free();
  ledger.closed('held-packet');
}

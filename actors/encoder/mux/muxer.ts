/**
 * The output file: waits with its header until every stream is known, hands its packets to libavformat, which interleaves them,
 * and reports every failed write.
 */
import { constants } from 'node:os';
import { AV_PKT_FLAG_KEY, AVERROR_EINVAL, AVERROR_INVALIDDATA, AVERROR_PATCHWELCOME } from 'node-av/constants';
import { FormatContext, type Packet } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { hintByResult } from '../../../src/errors/file-error.js';
import { messageOf } from '../../../src/errors/wire.js';
import { alone, check, errorText, ledger, markLog } from '../../../src/media/index.js';
import type { Log, ModuleContext } from '../../../src/module/contract.js';
import { protocolOf } from '../../shared/protocols/protocols.js';
import { AdaptiveOutput } from '../adaptive/adaptive.js';
import type { EncoderOptions } from '../options.js';
import type { Piece, Pieces } from '../output/byte-output.js';
import type { FileTexts } from '../output/file-texts.js';
import { has, makeFolder, type Target } from '../output/format.js';
import type { Output, StreamDescription } from '../output/output.js';
import { markDefaults } from '../stream/texts.js';
import { streamPlaces } from '../stream-options.js';
import { HeldPackets } from './held-packets.js';
import { losesSilently, tellLost } from './lost-segments.js';
import { type PatientWrite, runNow, runPatiently, type WriteCall, type Writing } from './mux-calls.js';
import { MuxFile, PIECE } from './mux-file.js';
import { contain, refuseTarget, setMuxerOptions, streamable } from './mux-settings.js';
import { MuxedTexts } from './muxed-texts.js';
import { InterleavingQueue, longestWait, type QueueLimits, queueLimits } from './muxing-queue.js';
import { Tracks } from './tracks.js';

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
  /** The file has a folder of its own. */
  readonly #makesFolder: boolean;
  readonly #pieces: Pieces | undefined;
  /** How calls are made that wait for a peer; without it they block the thread. */
  readonly #patiently: PatientWrite | undefined;
  readonly #context = new FormatContext();
  readonly #tracks: Tracks;
  readonly #held: HeldPackets;
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
  readonly #texts: MuxedTexts;
  /** For hls and dash. */
  #adaptive: AdaptiveOutput | undefined;
  /** It writes pictures of one file each. */
  readonly #isPictures: boolean;

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
    this.#isPictures = target.muxer.name === 'image2';
    this.#options = options;
    this.#log = log;
    this.#restricted = protocolWhitelist !== undefined;
    refuseTarget(target, options, protocolWhitelist);
    // The hls muxer makes the folders of its variants.
    const hasFolder = options.variants !== undefined && !target.path.includes('%v');
    this.#makesFolder = (options.output_prefix !== undefined || hasFolder) && !options.null_output;
    this.#patiently = patiently;
    this.#pieces = take && { size: options.avio_buffer_size ?? PIECE, streamed: options.streamed === true, take };
    this.#texts = new MuxedTexts(target, take === undefined && !options.null_output);
    this.#limits = queueLimits(options);
    this.#longestWait = longestWait(options.mux_params?.max_interleave_delta);
    this.#held = new HeldPackets(this.#limits, target.name);
    const places = streamPlaces(options, inputs);
    this.#tracks = new Tracks(
      places.map(({ input }) => input),
      target.muxer,
    );
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
    this.#texts.texts = texts;
  }

  get chaptersLost(): boolean {
    return this.#texts.chaptersLost;
  }

  get chaptersCut(): readonly string[] {
    return this.#texts.chaptersCut;
  }

  /** A stream is known. The header follows when all are. */
  add(input: number, description: StreamDescription): void | Promise<void> {
    this.#tracks.describe(input, description);
    return this.#run(this.#start());
  }

  /** An input ended before a stream came: the file is made without it. */
  leaveOut(input: number): void | Promise<void> {
    this.#tracks.leaveOut(input);
    return this.#run(this.#start());
  }

  /** Writes a packet whose times are in the time base of its description. The caller keeps the packet object. */
  write(input: number, packet: Packet): void | Promise<void> {
    const { size } = packet;
    this.packets++;
    this.payloadBytes += size;
    if (this.#state === 'writing') return this.#run(this.#interleave(input, packet, size));
    this.#held.add(input, packet, this.#tracks.missing);
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
      if (ret >= 0) tellLost(this.#target, this.#options, this.#log, this.#since);
      return ret;
    };
    const ret = yield {
      what: `Cannot finish ${this.#target.name}`,
      now: () => (losesSilently(this.#target) ? alone(finishNow) : this.#context.writeTrailerSync()),
      patiently: () => this.#context.writeTrailer(),
    };
    this.#failing(ret, 'Cannot finish');
    if (this.#patiently) tellLost(this.#target, this.#options, this.#log, this.#since);
    this.#finished = true;
    this.#finalBytes = this.#file?.size ?? this.bytes;
    this.#failing(this.#closeFile(), 'Cannot close');
    this.#texts.complete(this.#log);
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
    this.#held.release();
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

  *#start(): Writing {
    const tracks = this.#tracks;
    if (tracks.missing.length > 0 || tracks.areAbsent) return;
    tracks.make(this.#context);
    const { present } = tracks;
    markDefaults(present, this.#options);
    this.#adaptive?.prepare(
      this.#context,
      streamPlaces(this.#options, tracks.inputs).flatMap(({ input, kind, number }) => {
        const stream = present.find((one) => one.input === input)?.stream;
        return stream ? [{ kind, number, stream }] : [];
      }),
    );
    this.#texts.present(this.#context);
    if (this.#makesFolder) makeFolder(this.#target.path);
    if (!has(this.#target.muxer, 'no-file') && !this.#isContained) {
      this.#file = this.#open();
      this.#context.pb = this.#file.io;
    }
    const hint = `Can the format '${this.#target.muxer.name}' carry ${tracks.codecs.join(' and ')} with these mux_params?`;
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
    tracks.begin();
    const { inputs, isEndless } = tracks.interleaved;
    this.#interleaving = new InterleavingQueue(this.#limits, inputs, isEndless ? Infinity : this.#longestWait);
    for (const { input, packet } of this.#held.take()) yield* this.#interleave(input, packet, packet.size);
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

  *#interleave(input: number, packet: Packet, size: number): Writing {
    const { name } = this.#target;
    const { kind, dts, timeBase } = this.#tracks.place(input, packet, (what) => this.#log.debug(`${name}: ${what}`));
    const image = this.#isPictures && !this.#target.path.includes('%');
    const hint = image
      ? 'For more than one picture: a pattern such as out%03d.png, vframes: 1, or mux_params: { update: 1 }'
      : undefined;
    // libavformat takes the packet over.
    const isKey = kind === 'video' && (packet.flags & AV_PKT_FLAG_KEY) !== 0;
    this.#failing(yield this.#handOver(packet), 'Cannot write to', hint);
    if (isKey) this.#completePlaylists(() => this.#adaptive?.keyFrame());
    const { num, den } = timeBase;
    const time = dts === undefined ? undefined : (Number(dts) * num) / den;
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

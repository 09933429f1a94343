/**
 * An input that a thread of its own reads (reader.ts, program-source.ts), as a decoder sees it: the same questions as to one that
 * is open here, and nothing blocks. It can be left at every moment, whatever the peer does.
 */
import { performance } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../../src/errors/errors.js';
import { ownFile } from '../../../src/errors/own-file.js';
import { unpackError } from '../../../src/errors/wire.js';
import type { EncodedPacket } from '../../../src/media/index.js';
import { blockingDeadline } from '../../../src/media/native/blocking.js';
import { crowded } from '../../../src/media/native/interruptible.js';
import { NativeThread, type ThreadLink } from '../../../src/media/native/native-thread.js';
import { restorePacket } from '../../../src/media/wire/packet.js';
import type { Chapter, MediaInfo } from '../../shared/media-info.js';
import { protocolOf } from '../../shared/protocols/protocols.js';
import { type FileFacts, weight } from '../demux-thread/protocol.js';
import { findDemuxer, refuseUnreadable } from '../input/opening.js';
import { type PipeName, pipeOf } from '../input/pipe.js';
import type { Place } from '../input/seeking.js';
import { type DistantStream, distantStream } from '../input/source-stream.js';
import type { Lag } from '../live/lag.js';
import type { FromReader, ReaderData, ToReader } from './protocol.js';

/** ms that one step of an input may take unless told otherwise. */
const TIMEOUT = 30_000;

/** ms between two looks whether anybody still wants what is waited for: a consumer that leaves rings no bell. */
const WANTED_EVERY = 250;

/** FFmpeg's own names for how long it waits; whoever gives one has decided. */
const NATIVE_TIMEOUTS = ['timeout', 'rw_timeout', 'stimeout', 'listen_timeout', 'initial_timeout', 'connect_timeout'];

/** What is told of an input that was lost, or could not be opened. */
export type Loss = FromReader & { readonly type: 'lost' };

export interface NetworkInputOptions extends Omit<ReaderData, keyof ThreadLink | 'limit'> {
  /** `timeout_ms` as it was given. */
  readonly timeout: number | undefined;
  /** Decides what is left out when the decoder is behind. */
  readonly lag?: Lag | undefined;
}

/** Whether an input has a peer that may keep it waiting; the name is no URL for FFmpeg's virtual inputs. */
export function isNetwork(path: string, format: string | undefined, options: ReaderData['input']['options']): boolean {
  if (format === 'lavfi') return false;
  // A local list of segments or session description leads elsewhere only with such a permission.
  return !['file', 'data'].includes(protocolOf(path)) || options.protocol_whitelist !== undefined;
}

/** Whether what has this name may keep whoever reads it waiting: a peer, or who writes into a pipe. */
export function isPatient(path: string, format: string | undefined, options: ReaderData['input']['options']): boolean {
  return isNetwork(path, format, options) || pipeOf(path, findDemuxer(format)) !== undefined;
}

export class NetworkInput {
  readonly path: string;
  /** Of what was read so far. */
  bytes = 0;
  /** It was lost and is not opened any more (`reconnect.give_up: 'end'`). */
  givenUp = false;
  /** What FFmpeg says of a seek that has led nowhere. */
  reasons: readonly string[] = [];
  readonly #thread: NativeThread<ToReader, FromReader>;
  readonly #warn: (message: string) => void;
  readonly #onLoss: (loss: Loss) => void;
  readonly #lag: Lag | undefined;
  /** Weight of the packets that wait here. */
  #waiting = 0;
  /** What is known of the connection under way. */
  #opening: (FromReader & { readonly type: 'file' }) | undefined;
  /** When the packet that was read last came, ms on `now` (clock.ts). */
  arrival = 0;
  #events: FromReader[] = [];
  #streams = new Map<number, DistantStream>();
  #packet: EncodedPacket | undefined;
  #over = false;
  /** Who is to be told how a seek went; what was read before each of them is dropped. */
  #seeks: ((place: Place) => void)[] = [];

  /**
   * @param warn Told if it has to wait for other inputs and outputs, and why it was given up.
   * @param onLoss Told within `opened` and `read` of every try to open it again (`reconnect`).
   * @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION for what needs no opening.
   */
  constructor(
    { timeout, lag, ...data }: NetworkInputOptions,
    warn: (message: string) => void,
    onLoss: (loss: Loss) => void = () => {},
  ) {
    this.path = data.input.path;
    this.#warn = warn;
    this.#onLoss = onLoss;
    this.#lag = lag;
    // Even that may take its time, on a disk that is far away: a look must not hold up who asks for it.
    if (!data.probes && !data.source) {
      const demuxer = findDemuxer(data.input.format);
      refuseUnreadable(this.path, demuxer, true);
      if (data.reconnect) refuseReopening(this.path, pipeOf(this.path, demuxer));
    }
    const limit = data.source ? timeout || undefined : stepLimit(this.path, timeout, data.input.options);
    const file = ownFile('./network-reader.js', import.meta.url);
    this.#thread = new NativeThread(file, 'millrace reader', { ...data, limit }, (message) => this.#receive(message));
  }

  #receive(message: FromReader): void {
    if (message.type === 'crowd') this.#warn(crowded(this.path, message.limit));
    else this.#events.push(message);
    if (message.type === 'packet') this.#waiting += weight(message.parts);
  }

  /**
   * Whether it is open, and its properties are known.
   * @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION if it cannot be opened.
   */
  get opened(): boolean {
    if (this.#opening !== undefined) return true;
    let event = this.#next();
    for (; event?.type === 'lost'; event = this.#next()) this.#onLoss(event);
    if (event?.type === 'end') this.#end(event);
    if (event?.type !== 'file') return false;
    this.#opening = event;
    this.#forgetStreams();
    for (const { output, stream } of event.facts.chosen) this.#streams.set(output, distantStream(stream));
    return true;
  }

  /** What it holds, as soon as that is known: of one that is only looked at. */
  get info(): MediaInfo | undefined {
    const event = this.#next();
    return event?.type === 'info' ? event.info : undefined;
  }

  get #known(): FileFacts {
    if (this.#opening) return this.#opening.facts;
    throw new MillraceError('ERR_MILLRACE_STATE', `${this.path} is not open yet`);
  }

  /** When the first bytes of this connection came, ms on `now` (clock.ts). */
  get began(): number {
    return this.#opening?.connection?.began ?? 0;
  }

  /** The end of this connection means that it was lost. */
  get endless(): boolean {
    return this.#opening?.connection?.endless ?? false;
  }

  get facts(): FileFacts {
    return this.#known;
  }

  /** Microseconds; undefined if unknown. */
  get startTime(): bigint | undefined {
    return this.goesOnAt ?? this.#known.startTime;
  }

  /** Where it goes on after what had come before, which is left out; microseconds. */
  get goesOnAt(): bigint | undefined {
    return this.#opening?.connection?.start;
  }

  /** Microseconds; undefined if unknown. */
  get duration(): bigint | undefined {
    return this.#known.duration;
  }

  get tags(): Readonly<Record<string, string>> {
    return this.#known.tags;
  }

  /** Undefined if nobody wanted them, or they are not known. */
  get chapters(): readonly Chapter[] | undefined {
    return this.#known.chapters;
  }

  get discontinuous(): boolean {
    return this.#known.discontinuous;
  }

  get withoutTimestamps(): boolean {
    return this.#known.withoutTimestamps;
  }

  knows(option: string): boolean {
    return this.#known.knownOptions.includes(option);
  }

  optionNames(): string[] {
    return [...this.#known.optionNames];
  }

  /** The stream that was chosen for an output when it was opened. */
  chosen(output: number): DistantStream | undefined {
    return this.#streams.get(output);
  }

  /** Packets of these streams are read from here on. */
  keepOnly(streams: readonly { readonly index: number }[]): void {
    const connection = this.#opening?.connection?.number;
    this.#thread.post({ type: 'keep', streams: streams.map(({ index }) => index), connection });
  }

  /** The packets of a stream that come all the same are nobody's. */
  discard(): void {}

  /** As `Input.seekDecodable`, where the next key frame is not too far to be looked for; `reached` is told within `read`. */
  seek(time: bigint, lead: number | undefined, reached: (place: Place) => void): void {
    this.#seeks.push(reached);
    this.#thread.post({ type: 'seek', time, lead });
  }

  /**
   * The next packet, valid until the next call; 'end' at the end, 'again' if there is none yet, 'lost' if it is opened
   * again: then `opened` says when it is there.
   * @throws MillraceError ERR_MILLRACE_INPUT for a failed read.
   */
  read(): EncodedPacket['av'] | 'end' | 'again' | 'lost' {
    this.#release();
    for (;;) {
      const event = this.#next();
      if (event === undefined) return 'again';
      if (event.type === 'sought') {
        this.reasons = event.reasons;
        this.#seeks.shift()?.(event.place);
        continue;
      }
      if (this.#seeks.length > 0) continue;
      if (event.type === 'lost') {
        this.#opening = undefined;
        this.#onLoss(event);
        return 'lost';
      }
      if (event.type === 'end') {
        this.#end(event);
        return 'end';
      }
      if (event.type !== 'packet') continue;
      if (this.#lag && !this.#lag.keeps(event, this.#events, this.#waiting)) continue;
      const [bytes, ...sideData] = event.parts;
      this.#packet = restorePacket(event.meta, bytes!, sideData);
      this.bytes = event.bytes;
      this.arrival = event.arrival ?? 0;
      return this.#packet.av;
    }
  }

  #end({ warning }: FromReader & { readonly type: 'end' }): void {
    this.givenUp = warning !== undefined;
    if (warning !== undefined) this.#warn(warning);
  }

  /** @throws what it failed of. */
  #next(): FromReader | undefined {
    if (this.#events.length === 0) this.#thread.drain();
    const event = this.#events.shift();
    if (event?.type === 'packet') {
      const size = weight(event.parts);
      this.#waiting -= size;
      this.#thread.wait.take(size);
    }
    if (event?.type === 'failed') {
      this.#over = true;
      throw unpackError(event.error);
    }
    if (event === undefined && this.#thread.gone && !this.#over) throw this.#thread.died;
    return event;
  }

  #release(): void {
    this.#packet?.close();
    this.#packet = undefined;
  }

  /**
   * Waits until there may be something more, as long as it is wanted; blocks instead within a call that does.
   * @throws MillraceError ERR_MILLRACE_ABORTED if the signal ended it.
   */
  more(signal: AbortSignal, isWanted: () => boolean = () => true): void | Promise<void> {
    const deadline = blockingDeadline();
    if (deadline !== undefined) return this.#block(deadline);
    return this.#changed(signal, isWanted);
  }

  #block(deadline: number): void {
    const { wait } = this.#thread;
    const news = wait.news;
    this.#thread.drain();
    if (this.#events.length > 0) return;
    if (wait.left) throw this.#thread.died;
    if (wait.awaitNews(news, Math.max(0, deadline - performance.now()))) return;
    throw new MillraceError('ERR_MILLRACE_TIMEOUT', `${this.path} had nothing in time`);
  }

  async #changed(signal: AbortSignal, isWanted: () => boolean): Promise<void> {
    this.#thread.drain();
    while (this.#events.length === 0 && !this.#thread.gone && !signal.aborted && isWanted()) {
      await this.#thread.changed(signal, WANTED_EVERY);
    }
    if (signal.aborted) throw new MillraceError('ERR_MILLRACE_ABORTED', `${this.path} is not read any further`);
  }

  /** Leaves it, whatever it waits for. */
  close(): void | Promise<void> {
    this.#release();
    this.#forgetStreams();
    return this.#thread.close();
  }

  #forgetStreams(): void {
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
  }
}

/** @throws MillraceError ERR_MILLRACE_OPTION for what the process was given once: nobody can open it for writing again. */
function refuseReopening(path: string, pipe: PipeName | undefined): void {
  if (!pipe || !('descriptor' in pipe)) return;
  throw new MillraceError(
    'ERR_MILLRACE_OPTION',
    `reconnect: ${path} is a pipe that the process was started with, and does not come back`,
    {
      hint: 'Leave reconnect out, or name a FIFO by its path',
    },
  );
}

/** ms that one step may take; undefined: for ever. */
export function stepLimit(
  path: string,
  timeout: number | undefined,
  options: ReaderData['input']['options'],
): number | undefined {
  if (timeout !== undefined) return timeout === 0 ? undefined : timeout;
  const query = new URLSearchParams(path.split('?').at(1) ?? '');
  return NATIVE_TIMEOUTS.some((name) => options[name] !== undefined || query.has(name)) ? undefined : TIMEOUT;
}

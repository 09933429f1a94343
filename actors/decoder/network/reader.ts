/**
 * Entry of the thread that reads an input for a decoder, ahead of it by so many bytes. Of an input of the network every call that
 * waits for the peer is asynchronous: this thread's event loop hears meanwhile that it is to leave (interruptible.ts).
 */

import { workerData } from 'node:worker_threads';
import type { Packet as NativePacket } from 'node-av/lib';
import { clearInterval, setInterval, sleep } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../../src/errors/errors.js';
import { withoutSecrets } from '../../../src/errors/secrets.js';
import { errorOf, packError } from '../../../src/errors/wire.js';
import { setLogLevel } from '../../../src/media/index.js';
import { InterruptibleCalls, type Late } from '../../../src/media/native/interruptible.js';
import { NativeWait } from '../../../src/media/native/native-wait.js';
import { packetParts } from '../../../src/media/wire/packet.js';
import { describeInput } from '../../probe/describe.js';
import { look } from '../../probe/look.js';
import { now } from '../../shared/live/clock.js';
import { type Reconnect, Tries } from '../../shared/live/reconnect.js';
import { type FileFacts, ownBuffers, roomFor, weight } from '../demux-thread/protocol.js';
import { fileFacts } from '../input/file-facts.js';
import { Input, type PatientCall } from '../input/input.js';
import { findDemuxer } from '../input/opening.js';
import { fileBehind, pipeOf, refuseForeignPipe } from '../input/pipe.js';
import { comesAgain, News } from './news.js';
import { PipeReader } from './pipe-reader.js';
import { readProgramSource } from './program-source.js';
import type { Connection, FromReader, ReaderData, ToReader } from './protocol.js';

/** By this the file is known: own-file.ts. */
export const isThreadOfMillrace = true;

type Order = ToReader | 'read';

/** How long to wait for an input that has no packet yet, milliseconds. */
const AGAIN = 10;

const LATE: Late = {
  code: 'ERR_MILLRACE_INPUT',
  why: 'nothing came',
  hint: 'timeout_ms is how long the decoder waits',
};

/** ms between two looks whether the first bytes of a connection have come. */
const LOOK_EVERY = 20;
/** What FFmpeg looks at by itself before it knows the streams, in ms. */
const ANALYSED = 5000;

/** ms that a timer counts at most. */
const LONGEST_PAUSE = 2 ** 31 - 1;

const SILENT: Late = { ...LATE, hint: '' };
/** What comes had come before. */
const STALE: Late = { ...SILENT, why: 'nothing new came' };

class Reader {
  readonly #data: ReaderData;
  readonly #wait: NativeWait;
  #input: Input;
  readonly #calls: InterruptibleCalls;
  /** Where its bytes come from, if that is a pipe. */
  readonly #pipe: PipeReader | undefined;
  readonly #orders: ToReader[] = [];
  /** Packets are wanted. */
  #wanted = false;
  #ended = false;
  /** Number of the connection. */
  #connection = 0;
  /** Outputs that have a stream: without one of these it has not come back. */
  #outputs: readonly number[] | undefined;
  /** The end of this connection means that it was lost. */
  #endless = false;
  readonly #tries: Tries | undefined;
  /** When the last packet of this connection came, or it was opened. */
  #heard = 0;
  /** Weight of what was sent so far, modulo 2^32. */
  #sent = 0;
  /** What of the connections comes again. */
  readonly #news = new News();
  /** Outputs whose streams were read last. */
  #kept: readonly number[] = [];
  /** Of this connection. */
  #chosen: FileFacts['chosen'] = [];

  constructor(given: ReaderData, wait: NativeWait) {
    const { path, format, protocolWhitelist } = given.input;
    const demuxer = findDemuxer(format);
    refuseForeignPipe(path, demuxer, protocolWhitelist);
    const data = { ...given, input: { ...given.input, path: fileBehind(path) } };
    this.#data = data;
    this.#wait = wait;
    const pipe = pipeOf(data.input.path, demuxer);
    this.#pipe = pipe && new PipeReader(path, pipe, () => this.#calls.look());
    this.#input = new Input(data.input, true);
    this.#tries = data.reconnect && new Tries(data.reconnect);
    // Connections follow one another; calls are made of one at a time.
    const current = { interrupt: () => this.#interrupt() };
    this.#calls = new InterruptibleCalls(wait, current, (limit) => this.#tell({ type: 'crowd', limit }));
    data.port.on('message', (order: ToReader) => {
      this.#orders.push(order);
      this.#calls.look();
    });
  }

  #interrupt(): void {
    this.#pipe?.leave();
    this.#input.interrupt();
  }

  async run(): Promise<void> {
    const { probes, loglevel, reconnect } = this.#data;
    try {
      if (loglevel !== undefined) setLogLevel(loglevel);
      if (probes) {
        await this.#open(this.#patiently);
        this.#tell({ type: 'info', info: describeInput(this.#input) });
      } else if (reconnect && this.#tries) await this.#persist(reconnect, this.#tries);
      else await this.#session();
    } finally {
      this.#input.close();
      this.#pipe?.close();
      this.#calls.close();
    }
  }

  /** @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION, and what `patiently` throws. */
  async #open(patiently: PatientCall): Promise<void> {
    const pipe = this.#pipe;
    if (!pipe) return this.#input.connect(this.#data.input, patiently);
    const io = pipe.begin();
    await this.#firstBytes(pipe);
    try {
      await this.#input.connect({ ...this.#data.input, io }, patiently);
    } catch (error) {
      pipe.confirm();
      throw error;
    }
  }

  /**
   * Somebody may take their time to write into a pipe, and a call that waited for them would hold a thread of the pool.
   * @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_ABORTED
   */
  async #firstBytes(pipe: PipeReader): Promise<void> {
    const { limit, input } = this.#data;
    const until = limit === undefined ? Number.POSITIVE_INFINITY : now() + limit;
    while (!pipe.ready && now() < until) {
      if (await this.#calls.pause(Math.min(until - now(), LONGEST_PAUSE), () => pipe.ready)) continue;
      throw new MillraceError('ERR_MILLRACE_ABORTED', `Cannot open ${input.path}: it was closed`);
    }
    if (pipe.ready) return pipe.requireBytes();
    const { code, why, hint } = LATE;
    throw new MillraceError(code, `Cannot open ${input.path}: ${why} for ${limit} ms`, { hint });
  }

  readonly #patiently: PatientCall = (what, call) => this.#calls.orThrow(what, this.#data.limit, call, LATE);

  /**
   * One connection after the other, until the thread is to leave.
   * @throws MillraceError what is no matter of the peer's, and when all tries have failed.
   */
  async #persist(reconnect: Reconnect, tries: Tries): Promise<void> {
    for (;;) {
      const loss = await this.#session();
      if (loss === undefined) return;
      const wait = tries.next();
      if (wait === undefined) return this.#giveUp(loss, reconnect);
      const why = withoutSecrets(loss.message);
      this.#tell({ type: 'lost', why, attempt: tries.failed, attempts: reconnect.attempts, wait, at: now() });
      // The peer is not asked to take leave: it may not answer.
      this.#interrupt();
      this.#input.close();
      this.#pipe?.end();
      if (!(await this.#calls.pause(wait))) return;
      this.#input = new Input(this.#data.input, true);
    }
  }

  #giveUp(loss: Error, { attempts, giveUp }: Reconnect): void {
    const times = `${attempts} attempt${attempts === 1 ? '' : 's'}`;
    const message = `${this.#data.input.path} did not come back in ${times} (reconnect). ${loss.message}`;
    // Where nothing has come there is nothing that could be an end.
    if (giveUp === 'end' && this.#outputs) this.#tell({ type: 'end', warning: withoutSecrets(message) });
    else throw new MillraceError('ERR_MILLRACE_INPUT', message, { cause: loss });
  }

  /**
   * Opens it, reads ahead and does as it is told.
   * @returns why it was lost; undefined: the thread is to leave.
   */
  async #session(): Promise<Error | undefined> {
    this.#wanted = false;
    this.#ended = false;
    this.#connection++;
    try {
      const began = await this.#connect();
      const facts = fileFacts(this.#input, this.#data, this.#data.input.options);
      this.#requireStreams(facts.chosen.map(({ output }) => output));
      this.#endless = this.#data.live ?? this.#input.endless;
      this.#chosen = facts.chosen;
      const first = await this.#firstNew();
      const connection = { number: this.#connection, began, endless: this.#endless, ...first?.place };
      this.#tell({ type: 'file', facts, connection });
      if (first) this.#send(first.packet);
      return await this.#serve();
    } catch (thrown) {
      const error = errorOf(thrown);
      if (this.#data.reconnect === undefined || this.#calls.stopped || !isOfPeer(error)) throw error;
      return error;
    }
  }

  /**
   * @returns when its first bytes came.
   * @throws MillraceError ERR_MILLRACE_INPUT, also for a peer that falls silent before its streams are known.
   */
  async #connect(): Promise<number> {
    const input = this.#input;
    const stall = this.#data.reconnect?.stall ?? Number.POSITIVE_INFINITY;
    let opened: number | undefined;
    let began: number | undefined;
    let bytes = 0;
    let silent = false;
    const look = (): void => {
      const time = now();
      if (input.bytes > bytes) this.#heard = time;
      bytes = input.bytes;
      if (bytes > 0) began ??= time;
      // Nobody knows of a peer that has said nothing yet whether it is there: it has as long as any step has.
      if (began === undefined || time - this.#heard < stall) return;
      silent = true;
      this.#interrupt();
    };
    let looks: ReturnType<typeof setInterval> | undefined;
    try {
      await this.#open(async (what, call) => {
        const ret = await this.#patiently(what, call);
        if (silent) throw this.#silence('recognise the streams of', stall);
        if (opened === undefined && ret >= 0) {
          opened = now();
          look();
          looks = setInterval(look, LOOK_EVERY);
        }
        return ret;
      });
    } finally {
      clearInterval(looks);
    }
    this.#heard = now();
    // Who has no bytes to count (RTP) has looked at no more than this.
    const { analyzeduration } = this.#data.input.options;
    const analysed = analyzeduration === undefined ? ANALYSED : Number(analyzeduration) / 1000;
    return began ?? Math.max(opened ?? 0, now() - analysed);
  }

  #silence(what: string, stall: number, { code, why, hint }: Late = SILENT): MillraceError {
    return new MillraceError(code, `Cannot ${what} ${this.#data.input.path}: ${why} for ${stall} ms`, { hint });
  }

  /** @throws MillraceError ERR_MILLRACE_INPUT for a connection without what was there before. */
  #requireStreams(outputs: readonly number[]): void {
    this.#outputs ??= outputs;
    const missing = this.#outputs.filter((output) => !outputs.includes(output));
    if (missing.length === 0) return;
    const kinds = missing.map((id) => this.#data.choices.find(({ output }) => output === id)?.kind).join(' and ');
    throw new MillraceError('ERR_MILLRACE_INPUT', `${this.#data.input.path} is there without its ${kinds}`);
  }

  /** What is left out of it as long as nothing new has come. */
  get #repeats(): boolean {
    return this.#data.reconnect !== undefined && this.#endless && comesAgain(this.#input.format);
  }

  /**
   * Of a list that is opened again: the first packet that had not come before, and where the connection begins if others had.
   * @throws Error if none comes.
   */
  async #firstNew(): Promise<{ readonly packet: NativePacket; readonly place?: Partial<Connection> } | undefined> {
    const news = this.#news;
    const kept = this.#chosen.filter(({ output }) => this.#kept.includes(output)).map(({ stream }) => stream);
    if (!this.#repeats || !news.any || kept.length === 0) return undefined;
    this.#input.keepOnly(kept);
    const first = await news.first(kept, () => this.#nextPacket(STALE));
    return { packet: first.packet, ...(first.start !== undefined && { place: { began: now(), start: first.start } }) };
  }

  async #serve(): Promise<Error | undefined> {
    for (;;) {
      const order = await this.#calls.until((): Order | undefined => this.#orders.shift() ?? this.#mayRead());
      if (order === undefined) return undefined;
      if (order === 'read') {
        const loss = await this.#read();
        if (loss) return loss;
      } else if (order.type === 'keep') this.#keep(order);
      else if (order.type === 'seek') await this.#seek(order.time);
    }
  }

  /** A decoder that is slower than the peer must not make the packets pile up. */
  #mayRead(): 'read' | undefined {
    return this.#wanted && !this.#ended && roomFor(this.#sent, this.#wait.taken) ? 'read' : undefined;
  }

  /** @returns why it was lost. */
  async #read(): Promise<Error | undefined> {
    const packet = await this.#nextPacket(SILENT);
    if (packet === 'again') return undefined;
    if (packet === 'end') {
      this.#pipe?.confirm();
      if (this.#data.reconnect && this.#endless) return new Error('it has ended');
      this.#ended = true;
      this.#tell({ type: 'end' });
      return undefined;
    }
    if (!this.#repeats || this.#news.passes(packet)) this.#send(packet);
    return undefined;
  }

  /** 'again': there is none yet. */
  async #nextPacket(late: Late): ReturnType<Input['readPatiently']> {
    // Silence ends a connection sooner than a peer that takes its time to answer.
    const limit = this.#data.reconnect ? this.#data.reconnect.stall : this.#data.limit;
    const packet = await this.#input.readPatiently((what, call) => this.#calls.orThrow(what, limit, call, late));
    if (packet !== 'again') {
      this.#heard = now();
      return packet;
    }
    this.#requireSound(late);
    await sleep(AGAIN);
    return packet;
  }

  #send(packet: NativePacket): void {
    this.#tries?.succeeded();
    const [meta, parts] = packetParts(packet);
    this.#sent = (this.#sent + weight(parts)) | 0;
    const { bytes } = this.#input;
    this.#tell({ type: 'packet', meta, parts, bytes, arrival: this.#heard }, ownBuffers(parts));
  }

  /** A demuxer that answers, again and again, that it has nothing is as silent as one that waits. */
  #requireSound(late: Late): void {
    const stall = this.#data.reconnect?.stall;
    if (stall === undefined || now() - this.#heard < stall) return;
    throw this.#silence('read', stall, late);
  }

  #keep({ streams, connection }: ToReader & { type: 'keep' }): void {
    if (connection !== this.#connection) return;
    this.#input.keepOnly(streams.map((index) => ({ index })));
    this.#kept = this.#chosen.filter(({ stream }) => streams.includes(stream.index)).map(({ output }) => output);
    this.#wanted = true;
  }

  async #seek(time: bigint): Promise<void> {
    const place = await this.#input.seekPatiently(time, this.#patiently);
    this.#ended = false;
    this.#tell({ type: 'sought', place, reasons: this.#input.reasons });
  }

  #tell(message: FromReader, transfer: ArrayBuffer[] = []): void {
    this.#data.port.postMessage(message, transfer);
    this.#wait.tell();
  }
}

/** What is wrong with the options is wrong for ever. */
function isOfPeer(error: Error): boolean {
  return !(
    error instanceof MillraceError &&
    (error.code === 'ERR_MILLRACE_OPTION' || error.code === 'ERR_MILLRACE_ABORTED')
  );
}

const data = workerData as ReaderData;
const wait = NativeWait.attach(data.waits, data.slot, data.claim);
try {
  // These need none of the few calls that may wait for peers.
  if (data.probes === 'near' && (data.source || !pipeOf(data.input.path, null))) look(data, wait);
  else if (data.source) readProgramSource(data, data.source, wait);
  else await new Reader(data, wait).run();
} catch (error) {
  data.port.postMessage({ type: 'failed', error: packError(error) } satisfies FromReader);
  wait.tell();
} finally {
  wait.leave();
  data.port.close();
}

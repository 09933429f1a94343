/**
 * An output that a thread of its own writes to the network (writer.ts), as an encoder sees it. Nothing here
 * blocks; whether the encoder may go on is what `settled` says. It can be left at every moment, whatever the peer does.
 */

import type { Packet } from 'node-av/lib';
import { performance } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../../src/errors/errors.js';
import { ownFile } from '../../../src/errors/own-file.js';
import { unpackError } from '../../../src/errors/wire.js';
import { blockingDeadline } from '../../../src/media/native/blocking.js';
import { NativeThread, type ThreadLink } from '../../../src/media/native/native-thread.js';
import { packetParts } from '../../../src/media/wire/packet.js';
import type { ModuleContext } from '../../../src/module/contract.js';
import { Outages } from '../../shared/live/outages.js';
import { localPath } from '../../shared/location.js';
import { PLAYLIST_PROTOCOLS, protocolOf, protocolsIn } from '../../shared/protocols/protocols.js';
import { planChapters } from '../chapters/index.js';
import { Muxer } from '../mux/muxer.js';
import type { EncoderOptions } from '../options.js';
import type { FileTexts } from '../output/file-texts.js';
import type { Target } from '../output/format.js';
import type { Output, StreamDescription } from '../output/output.js';
import { infoOf } from '../output/packet-output.js';
import { isHls, refuseWholeLists } from './hls-again.js';
import { type FromWriter, INPUT_LIMIT, type ToWriter, type WriterData, weight } from './protocol.js';

const FILES_OF_ITS_OWN = /^(hls|dash|hds|smoothstreaming|segment|stream_segment|image2)/;

/** ms that one step of an output may take unless told otherwise. */
const TIMEOUT = 30_000;
/** ms that a peer has to take the rest, once the graph is to stop or has failed. */
const FINISH_WITHIN = 800;
/** ms between two looks whether the graph is to stop. */
const LOOK_EVERY = 100;

/** Whether an output has a peer that may keep it waiting. */
export function isNetworkOutput(target: Target, { mux_params, timeout_ms, reconnect }: EncoderOptions): boolean {
  if (timeout_ms !== undefined) return true;
  // The folder of a list may be a mount that goes and comes.
  if (reconnect && isHls(target)) return true;
  const { path } = target;
  if (!isLocal(protocolOf(path))) return true;
  // Segments and lists of a local playlist, the outputs of `tee`.
  return [path, ...Object.values(mux_params ?? {})].some((value) => !protocolsIn(String(value)).every(isLocal));
}

function isLocal(protocol: string): boolean {
  return protocol === '' || PLAYLIST_PROTOCOLS.includes(protocol);
}

/** @throws MillraceError ERR_MILLRACE_OPTION for an output that consists of files, and cannot go on where it was. */
function refuseReopening(target: Target, options: EncoderOptions): void {
  const name = target.muxer.name ?? '';
  if (!options.reconnect || !FILES_OF_ITS_OWN.test(name)) return;
  if (isHls(target)) {
    refuseWholeLists(options);
    return;
  }
  const hint =
    name === 'dash'
      ? "mux_params: { ignore_io_errors: 1 } goes on after a file that could not be written, in the list as it is; 'hls' can be opened again"
      : "Of those that write files 'hls' can be opened again";
  const message = `reconnect: the format '${name}' writes files one by one, and begins with the first again`;
  throw new MillraceError('ERR_MILLRACE_OPTION', message, { hint });
}

export class NetworkOutput implements Output {
  readonly name: string;
  /** Of the packets so far. */
  bytes = 0;
  chaptersLost = false;
  readonly #target: Target;
  readonly #ctx: ModuleContext<EncoderOptions>;
  readonly #thread: NativeThread<ToWriter, FromWriter>;
  /** Inputs of which nothing is known yet. */
  readonly #unknown: Set<number>;
  #streams = 0;
  /** Weight of what was sent and has not been written. */
  #underWay = 0;
  /** Packets sent, and those that were written. */
  #sent = 0;
  #taken = 0;
  /** Who is to be told when so many have been written. */
  readonly #waiters: { readonly number: number; readonly told: () => void }[] = [];
  #ended = false;
  #over = false;
  #failure: Error | undefined;
  readonly #outages: Outages;
  /** Packets that were not written: the peer was slow, or away. */
  #leftOut = { slow: 0, away: 0 };
  /** The next picture is to be a key frame: there is none before it for who sees it. */
  #wantsKey = false;
  /** When the peer has had its time, after a stop. */
  #deadline: number | undefined;

  /** @throws MillraceError ERR_MILLRACE_OPTION for a muxer option FFmpeg does not know. */
  constructor(target: Target, ctx: ModuleContext<EncoderOptions>) {
    const { options, inputs, job } = ctx;
    this.name = target.name;
    this.#target = target;
    this.#ctx = ctx;
    this.#unknown = new Set(inputs);
    this.#outages = new Outages(ctx, target.name);
    refuseReopening(target, options);
    // What is wrong with the options shows here and now.
    new Muxer(target, inputs, options, ctx).close();
    const limit = options.timeout_ms ?? TIMEOUT;
    const data: Omit<WriterData, keyof ThreadLink> = {
      ...{ options, inputs, job, protocolWhitelist: ctx.protocolWhitelist },
      limit: limit === 0 ? undefined : limit,
    };
    const file = ownFile('./network-writer.js', import.meta.url);
    this.#thread = new NativeThread(file, 'millrace writer', data, (message) => this.#receive(message));
  }

  #receive(message: FromWriter): void {
    if (message.type === 'lost') this.#outages.lost(message, message.wasThere);
    else if (message.type === 'back') this.#back(message.milliseconds);
    else if (message.type === 'taken') {
      if (message.leftOut) this.#noteLeftOut(message.leftOut);
      this.#underWay -= message.weight;
      this.#taken++;
      for (; this.#waiters[0]?.number === this.#taken; this.#waiters.shift()) {
        if (!message.leftOut) this.#waiters[0].told();
      }
    } else if (message.type === 'warning') this.#ctx.log.warn(message.text);
    // What was given up fails as well.
    else if (message.type === 'failed' && !this.#over) this.#failure = unpackError(message.error);
    if (message.type === 'failed' || message.type === 'done') this.#over = true;
  }

  #back(milliseconds: number): void {
    this.#outages.back(milliseconds);
    this.#wantsKey = true;
  }

  #noteLeftOut(why: 'slow' | 'away'): void {
    this.#ctx.meter.dropped++;
    this.#leftOut[why]++;
  }

  takeKeyWish(): boolean {
    const wished = this.#wantsKey;
    this.#wantsKey = false;
    return wished;
  }

  /** What was left out, once it is over. */
  #report(): void {
    this.#outages.end();
    const { slow, away } = this.#leftOut;
    const { log, options } = this.#ctx;
    if (away > 0) log.warn(`${this.name}: ${away} packets were left out while its peer was away (reconnect)`);
    if (slow > 0)
      log.warn(`${this.name}: ${slow} packets were left out because its peer was slow (drop: '${options.drop}')`);
    this.#leftOut = { slow: 0, away: 0 };
  }

  get waiting(): boolean {
    return this.#unknown.size > 0 || this.#streams === 0;
  }

  get writing(): boolean {
    return !this.waiting && !this.#ended && !this.#over;
  }

  add(input: number, { kind, timeBase, keepTimes = false, describe }: StreamDescription): void {
    const info = infoOf(timeBase, describe).toJSON();
    this.#unknown.delete(input);
    this.#streams++;
    this.#thread.post({ type: 'stream', input, kind, timeBase, keepTimes, info });
  }

  describe(texts: FileTexts): void {
    const { muxer, path } = this.#target;
    this.chaptersLost =
      planChapters(muxer.name ?? '', texts.chapters, texts.tags, localPath(path) !== undefined) === undefined;
    this.#thread.post({ type: 'texts', texts });
  }

  leaveOut(input: number): void {
    this.#unknown.delete(input);
    this.#thread.post({ type: 'absent', input });
  }

  write(input: number, packet: Packet): void {
    if (this.#over) return;
    const [meta, parts] = packetParts(packet);
    this.bytes += packet.size;
    this.#underWay += weight(parts);
    this.#sent++;
    this.#thread.post({ type: 'packet', input, meta, parts });
  }

  whenWritten(told: () => void): void {
    if (!this.#over) this.#waiters.push({ number: this.#sent, told });
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#thread.post({ type: 'end' });
  }

  finalise(): void {
    this.end();
  }

  /** Nothing is to be waited for. @throws what writing failed of. */
  get #isSettled(): boolean {
    this.#thread.drain();
    if (this.#failure) throw this.#failure;
    if (this.#over) return true;
    if (this.#thread.gone || this.#thread.wait.left) throw this.#thread.died;
    if (this.#ended) return false;
    // Who leaves packets out does not wait, as long as its thread comes to doing so.
    const { drop = 'none', reconnect, when_full } = this.#ctx.options;
    const leavesOut = drop !== 'none' || (reconnect && this.#outages.isAway);
    if (this.#underWay <= this.#limit * (leavesOut ? 8 : 1)) return true;
    if (when_full !== 'fail') return false;
    throw new MillraceError(
      'ERR_MILLRACE_OUTPUT',
      `${this.name} takes less than comes: ${this.#underWay} bytes wait for its peer, and ${this.#limit} may`,
      { hint: "Raise queue_bytes, lower the bit rate, or let the graph wait for it (when_full: 'wait')" },
    );
  }

  get #limit(): number {
    return this.#ctx.options.queue_bytes ?? INPUT_LIMIT;
  }

  /**
   * Waits until there is room for more, or after the end until everything is written.
   * @throws MillraceError ERR_MILLRACE_OUTPUT if it cannot be written, or the peer takes nothing for too long.
   */
  settled(): void | Promise<void> {
    if (this.#isSettled) return;
    const deadline = blockingDeadline();
    return deadline === undefined ? this.#settle() : this.#block(deadline);
  }

  #block(deadline: number): void {
    const { wait } = this.#thread;
    for (let { news } = wait; !this.#isSettled; { news } = wait) {
      if (wait.awaitNews(news, Math.max(0, deadline - performance.now()))) continue;
      throw new MillraceError('ERR_MILLRACE_TIMEOUT', `${this.name} was not written in time`);
    }
  }

  async #settle(): Promise<void> {
    const { signal } = this.#ctx;
    while (!this.#isSettled) {
      if (signal.aborted) throw new MillraceError('ERR_MILLRACE_ABORTED', `${this.name} is not written any further`);
      if (this.#ctx.stopping && this.#isLate()) return this.#giveUp();
      await this.#thread.changed(signal, LOOK_EVERY);
    }
  }

  #isLate(): boolean {
    this.#deadline ??= performance.now() + FINISH_WITHIN;
    return performance.now() >= this.#deadline;
  }

  /** The graph is to stop, and the peer does not take what there is. */
  #giveUp(): void {
    this.#over = true;
    this.#thread.wait.stop();
    this.#ctx.log.warn(`${this.name} is incomplete: its peer took too little in ${FINISH_WITHIN} ms after the stop`);
  }

  /** Leaves the peer; what was sent before and can be written soon still is. */
  close(): void | Promise<void> {
    const closing = this.#close();
    if (closing) return closing.then(() => this.#report());
    this.#report();
  }

  #close(): void | Promise<void> {
    const thread = this.#thread;
    if (!this.#ended || this.#over || thread.gone) return thread.close();
    const deadline = performance.now() + FINISH_WITHIN;
    if (blockingDeadline() === undefined) return this.#finish(deadline).then(() => thread.close());
    const { wait } = thread;
    for (let { news } = wait; !this.#isFinished(deadline); { news } = wait) {
      wait.awaitNews(news, Math.max(0, deadline - performance.now()));
    }
    return thread.close();
  }

  async #finish(deadline: number): Promise<void> {
    const never = new AbortController().signal;
    while (!this.#isFinished(deadline)) await this.#thread.changed(never, LOOK_EVERY);
  }

  #isFinished(deadline: number): boolean {
    this.#thread.drain();
    if (this.#failure) this.#ctx.log.warn(this.#failure.message);
    return this.#over || this.#thread.gone || this.#thread.wait.left || performance.now() >= deadline;
  }
}

/**
 * Where packets enter a graph: the user's side of an input stream, and the module behind its node. Everything here runs
 * on the calling thread.
 *
 * A packet goes: queue -> (process: one packet a call, only while all links are clear) -> links. A push is settled when
 * its packet has found room on every link, so one that is pending means that the node is blocked. Small pieces of bytes
 * (pieces.ts) are settled as soon as they wait, while there are not too many bytes of them; a call takes as many of them
 * as have come.
 *
 * Whatever waits is sent, even if the user does nothing more: what comes into an empty queue wakes the host, which goes on
 * until the queue is empty or the links are full, and of room on those it is told.
 */
import { MillraceError } from '../../errors/errors.js';
import type { Packet } from '../../media/packet/packet.js';
import type { Module, ModuleContext, Task } from '../../module/contract.js';
import { APP_PORT, type AppPort, type AppPortModule } from '../../thread/actor/app-port.js';
import { payloadBytes } from '../../thread/link/record.js';
import { join, pieceOf, WAITING_BYTES } from './pieces.js';
import { Fairness, UserTurn } from './user-turn.js';

/** Packets that may wait in an input stream for being sent; their bytes are limited by `hard_cap`. */
const QUEUE_PACKETS = 65_536;

/** What the feeds need of the run they feed. */
export interface FeedPort {
  wake(settled: () => boolean): void;
}

export interface Entry {
  /** Released, if there is a piece. */
  readonly packet: Packet;
  /** The packet's bytes, to be joined with those of its neighbours. */
  piece?: Uint8Array;
  bytes: number;
  settled: boolean;
  taken: boolean;
  /** Set when somebody waits. */
  resolve?: (taken: boolean) => void;
  reject?: (error: Error) => void;
}

/** The input streams of one graph: their user is one, who does one thing after the other. */
export class Feeds {
  readonly all: AppSource[] = [];
  /** The user's thread is blocked in a push: nobody can push anything else meanwhile. */
  blocking = false;
  port: FeedPort | undefined;
  readonly answering = new UserTurn(() => this.port?.wake(() => false));

  /** The user waits for room in one of the streams, and is not known to do anything else at the same time. */
  get userWaits(): boolean {
    if (this.answering.active && !this.blocking) return false;
    return this.all.some((feed) => feed.waiting && (this.blocking || feed.sources === 0));
  }
}

/** Packets that wait in the queue of any feed. */
const queued = new WeakSet<Packet>();

export class AppSource {
  readonly module: AppPortModule;
  private queue: Entry[] = [];
  private head = 0;
  private bytes = 0;
  /** Handed to the links, which have no room for all of it yet. */
  private sent: readonly Entry[] = [];
  private endAsked = false;
  /** The graph takes no more, whatever the user does. */
  shut = false;
  private failure: Error | undefined;
  private stopping = (): boolean => false;
  private aborted = (): boolean => false;
  private readonly fairness = new Fairness();
  /** It is a stream of bytes: its pieces may be joined. */
  joins = false;
  /** Sources that are being pushed into it: what they wait for is not this graph. */
  sources = 0;
  /** Called, once, when nobody takes anything any more. */
  readonly onShut = new Set<(failure: Error | undefined) => void>();

  constructor(
    readonly name: string,
    private readonly group: Feeds,
    /** Bytes that may wait. */
    private readonly cap: number,
  ) {
    group.all.push(this);
    this.module = this.makeModule();
  }

  // --- the user's side ----------------------------------------------------------------------------------------------

  /** Nobody takes what is pushed any more. */
  get closed(): boolean {
    return this.shut || this.endAsked;
  }

  /** Somebody has pushed and there was no room. Entries are settled in their order. */
  get waiting(): boolean {
    return this.newest?.settled === false;
  }

  /** What was pushed last, as far as it waits. */
  private get newest(): Entry | undefined {
    return this.head < this.queue.length ? this.queue.at(-1) : this.sent.at(-1);
  }

  /**
   * Takes the packet over; released at once if nobody takes it any more.
   * @returns what becomes of it.
   * @throws MillraceError ERR_MILLRACE_STATE after the end, ERR_MILLRACE_QUEUE_FULL, ERR_MILLRACE_CLOSED for a frame that
   * was released; the graph's error if it has failed.
   */
  offer(packet: Packet): Entry {
    if (queued.has(packet)) {
      // It stays where it is: releasing it would take it away from the push before.
      throw new MillraceError(
        'ERR_MILLRACE_CLOSED',
        `input stream '${this.name}': the packet has been pushed already`,
        {
          hint: 'A push consumes its packet: push a clone() of it',
        },
      );
    }
    const entry: Entry = { packet, bytes: 0, settled: false, taken: false };
    try {
      if (this.failure !== undefined) throw this.failure;
      if (packet.isEof) {
        if (this.endAsked || this.shut) {
          this.endAsked = true;
          entry.settled = true;
          return entry;
        }
        this.endAsked = true;
      } else {
        entry.bytes = payloadBytes(packet.payload);
        this.refuseIfFull(entry.bytes);
      }
    } catch (error) {
      packet.close();
      throw error;
    }
    if (this.shut) {
      packet.close();
      entry.settled = true;
      return entry;
    }
    const piece = this.joins ? pieceOf(packet) : undefined;
    const { newest } = this;
    if (piece === undefined) queued.add(packet);
    else {
      entry.piece = piece;
      // A thread that blocks in its push may not come back for long: what it pushes is to be on its way.
      const isBehind = newest !== undefined && !newest.settled;
      if (!this.group.blocking && !isBehind && this.bytes + entry.bytes <= WAITING_BYTES) {
        entry.settled = true;
        entry.taken = true;
      }
    }
    this.queue.push(entry);
    this.bytes += entry.bytes;
    // What waits before it has woken the host, or waits for room.
    if (newest === undefined || !entry.settled) this.group.port?.wake(() => this.newest === undefined);
    return entry;
  }

  /** Resolves with whether somebody has taken the packet. */
  answer(entry: Entry): Promise<boolean> {
    if (entry.settled) return this.fairness.isDue() ? this.fairness.later(entry.taken) : Promise.resolve(entry.taken);
    const promise = new Promise<boolean>((resolve, reject) => {
      entry.resolve = resolve;
      entry.reject = reject;
    });
    // Who awaits it sees the rejection; a push that nobody awaits must not end the process: close() rejects as well.
    promise.catch(() => {});
    return promise;
  }

  /** The run is over, or never began: everything pending is answered. */
  end(failure: Error | undefined): void {
    this.failure = failure;
    this.close(failure ?? false);
  }

  // --- the graph's side ---------------------------------------------------------------------------------------------

  private makeModule(): AppPortModule {
    const outside: AppPort = this.makeOutside();
    const module: Module = {
      init: (ctx: ModuleContext) => {
        this.stopping = () => ctx.stopping;
        this.aborted = () => ctx.signal.aborted;
      },
      process: (task: Task) => this.send(task),
      // Of an aborted graph the reason is not known here yet: what is pending is answered by `end`.
      close: () => this.close(this.aborted() && !this.stopping() ? undefined : false),
    };
    return Object.assign(module, { [APP_PORT]: outside });
  }

  private makeOutside(): AppPort {
    const feed = this;
    return {
      get due(): boolean {
        return feed.head < feed.queue.length;
      },
      get leaving(): boolean {
        return false;
      },
      get free(): boolean {
        const { group } = feed;
        return (feed.sources > 0 && !group.blocking) || !group.userWaits;
      },
      onRoom: () => this.settleSent(true),
    };
  }

  private send(task: Task): void {
    const sent = this.takeNext();
    const [entry] = sent;
    if (entry === undefined) return;
    this.sent = sent;
    if (entry.packet.isEof) task.done();
    else if (entry.piece === undefined) task.output(0).push(entry.packet);
    else task.output(0).push(join(sent.map(({ piece }) => piece!)));
  }

  /** What goes next as one packet: the first that waits, or pieces of it and those behind it. */
  private takeNext(): Entry[] {
    const next: Entry[] = [];
    let bytes = 0;
    for (let entry = this.queue[this.head]; entry !== undefined; entry = this.queue[this.head]) {
      if (next.length > 0 && (entry.piece === undefined || bytes >= WAITING_BYTES)) break;
      next.push(entry);
      bytes += entry.bytes;
      queued.delete(entry.packet);
      this.head++;
      if (entry.piece === undefined) break;
    }
    if (this.head === this.queue.length || this.head >= 1024) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
    this.bytes -= bytes;
    return next;
  }

  private settleSent(taken: boolean): void {
    const { sent } = this;
    if (sent.length === 0) return;
    this.sent = [];
    for (const entry of sent) this.settle(entry, taken);
  }

  private settle(entry: Entry, outcome: boolean | Error): void {
    if (entry.settled) return;
    entry.settled = true;
    entry.taken = outcome === true;
    if (entry.resolve === undefined) return;
    if (this.group.all.length > 1) this.group.answering.begin();
    if (typeof outcome === 'boolean') entry.resolve(outcome);
    else entry.reject?.(outcome);
  }

  /** @param outcome what pending pushes are told; undefined: nothing yet. */
  private close(outcome: false | Error | undefined): void {
    this.shut = true;
    for (const { packet } of this.queue.slice(this.head)) packet.close();
    if (outcome === undefined) return;
    const { sent } = this;
    this.sent = [];
    // Its end, or its last packet, has been taken: the node is closed only then.
    for (const entry of sent) this.settle(entry, outcome === false ? true : outcome);
    for (const entry of this.queue.splice(0).slice(this.head)) this.settle(entry, outcome);
    this.head = 0;
    this.bytes = 0;
    for (const listener of this.onShut) listener(this.failure);
    this.onShut.clear();
  }

  private refuseIfFull(bytes: number): void {
    if (this.endAsked) {
      throw new MillraceError('ERR_MILLRACE_STATE', `a packet was pushed to input stream '${this.name}' after its end`);
    }
    const waiting = this.queue.length - this.head;
    if (this.shut || waiting === 0) return;
    if (waiting < QUEUE_PACKETS && this.bytes + bytes <= this.cap) return;
    throw new MillraceError(
      'ERR_MILLRACE_QUEUE_FULL',
      `input stream '${this.name}' has ${waiting} packets (about ${(this.bytes / 1e6).toFixed(1)} MB) waiting; the limits ` +
        `are ${QUEUE_PACKETS} packets and hard_cap (${(this.cap / 1e6).toFixed(1)} MB)`,
      { hint: 'Await each push, or give fillPacket { block: true }' },
    );
  }
}

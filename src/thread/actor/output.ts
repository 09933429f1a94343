/** The outputs of an actor: fan-out to the links, ownership of what is pushed, and the end of each. */
import { queueMicrotask } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../errors/errors.js';
import { type Owned, ownedIn } from '../../media/packet/owned.js';
import { Packet } from '../../media/packet/packet.js';
import { StreamInfo } from '../../media/packet/stream-info.js';
import type { OutputPort } from '../../module/contract.js';
import { requirePacket } from '../../module/door.js';
import { KeyFrameGate } from '../link/key-frame-gate.js';
import type { LinkSender } from '../link/link.js';
import type { Jobs } from './jobs.js';

interface Delivery {
  readonly packet: Packet;
  /** Each belongs to one consumer, though it may be in several packets. */
  readonly parts: readonly unknown[];
  /** Consumers that had not left when the delivery began: each is given a reference, wanted or not by then. */
  readonly takers: LinkSender[];
}

/** Who is told of what is delivered while its call goes on. */
export interface EarlyDeliveries {
  /** Nobody waits for a delivery that went wrong. */
  onError(error: unknown): void;
  /** The host may be asleep, and its own links ring no bell. */
  onDelivered(): void;
}

/**
 * What belongs to consumers now, so that it is not released with the inputs it came in: frames and packets, alone or in
 * values, other payloads that are objects, and of the rest (numbers, which may be equal) the packets themselves. Most calls
 * hand on one.
 */
class HandedOn {
  private first: unknown;
  private others: Set<unknown> | undefined;

  add(parts: readonly unknown[]): void {
    for (const part of parts) {
      if (this.first === undefined) this.first = part;
      else if (this.first !== part) {
        this.others ??= new Set();
        this.others.add(part);
      }
    }
  }

  /** Closes what of a packet was not handed on. */
  releaseRest(packet: Packet): void {
    if (packet.closed) return; // by the module, with all that belongs to it
    if (this.first === undefined) {
      packet.close();
      return;
    }
    const parts = partsOf(packet);
    const rest = parts.filter((part) => part !== this.first && this.others?.has(part) !== true);
    if (rest.length === parts.length) packet.close();
    else for (const part of rest) (part as Owned).close();
  }

  clear(): void {
    this.first = undefined;
    this.others = undefined;
  }
}

/** What has one owner each; a packet of which this is more than itself, or less, may be taken apart. */
function partsOf(packet: Packet): readonly unknown[] {
  const { payload } = packet;
  if (typeof payload !== 'object' || payload === null) return [packet];
  const owned = ownedIn(payload);
  return owned.length > 0 ? owned : [payload];
}

/**
 * What the call in progress has pushed. It is delivered when the call returns (asynchronous calls: when they next wait
 * for something), because only then is it known who gets a payload: the same one may be pushed to several outputs, and
 * each output may have several consumers. The last of them gets the payload itself, the others clones.
 */
export class Deliveries {
  private readonly pending: { outlet: ActorOutput; packet: Packet }[] = [];
  private readonly handedOn = new HandedOn();
  private scheduled = false;
  /** The module's call has not returned: what it pushes is delivered then, or when it waits. */
  private within = false;
  /** Packets pushed so far, wanted or not: what "a call that brings nothing" is judged by. */
  pushed = 0;
  /** Of these, tickets: see parallel-copy.ts. */
  tickets = 0;
  /** Ends of outputs so far. */
  ends = 0;

  /** @param early Absent: nothing is delivered before the call returns, asynchronous ones included. */
  constructor(private readonly early?: EarlyDeliveries) {}

  add(outlet: ActorOutput, packet: Packet): void {
    const { control } = packet;
    if (control === 'eof') this.ends++;
    else if (control !== 'eos') this.pushed++;
    if (control === 'ticket') this.tickets++;
    this.pending.push({ outlet, packet });
    if (!this.within) this.deliverSoon();
  }

  /** Makes a call. What one that waits has pushed by then is delivered while it does. */
  during<T>(call: () => T): T {
    this.within = true;
    try {
      const returned = call();
      if (returned !== undefined && this.pending.length > 0) this.deliverSoon();
      return returned;
    } finally {
      this.within = false;
    }
  }

  private deliverSoon(): void {
    const { early } = this;
    if (early === undefined || this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      if (this.pending.length === 0) return; // the call has returned, and what it pushed is delivered
      try {
        this.deliver();
        early.onDelivered();
      } catch (error) {
        early.onError(error);
      }
    });
  }

  /**
   * Hands everything to the links.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for a payload that cannot cross threads; what was not handed on by then is
   * released.
   */
  deliver(): void {
    if (this.pending.length === 0) return;
    if (this.pending.length === 1 && this.handOne(this.pending[0]!)) return;
    const uses = new Map<unknown, number>();
    const batch: Delivery[] = [];
    for (const { outlet, packet } of this.pending.splice(0)) {
      const takers: LinkSender[] = [];
      for (const link of outlet.links) if (!link.left) takers.push(link);
      const parts = packet.control === 'eof' ? [] : sharedParts(packet);
      for (const part of parts) uses.set(part, (uses.get(part) ?? 0) + takers.length);
      batch.push({ packet, parts, takers });
    }
    const given = new Set<unknown>();
    const failures: unknown[] = [];
    for (const delivery of batch) {
      // An end is handed on in any case: nobody would send it again.
      if (failures.length > 0 && delivery.packet.control !== 'eof') continue;
      try {
        this.hand(delivery, uses, given);
      } catch (error) {
        failures.push(error);
      }
    }
    for (const { packet, parts } of batch) {
      let rest = 0;
      for (const part of parts) if (!given.has(part)) rest++;
      if (rest === parts.length) packet.close();
      else if (rest > 0) for (const part of parts) if (!given.has(part)) (part as Owned).close();
    }
    if (failures.length > 0) throw failures[0];
  }

  /** The call has settled: releases the inputs that were not handed on. */
  settle(inputs: Iterable<Packet[]>): void {
    for (const packets of inputs) {
      for (const packet of packets) this.handedOn.releaseRest(packet);
    }
    this.handedOn.clear();
  }

  /** The call has failed: nothing of it is delivered. An output that has ended in it has not. */
  discard(): void {
    for (const { outlet, packet } of this.pending.splice(0)) {
      if (packet.isEof) outlet.reopen();
      packet.close();
    }
  }

  /** Most calls push one packet for one consumer: it is theirs, whatever else there is. @returns false if that is not so. */
  private handOne({ outlet, packet }: { outlet: ActorOutput; packet: Packet }): boolean {
    const [link] = outlet.links;
    if (link === undefined || link.left || outlet.links.length > 1) return false;
    this.pending.pop();
    this.handedOn.add(partsOf(packet));
    link.offer(packet);
    return true;
  }

  /** @param given what has been handed over itself, and not as a clone. */
  private hand({ packet, parts, takers }: Delivery, uses: Map<unknown, number>, given: Set<unknown>): void {
    if (packet.control === 'eof') {
      offerEnds(takers);
      return;
    }
    const { payload } = packet;
    const isObject = typeof payload === 'object' && payload !== null;
    if (takers.length > 0) this.handedOn.add(isObject ? parts : [packet]);
    for (const link of takers) {
      let isLast = true;
      for (const part of parts) {
        const left = uses.get(part)! - 1;
        uses.set(part, left);
        if (left > 0) isLast = false;
      }
      if (!isLast) {
        link.offer(packet.clone());
        continue;
      }
      for (const part of parts) given.add(part);
      link.offer(packet);
    }
  }
}

/** As `partsOf`, but values that are no objects are shared by all packets that have them. */
function sharedParts({ payload }: Packet): readonly unknown[] {
  const owned = ownedIn(payload);
  return owned.length > 0 ? owned : [payload];
}

/** A link that fails in moving what it was given before has taken the end nevertheless, and so have to the others. */
function offerEnds(takers: readonly LinkSender[]): void {
  const failures: unknown[] = [];
  for (const link of takers) {
    try {
      link.offer(Packet.eof());
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

export class ActorOutput implements OutputPort {
  ended = false;
  /** What the encoded packets of the stream are, if they are such and said so: whoever joins has to know. */
  private info: StreamInfo | undefined;

  constructor(
    readonly id: number,
    readonly links: LinkSender[],
    private readonly deliveries: Deliveries,
    private readonly where: string,
    /** Of a node that serves them. */
    private readonly jobs?: Jobs,
  ) {}

  push(packet: Packet): void {
    requirePacket(packet, this.id);
    if (packet.control === 'eof') {
      this.end();
      return;
    }
    if (this.ended) {
      packet.close();
      throw new MillraceError(
        'ERR_MILLRACE_STATE',
        `${this.where}: a packet was pushed to output ${this.id} after its end`,
      );
    }
    if (packet.payload instanceof StreamInfo) this.info = packet.payload;
    this.deliveries.add(this, packet);
  }

  /**
   * A further consumer, who gets all that is handed on from now on; of an encoded stream first what it is, and of video
   * everything from a key frame on.
   * @returns false if the stream has ended: then that is all it gets.
   */
  attach(link: LinkSender, hasEnded: boolean): boolean {
    if (this.ended || hasEnded) {
      link.offer(Packet.eof());
      this.links.push(link);
      return false;
    }
    const { info } = this;
    this.links.push(info?.kind === 'video' ? new KeyFrameGate(link) : link);
    if (info !== undefined) link.offer(new Packet(info));
    return true;
  }

  get closed(): boolean {
    return this.ended || this.unwanted;
  }

  get room(): number {
    let room = Number.POSITIVE_INFINITY;
    for (const link of this.links) if (!link.left) room = Math.min(room, link.room);
    return room;
  }

  /** Nobody is connected, or all consumers have left: for good, or this job. */
  get unwanted(): boolean {
    if (this.jobs === undefined) return this.abandoned;
    const job = this.jobs.number;
    for (const link of this.links) if (!link.left && link.leftJob < job) return false;
    return true;
  }

  /** All consumers have left for good. */
  get abandoned(): boolean {
    for (const link of this.links) if (!link.left) return false;
    return true;
  }

  /** End of stream, once, behind the last packet. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.deliveries.add(this, Packet.eof());
  }

  /** No further job follows. @param within a job is under way. */
  endServing(within: boolean): void {
    if (within) this.end();
    this.ended = true;
    this.deliveries.add(this, Packet.eos());
  }

  /** The next job begins, or its end was taken back. */
  reopen(): void {
    this.ended = false;
  }

  /** Nothing waits any more. */
  flush(): boolean {
    let empty = true;
    for (const link of this.links) if (!link.flush()) empty = false;
    return empty;
  }

  get clear(): boolean {
    for (const link of this.links) if (!link.clear) return false;
    return true;
  }
}

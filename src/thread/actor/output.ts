/** The outputs of an actor: fan-out to the links, ownership of what is pushed, and the end of each. */
import { queueMicrotask } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../errors/errors.js';
import { Packet } from '../../media/packet/packet.js';
import type { OutputPort } from '../../module/contract.js';
import { requirePacket } from '../../module/door.js';
import type { LinkSender } from '../link/link.js';
import type { Jobs } from './jobs.js';

interface Delivery {
  readonly packet: Packet;
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
 * What belongs to consumers now, so that it is not released with the inputs it came in: payloads that are objects, and of
 * the others (numbers, which may be equal) the packets themselves. Most calls hand on one.
 */
class HandedOn {
  private first: unknown;
  private others: Set<unknown> | undefined;

  add(packet: Packet): void {
    const owned = ownedBy(packet);
    if (this.first === undefined) this.first = owned;
    else if (this.first !== owned) {
      this.others ??= new Set();
      this.others.add(owned);
    }
  }

  has(packet: Packet): boolean {
    if (this.first === undefined) return false;
    const owned = ownedBy(packet);
    return this.first === owned || this.others?.has(owned) === true;
  }

  clear(): void {
    this.first = undefined;
    this.others = undefined;
  }
}

function ownedBy(packet: Packet): unknown {
  const { payload } = packet;
  return typeof payload === 'object' && payload !== null ? payload : packet;
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
    if (packet.isEof) this.ends++;
    else if (packet.control !== 'eos') this.pushed++;
    if (packet.control === 'ticket') this.tickets++;
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
    const batch = this.pending.splice(0).map(({ outlet, packet }): Delivery => {
      const takers = outlet.links.filter((link) => !link.left);
      if (!packet.isEof) uses.set(packet.payload, (uses.get(packet.payload) ?? 0) + takers.length);
      return { packet, takers };
    });
    const undelivered = new Set(batch.map(({ packet }) => packet));
    try {
      for (const { packet, takers } of batch) this.hand(packet, takers, uses, undelivered);
    } finally {
      for (const packet of undelivered) packet.close();
    }
  }

  /** The call has settled: releases the inputs that were not handed on. */
  settle(inputs: Iterable<Packet[]>): void {
    for (const packets of inputs) {
      for (const packet of packets) {
        if (!this.handedOn.has(packet)) packet.close();
      }
    }
    this.handedOn.clear();
  }

  /** The call has failed: nothing of it is delivered. */
  discard(): void {
    for (const { packet } of this.pending.splice(0)) packet.close();
  }

  /** Most calls push one packet for one consumer: it is theirs, whatever else there is. @returns false if that is not so. */
  private handOne({ outlet, packet }: { outlet: ActorOutput; packet: Packet }): boolean {
    const [link] = outlet.links;
    if (link === undefined || link.left || outlet.links.length > 1) return false;
    this.pending.pop();
    this.handedOn.add(packet);
    link.offer(packet);
    return true;
  }

  private hand(packet: Packet, takers: LinkSender[], uses: Map<unknown, number>, undelivered: Set<Packet>): void {
    if (packet.isEof) {
      offerEnds(takers);
      return;
    }
    const { payload } = packet;
    if (uses.get(payload) === 0) return; // nobody takes it: released with what is undelivered
    this.handedOn.add(packet);
    // In other hands from here on, as the last clone or as the payload of another packet of this batch.
    undelivered.delete(packet);
    for (const [i, link] of takers.entries()) {
      const left = uses.get(payload)! - 1;
      uses.set(payload, left);
      try {
        link.offer(left > 0 ? packet.clone() : packet);
      } catch (error) {
        if (left > 0 || i < takers.length - 1) undelivered.add(packet);
        throw error;
      }
    }
  }
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

  constructor(
    readonly id: number,
    readonly links: readonly LinkSender[],
    private readonly deliveries: Deliveries,
    private readonly where: string,
    /** Of a node that serves them. */
    private readonly jobs?: Jobs,
  ) {}

  push(packet: Packet): void {
    requirePacket(packet, this.id);
    if (packet.isEof) {
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
    this.deliveries.add(this, packet);
  }

  get closed(): boolean {
    return this.ended || this.unwanted;
  }

  /** Nobody is connected, or all consumers have left: for good, or this job. */
  get unwanted(): boolean {
    const job = this.jobs?.number ?? Number.POSITIVE_INFINITY;
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

/** One output of an actor: fan-out to its links, ownership of what is pushed, and its end. */
import { MillraceError } from '../errors.js';
import { Packet } from '../media/packet.js';
import type { OutputPort } from '../module/contract.js';
import type { OutLink } from './links.js';

/**
 * Who owns the payloads of the call in progress. A payload that was pushed belongs to its consumers; the same payload
 * pushed again (on another output, or in another packet) is cloned; one that nobody wanted stays with the actor and is
 * released when the call settles, because it may still be pushed elsewhere.
 */
export class Ownership {
  private readonly handedOn = new Set<unknown>();
  private readonly unwanted: Packet[] = [];

  /** The packet to hand on: itself the first time, a clone after that. */
  claim(packet: Packet): Packet {
    const { payload } = packet;
    if (typeof payload !== 'object' || payload === null) return packet;
    if (this.handedOn.has(payload)) return packet.clone();
    this.handedOn.add(payload);
    return packet;
  }

  keep(packet: Packet): void {
    this.unwanted.push(packet);
  }

  /** Ends the call: releases its inputs and what nobody wanted, except what was handed on. */
  settle(inputs: Iterable<Packet[]>): void {
    for (const packets of inputs) for (const packet of packets) this.release(packet);
    for (const packet of this.unwanted) this.release(packet);
    this.unwanted.length = 0;
    this.handedOn.clear();
  }

  private release(packet: Packet): void {
    if (!this.handedOn.has(packet.payload)) packet.close();
  }
}

export class Outlet implements OutputPort {
  /** Packets pushed, wanted or not: what "a call that emits nothing" is judged by. */
  pushed = 0;
  ended = false;

  constructor(
    readonly id: number,
    readonly links: readonly OutLink[],
    private readonly ownership: Ownership,
    private readonly where: string,
  ) {}

  push(packet: Packet): void {
    if (packet.isEof) {
      this.end();
      return;
    }
    if (this.ended) {
      packet.close();
      throw new MillraceError('ERR_MILLRACE_STATE', `${this.where}: a packet was pushed to output ${this.id} after its end`);
    }
    this.pushed++;
    let last: OutLink | undefined;
    for (const link of this.links) {
      if (link.left) continue;
      // Every consumer but the last gets a reference of its own; which one is last is only known at the end.
      if (last !== undefined) last.offer(packet.clone());
      last = link;
    }
    if (last === undefined) this.ownership.keep(packet);
    else last.offer(this.ownership.claim(packet));
  }

  get closed(): boolean {
    return this.ended || this.unwanted;
  }

  /** Nobody is connected, or all consumers have left. */
  get unwanted(): boolean {
    for (const link of this.links) if (!link.left) return false;
    return true;
  }

  /** End of stream, once, behind the last packet. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    for (const link of this.links) if (!link.left) link.offer(Packet.eof());
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

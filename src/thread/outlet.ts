/** The outputs of an actor: fan-out to the links, ownership of what is pushed, and the end of each. */
import { MillraceError } from '../errors.js';
import { Packet } from '../media/packet.js';
import type { OutputPort } from '../module/contract.js';
import type { OutLink } from './links.js';

/**
 * What the call in progress has pushed. It is delivered when the call returns (asynchronous calls: when they next wait
 * for something), because only then is it known who gets a payload: the same one may be pushed to several outputs, and
 * each output may have several consumers. The last of them gets the payload itself, the others clones.
 */
export class Deliveries {
  private readonly pending: { outlet: Outlet; packet: Packet }[] = [];
  /** Payloads that belong to consumers now: not to be released with the inputs they came in. */
  private readonly handedOn = new Set<unknown>();
  private scheduled = false;

  /**
   * @param onError what went wrong in a delivery that no caller waits for.
   * @param wake called after such a delivery: the host may be asleep, and its own links ring no bell.
   */
  constructor(
    private readonly onError: (error: unknown) => void,
    private readonly wake: () => void,
  ) {}

  add(outlet: Outlet, packet: Packet): void {
    this.pending.push({ outlet, packet });
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => {
      this.scheduled = false;
      if (this.pending.length === 0) return; // the call has returned, and what it pushed is delivered
      try {
        this.deliver();
        this.wake();
      } catch (error) {
        this.onError(error);
      }
    });
  }

  /**
   * Hands everything to the links.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for a payload that cannot cross threads.
   */
  deliver(): void {
    if (this.pending.length === 0) return;
    const batch = this.pending.splice(0);
    const uses = new Map<unknown, number>();
    for (const { outlet, packet } of batch) {
      uses.set(packet.payload, (uses.get(packet.payload) ?? 0) + outlet.takers());
    }
    for (const { outlet, packet } of batch) {
      const { payload } = packet;
      if (uses.get(payload) === 0) {
        packet.close(); // nobody takes it
        continue;
      }
      if (typeof payload === 'object' && payload !== null) this.handedOn.add(payload);
      for (const link of outlet.links) {
        if (link.left) continue;
        const left = uses.get(payload)! - 1;
        uses.set(payload, left);
        link.offer(left > 0 ? packet.clone() : packet);
      }
    }
  }

  /** The call has settled: releases the inputs that were not handed on. */
  settle(inputs: Iterable<Packet[]>): void {
    for (const packets of inputs) {
      for (const packet of packets) if (!this.handedOn.has(packet.payload)) packet.close();
    }
    this.handedOn.clear();
  }

  /** The call has failed: nothing of it is delivered. */
  discard(): void {
    for (const { packet } of this.pending.splice(0)) packet.close();
  }
}

export class Outlet implements OutputPort {
  /** Packets pushed, wanted or not: what "a call that emits nothing" is judged by. */
  pushed = 0;
  ended = false;

  constructor(
    readonly id: number,
    readonly links: readonly OutLink[],
    private readonly deliveries: Deliveries,
    private readonly where: string,
  ) {}

  push(packet: Packet): void {
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
    this.pushed++;
    this.deliveries.add(this, packet);
  }

  get closed(): boolean {
    return this.ended || this.takers() === 0;
  }

  /** Consumers that have not left. */
  takers(): number {
    let count = 0;
    for (const link of this.links) if (!link.left) count++;
    return count;
  }

  /** End of stream, once, behind the last packet. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.deliveries.deliver();
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

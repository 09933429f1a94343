/** Packets that wait, first in, first out, and how much memory they hold. */
import type { Packet } from '../../media/packet/packet.js';
import { payloadBytes } from './record.js';

/** Places of a queue that holds little, as most do. */
const FEW = 16;

/** A circle of places: nothing is moved and nothing allocated until more wait than ever did. A relieved link can be long. */
export class PacketFifo {
  private packets = new Array<Packet | undefined>(FEW);
  private sizes: number[] = new Array<number>(FEW).fill(0);
  private head = 0;
  /** How many wait. */
  length = 0;
  /** Estimated bytes of all payloads, as they were when they came. */
  bytes = 0;

  /** @throws MillraceError ERR_MILLRACE_CLOSED for a packet whose frame was closed. */
  push(packet: Packet): void {
    const size = payloadBytes(packet.payload);
    if (this.length === this.packets.length) this.resize(this.length * 2);
    const at = (this.head + this.length++) & (this.packets.length - 1);
    this.packets[at] = packet;
    this.sizes[at] = size;
    this.bytes += size;
  }

  peek(): Packet | undefined {
    return this.length === 0 ? undefined : this.packets[this.head];
  }

  shift(): Packet | undefined {
    if (this.length === 0) return undefined;
    const { head } = this;
    const packet = this.packets[head];
    this.packets[head] = undefined;
    this.bytes -= this.sizes[head]!;
    this.head = (head + 1) & (this.packets.length - 1);
    // What a burst has needed is given back when it is over.
    if (--this.length === 0 && this.packets.length > 1024) this.resize(FEW);
    return packet;
  }

  /** @param places a power of two, not below the length. */
  private resize(places: number): void {
    const { packets, sizes, head, length } = this;
    this.packets = new Array<Packet | undefined>(places);
    this.sizes = new Array<number>(places).fill(0);
    for (let i = 0; i < length; i++) {
      const from = (head + i) & (packets.length - 1);
      this.packets[i] = packets[from];
      this.sizes[i] = sizes[from]!;
    }
    this.head = 0;
  }
}

/** Packets that wait, first in, first out, and how much memory they hold. */
import type { Packet } from '../../media/packet/packet.js';
import { payloadBytes } from './record.js';

/** Moves nothing when one is taken out: `shift` of a long array is linear, and a relieved link can be long. */
export class PacketFifo {
  private packets: (Packet | undefined)[] = [];
  private sizes: number[] = [];
  private head = 0;
  /** Estimated bytes of all payloads, as they were when they came. */
  bytes = 0;

  get length(): number {
    return this.packets.length - this.head;
  }

  /** @throws MillraceError ERR_MILLRACE_CLOSED for a packet whose frame was closed. */
  push(packet: Packet): void {
    const size = payloadBytes(packet.payload);
    this.bytes += size;
    this.packets.push(packet);
    this.sizes.push(size);
  }

  peek(): Packet | undefined {
    return this.packets[this.head];
  }

  shift(): Packet | undefined {
    if (this.head === this.packets.length) return undefined;
    const packet = this.packets[this.head];
    this.bytes -= this.sizes[this.head]!;
    this.packets[this.head++] = undefined;
    if (this.head === this.packets.length) {
      this.packets = [];
      this.sizes = [];
      this.head = 0;
    } else if (this.head >= 1024 && this.head * 2 > this.packets.length) {
      this.packets = this.packets.slice(this.head);
      this.sizes = this.sizes.slice(this.head);
      this.head = 0;
    }
    return packet;
  }
}

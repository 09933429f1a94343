/**
 * The sender of a link that joins an encoded stream in its middle: nothing of the stream passes before a packet with which
 * decoding can begin. What the stream is (its StreamInfo), and its end, pass at any time.
 */
import { AV_PKT_FLAG_KEY } from 'node-av/constants';
import { EncodedPacket } from '../../media/packet/encoded-packet.js';
import type { Packet } from '../../media/packet/packet.js';
import type { LinkSender } from './link.js';

export class KeyFrameGate implements LinkSender {
  private isOpen = false;

  constructor(private readonly link: LinkSender) {}

  offer(packet: Packet): void {
    const { payload } = packet;
    if (payload instanceof EncodedPacket && !this.isOpen) {
      this.isOpen = (payload.flags & AV_PKT_FLAG_KEY) !== 0;
      if (!this.isOpen) {
        packet.close();
        return;
      }
    }
    this.link.offer(packet);
  }

  get index(): number {
    return this.link.index;
  }
  get changes(): number {
    return this.link.changes;
  }
  get clear(): boolean {
    return this.link.clear;
  }
  get room(): number {
    return this.link.room;
  }
  get left(): boolean {
    return this.link.left;
  }
  get leftJob(): number {
    return this.link.leftJob;
  }
  get limit(): number {
    return this.link.limit;
  }
  get holdAt(): number {
    return this.link.holdAt;
  }
  get waitingPackets(): number {
    return this.link.waitingPackets;
  }
  get waitingBytes(): number {
    return this.link.waitingBytes;
  }
  flush(): boolean {
    return this.link.flush();
  }
  announce(): void {
    this.link.announce();
  }
  settled(): boolean {
    return this.link.settled();
  }
  discard(): void {
    this.link.discard();
  }
}

/** What a called module has in the place of links: what it was given, and what it has emitted. */
import type { Packet } from '../../media/packet/packet.js';
import type { ActorInput } from '../actor/jobs.js';
import type { LinkReceiver, LinkSender } from '../link/link.js';

/** What the caller has given to one input. */
export class GivenPackets implements LinkReceiver {
  readonly index = 0;
  private readonly packets: Packet[] = [];
  /** Its end was given by the caller, though it may not have been taken; or the module takes no more. */
  ended = false;

  /** What comes after the end, a second end too, is of no use to anybody. */
  give(packet: Packet): void {
    if (this.ended) {
      packet.close();
      return;
    }
    this.packets.push(packet);
    this.ended = packet.isEof;
  }

  get available(): boolean {
    return this.packets.length > 0;
  }

  get endIsNext(): boolean {
    return this.packets[0]?.isEof ?? false;
  }

  get queued(): number {
    return this.packets.length;
  }

  take(): Packet | undefined {
    return this.packets.shift();
  }

  leave(): void {
    this.ended = true;
    this.discard();
  }

  leaveJob(): void {
    this.leave();
  }

  discard(): void {
    for (const packet of this.packets.splice(0)) packet.close();
  }
}

export function givenInput(id: number, link: GivenPackets): ActorInput {
  return { id, link, serving: false, ended: false, over: false, last: false };
}

/** What the module has emitted to one output and the caller has not got; there is always room. */
export class EmittedPackets implements LinkSender {
  readonly packets: Packet[] = [];
  readonly index = 0;
  readonly changes = 0;
  readonly clear = true;
  /** Its caller decides when it goes on. */
  readonly room = 1;
  readonly left = false;
  readonly leftJob = 0;
  readonly limit = Number.POSITIVE_INFINITY;
  readonly holdAt = Number.POSITIVE_INFINITY;
  readonly waitingPackets = 0;
  readonly waitingBytes = 0;

  offer(packet: Packet): void {
    this.packets.push(packet);
  }

  flush(): boolean {
    return true;
  }

  announce(): void {}

  settled(): boolean {
    return true;
  }

  discard(): void {
    for (const packet of this.packets.splice(0)) packet.close();
  }
}

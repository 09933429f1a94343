/** The outputs of a module that is called like a function. */
import { MillraceError } from '../../errors/errors.js';
import type { Packet } from '../../media/packet/packet.js';
import type { OutputPort } from '../../module/contract.js';
import { requirePacket } from '../../module/door.js';

/** Collects what the module emits to one output. */
export class CalledOutlet implements OutputPort {
  readonly packets: Packet[] = [];
  /** Packets pushed so far. */
  pushed = 0;
  /** Payloads that were handed on in the call in progress: not to be released with its inputs. */
  handedOn = new Set<unknown>();
  private ended = false;

  constructor(
    readonly id: number,
    private readonly alias: string,
  ) {}

  push(packet: Packet): void {
    requirePacket(packet, this.id);
    if (this.ended) {
      packet.close();
      if (packet.isEof) return;
      throw new MillraceError(
        'ERR_MILLRACE_STATE',
        `${this.alias}: a packet was pushed to output ${this.id} after its end`,
      );
    }
    this.pushed++;
    if (packet.isEof) this.ended = true;
    const { payload } = packet;
    if (typeof payload !== 'object' || payload === null) {
      this.packets.push(packet);
      return;
    }
    // The same payload on two outputs, or twice on one: each gets a reference of its own.
    this.packets.push(this.handedOn.has(payload) ? packet.clone() : packet);
    this.handedOn.add(payload);
  }

  /** The call has failed: its packets are nobody's, and an end among them is still to come. */
  takeBack(): void {
    if (this.packets.some(({ isEof }) => isEof)) this.ended = false;
    for (const packet of this.packets.splice(0)) packet.close();
  }

  get closed(): boolean {
    return this.ended;
  }
}

/** An output that was not declared: nobody gets what is pushed there. */
export class Nowhere implements OutputPort {
  pushed = 0;
  readonly closed = true;

  constructor(readonly id: number) {}

  push(packet: Packet): void {
    requirePacket(packet, this.id);
    this.pushed++;
    packet.close();
  }
}

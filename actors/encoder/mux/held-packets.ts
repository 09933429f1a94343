/** Packets that came before the header could be written: as many as may wait (muxing-queue.ts), with references of their own. */
import type { Packet } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { ledger } from '../../../src/media/index.js';
import { HeaderQueue, type QueueLimits } from './muxing-queue.js';

interface Held {
  readonly input: number;
  readonly packet: Packet;
}

export class HeldPackets {
  #held: Held[] = [];
  readonly #queue: HeaderQueue;

  /** @param name of the output. */
  constructor(limits: QueueLimits, name: string) {
    this.#queue = new HeaderQueue(limits, name);
  }

  /**
   * The caller keeps the packet object.
   * @param missing Inputs of which nothing has come.
   * @throws MillraceError ERR_MILLRACE_OUTPUT when too much waits.
   */
  add(input: number, packet: Packet, missing: readonly number[]): void {
    this.#queue.add(input, packet.size, missing);
    const kept = packet.clone();
    if (kept === null) throw new MillraceError('ERR_MILLRACE_FFMPEG', 'Cannot keep a packet: out of memory');
    ledger.opened('held-packet');
    this.#held.push({ input, packet: kept });
  }

  /** All of them, in the order in which they came. They are released when the caller is through with them. */
  *take(): Generator<Held, void, undefined> {
    const held = this.#held.splice(0);
    try {
      yield* held;
    } finally {
      for (const { packet } of held) free(packet);
    }
  }

  release(): void {
    for (const { packet } of this.#held.splice(0)) free(packet);
  }
}

function free(packet: Packet): void {
  packet.free();
  ledger.closed('held-packet');
}

/** The part of a run that the calling thread hosts, which may end, and begin once more with nodes that come to the graph. */
import { queueMicrotask } from '../../../ringbuffer/clock.js';
import type { Doorbell } from '../../../ringbuffer/index.js';
import { unpackError } from '../../errors/wire.js';
import type { FromHost, Order, PartitionSpec, ToHost } from '../../thread/protocol.js';
import { LocalSide } from './local-host.js';

export interface LocalEvents {
  message(message: FromHost, reply: (message: ToHost) => void): void;
  /** Its host has failed, which is a mistake of ours. */
  died(thread: number, error: unknown): void;
}

export class LocalPart {
  /** From its start on. */
  side: LocalSide | undefined;

  constructor(private readonly events: LocalEvents) {}

  start(spec: PartitionSpec, bell: Doorbell): void {
    // One that has ended before.
    this.side?.quit();
    this.side = new LocalSide(spec, bell, (message) => {
      // Not within the actors' call: a listener that throws must not end up in a module's stack.
      queueMicrotask(() => this.events.message(message, (reply) => this.reply(reply)));
    });
    this.side.run().catch((error: unknown) => this.events.died(spec.thread, error));
  }

  obey(order: Order): void {
    this.side?.part.obey(order);
  }

  quit(): void {
    this.side?.quit();
  }

  private reply(message: ToHost): void {
    if (message.type !== 'callback-result') return;
    const value = message.ok ? message.value : unpackError(message.value as Parameters<typeof unpackError>[0]);
    this.side?.part.callbackResult(message.call, message.ok, value);
  }
}

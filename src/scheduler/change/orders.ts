/** Orders to the threads of a run, and their answers: how a graph is changed while it runs. */
import type { Transferable } from 'node:worker_threads';
import { MillraceError } from '../../errors/errors.js';
import { type ErrorWire, unpackError } from '../../errors/wire.js';
import type { Order } from '../../thread/protocol.js';

interface Sent {
  readonly thread: number;
  resolve(ended: number[]): void;
  reject(error: Error): void;
}

type Unnumbered<T> = T extends Order ? Omit<T, 'order'> : never;

/**
 * Every order is answered: by its thread when it is in effect or was refused, by the end of the thread's part, or by the end
 * of the run. A part that ends answers what it has got before it says so; what comes later finds no part, and is answered
 * here.
 */
export class Orders {
  private last = 0;
  private readonly sent = new Map<number, Sent>();
  /** Threads whose part has ended. */
  private readonly ended = new Set<number>();
  private over: Error | undefined;

  /** @param post hands an order to a thread. */
  constructor(private readonly post: (thread: number, order: Order, transfer: Transferable[]) => void) {}

  /** Resolves when it is in effect, for a `join` with the links whose producers have ended. @throws what it was refused for; MillraceError ERR_MILLRACE_CLOSED when it came too late. */
  send(thread: number, order: Unnumbered<Order>, transfer: Transferable[] = []): Promise<number[]> {
    if (this.over) return Promise.reject(this.over);
    if (this.ended.has(thread)) return Promise.reject(tooLate());
    const number = ++this.last;
    return new Promise<number[]>((resolve, reject) => {
      this.sent.set(number, { thread, resolve, reject });
      this.post(thread, { ...order, order: number }, transfer);
    });
  }

  answered(number: number, error: ErrorWire | undefined, ended: number[] = []): void {
    const sent = this.sent.get(number);
    this.sent.delete(number);
    if (error === undefined) sent?.resolve(ended);
    else sent?.reject(unpackError(error));
  }

  /** The part of a thread has ended. */
  threadEnded(thread: number): void {
    this.ended.add(thread);
    for (const [number, sent] of this.sent) {
      if (sent.thread !== thread) continue;
      this.sent.delete(number);
      sent.reject(tooLate());
    }
  }

  isOpen(thread: number): boolean {
    return this.over === undefined && !this.ended.has(thread);
  }

  /** The run is over. @param failure what it failed of. */
  end(failure: Error | undefined): void {
    this.over = failure ?? tooLate('the graph has ended');
    for (const { reject } of this.sent.values()) reject(this.over);
    this.sent.clear();
  }
}

function tooLate(message = 'the node has ended, and so has its thread'): MillraceError {
  return new MillraceError('ERR_MILLRACE_CLOSED', message);
}

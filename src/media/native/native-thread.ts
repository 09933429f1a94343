/**
 * A thread of an actor's own for native calls that wait (native-wait.ts), as the actor sees it: messages go to it and
 * come from it, and nothing here blocks. Its slot of the table of native waits lets anybody make it leave its calls,
 * and it may have only so many bytes of output under way.
 */

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { clearTimeout, setTimeout, type Timer } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../errors/errors.js';
import { startLog } from '../log/start.js';
import { blockingDeadline } from './blocking.js';
import { NativeWait, nativeWaits } from './native-wait.js';

/** What every thread of this kind is given. */
export interface ThreadLink {
  readonly waits: SharedArrayBuffer;
  readonly slot: number;
  readonly claim: number;
  readonly port: MessagePort;
}

/** Longest time in ms that a thread which is to end holds up its actor: what does not return ends when it can. */
const END_WITHIN = 1500;

export class NativeThread<To, From> {
  readonly wait: NativeWait;
  readonly #name: string;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #exited: Promise<void>;
  readonly #receive: (message: From) => void;
  #gone = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /**
   * @param entry File of the thread.
   * @param data What it is given beside its ThreadLink.
   * @param receive Gets what it says, before whoever waits in `changed` goes on.
   */
  constructor(entry: URL, name: string, data: object, receive: (message: From) => void) {
    this.#name = name;
    this.#receive = receive;
    // The thread finds the log only if that was there before.
    startLog();
    this.wait = NativeWait.claim();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const { slot, claim } = this.wait;
    const link: ThreadLink = { waits: nativeWaits(), slot, claim, port: port2 };
    try {
      this.#worker = new Worker(entry, {
        ...{ workerData: { ...data, ...link }, transferList: [port2], name },
        // A descriptor that is handed to a socket is closed by that; Node would close the number once more, whoever has it then.
        trackUnmanagedFds: false,
      });
    } catch (cause) {
      // Whoever ends this thread would wait for it.
      this.wait.leave();
      port1.close();
      throw cause;
    }
    this.#worker.on('error', (error: Error) => {
      this.#failure ??= error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#gone = true;
        // A thread that dies of an error of its own has said nothing.
        this.wait.leave();
        this.#wake?.();
        resolve();
      });
    });
    port1.on('message', (message: From) => this.#deliver(message));
    // A graph keeps its process alive by itself.
    port1.unref();
    this.#worker.unref();
  }

  #deliver(message: From): void {
    this.#receive(message);
    this.#wake?.();
  }

  /** It has ended. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Why a thread that has ended without a word did so. */
  get died(): MillraceError {
    const why = this.#failure?.message ?? 'it was ended from outside';
    return new MillraceError('ERR_MILLRACE_WORKER_DIED', `The thread '${this.#name}' died: ${why}`, {
      cause: this.#failure,
    });
  }

  post(message: To, transfer: ArrayBuffer[] = []): void {
    if (this.#gone) return;
    this.#port.postMessage(message, transfer);
    this.wait.ring();
  }

  /** Takes in what has arrived since this thread's event loop had its last turn. */
  drain(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: From } | undefined;
      if (received === undefined) return;
      this.#deliver(received.message);
    }
  }

  /**
   * Resolves when it has said something more, when it has ended, when the signal ends the waiting, or after so many ms.
   */
  async changed(signal: AbortSignal, milliseconds?: number): Promise<void> {
    if (this.#gone || signal.aborted) return;
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal.addEventListener('abort', this.#wake);
      if (milliseconds !== undefined) timer = setTimeout(resolve, milliseconds);
    }).finally(() => {
      clearTimeout(timer);
      if (this.#wake) signal.removeEventListener('abort', this.#wake);
      this.#wake = undefined;
    });
  }

  /** Ends the thread, wherever it is; blocks instead within a call that does. */
  close(): void | Promise<void> {
    this.wait.stop();
    if (blockingDeadline() === undefined) return this.#end();
    // It ends by itself from here on.
    this.wait.awaitLeave(END_WITHIN);
    this.#port.close();
  }

  async #end(): Promise<void> {
    // An unreferenced worker would let this thread's event loop end before the exit is told.
    this.#worker.ref();
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, END_WITHIN);
    });
    await Promise.race([this.#exited, late]);
    clearTimeout(timer);
    this.#worker.unref();
    this.#port.close();
  }
}

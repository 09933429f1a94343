/**
 * The demuxing thread as its decoder sees it: bytes go in, what FFmpeg makes of them comes out. Nothing here blocks.
 * The decoder feeds again only when the thread has used up everything and asked for more, so no more bytes are under
 * way than it was given with one call, and no more packets than `OUTPUT_LIMIT`.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { MillraceError } from '../../src/errors.js';
import { NativeWait, nativeWaits } from '../../src/media/native-wait.js';
import { type DemuxerData, type FromDemuxer, type ToDemuxer, weight } from './demux-protocol.js';

const DEMUXER = new URL('./demuxer.js', import.meta.url);

/** What the demuxing thread has to know of the decoder. */
export type DemuxerOptions = Omit<DemuxerData, 'waits' | 'slot' | 'claim' | 'port'>;

export class ByteSource {
  readonly #wait: NativeWait;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #exited: Promise<void>;
  readonly #events: FromDemuxer[] = [];
  #fed = 0;
  #used = 0;
  #over = false;
  /** The end has been sent. */
  #ended = false;
  /** What comes before the end of the last stream concerns nobody. */
  #passing = false;
  #gone = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(options: DemuxerOptions) {
    this.#wait = NativeWait.claim();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const { slot, claim } = this.#wait;
    const data: DemuxerData = { ...options, waits: nativeWaits(), slot, claim, port: port2 };
    try {
      this.#worker = new Worker(DEMUXER, { workerData: data, transferList: [port2], name: 'millrace demuxer' });
    } catch (cause) {
      // Whoever ends this thread would wait for it.
      this.#wait.leave();
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
        this.#wait.leave();
        this.#wake?.();
        resolve();
      });
    });
    port1.on('message', (message: FromDemuxer) => this.#receive(message));
    // A graph keeps its process alive by itself.
    port1.unref();
    this.#worker.unref();
  }

  #receive(message: FromDemuxer): void {
    if (message.type === 'hungry') this.#used = message.fed;
    else if (this.#passing) this.#pass(message);
    else this.#events.push(message);
    this.#wake?.();
  }

  /** Everything that was fed has been used, and everything that came of it has been taken. */
  get idle(): boolean {
    return this.#events.length === 0 && !this.#passing && (this.#over || this.#used === this.#fed);
  }

  /** Bytes of the current file. The memory may be used again after the call. */
  feed(bytes: Uint8Array): void {
    // Posting a view would copy all of the memory it is a view of, a whole file perhaps, and share memory that is shared.
    const own = new Uint8Array(bytes);
    this.#post(own, [own.buffer]);
  }

  /** The file has ended; another one may follow. */
  endFile(): void {
    this.#post('end-of-file');
  }

  /** Nothing follows. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#post('end');
  }

  /** Another stream follows, from its beginning; nothing more is told of the one before. */
  renew(): void {
    this.end();
    this.#passing = !this.#over;
    this.#ended = false;
    this.#over = false;
    for (const event of this.#events.splice(0)) this.#pass(event);
  }

  #pass(event: FromDemuxer): void {
    if (event.type === 'packet') this.#wait.take(weight(event.parts));
    else if (event.type === 'end') this.#passing = false;
  }

  #post(message: ToDemuxer, transfer: ArrayBuffer[] = []): void {
    if (this.#gone) return;
    this.#fed++;
    this.#port.postMessage(message, transfer);
    this.#wait.ring();
  }

  /**
   * What the thread has said next; undefined if there is nothing yet.
   * @throws MillraceError ERR_MILLRACE_WORKER_DIED if the thread has died.
   */
  next(): FromDemuxer | undefined {
    if (this.#events.length === 0) this.#drain();
    const event = this.#events.shift();
    if (event?.type === 'packet') this.#wait.take(weight(event.parts));
    if (event?.type === 'end') this.#over = true;
    if (event === undefined && this.#gone && !this.#over) {
      const why = this.#failure?.message ?? 'it was ended from outside';
      throw new MillraceError('ERR_MILLRACE_WORKER_DIED', `The demuxing thread died: ${why}`, { cause: this.#failure });
    }
    return event;
  }

  /** What has arrived since this thread's event loop had its last turn. */
  #drain(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: FromDemuxer } | undefined;
      if (received === undefined) return;
      this.#receive(received.message);
    }
  }

  /** Resolves when there is something new to look at, or when the signal ends the waiting. */
  async changed(signal: AbortSignal): Promise<void> {
    this.#drain();
    if (this.#events.length > 0 || this.#gone || this.idle || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal.addEventListener('abort', this.#wake);
    }).finally(() => {
      if (this.#wake) signal.removeEventListener('abort', this.#wake);
      this.#wake = undefined;
    });
  }

  /** Ends the thread, wherever it is. */
  async close(): Promise<void> {
    this.#wait.stop();
    // An unreferenced worker would let this thread's event loop end before the exit is told.
    this.#worker.ref();
    await this.#exited;
    this.#port.close();
  }
}

/**
 * The demuxing thread as its decoder sees it: bytes go in, what FFmpeg makes of them comes out. Nothing here blocks.
 * The decoder feeds again only when the thread has used up everything and asked for more, so no more bytes are under
 * way than it was given with one call, and no more packets than `OUTPUT_LIMIT`.
 */

import { ownFile } from '../../../src/errors/own-file.js';
import type { FilePlace } from '../../../src/media/bytes/file-payload.js';
import { NativeThread, type ThreadLink } from '../../../src/media/native/native-thread.js';
import { type DemuxerData, type FromDemuxer, type ToDemuxer, weight } from './protocol.js';

/** What the demuxing thread has to know of the decoder. */
export type DemuxerOptions = Omit<DemuxerData, keyof ThreadLink>;

export class ByteSource {
  readonly #thread: NativeThread<ToDemuxer, FromDemuxer>;
  readonly #events: FromDemuxer[] = [];
  #fed = 0;
  #used = 0;
  #over = false;
  /** The end has been sent. */
  #ended = false;
  /** What comes before the end of the last stream concerns nobody. */
  #passing = false;

  constructor(options: DemuxerOptions) {
    const file = ownFile('./demuxer.js', import.meta.url);
    this.#thread = new NativeThread(file, 'millrace demuxer', options, (message) => this.#receive(message));
  }

  #receive(message: FromDemuxer): void {
    if (message.type === 'hungry') this.#used = message.fed;
    else if (this.#passing) this.#pass(message);
    else this.#events.push(message);
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

  /** A file that is read from anywhere in it, behind what came before. */
  feedFile(place: FilePlace): void {
    this.#post(place);
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
    this.#post('leave');
    this.#passing = !this.#over;
    this.#ended = false;
    this.#over = false;
    for (const event of this.#events.splice(0)) this.#pass(event);
  }

  #pass(event: FromDemuxer): void {
    if (event.type === 'packet') this.#thread.wait.take(weight(event.parts));
    else if (event.type === 'end') this.#passing = false;
  }

  #post(message: ToDemuxer, transfer: ArrayBuffer[] = []): void {
    if (this.#thread.gone) return;
    this.#fed++;
    this.#thread.post(message, transfer);
  }

  /**
   * What the thread has said next; undefined if there is nothing yet.
   * @throws MillraceError ERR_MILLRACE_WORKER_DIED if the thread has died.
   */
  next(): FromDemuxer | undefined {
    if (this.#events.length === 0) this.#thread.drain();
    const event = this.#events.shift();
    if (event?.type === 'packet') this.#thread.wait.take(weight(event.parts));
    if (event?.type === 'end') this.#over = true;
    if (event === undefined && this.#thread.gone && !this.#over) throw this.#thread.died;
    return event;
  }

  /** Resolves when there is something new to look at, or when the signal ends the waiting. */
  async changed(signal: AbortSignal): Promise<void> {
    this.#thread.drain();
    if (this.#events.length > 0 || this.idle) return;
    await this.#thread.changed(signal);
  }

  /** Ends the thread, wherever it is. */
  close(): void | Promise<void> {
    return this.#thread.close();
  }
}

/**
 * A file behind a URL, to a decoder that is fed files one after the other: a thread of its own reads it, as one that a
 * decoder names in its options (network/reader.ts), and what that says is put as the demuxing thread would.
 */
import { ownFile } from '../../../src/errors/own-file.js';
import { NativeThread, type ThreadLink } from '../../../src/media/native/native-thread.js';
import type { FromReader, ReaderData, ToReader } from '../network/protocol.js';
import { type FromDemuxer, weight } from './protocol.js';

export type DistantFileOptions = Omit<ReaderData, keyof ThreadLink | 'probes' | 'source'>;

export class DistantFile {
  readonly #thread: NativeThread<ToReader, FromReader>;
  readonly #events: FromReader[] = [];
  #over = false;

  /** @param warn Told if it has to wait for other inputs and outputs. */
  constructor(options: DistantFileOptions, warn: (limit: number) => void) {
    const file = ownFile('./network-reader.js', import.meta.url);
    this.#thread = new NativeThread(file, 'millrace reader', options, (message) => {
      if (message.type === 'crowd') warn(message.limit);
      else this.#events.push(message);
    });
  }

  /** @throws MillraceError ERR_MILLRACE_WORKER_DIED if its thread has died. */
  next(): FromDemuxer | undefined {
    if (this.#events.length === 0) this.#thread.drain();
    const event = this.#events.shift();
    if (event === undefined && this.#thread.gone && !this.#over) throw this.#thread.died;
    switch (event?.type) {
      case 'file':
        // Nothing is read before it is said what of.
        this.#thread.post({
          type: 'keep',
          streams: event.facts.chosen.map(({ stream }) => stream.index),
          connection: event.connection?.number,
        });
        return { type: 'file', facts: event.facts };
      case 'packet':
        this.#thread.wait.take(weight(event.parts));
        return { type: 'packet', meta: event.meta, parts: event.parts };
      case 'end':
      case 'failed':
        this.#over = true;
        return { type: 'file-end', ...(event.type === 'failed' && { error: event.error }) };
      default:
        return undefined;
    }
  }

  async changed(signal: AbortSignal): Promise<void> {
    this.#thread.drain();
    if (this.#events.length === 0) await this.#thread.changed(signal);
  }

  close(): void | Promise<void> {
    return this.#thread.close();
  }
}

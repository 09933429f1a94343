/** A thread that looks into a file or bytes, as whoever asked for it sees it: nothing here blocks. */
import { MillraceError } from '../../src/errors/errors.js';
import { describeValue } from '../../src/errors/naming.js';
import { ownFile } from '../../src/errors/own-file.js';
import { messageOf, unpackError } from '../../src/errors/wire.js';
import { NativeThread } from '../../src/media/native/native-thread.js';
import type { FromReader, ReaderData, ToReader } from '../decoder/network/protocol.js';
import type { MediaInfo } from '../shared/media-info.js';
import type { OpenSource } from './sources.js';

export class Looking {
  readonly #thread: NativeThread<ToReader, FromReader>;
  readonly #source: OpenSource | undefined;
  readonly #signal: AbortSignal;
  #outcome: { readonly info: MediaInfo } | { readonly error: unknown } | undefined;

  /** @param signal Ends what is read of the source. */
  constructor(input: ReaderData['input'], source: OpenSource | undefined, signal: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
    const file = ownFile('./network-reader.js', import.meta.url);
    const data = { input, probes: 'near', source: source && { size: source.size } };
    this.#thread = new NativeThread(file, 'millrace probe', data, (message) => this.#receive(message));
  }

  #receive(message: FromReader): void {
    if (message.type === 'info') this.#outcome ??= message;
    else if (message.type === 'failed') this.#outcome ??= { error: unpackError(message.error) };
    else if (message.type === 'want') void this.#serve(message.offset, message.length);
  }

  async #serve(offset: number, length: number): Promise<void> {
    const source = this.#source!;
    try {
      const bytes: unknown = await source.read(offset, length, this.#signal);
      if (!(bytes instanceof Uint8Array)) {
        throw new MillraceError('ERR_MILLRACE_PAYLOAD', `it gave ${describeValue(bytes)} instead of a Uint8Array`);
      }
      const own = new Uint8Array(bytes.subarray(0, length));
      this.#thread.post({ type: 'bytes', bytes: own }, [own.buffer]);
    } catch (cause) {
      const what = `Cannot read ${source.name}: ${messageOf(cause)}`;
      this.#outcome ??= { error: new MillraceError('ERR_MILLRACE_INPUT', what, { cause }) };
      // What waits for the bytes is woken by it.
      void this.#thread.close();
    }
  }

  /** @throws MillraceError what it failed of, or ERR_MILLRACE_ABORTED. */
  async info(): Promise<MediaInfo> {
    for (;;) {
      this.#thread.drain();
      if (this.#outcome && 'info' in this.#outcome) return this.#outcome.info;
      if (this.#outcome) throw this.#outcome.error;
      if (this.#signal.aborted) throw new MillraceError('ERR_MILLRACE_ABORTED', 'it is not looked into any further');
      if (this.#thread.gone) throw this.#thread.died;
      await this.#thread.changed(this.#signal);
    }
  }

  close(): void | Promise<void> {
    return this.#thread.close();
  }
}

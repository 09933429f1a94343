/** A thread that looks into a file or bytes, as whoever asked for it sees it: nothing here blocks. */
import { MillraceError } from '../../src/errors/errors.js';
import { ownFile } from '../../src/errors/own-file.js';
import { unpackError } from '../../src/errors/wire.js';
import type { ServedSource } from '../../src/media/bytes/served.js';
import { NativeThread } from '../../src/media/native/native-thread.js';
import type { FromReader, ReaderData, ToReader } from '../decoder/network/protocol.js';
import type { MediaInfo } from '../shared/media-info.js';

export class Looking {
  readonly #thread: NativeThread<ToReader, FromReader>;
  readonly #source: ServedSource | undefined;
  readonly #signal: AbortSignal;
  #outcome: { readonly info: MediaInfo } | { readonly error: unknown } | undefined;

  /**
   * @param signal Ends the waiting for it.
   * @param limit ms that one step may take where somebody else decides when bytes come; undefined: for ever.
   */
  constructor(
    input: ReaderData['input'],
    source: ServedSource | undefined,
    signal: AbortSignal,
    limit: number | undefined,
  ) {
    this.#source = source;
    this.#signal = signal;
    const file = ownFile('./network-reader.js', import.meta.url);
    const data = { input, limit, probes: 'near', source: source?.ref };
    this.#thread = new NativeThread(file, 'millrace probe', data, (message) => this.#receive(message));
  }

  #receive(message: FromReader): void {
    if (message.type === 'info') this.#outcome ??= message;
    // What the source has thrown is told as it was thrown.
    else if (message.type === 'failed')
      this.#outcome ??= { error: this.#source?.failure ?? unpackError(message.error) };
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

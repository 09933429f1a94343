/**
 * A source of the program's, on the thread of the program: answers the questions of whoever reads it from another thread
 * (source-reader.ts), in their order, the next one when the one before has come. Several readers of one object of the
 * program take turns. It is closed when nobody uses it any more.
 *
 * Every wait here ends with the reader: one that leaves says so, and its question is then as good as answered, whatever
 * the program makes of the signal.
 */
import { AsyncResource } from 'node:async_hooks';
import { BroadcastChannel } from 'node:worker_threads';
import { clearTimeout, setTimeout, type Timer } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { messageOf, packError } from '../../errors/wire.js';
import { NativeWait } from '../native/native-wait.js';
import { uniqueName } from '../unique.js';
import { type Asked, type FromSource, isSourceRef, readerId, type SourceRef, type ToSource } from './ref.js';
import type { OpenSource } from './source.js';

/** What all that use one object of the program have in common. */
interface Shared {
  users: number;
  /** Settles when the last question so far has been answered. */
  turn: Promise<void>;
}

const serving = new WeakMap<SourceRef, ServedSource>();

/** Those to which these options refer. */
export function servedIn(options: Readonly<Record<string, unknown>>): ServedSource[] {
  const served = isSourceRef(options.input) ? serving.get(options.input) : undefined;
  return served ? [served] : [];
}

const sharing = new WeakMap<object, Shared>();

export class ServedSource {
  readonly ref: SourceRef;
  /** What reading it failed of, with the cause as it was thrown. */
  failure: MillraceError | undefined;
  readonly #source: OpenSource;
  readonly #shared: Shared;
  readonly #read: OpenSource['read'];
  readonly #readers = new Map<number, AbortController>();
  #channel: BroadcastChannel | undefined;

  /**
   * @param of The object of the program's that it comes from.
   * @param shares What lies in memory is copied to where all threads find it, once; nothing has to be asked for then.
   */
  constructor(source: OpenSource, of: object, shares: boolean) {
    const { name, size, bytes } = source;
    this.#source = source;
    this.#read = AsyncResource.bind(source.read);
    this.#shared = sharing.get(of) ?? { users: 0, turn: Promise.resolve() };
    sharing.set(of, this.#shared);
    this.ref = {
      name,
      size,
      channel: uniqueName('millrace:source'),
      mark: new SharedArrayBuffer(0),
      ...(shares && bytes && { bytes: inSharedMemory(bytes) }),
    };
    serving.set(this.ref, this);
  }

  /** It is read while this thread waits for nothing else. */
  get needsThisThread(): boolean {
    return this.ref.bytes === undefined;
  }

  /** From here on it answers. Again does nothing. */
  open(): void {
    if (this.#channel) return;
    this.#shared.users++;
    this.#channel = new BroadcastChannel(this.ref.channel);
    this.#channel.unref();
    this.#channel.onmessage = (event) => this.#hear((event as { data: ToSource }).data);
  }

  /**
   * Nobody reads it any more: what it is still being asked is aborted, and the program's object is closed if this was the
   * last to use it. Before `open`, and again, it does nothing.
   * @throws MillraceError ERR_MILLRACE_INPUT for what its `close` throws.
   */
  async close(): Promise<void> {
    if (!this.#channel) return;
    this.#channel.close();
    this.#channel = undefined;
    for (const reader of this.#readers.values()) reader.abort();
    this.#readers.clear();
    if (--this.#shared.users > 0) return;
    try {
      await this.#source.close();
    } catch (cause) {
      throw new MillraceError('ERR_MILLRACE_INPUT', `Cannot close ${this.ref.name}: ${messageOf(cause)}`, { cause });
    }
  }

  #hear(message: ToSource): void {
    const id = readerId(message.reader);
    if (message.type === 'want') void this.#serve(id, message);
    else {
      this.#readers.get(id)?.abort();
      this.#readers.delete(id);
    }
  }

  async #serve(id: number, asked: Asked): Promise<void> {
    const reader = this.#readers.get(id) ?? new AbortController();
    this.#readers.set(id, reader);
    const before = this.#shared.turn;
    let over = (): void => {};
    this.#shared.turn = new Promise((resolve) => {
      over = resolve;
    });
    try {
      await before;
      if (!reader.signal.aborted) await this.#answer(asked, reader.signal);
    } finally {
      over();
    }
  }

  async #answer(asked: Asked, ends: AbortSignal): Promise<void> {
    try {
      const bytes = await this.#within(asked, ends);
      if (bytes === undefined) return;
      new Uint8Array(asked.target).set(bytes);
      this.#tell(asked, { length: bytes.length });
    } catch (cause) {
      if (ends.aborted) return;
      const what = `Cannot read ${this.ref.name}: ${messageOf(cause)}`;
      this.failure ??= new MillraceError('ERR_MILLRACE_INPUT', what, { cause });
      this.#tell(asked, { length: 0, error: packError(this.failure) });
    }
  }

  /** What the program gives, or undefined when it is not waited for any more. @throws what it throws, and in time. */
  async #within({ offset, length, limit }: Asked, ends: AbortSignal): Promise<Uint8Array | undefined> {
    let timer: Timer | undefined;
    let leave = (): void => {};
    const late = new AbortController();
    const left = new Promise<undefined>((resolve, reject) => {
      leave = () => {
        late.abort();
        resolve(undefined);
      };
      if (limit === undefined) return;
      timer = setTimeout(() => {
        late.abort();
        reject(new MillraceError('ERR_MILLRACE_INPUT', `nothing came for ${limit} ms`));
      }, limit);
    });
    ends.addEventListener('abort', leave);
    try {
      const given = await Promise.race([this.#read(offset, length, late.signal), left]);
      return given === undefined && ends.aborted ? undefined : this.#fitting(given, offset, length);
    } finally {
      ends.removeEventListener('abort', leave);
      clearTimeout(timer);
    }
  }

  #fitting(given: unknown, offset: number, length: number): Uint8Array {
    if (!(given instanceof Uint8Array)) {
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `it gave ${describeValue(given)} instead of a Uint8Array`);
    }
    // What comes one after the other comes in pieces of any size.
    const fits = this.ref.size === undefined ? given.length <= length : given.length === length;
    if (fits) return given;
    const said = this.ref.size === undefined ? `at most ${length}` : `${length}`;
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', `it gave ${given.length} bytes at ${offset} instead of ${said}`);
  }

  #tell({ reader, serial }: Asked, answer: Pick<FromSource, 'length' | 'error'>): void {
    this.#channel?.postMessage({ reader: readerId(reader), serial, ...answer } satisfies FromSource);
    NativeWait.attach(reader.waits, reader.slot, reader.claim).ring();
  }
}

function inSharedMemory(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

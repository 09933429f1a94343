/**
 * A source of the program's, as a thread reads it that sleeps meanwhile (native-wait.ts). Whoever reads asks for 64 KiB at
 * a time and jumps; the program is asked for whole blocks, one question at a time, and for more of them at once the longer
 * they are read in order. So much of them is kept that a file which is read at two places at once is read once.
 *
 * Bounds: the blocks that are kept, and those of one question.
 */
import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';
import { unpackError } from '../../errors/wire.js';
import type { NativeWait } from '../native/native-wait.js';
import { type Asked, type FromSource, type ReaderSlot, readerId, type SourceRef, type ToSource } from './ref.js';

const BLOCK = 65_536;
/** Blocks of a question at most. */
const MOST = 16;
/** Blocks that are kept. */
const KEPT = 128;

interface Question extends Pick<Asked, 'serial' | 'offset' | 'target'> {}

export interface SourceReaderOptions {
  /** It will be read as a whole: what comes next is asked for before it is wanted. */
  readonly ahead: boolean;
  /** ms that a question may take; undefined: as long as it takes. */
  readonly limit?: number | undefined;
}

export class SourceReader {
  /** Why the source cannot be read further. */
  failure: Error | undefined;
  readonly #ref: SourceRef;
  readonly #slot: ReaderSlot;
  readonly #wait: NativeWait;
  readonly #options: SourceReaderOptions;
  readonly #channel: BroadcastChannel | undefined;
  /** By their number; the one that was used last stands last. */
  readonly #blocks = new Map<number, Uint8Array>();
  /** What has not been answered yet. */
  #open: Question | undefined;
  #serial = 0;
  /** The block that was read last, and how many in a row. */
  #last = -2;
  #row = 0;

  constructor(ref: SourceRef, { waits, slot, claim }: ReaderSlot, wait: NativeWait, options: SourceReaderOptions) {
    this.#ref = ref;
    this.#slot = { waits, slot, claim };
    this.#wait = wait;
    this.#options = options;
    if (!ref.bytes) this.#channel = new BroadcastChannel(ref.channel);
  }

  /** This thread is to leave. */
  get left(): boolean {
    return this.#wait.stopped;
  }

  get size(): number | undefined {
    return this.#ref.size;
  }

  /**
   * Up to `length` bytes from there on, at least one; none at the end. Blocks this thread.
   * @returns undefined if there are none because it failed, or because this thread is to leave.
   */
  read(offset: number, length: number): Buffer | undefined {
    if (this.failure || this.#wait.stopped) return undefined;
    const { bytes, size } = this.#ref;
    if (bytes) return Buffer.from(bytes.subarray(offset, offset + length));
    if (size === undefined) return this.#piece(length);
    if (offset >= size) return Buffer.alloc(0);
    const number = Math.floor(offset / BLOCK);
    this.#note(number);
    const block = this.#block(number);
    if (block) this.#readAhead(number);
    const from = offset - number * BLOCK;
    return block && Buffer.from(block.subarray(from, from + length));
  }

  #note(number: number): void {
    if (number === this.#last) return;
    this.#row = number === this.#last + 1 ? this.#row + 1 : 0;
    this.#last = number;
  }

  #block(number: number): Uint8Array | undefined {
    const found = this.#wait.until<Uint8Array | 'failed'>(() => {
      this.#take();
      if (this.failure) return 'failed';
      const block = this.#blocks.get(number);
      if (block === undefined && this.#open === undefined) this.#askFor(number);
      if (block === undefined) return undefined;
      this.#blocks.delete(number);
      this.#blocks.set(number, block);
      return block;
    });
    return found === 'failed' ? undefined : found;
  }

  #readAhead(number: number): void {
    if (!this.#options.ahead || this.#row === 0 || this.#open) return;
    // Half of what is asked for at once is there when the next question is put.
    let next = number + 1;
    while (this.#blocks.has(next) && next - number < MOST / 2) next++;
    if (next - number < MOST / 2 && next * BLOCK < this.#ref.size!) this.#askFor(next);
  }

  /** Of as many blocks as are likely to be wanted, up to the next one that is there. */
  #askFor(number: number): void {
    const most = this.#options.ahead ? Math.min(MOST, 2 ** this.#row) : 1;
    let count = 1;
    while (count < most && !this.#blocks.has(number + count)) count++;
    const offset = number * BLOCK;
    this.#ask(offset, Math.min(count * BLOCK, this.#ref.size! - offset));
  }

  #ask(offset: number, length: number): void {
    const question = { serial: ++this.#serial, offset, target: new SharedArrayBuffer(length) };
    this.#open = question;
    const { limit } = this.#options;
    this.#post({ type: 'want', reader: this.#slot, length, limit, ...question });
  }

  #post(message: ToSource): void {
    this.#channel?.postMessage(message);
  }

  /** Takes in what has been answered. @returns the answer. */
  #take(): { readonly question: Question; readonly length: number } | undefined {
    for (;;) {
      const received = this.#channel && (receiveMessageOnPort(this.#channel as never) as { message: FromSource });
      if (!received) return undefined;
      const { reader, serial, length, error } = received.message;
      const question = this.#open;
      if (reader !== readerId(this.#slot) || serial !== question?.serial) continue;
      this.#open = undefined;
      if (error) this.failure = unpackError(error);
      else if (this.#ref.size !== undefined) this.#keep(question);
      return { question, length };
    }
  }

  #keep({ offset, target }: Question): void {
    for (let at = 0; at < target.byteLength; at += BLOCK) {
      const block = new Uint8Array(target, at, Math.min(BLOCK, target.byteLength - at));
      this.#blocks.set((offset + at) / BLOCK, block);
    }
    for (const number of this.#blocks.keys()) {
      if (this.#blocks.size <= KEPT) break;
      this.#blocks.delete(number);
    }
  }

  /** What comes one after the other is asked for when it is wanted. */
  #piece(length: number): Buffer | undefined {
    this.#ask(0, length);
    const answer = this.#wait.until(() => this.#take());
    if (answer === undefined || this.failure) return undefined;
    return Buffer.from(new Uint8Array(answer.question.target, 0, answer.length));
  }

  /** Nothing more is wanted of it. */
  close(): void {
    this.#post({ type: 'leave', reader: this.#slot });
    this.#channel?.close();
  }
}

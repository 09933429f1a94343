/** A file in memory, in whatever order its pieces come. */
import { constants } from 'node:buffer';
import { MillraceError } from '../../errors/errors.js';

/** What is made room for at first, bytes. */
const FIRST = 1 << 16;

export class WholeFile {
  #bytes = Buffer.alloc(0);
  #length = 0;

  /** @throws MillraceError ERR_MILLRACE_OUTPUT if it becomes larger than a Buffer may be. */
  write(piece: Uint8Array, offset: number): void {
    const end = offset + piece.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(piece, offset);
    this.#length = Math.max(this.#length, end);
  }

  #grow(size: number): void {
    const most = constants.MAX_LENGTH;
    if (size > most) {
      throw new MillraceError('ERR_MILLRACE_OUTPUT', `the file becomes larger than ${most} bytes of memory`, {
        hint: 'Give encode() a path, or an output that takes it piece by piece',
      });
    }
    const larger = Buffer.alloc(Math.min(most, Math.max(FIRST, size, 2 * this.#bytes.length)));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  /** All of it, in memory of its own size; nothing is left here. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
    // The rest of the memory would live as long as what is taken of it.
    return bytes.byteLength === bytes.buffer.byteLength ? bytes : Buffer.from(bytes);
  }
}

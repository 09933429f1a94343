/** Tells from the first bytes of an mp4 whether it can be decoded while it arrives. */
import { MillraceError } from '../../../src/errors/errors.js';

/** Boxes of the top level that may stand at the beginning of a file of this family. */
const FIRST = new Set(['ftyp', 'styp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot', 'uuid']);
/** Bytes of a box's header, with a size of 32 bits and with one of 64. */
const SHORT = 8;
const HEADER = 16;

/**
 * Follows the boxes of the top level. Without its index (moov) FFmpeg can make nothing of the media data (mdat), and it
 * cannot go back to them in a stream.
 */
export class IndexCheck {
  readonly #name: string;
  #state: 'walking' | 'fine' | 'behind' = 'walking';
  readonly #header = Buffer.alloc(HEADER);
  #have = 0;
  /** Bytes of the current box that are still to pass by. */
  #left = 0n;
  #boxes = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** Looks at the next bytes of the file. @returns false if they can never be decoded. */
  pass(bytes: Buffer): boolean {
    for (let at = 0; this.#state === 'walking' && at < bytes.length; ) {
      if (this.#left > 0n) {
        const step = Math.min(bytes.length - at, Number(this.#left));
        at += step;
        this.#left -= BigInt(step);
        continue;
      }
      const need = this.#have < SHORT ? SHORT : HEADER;
      const taken = bytes.copy(this.#header, this.#have, at, at + need - this.#have);
      this.#have += taken;
      at += taken;
      // A size of 1 stands for a long one behind the type.
      if (this.#have === HEADER || (this.#have === SHORT && this.#header.readUInt32BE(0) !== 1)) this.#box();
    }
    return this.#state !== 'behind';
  }

  #box(): void {
    const type = this.#header.toString('latin1', 4, 8);
    const long = this.#have === HEADER;
    const size = long ? this.#header.readBigUInt64BE(8) : BigInt(this.#header.readUInt32BE(0));
    const body = size - BigInt(this.#have);
    this.#have = 0;
    const first = this.#boxes++ === 0;
    if ((first && !FIRST.has(type)) || type === 'moov' || type === 'moof') this.#state = 'fine';
    else if (type === 'mdat' && (size === 0n || body > 0n)) this.#state = 'behind';
    // A box of unknown or impossible size: what it is, FFmpeg will say.
    else if (body < 0n) this.#state = 'fine';
    else this.#left = body;
  }

  /** @throws MillraceError ERR_MILLRACE_INPUT if `pass` has answered false. */
  confirm(): void {
    if (this.#state !== 'behind') return;
    throw new MillraceError(
      'ERR_MILLRACE_INPUT',
      `${this.#name} are an mp4 whose index (moov) stands behind its media data, which cannot be decoded while it arrives`,
      {
        hint:
          "Write it with movflags 'faststart' or fragmented ('frag_keyframe+empty_moov'), or give all of it: its path, " +
          'a Buffer or a Blob as input_path, input, or the source of a job',
      },
    );
  }
}

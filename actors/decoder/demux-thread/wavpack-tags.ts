/**
 * The tags behind the last block of a WavPack file (APE, ID3v1). FFmpeg looks for them at the end of a file, which a stream
 * does not have, and takes them for a damaged block then (wvdec.c, wv_read_block_header). So the stream ends before them.
 */
const BLOCK = 'wvpk';
const TAGS = ['APETAGEX', 'TAG'];
/** Bytes that tell what follows: a block's name and its size, or the name of a tag. */
const HEAD = 8;

export class WavPackTags {
  #isWavPack: boolean | undefined;
  /** The last bytes were a tag. */
  #over = false;
  /** Bytes of the current block that are still to come. */
  #left = 0;
  /** What has come of the next head. */
  #head = Buffer.alloc(0);

  /** The next bytes of the file as FFmpeg is to see them; null where the tags begin, and ever after. */
  pass(bytes: Buffer): Buffer | null {
    if (this.#over) return null;
    if (this.#isWavPack === false) return bytes;
    for (let at = 0; at < bytes.length; ) {
      const step = Math.min(this.#left, bytes.length - at);
      this.#left -= step;
      at += step;
      const part = bytes.subarray(at, at + HEAD - this.#head.length);
      this.#head = Buffer.concat([this.#head, part]);
      if (this.#head.length < HEAD) break;
      const name = this.#head.toString('latin1');
      this.#isWavPack ??= name.startsWith(BLOCK);
      if (TAGS.some((tag) => name.startsWith(tag)) && this.#isWavPack) {
        this.#over = true;
        return at > 0 ? bytes.subarray(0, at) : null;
      }
      // What is damaged is for FFmpeg to tell.
      if (!name.startsWith(BLOCK)) this.#isWavPack = false;
      if (!this.#isWavPack) break;
      // The size counts from behind itself on.
      this.#left = this.#head.readUInt32LE(4);
      this.#head = Buffer.alloc(0);
      at += part.length;
    }
    return bytes;
  }
}

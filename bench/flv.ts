/** Pictures in a stream of FLV, as they come: enough of the format to send each at its time, and to note when it came. */

export interface FlvTag {
  /** ms. */
  readonly time: number;
  /** A picture, and no header of a codec. */
  readonly isPicture: boolean;
  /** The tag with the length that follows it. */
  readonly bytes: Buffer;
}

const HEADER = 13;
const TAG = 11;
const VIDEO = 9;

/** Takes bytes in pieces of any size. */
export class FlvReader {
  /** What stands before the first tag. */
  header: Buffer = Buffer.alloc(0);
  #rest: Buffer = Buffer.alloc(0);

  /** The tags that are complete. */
  take(bytes: Buffer): FlvTag[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.header.length === 0) {
      if (this.#rest.length < HEADER) return [];
      this.header = this.#rest.subarray(0, HEADER);
      this.#rest = this.#rest.subarray(HEADER);
    }
    const tags: FlvTag[] = [];
    while (this.#rest.length >= TAG) {
      const size = TAG + this.#rest.readUIntBE(1, 3) + 4;
      if (this.#rest.length < size) break;
      const tag = this.#rest.subarray(0, size);
      const time = tag.readUIntBE(4, 3) + tag[7]! * 2 ** 24;
      // The second byte of a picture of H.264 says what it is: 1 for pictures.
      tags.push({ time, isPicture: (tag[0]! & 31) === VIDEO && tag[TAG + 1] === 1, bytes: tag });
      this.#rest = this.#rest.subarray(size);
    }
    return tags;
  }
}

/**
 * `io_frm_match`, for debugging: how many pictures of the output came of each picture of the input, which a decoder with the
 * same option numbers. Written as BMF writes it, into `<output_path>_iofrm.txt`.
 */
import { writeFileSync } from 'node:fs';
import { MillraceError } from '../../src/errors/errors.js';
import { messageOf } from '../../src/errors/wire.js';
import type { VideoFrame } from '../../src/media/index.js';

export class FrameMatches {
  private readonly counts: number[] = [];
  private current: number | undefined;
  private previous: number | undefined;

  constructor(private readonly path: string) {}

  /** The next pictures are of that frame; a frame without a number is left out. */
  begin(frame: VideoFrame | undefined): void {
    this.previous = this.current;
    const text = frame?.metadata.inputFrmOrder;
    this.current = text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  }

  /** One goes to the encoder. @param isPrevious of the frame before. */
  sent(isPrevious: boolean): void {
    const number = isPrevious ? this.previous : this.current;
    if (number !== undefined) this.counts[number] = (this.counts[number] ?? 0) + 1;
  }

  /** @throws MillraceError ERR_MILLRACE_OUTPUT if it cannot be written. */
  write(): void {
    const lines = Array.from(this.counts, (count = 0, number) => `inputFrm:${number},outputNums:${count}\n`);
    try {
      writeFileSync(this.path, lines.join(''));
    } catch (cause) {
      throw new MillraceError(
        'ERR_MILLRACE_OUTPUT',
        `io_frm_match: ${this.path} cannot be written: ${messageOf(cause)}`,
        { cause },
      );
    }
  }
}

/** What a decoder writes into the metadata of its pictures when it is asked to: their time in the input, their number. */
import type { Rational, VideoFrame } from '../../../src/media/index.js';

/** Packets whose pictures may not have come; pictures that are left out are never asked for. */
const KEPT = 1024;

export class FrameNotes {
  /** Seconds in the input, by the time that a picture has in the output. */
  private readonly times = new Map<bigint, string>();
  private frames = 0;

  constructor(private readonly wanted: { readonly times: boolean; readonly numbers: boolean }) {}

  /** A packet goes to the codec. @param original its time before it was moved, in units of `timeBase`. */
  came(pts: bigint | undefined, original: bigint | undefined, { num, den }: Rational): void {
    if (!this.wanted.times || pts === undefined || original === undefined) return;
    this.times.set(pts, ((Number(original) * num) / den).toFixed(6));
    if (this.times.size > KEPT) this.times.delete(this.times.keys().next().value!);
  }

  /** A picture has come of the codec, whether or not it is wanted. @returns its number. */
  decoded(): number {
    return this.frames++;
  }

  write(picture: VideoFrame, number: number): void {
    const { times, numbers } = this.wanted;
    if (numbers) picture.metadata.inputFrmOrder = String(number);
    const { pts } = picture;
    const time = times && pts !== undefined ? this.times.get(pts) : undefined;
    if (time === undefined) return;
    this.times.delete(pts!);
    picture.metadata.orig_pts_time = time;
  }
}

/** A video frame on its way by reference: its AVFrame struct, and what AVFrame does not hold. */
import { MillraceError } from '../../errors/errors.js';
import { VideoFrame } from '../frame/video-frame.js';
import { frameReferences, whyCopied } from '../reference/frame-references.js';
import type { Rational } from '../time.js';
import type { Blob } from './blob.js';

/** As a part of another payload (a bundle). */
export function describeReference(frameRate: Rational | undefined, struct: Blob): [Rational | undefined, Blob[]] {
  return [frameRate && { num: frameRate.num, den: frameRate.den }, [struct]];
}

/**
 * A frame with references of its own. The pin of the struct must be held until this has returned.
 * @throws MillraceError ERR_MILLRACE_RING if this thread cannot take frames by reference although the sender can.
 */
export function restoreReference(frameRate: Rational | undefined, struct: Uint8Array): VideoFrame {
  const references = frameReferences();
  if (references?.size !== struct.byteLength) {
    throw new MillraceError('ERR_MILLRACE_RING', `A frame came by reference: ${whyCopied() ?? 'of another size'}`);
  }
  return VideoFrame.wrap(references.adopt(struct), { frameRate, free: references.recycle });
}

/** A frame on its way by reference: its AVFrame struct, and what AVFrame does not tell. */
import { MillraceError } from '../../errors/errors.js';
import { AudioFrame } from '../frame/audio-frame.js';
import { VideoFrame } from '../frame/video-frame.js';
import { frameReferences, whyCopied } from '../reference/frame-references.js';
import type { Rational } from '../time.js';

export interface ReferenceMeta {
  readonly sound: boolean;
  /** Of pictures. */
  readonly frameRate?: Rational | undefined;
}

export function referenceMeta(frame: VideoFrame | AudioFrame): ReferenceMeta {
  if (frame instanceof AudioFrame) return { sound: true };
  const { frameRate } = frame;
  return { sound: false, frameRate: frameRate && { num: frameRate.num, den: frameRate.den } };
}

/**
 * A frame with references of its own. The pin of the struct must be held until this has returned.
 * @throws MillraceError ERR_MILLRACE_RING if this thread cannot take frames by reference although the sender can.
 */
export function restoreReference({ sound, frameRate }: ReferenceMeta, struct: Uint8Array): VideoFrame | AudioFrame {
  const references = frameReferences();
  if (references?.size !== struct.byteLength) {
    throw new MillraceError('ERR_MILLRACE_RING', `A frame came by reference: ${whyCopied() ?? 'of another size'}`);
  }
  const av = references.adopt(struct, sound);
  const { recycle: free } = references;
  return sound ? AudioFrame.wrap(av, { free }) : VideoFrame.wrap(av, { frameRate, free });
}

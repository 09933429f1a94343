/** The self-test of frames by reference: nothing is sent to another thread before frames have arrived whole in this one. */
import {
  AV_FRAME_DATA_A53_CC,
  AV_FRAME_FLAG_DISCARD,
  AV_FRAME_FLAG_KEY,
  AV_FRAME_FLAG_TOP_FIELD_FIRST,
  AV_PICTURE_TYPE_B,
  AV_PIX_FMT_YUV420P10LE,
  AVCHROMA_LOC_TOPLEFT,
  AVCOL_PRI_BT2020,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_BT2020_NCL,
  AVCOL_TRC_SMPTE2084,
} from 'node-av/constants';
import { Frame, Rational as NativeRational } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { check } from '../ffmpeg.js';

/** What is tested, see FrameReferences. `Pin` is what holds a frame that was sent. */
export interface TestedReferences<Pin> {
  readonly size: number;
  pin(frame: Frame, target: Uint8Array): Pin;
  unpin(pin: Pin): void;
  adopt(source: Uint8Array): Frame;
  recycle(frame: Frame): void;
}

/** @throws MillraceError or FFmpegError that says what went wrong. */
export function verifyReferences<Pin>(references: TestedReferences<Pin>): void {
  // The second arrives in the recycled frame of the first, and nothing of it may be left.
  for (const marked of [true, false]) verifyOne(references, marked);
}

function verifyOne<Pin>(references: TestedReferences<Pin>, marked: boolean): void {
  const struct = new Uint8Array(references.size);
  const sent = picture(marked);
  try {
    let received: Frame;
    const pin = references.pin(sent, struct);
    try {
      received = references.adopt(struct);
    } finally {
      references.unpin(pin);
    }
    try {
      compare(sent, received);
    } finally {
      references.recycle(received);
    }
    if (!sent.isWritable) throw refused('a reference is left over');
  } finally {
    sent.free();
  }
}

function compare(sent: Frame, received: Frame): void {
  const expected = properties(sent);
  for (const [name, value] of Object.entries(properties(received))) {
    if (value !== expected[name]) throw refused(`${name} of a frame arrives as ${value} instead of ${expected[name]}`);
  }
  const [, chroma] = sent.data ?? [];
  const [, same] = received.data ?? [];
  if (chroma === undefined || same === undefined) throw refused('a picture arrives without its planes');
  // Other values than those that are there: memory is used again, and a copy of it has what it had before.
  const [there, back] = [same[3]! ^ 0xff, chroma[4]! ^ 0xff];
  chroma[3] = there;
  same[4] = back;
  if (same[3] !== there || chroma[4] !== back) throw refused('the pixels that arrive are not those that were sent');
  if (received.isWritable) throw refused('references are not counted');
  const clone = received.clone();
  if (clone === null) throw refused('what arrives cannot be referenced once more');
  clone.free();
}

function picture(marked: boolean): Frame {
  const av = new Frame();
  av.alloc();
  try {
    av.width = 34;
    av.height = 18;
    av.format = AV_PIX_FMT_YUV420P10LE;
    check(av.allocBuffer(), 'Cannot allocate a picture');
    if (marked) mark(av);
  } catch (error) {
    av.free();
    throw error;
  }
  return av;
}

function mark(av: Frame): void {
  av.pts = -(2n ** 40n) - 3n;
  av.pktDts = 77n;
  av.duration = 1001n;
  av.timeBase = new NativeRational(1, 30_000);
  av.sampleAspectRatio = new NativeRational(4, 3);
  av.colorRange = AVCOL_RANGE_JPEG;
  av.colorPrimaries = AVCOL_PRI_BT2020;
  av.colorTrc = AVCOL_TRC_SMPTE2084;
  av.colorSpace = AVCOL_SPC_BT2020_NCL;
  av.chromaLocation = AVCHROMA_LOC_TOPLEFT;
  av.flags = AV_FRAME_FLAG_KEY | AV_FRAME_FLAG_DISCARD | AV_FRAME_FLAG_TOP_FIELD_FIRST;
  av.pictType = AV_PICTURE_TYPE_B;
  av.quality = 9;
  av.repeatPict = 1;
  av.decodeErrorFlags = 2;
  av.newSideData(AV_FRAME_DATA_A53_CC, 7).fill(3);
}

function properties(av: Frame): Record<string, unknown> {
  const { width, height, format, pts, pktDts, duration, flags, pictType, quality, repeatPict } = av;
  const { colorRange, colorPrimaries, colorTrc, colorSpace, chromaLocation, alphaMode, decodeErrorFlags } = av;
  const { timeBase, sampleAspectRatio, linesize, channels } = av;
  return {
    ...{ width, height, format, pts, pktDts, duration, flags, pictType, quality, repeatPict },
    ...{ colorRange, colorPrimaries, colorTrc, colorSpace, chromaLocation, alphaMode, decodeErrorFlags, channels },
    timeBase: `${timeBase.num}/${timeBase.den}`,
    aspect: `${sampleAspectRatio.num}/${sampleAspectRatio.den}`,
    linesize: linesize.join(),
    captions: av.getSideData(AV_FRAME_DATA_A53_CC)?.join(),
  };
}

function refused(why: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_FFMPEG', `Frames cannot be passed by reference: ${why}`);
}

/** The self-test of frames by reference: nothing is sent to another thread before frames have arrived whole in this one. */
import {
  AV_CHANNEL_ORDER_NATIVE,
  AV_CHANNEL_ORDER_UNSPEC,
  AV_FRAME_DATA_A53_CC,
  AV_FRAME_FLAG_DISCARD,
  AV_FRAME_FLAG_KEY,
  AV_FRAME_FLAG_TOP_FIELD_FIRST,
  AV_PICTURE_TYPE_B,
  AV_PIX_FMT_YUV420P10LE,
  AV_SAMPLE_FMT_FLTP,
  AV_SAMPLE_FMT_S16,
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
  adopt(source: Uint8Array, sound: boolean): Frame;
  recycle(frame: Frame): void;
}

/**
 * If one kind of frames does not arrive, none is sent by reference.
 * @throws MillraceError or FFmpegError that says what went wrong.
 */
export function verifyReferences<Pin>(references: TestedReferences<Pin>): void {
  // Each arrives in the recycled frame of the one before it, and nothing of that may be left.
  for (const marked of [true, false]) for (const sound of [true, false]) verifyOne(references, sound, marked);
}

function verifyOne<Pin>(references: TestedReferences<Pin>, sound: boolean, marked: boolean): void {
  const struct = new Uint8Array(references.size);
  const sent = sample(sound, marked);
  try {
    let received: Frame;
    const pin = references.pin(sent, struct);
    try {
      received = references.adopt(struct, sound);
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
  const planes = sent.extendedData ?? [];
  const same = received.extendedData ?? [];
  if (planes.length === 0 || planes.length !== same.length) throw refused('a frame arrives without its planes');
  planes.forEach((plane, i) => {
    const arrived = same[i]!;
    // Other values than those that are there: memory is used again, and a copy of it has what it had before.
    const [there, back] = [arrived[3]! ^ 0xff, plane[4]! ^ 0xff];
    plane[3] = there;
    arrived[4] = back;
    if (arrived[3] !== there || plane[4] !== back) throw refused('the bytes that arrive are not those that were sent');
  });
  if (received.isWritable) throw refused('references are not counted');
  const clone = received.clone();
  if (clone === null) throw refused('what arrives cannot be referenced once more');
  clone.free();
}

/** Marked sound has more planes than an AVFrame has places for. */
function sample(sound: boolean, marked: boolean): Frame {
  const av = new Frame();
  av.alloc();
  try {
    if (sound) {
      av.nbSamples = 33;
      av.sampleRate = 44_100;
      av.format = marked ? AV_SAMPLE_FMT_FLTP : AV_SAMPLE_FMT_S16;
      av.channelLayout = marked
        ? { order: AV_CHANNEL_ORDER_UNSPEC, nbChannels: 11, mask: 0n }
        : { order: AV_CHANNEL_ORDER_NATIVE, nbChannels: 2, mask: 3n };
    } else {
      av.width = 34;
      av.height = 18;
      av.format = AV_PIX_FMT_YUV420P10LE;
    }
    check(av.allocBuffer(), 'Cannot allocate a frame');
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
  const { timeBase, sampleAspectRatio, linesize, nbSamples, sampleRate, channelLayout } = av;
  return {
    ...{ width, height, format, pts, pktDts, duration, flags, pictType, quality, repeatPict },
    ...{ colorRange, colorPrimaries, colorTrc, colorSpace, chromaLocation, alphaMode, decodeErrorFlags },
    ...{ nbSamples, sampleRate },
    layout: `${channelLayout.order}/${channelLayout.nbChannels}/${channelLayout.mask}`,
    timeBase: `${timeBase.num}/${timeBase.den}`,
    aspect: `${sampleAspectRatio.num}/${sampleAspectRatio.den}`,
    linesize: linesize.join(),
    captions: av.getSideData(AV_FRAME_DATA_A53_CC)?.join(),
  };
}

function refused(why: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_FFMPEG', `Frames cannot be passed by reference: ${why}`);
}

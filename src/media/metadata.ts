/** Puts metadata on a frame: node-av reads AVFrame.metadata, and has no call to write it. */
import { AV_CODEC_ID_RAWVIDEO, AV_PIX_FMT_GRAY8, AV_PKT_DATA_STRINGS_METADATA } from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet as NativePacket } from 'node-av/lib';
import { MillraceError } from '../errors.js';
import { check } from './ffmpeg.js';

/**
 * FFmpeg's decoders move side data of the kind AV_PKT_DATA_STRINGS_METADATA into the metadata of the frames they make
 * (ff_decode_frame_props), and av_frame_copy_props carries it to any other frame. The decoder is that of raw video, on
 * one grey pixel; one per thread, made when it is first needed.
 */
let carrier: CodecContext | undefined;

/**
 * Gives a frame this metadata. All other properties of the frame except its memory, format and size are reset, so this
 * comes before they are set. Costs about 12 µs.
 */
export function applyMetadata(target: Frame, metadata: Record<string, string>): void {
  const what = 'Cannot attach metadata to a frame';
  carrier ??= openCarrier(what);
  const packet = new NativePacket();
  const frame = new Frame();
  packet.alloc();
  frame.alloc();
  try {
    packet.data = Buffer.alloc(1);
    const strings = Object.entries(metadata).flatMap(([key, value]) => [key, '\0', value, '\0']);
    check(packet.addSideData(AV_PKT_DATA_STRINGS_METADATA, Buffer.from(strings.join(''))), what);
    check(carrier.sendPacketSync(packet), what);
    check(carrier.receiveFrameSync(frame), what);
    check(target.copyProps(frame), what);
  } finally {
    packet.free();
    frame.free();
  }
}

function openCarrier(what: string): CodecContext {
  const codec = Codec.findDecoder(AV_CODEC_ID_RAWVIDEO);
  if (codec === null) throw new MillraceError('ERR_MILLRACE_FFMPEG', `${what}: this FFmpeg has no rawvideo decoder`);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = 1;
  context.height = 1;
  context.pixelFormat = AV_PIX_FMT_GRAY8;
  const ret = context.open2Sync(codec);
  if (ret < 0) context.freeContext();
  check(ret, what);
  return context;
}

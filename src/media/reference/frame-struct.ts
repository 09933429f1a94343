/**
 * The AVFrame struct as bytes. FFmpeg's `wrapped_avframe` encoder makes a packet whose payload is an AVFrame of its own
 * (av_frame_clone of the frame it is given), so a packet's bytes show the struct, and nothing here assumes a version of
 * FFmpeg: where the fields are is measured in the library that is loaded.
 */
import {
  AV_CHANNEL_ORDER_UNSPEC,
  AV_CODEC_ID_RAWVIDEO,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AV_PIX_FMT_GRAY8,
  type AVPixelFormat,
} from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet as NativePacket, Rational as NativeRational } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { check } from '../ffmpeg.js';

/** Byte offsets in the struct. */
export interface FrameLayout {
  /** sizeof(AVFrame). */
  readonly size: number;
  readonly extendedData: number;
  readonly pts: number;
  readonly packetDts: number;
  readonly duration: number;
  readonly flags: number;
  /** Of sample_aspect_ratio, two int32. */
  readonly aspect: number;
  readonly format: number;
  /** Of ch_layout.nb_channels. */
  readonly channels: number;
}

const WHAT = 'Cannot look into a frame';

function doubt(why: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_FFMPEG', `${WHAT}: ${why}`);
}

/** Opens a codec of one thread. @throws MillraceError or FFmpegError that names it. */
export function openCodec(
  codec: Codec | null,
  name: string,
  shape: { width: number; height: number; format: AVPixelFormat },
  options: Readonly<Record<string, string>> = {},
): CodecContext {
  if (codec === null) throw doubt(`this FFmpeg lacks ${name}`);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = shape.width;
  context.height = shape.height;
  context.pixelFormat = shape.format;
  context.timeBase = new NativeRational(1, 25); // encoders demand one
  context.threadCount = 1;
  try {
    for (const [option, value] of Object.entries(options)) {
      const ret = context.setOption(option, value, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
      check(ret, `Cannot set ${option} of ${name}`);
    }
    check(context.open2Sync(codec), `Cannot open ${name}`);
  } catch (error) {
    context.freeContext();
    throw error;
  }
  return context;
}

export function newPacket(): NativePacket {
  const packet = new NativePacket();
  packet.alloc();
  return packet;
}

/** Makes `packet` hold one more reference to everything `frame` refers to. */
export function wrapInto(encoder: CodecContext, frame: Frame, packet: NativePacket): void {
  check(encoder.sendFrameSync(frame), 'Cannot reference a frame');
  check(encoder.receivePacketSync(packet), 'Cannot reference a frame');
}

/** The bytes of the struct that a wrapped frame has. */
export function structOf(packet: NativePacket): Buffer {
  const { data } = packet;
  if (data === null) throw doubt('the wrapped frame is empty');
  return data;
}

/**
 * The memory of a native packet in place. node-av copies a packet's bytes in both directions; FFmpeg's rawvideo decoder
 * does not: the picture it makes is the packet's own memory, and a picture's memory can be looked at.
 */
export class PacketWindow {
  /** Keeps the memory; owned by this object. */
  private readonly picture = new Frame();
  readonly bytes: Uint8Array;

  constructor(packet: NativePacket) {
    const shape = { width: packet.size, height: 1, format: AV_PIX_FMT_GRAY8 };
    const decoder = openCodec(Codec.findDecoder(AV_CODEC_ID_RAWVIDEO), 'the rawvideo decoder', shape);
    this.picture.alloc();
    try {
      check(decoder.sendPacketSync(packet), WHAT);
      check(decoder.receiveFrameSync(this.picture), WHAT);
      const view = this.picture.data?.[0];
      if (view?.length !== packet.size) throw doubt('the picture of a packet is not as large as the packet');
      this.bytes = new Uint8Array(view.buffer, view.byteOffset, view.length);
    } catch (error) {
      this.picture.free();
      throw error;
    } finally {
      decoder.freeContext();
    }
  }

  /** Where the memory is. `data` is the first field of AVFrame, and its first entry the address of the first plane. */
  address(encoder: CodecContext): bigint {
    const packet = newPacket();
    try {
      wrapInto(encoder, this.picture, packet);
      const struct = structOf(packet);
      if (struct.length < 8) throw doubt(`its struct has ${struct.length} bytes`);
      return new BigUint64Array(aligned(struct.subarray(0, 8)).buffer)[0]!;
    } finally {
      packet.free();
    }
  }

  free(): void {
    this.picture.free();
  }
}

/** A private copy, so that typed arrays of any width can be laid over it. */
function aligned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.byteLength);
  copy.set(bytes);
  return copy;
}

// Values that stand in a frame by accident once in 2^64 (2^32 for the 32-bit ones) places.
const MARKS = {
  pts: 0x1d3f_5b7a_96c2_e418n,
  packetDts: 0x2e4a_6c81_b5d3_f729n,
  duration: 0x406c_8ea3_d7f5_194bn,
  flags: 0x517d_9fa0,
  format: 0x1758_7a8b,
  channels: 0x2869_8b9c,
  aspect: { num: 0x628e_a0b1, den: 0x739f_b1c3 },
} as const;

/**
 * @param encoder FFmpeg's wrapped_avframe.
 * @throws MillraceError ERR_MILLRACE_FFMPEG when a field is in no place, or in more than one.
 */
export function measureLayout(encoder: CodecContext): FrameLayout {
  const frame = new Frame();
  const packet = newPacket();
  let window: PacketWindow | undefined;
  frame.alloc();
  try {
    frame.width = 16;
    frame.height = 16;
    frame.format = AV_PIX_FMT_GRAY8;
    check(frame.allocBuffer(), WHAT);
    frame.pts = MARKS.pts;
    frame.pktDts = MARKS.packetDts;
    frame.duration = MARKS.duration;
    frame.flags = MARKS.flags;
    frame.sampleAspectRatio = new NativeRational(MARKS.aspect.num, MARKS.aspect.den);
    frame.channelLayout = { order: AV_CHANNEL_ORDER_UNSPEC, nbChannels: MARKS.channels, mask: 0n };
    // Nobody looks at it any more: the frame has its memory.
    frame.format = MARKS.format as AVPixelFormat;
    wrapInto(encoder, frame, packet);
    const struct = aligned(structOf(packet));
    const size = struct.byteLength;
    if (size % 8 !== 0) throw doubt(`its struct has ${size} bytes`);
    window = new PacketWindow(packet);
    // The struct of a frame with at most eight planes has its `extended_data` point at its own first field.
    const own = window.address(encoder);
    const wide = new BigUint64Array(struct.buffer);
    const narrow = new Uint32Array(struct.buffer);
    const aspect = onlyIndex(narrow, MARKS.aspect.num, 'sample_aspect_ratio');
    if (narrow[aspect + 1] !== MARKS.aspect.den) throw doubt('its sample_aspect_ratio is not two numbers in a row');
    return {
      size,
      extendedData: 8 * onlyIndex(wide, own, 'extended_data'),
      pts: 8 * onlyIndex(wide, MARKS.pts, 'pts'),
      packetDts: 8 * onlyIndex(wide, MARKS.packetDts, 'pkt_dts'),
      duration: 8 * onlyIndex(wide, MARKS.duration, 'duration'),
      flags: 4 * onlyIndex(narrow, MARKS.flags, 'flags'),
      aspect: 4 * aspect,
      format: 4 * onlyIndex(narrow, MARKS.format, 'format'),
      channels: 4 * onlyIndex(narrow, MARKS.channels, 'ch_layout.nb_channels'),
    };
  } finally {
    window?.free();
    packet.free();
    frame.free();
  }
}

function onlyIndex(words: BigUint64Array | Uint32Array, value: bigint | number, field: string): number {
  const found: number[] = [];
  words.forEach((word: bigint | number, i: number) => {
    if (word === value) found.push(i);
  });
  const [index, ...others] = found;
  if (index === undefined || others.length > 0) throw doubt(`its ${field} is in ${found.length} places`);
  return index;
}

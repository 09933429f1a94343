/**
 * Frames across threads without copying a pixel or a sample. All threads share one address space and one FFmpeg, and
 * FFmpeg's buffers count their references atomically, so the few hundred bytes of an AVFrame struct are all another
 * thread needs to take references of its own.
 *
 *   sender    pin(): the wrapped_avframe encoder clones the frame into a packet; the bytes of that packet, the struct,
 *             go to the other thread, the packet (the pin) keeps what they point at alive.
 *   receiver  adopt(): the bytes are laid into the memory of a packet of its own, and the wrapped_avframe decoder takes a
 *             reference to each thing they point at (av_frame_ref).
 *
 * **The pin has to outlive the adoption**: bytes whose pin is gone point at freed memory. Who sends them sees to that
 * (src/thread/link/frame-pins.ts).
 *
 * What travels: everything av_frame_ref carries, that is all properties, side data, metadata, cropping not yet applied,
 * the hardware context, the layout of the channels in whatever order, and the memory itself in whatever layout it has
 * (bottom-up and cropped pictures, and more planes of sound than the struct has places for). Not best_effort_timestamp,
 * which is the decoder's own and takes the value of pts.
 *
 * Both codecs are for pictures. The encoder does not look at what it wraps; the decoder gives sound, which has no width, the
 * size of the pictures it was opened for.
 *
 * node-av tells V8 of the bytes that a Frame object comes to refer to, and V8 collects garbage, stopping the thread, for
 * every 64 MB more than there were after the last collection: eight 4K pictures taken at once are enough, over and over.
 * So the Frame objects of what was adopted are used again (`recycle`), and are emptied in a way that node-av does not tell
 * V8 of: what V8 knows stays at the most that were in use, and the same memory is not new to it each time.
 */
import {
  AV_CODEC_ID_WRAPPED_AVFRAME,
  AV_FRAME_FLAG_DISCARD,
  AV_PIX_FMT_GRAY8,
  AV_PKT_FLAG_TRUSTED,
  type AVCodecID,
  type AVSampleFormat,
} from 'node-av/constants';
import {
  avSampleFmtIsPlanar,
  Codec,
  type CodecContext,
  Frame,
  type Packet as NativePacket,
  Rational as NativeRational,
} from 'node-av/lib';
import { messageOf } from '../../errors/wire.js';
import { check, isAgain } from '../ffmpeg.js';
import { ledger } from '../ledger.js';
import {
  type FrameLayout,
  measureLayout,
  newPacket,
  openCodec,
  PacketWindow,
  structOf,
  wrapInto,
} from './frame-struct.js';
import { verifyReferences } from './self-test.js';

/** Keeps a frame alive while its struct is under way. To be given back with `unpin`. */
export type Pin = NativePacket;

const WHAT = 'Cannot take over a frame of another thread';
/** Empty packets and frames kept for the next ones; more are in use only with long queues. */
const SPARES = 64;
/** Places for planes in the struct (AV_NUM_DATA_POINTERS). */
const PLACES = 8;

export class FrameReferences {
  /** Bytes of a struct. */
  readonly size: number;
  private readonly layout: FrameLayout;
  private readonly encoder: CodecContext;
  private readonly decoder: CodecContext;
  /** Takes the structs that arrive, in memory that is written in place. */
  private readonly packet: NativePacket;
  private readonly window: PacketWindow;
  private readonly address: bigint;
  /** The window's memory as 64-bit and 32-bit words. */
  private readonly wide: BigInt64Array;
  private readonly narrow: Int32Array;
  private readonly sparePins: Pin[] = [];
  private readonly spareFrames: Frame[] = [];

  /**
   * Opens the codecs and measures the struct. What it opens stays open for the thread's life.
   * @param codec FFmpeg's codec of wrapped frames.
   * @throws MillraceError or FFmpegError if anything is not as it has to be.
   */
  constructor(codec: AVCodecID = AV_CODEC_ID_WRAPPED_AVFRAME) {
    const shape = { width: 16, height: 16, format: AV_PIX_FMT_GRAY8 };
    const opened: (() => void)[] = [];
    try {
      // Without the flag encoders take the duration away.
      const lasting = { flags: '+frame_duration' };
      this.encoder = openCodec(Codec.findEncoder(codec), 'the encoder of wrapped frames', shape, lasting);
      opened.push(() => this.encoder.freeContext());
      this.layout = measureLayout(this.encoder);
      this.size = this.layout.size;
      // Cropping that was not applied yet stays so.
      const uncropped = { apply_cropping: '0' };
      this.decoder = openCodec(Codec.findDecoder(codec), 'the decoder of wrapped frames', shape, uncropped);
      opened.push(() => this.decoder.freeContext());
      this.packet = newPacket();
      opened.push(() => this.packet.free());
      this.packet.data = Buffer.alloc(this.size);
      // The decoder follows the pointers in its packets, so it wants to be told that they may be trusted.
      this.packet.flags = AV_PKT_FLAG_TRUSTED;
      this.window = new PacketWindow(this.packet);
      opened.push(() => this.window.free());
      this.address = BigInt.asIntN(64, this.window.address(this.encoder));
      const { buffer, byteOffset } = this.window.bytes;
      this.wide = new BigInt64Array(buffer, byteOffset, this.size / 8);
      this.narrow = new Int32Array(buffer, byteOffset, this.size / 4);
    } catch (error) {
      for (const close of opened.reverse()) close();
      throw error;
    }
  }

  /**
   * Takes one more reference to everything the frame holds, and writes the struct that refers to it.
   * @param target `size` bytes.
   */
  pin(frame: Frame, target: Uint8Array): Pin {
    const pin = this.sparePins.pop() ?? newPacket();
    try {
      wrapInto(this.encoder, frame, pin);
      target.set(structOf(pin));
    } catch (error) {
      pin.free();
      throw error;
    }
    ledger.opened('pinned');
    return pin;
  }

  unpin(pin: Pin): void {
    pin.unref();
    ledger.closed('pinned');
    if (this.sparePins.length < SPARES) this.sparePins.push(pin);
    else pin.free();
  }

  /**
   * A frame of the caller's own, with references of its own, from the struct that another thread wrote.
   * @param source `size` bytes; their pin must be held until this has returned.
   * @param sound It is no picture.
   * @returns to be given back with `recycle`, or freed.
   */
  adopt(source: Uint8Array, sound: boolean): Frame {
    const { layout, wide, narrow } = this;
    this.window.bytes.set(source);
    // The pointer to the table of planes, which is in the struct itself, has to follow the struct to its new place:
    // otherwise FFmpeg would take the table for a longer one kept elsewhere. The longer one is the pin's, and stays.
    if (!(sound && this.hasLongTable())) wide[layout.extendedData / 8] = this.address;
    const flags = narrow[layout.flags / 4]!;
    // libavcodec keeps frames with this flag to itself.
    narrow[layout.flags / 4] = flags & ~AV_FRAME_FLAG_DISCARD;
    const frame = this.spareFrames.pop() ?? newFrame();
    try {
      check(this.decoder.sendPacketSync(this.packet), WHAT);
      check(this.decoder.receiveFrameSync(frame), WHAT);
      // libavcodec gives frames the times of their packets.
      frame.pts = wide[layout.pts / 8]!;
      frame.pktDts = wide[layout.packetDts / 8]!;
      frame.duration = wide[layout.duration / 8]!;
      if ((flags & AV_FRAME_FLAG_DISCARD) !== 0) frame.flags = flags;
      // And it forgets an aspect that makes a very small picture smaller than a pixel.
      const [num, den] = [narrow[layout.aspect / 4]!, narrow[layout.aspect / 4 + 1]!];
      if (num !== 0 && num !== den) frame.sampleAspectRatio = new NativeRational(num, den);
      if (sound) {
        frame.width = 0;
        frame.height = 0;
      }
    } catch (error) {
      frame.free();
      throw error;
    }
    return frame;
  }

  /** Whether the sound in the window has more planes than the struct has places for. */
  private hasLongTable(): boolean {
    const { layout, narrow } = this;
    return narrow[layout.channels / 4]! > PLACES && avSampleFmtIsPlanar(narrow[layout.format / 4] as AVSampleFormat);
  }

  /** Releases what a frame from `adopt` refers to. It is not the caller's any more. */
  readonly recycle = (frame: Frame): void => {
    // avcodec_receive_frame releases what the frame has referred to, before it finds that it has nothing to give.
    const ret = this.spareFrames.length < SPARES ? this.decoder.receiveFrameSync(frame) : 0;
    if (isAgain(ret)) this.spareFrames.push(frame);
    else frame.free();
  };
}

function newFrame(): Frame {
  const frame = new Frame();
  frame.alloc();
  return frame;
}

let known: { references: FrameReferences } | { refused: string } | undefined;

function find(): NonNullable<typeof known> {
  if (known !== undefined) return known;
  try {
    const references = new FrameReferences();
    verifyReferences(references);
    known = { references };
  } catch (error) {
    // Not a failure: frames are copied then. `whyCopied` tells it to those who asked for references.
    known = { refused: messageOf(error) };
  }
  return known;
}

/** This thread's way to pass frames by reference; undefined if it failed its self-test, which is made once. */
export function frameReferences(): FrameReferences | undefined {
  const found = find();
  return 'references' in found ? found.references : undefined;
}

/** What was wrong in the self-test; undefined if nothing was. */
export function whyCopied(): string | undefined {
  const found = find();
  return 'refused' in found ? found.refused : undefined;
}

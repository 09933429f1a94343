/**
 * How a packet crosses a ring: the one seam between actors and the form payloads travel in. Frames go by reference
 * where that is possible and wanted; everything else is copied: small properties through msgpackr, bytes as
 * blobs, 8-byte aligned (unaligned copies run at a tenth of the speed).
 *
 *   0   u32 length of meta     u32 number of parts; its highest bit: a discontinuity
 *   8   f64 timestamp (µs), NaN if unknown
 *   16  u32 length of each part, padded to 8
 *       meta, padded to 8
 *       parts, each padded to 8
 *
 * The record's kind is the payload's kind (wire/payload.ts), or one of the three below. A frame by reference is
 *
 *   0   f64 timestamp (µs), NaN if unknown
 *   8   f64 numerator, f64 denominator of the frame rate, which AVFrame does not have; 0/0 if unknown, and of sound
 *   24  u32 flags: 1 a discontinuity, 2 sound
 *   32  the AVFrame struct (reference/frame-references.ts)
 */

import { types } from 'node:util';
import { Packr } from 'msgpackr/pack'; // as media/wire-value.ts does
import type { RingConsumer, RingProducer } from '../../../ringbuffer/index.js';
import { FilePayload } from '../../media/bytes/file-payload.js';
import { AudioFrame } from '../../media/frame/audio-frame.js';
import { VideoFrame } from '../../media/frame/video-frame.js';
import { Bundle } from '../../media/packet/bundle.js';
import { EncodedPacket } from '../../media/packet/encoded-packet.js';
import { ownedIn } from '../../media/packet/owned.js';
import { type ControlTag, Packet } from '../../media/packet/packet.js';
import { StreamInfo } from '../../media/packet/stream-info.js';
import { Tensor } from '../../media/packet/tensor.js';
import type { FrameReferences, Pin } from '../../media/reference/frame-references.js';
import { Subtitle } from '../../media/subtitle/subtitle.js';
import type { Blob } from '../../media/wire/blob.js';
import { requireFits } from '../../media/wire/limit.js';
import { describe, goesBeside, isBytes, isFrame, PAYLOAD_KIND, restore } from '../../media/wire/payload.js';
import { referenceMeta, restoreReference } from '../../media/wire/reference.js';
import { requirePlain } from '../../media/wire/value.js';

/** A control packet; the tag is the index in CONTROL_TAGS, kept in the record's first byte. */
const KIND_CONTROL = 0xfff0;
/** The link goes on in a larger ring, which waits at the link's port. */
export const KIND_SWITCH = 0xfff1;
/** A frame by reference. */
const KIND_REFERENCE = 0xfff2;
const CONTROL_TAGS: readonly ControlTag[] = ['eof', 'dyn_eos', 'eos', 'pause', 'ticket'];
const HEADER = 16;
const REFERENCE_HEADER = 32;
const DISCONTINUITY = 0x8000_0000;
const FLAG_DISCONTINUITY = 1;
const FLAG_SOUND = 2;

/** Of sizes that may be beyond 32 bits. */
const pad8 = (n: number): number => Math.ceil(n / 8) * 8;

// Records of the same shape are common (every frame's properties), but a ring's reader may start anywhere: no records.
const packr = new Packr({ useRecords: false, moreTypes: true, copyBuffers: true });

/** A packet in the form it will have in the ring; made once per packet and link, when the packet is first tried. */
export interface Outgoing {
  readonly packet: Packet;
  readonly kind: number;
  readonly meta: Uint8Array;
  readonly blobs: readonly Blob[];
  /** Bytes of the whole record. */
  readonly size: number;
  /** What keeps the frames in the record alive until it has been read; filled while it is written. */
  readonly pins: Pin[];
}

const EMPTY = new Uint8Array(0);

/** Estimated memory a payload holds, in bytes. For a frame 4 bytes a pixel or sample: looking at its planes costs more than it tells. */
export function payloadBytes(payload: unknown): number {
  if (payload instanceof VideoFrame) {
    const { width, height } = payload.av;
    return width * height * 4;
  }
  if (payload instanceof AudioFrame) {
    const { nbSamples, channels } = payload.av;
    return nbSamples * channels * 4;
  }
  if (payload instanceof EncodedPacket) return payload.size;
  if (payload instanceof Tensor) return payload.data.byteLength;
  if (payload instanceof Bundle) return payload.reduce<number>((sum, part) => sum + payloadBytes(part), 0);
  // A DataView has no length any more when its memory was transferred away, which is refused with the value.
  if (ArrayBuffer.isView(payload)) return payload.buffer.byteLength === 0 ? 0 : payload.byteLength;
  if (typeof payload === 'string') return payload.length * 2;
  return ownedIn(payload).reduce<number>((sum, part) => sum + payloadBytes(part), 256);
}

/**
 * Refuses what cannot cross threads, before anybody has been promised it.
 * @param link that it goes over: by reference frames need not fit, because they stay where they are.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD, ERR_MILLRACE_CLOSED
 */
export function requireCrossable(packet: Packet, link: { readonly passesReferences: boolean }): void {
  requireCarried(packet);
  for (const part of partsOf(packet.payload)) {
    const bytes = payloadBytes(part); // a closed frame or packet throws
    if (!isFrame(part)) requireFits(bytes);
    // Of frames that was an estimate.
    else if (!link.passesReferences) requireFits(describe(part).blobs.reduce((sum, blob) => sum + blob.byteLength, 0));
  }
}

/** What is in a bundle, and the frames and packets in a value; else the payload. */
function partsOf(payload: unknown): readonly unknown[] {
  if (payload instanceof Bundle) return payload.flatMap(partsOf);
  const owned = ownedIn(payload);
  return owned.length > 0 ? owned : [payload];
}

/**
 * Refuses values that could not cross threads, whether this packet does or not: a graph does the same wherever its nodes
 * are placed.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD
 */
export function requireCarried({ payload, control }: Packet): void {
  if (control !== undefined) return;
  // A Proxy is none of ours, and is not asked.
  if (types.isProxy(payload)) requirePlain(payload);
  else if (payload instanceof Bundle) for (const part of payload) requireKnown(part);
  else requireKnown(payload);
}

function requireKnown(payload: unknown): void {
  if (
    isFrame(payload) ||
    payload instanceof EncodedPacket ||
    payload instanceof Tensor ||
    payload instanceof StreamInfo ||
    payload instanceof FilePayload ||
    payload instanceof Subtitle ||
    isBytes(payload)
  ) {
    return;
  }
  requirePlain(payload, 'payload', { beside: (value) => (goesBeside(value) ? 0 : undefined) });
}

/** A packet that was refused is nobody's any more, and neither are the frames inside a value that cannot carry them. */
export function releaseRefused(packet: Packet): void {
  packet.close();
  const seen = new Set<unknown>();
  const open: unknown[] = [packet.payload];
  for (let value = open.pop(); value !== undefined || open.length > 0; value = open.pop()) {
    if (typeof value !== 'object' || value === null || seen.has(value) || types.isProxy(value)) continue;
    seen.add(value);
    if (isFrame(value) || value instanceof EncodedPacket) value.close();
    else if (value instanceof Packet) {
      value.close();
      open.push(value.payload);
    } else if (types.isSet(value) || types.isMap(value)) for (const item of value.values()) open.push(item);
    else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
      for (const item of stored(value)) open.push(item);
    }
  }
}

/** What an object holds itself: no getter is run, and of an array only what it has, however long it says to be. */
function* stored(value: object): Generator<unknown> {
  for (const key of Reflect.ownKeys(value)) yield Object.getOwnPropertyDescriptor(value, key)?.value;
}

/** @param references how frames go; absent: they are copied. */
export function outgoing(packet: Packet, references?: FrameReferences): Outgoing {
  const pins: Pin[] = [];
  if (packet.control !== undefined) {
    return { packet, kind: KIND_CONTROL, meta: EMPTY, blobs: [], size: HEADER, pins };
  }
  if (references !== undefined && isFrame(packet.payload)) {
    const blobs = [structBlob(packet.payload, references, pins)];
    return { packet, kind: KIND_REFERENCE, meta: EMPTY, blobs, size: REFERENCE_HEADER + references.size, pins };
  }
  const byReference = references && ((frame: VideoFrame | AudioFrame) => structBlob(frame, references, pins));
  // Before it is described: that may copy it.
  if (!holdsFrames(packet.payload)) requireFits(payloadBytes(packet.payload));
  const { kind, meta, blobs } = describe(packet.payload, byReference);
  const packed: Uint8Array = meta === undefined ? EMPTY : packr.pack(meta);
  let size = HEADER + pad8(blobs.length * 4) + pad8(packed.byteLength);
  for (const blob of blobs) size += pad8(blob.byteLength);
  requireFits(size - HEADER);
  return { packet, kind, meta: packed, blobs, size, pins };
}

function structBlob(frame: VideoFrame | AudioFrame, references: FrameReferences, pins: Pin[]): Blob {
  return {
    byteLength: references.size,
    copyTo(target) {
      pins.push(references.pin(frame.av, target));
    },
  };
}

/** Whether there are frames in a payload. */
export function holdsFrames(payload: unknown): boolean {
  return isFrame(payload) || ownedIn(payload).some(isFrame);
}

/** Whether a record of that kind may hold frames by reference: it is read under the rules of frame-pins.ts. */
export function mayRefer(kind: number): boolean {
  return kind === KIND_REFERENCE || kind === PAYLOAD_KIND.bundle || kind === PAYLOAD_KIND.composite;
}

/** Writes the record into the place claimed for it at offset `at`. */
export function write(ring: RingProducer, at: number, out: Outgoing): void {
  const { view, bytes } = ring;
  if (out.kind === KIND_CONTROL) {
    view.setUint32(at, CONTROL_TAGS.indexOf(out.packet.control!), true);
    return;
  }
  if (out.kind === KIND_REFERENCE) {
    writeReference(ring, at, out);
    return;
  }
  view.setUint32(at, out.meta.byteLength, true);
  view.setUint32(at + 4, out.packet.discontinuity ? out.blobs.length + DISCONTINUITY : out.blobs.length, true);
  view.setFloat64(at + 8, out.packet.timestamp ?? Number.NaN, true);
  let to = at + HEADER;
  for (const blob of out.blobs) {
    view.setUint32(to, blob.byteLength, true);
    to += 4;
  }
  to = at + HEADER + pad8(out.blobs.length * 4);
  bytes.set(out.meta, to);
  to += pad8(out.meta.byteLength);
  for (const blob of out.blobs) {
    blob.copyTo(bytes.subarray(to, to + blob.byteLength));
    to += pad8(blob.byteLength);
  }
}

/** The fixed form of a lone frame: no msgpackr on the way of every one. */
function writeReference(ring: RingProducer, at: number, { packet, blobs }: Outgoing): void {
  const { view, bytes } = ring;
  const { sound, frameRate } = referenceMeta(packet.payload as VideoFrame | AudioFrame);
  view.setFloat64(at, packet.timestamp ?? Number.NaN, true);
  view.setFloat64(at + 8, frameRate?.num ?? 0, true);
  view.setFloat64(at + 16, frameRate?.den ?? 0, true);
  view.setUint32(at + 24, (packet.discontinuity ? FLAG_DISCONTINUITY : 0) | (sound ? FLAG_SOUND : 0), true);
  const [struct] = blobs;
  const from = at + REFERENCE_HEADER;
  struct!.copyTo(bytes.subarray(from, from + struct!.byteLength));
}

function readReference(ring: RingConsumer, at: number): Packet {
  const { view, bytes, length } = ring;
  const timestamp = view.getFloat64(at, true);
  const num = view.getFloat64(at + 8, true);
  const den = view.getFloat64(at + 16, true);
  const flags = view.getUint32(at + 24, true);
  const meta = { sound: (flags & FLAG_SOUND) !== 0, frameRate: den === 0 ? undefined : { num, den } };
  const frame = restoreReference(meta, bytes.subarray(at + REFERENCE_HEADER, at + length));
  return restored(frame, timestamp, (flags & FLAG_DISCONTINUITY) !== 0);
}

function restored<T>(payload: T, timestamp: number, discontinuity: boolean): Packet<T> {
  return new Packet(payload, { timestamp: Number.isNaN(timestamp) ? undefined : timestamp, discontinuity });
}

/** Whether the record at `at` is the end of the stream. */
export function isEnd({ kind, view }: RingConsumer, at: number): boolean {
  return kind === KIND_CONTROL && CONTROL_TAGS[view.getUint32(at, true)] === 'eof';
}

/**
 * Reads the record that was peeked at offset `at`; everything is copied out or referenced once more, so it may be released
 * afterwards.
 */
export function read(ring: RingConsumer, at: number): Packet {
  const { view, bytes, kind } = ring;
  if (kind === KIND_CONTROL) return Packet.control(CONTROL_TAGS[view.getUint32(at, true)]!);
  if (kind === KIND_REFERENCE) return readReference(ring, at);
  const metaLength = view.getUint32(at, true);
  const flagged = view.getUint32(at + 4, true);
  const count = flagged & ~DISCONTINUITY;
  const timestamp = view.getFloat64(at + 8, true);
  const metaAt = at + HEADER + pad8(count * 4);
  // msgpackr reads strings with TextDecoder, which refuses shared memory: the few bytes of meta are copied first.
  const meta = metaLength === 0 ? undefined : packr.unpack(bytes.slice(metaAt, metaAt + metaLength));
  const parts: Uint8Array[] = [];
  let from = metaAt + pad8(metaLength);
  for (let i = 0; i < count; i++) {
    const length = view.getUint32(at + HEADER + i * 4, true);
    parts.push(bytes.subarray(from, from + length));
    from += pad8(length);
  }
  return restored(restore(kind, meta, parts), timestamp, flagged !== count);
}

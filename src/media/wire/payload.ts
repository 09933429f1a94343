/**
 * The form in which payloads cross a ring by copy: a kind, a small plain value (`meta`) and blobs. The transport packs
 * `meta` with msgpackr and copies the blobs; end of stream and other control packets are its own business.
 */
import { types } from 'node:util';
import { MillraceError } from '../../errors/errors.js';
import { FilePayload, type FilePlace } from '../bytes/file-payload.js';
import { AudioFrame } from '../frame/audio-frame.js';
import { VideoFrame } from '../frame/video-frame.js';
import { Bundle } from '../packet/bundle.js';
import { EncodedPacket } from '../packet/encoded-packet.js';
import { closeOwned } from '../packet/owned.js';
import { StreamInfo, type StreamInfoData } from '../packet/stream-info.js';
import { Tensor, type TensorType } from '../packet/tensor.js';
import { Subtitle } from '../subtitle/subtitle.js';
import type { Rational } from '../time.js';
import { type Blob, blobOf } from './blob.js';
import { type AudioMeta, audioMeta, restoreAudio, restoreVideo, type VideoMeta, videoMeta } from './frame.js';
import { type PacketMeta, packetMeta, restorePacket } from './packet.js';
import { type ReferenceMeta, referenceMeta, restoreReference } from './reference.js';
import { restoreSubtitle, type SubtitleMeta, subtitleMeta } from './subtitle.js';
import { typedArrays } from './typed-arrays.js';
import { packValue, unpackValue } from './value.js';

/** What a record holds. Numbers, because they stand in a record's header. */
export const PAYLOAD_KIND = {
  undefined: 0,
  value: 1,
  bytes: 2,
  video: 3,
  audio: 4,
  encoded: 5,
  streamInfo: 6,
  tensor: 7,
  bundle: 8,
  /** A frame by reference, as a part of a bundle or of a value. */
  reference: 9,
  subtitle: 10,
  /** A value, and the frames and packets in it. */
  composite: 11,
  file: 12,
} as const;

/** Valid as long as the payload it describes is open. */
class Described {
  readonly kind: number;
  /** Plain data without pixels, samples or bytes of packets; undefined if there is none. */
  readonly meta: unknown;
  /** To be copied in this order, each at an address that is a multiple of 8. */
  readonly blobs: readonly Blob[];

  constructor(kind: number, meta: unknown, blobs: readonly Blob[]) {
    this.kind = kind;
    this.meta = meta;
    this.blobs = blobs;
  }
}

/** Binary payloads that keep their type; everything else binary goes as a value. */
const byteTypes = { Buffer, ...typedArrays } as const;
type ByteType = keyof typeof byteTypes;

/** Writes the struct of a frame whose memory stays where it is, as `restoreReference` takes it. */
export type ByReference = (frame: VideoFrame | AudioFrame) => Blob;

/**
 * Takes a payload apart for the way to another thread. The payload stays the caller's.
 * @param byReference absent: frames are copied like everything else.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD for what cannot cross threads by copy, ERR_MILLRACE_CLOSED for a closed
 * frame or packet.
 */
export function describe(payload: unknown, byReference?: ByReference): Described {
  if (payload === undefined) return new Described(PAYLOAD_KIND.undefined, undefined, []);
  if (types.isProxy(payload)) return new Described(PAYLOAD_KIND.value, undefined, [blobOf(packValue(payload))]);
  if (byReference !== undefined && isFrame(payload)) {
    return new Described(PAYLOAD_KIND.reference, referenceMeta(payload), [byReference(payload)]);
  }
  if (payload instanceof VideoFrame) return new Described(PAYLOAD_KIND.video, ...videoMeta(payload));
  if (payload instanceof AudioFrame) return new Described(PAYLOAD_KIND.audio, ...audioMeta(payload));
  if (payload instanceof EncodedPacket) return new Described(PAYLOAD_KIND.encoded, ...packetMeta(payload));
  if (payload instanceof StreamInfo) return new Described(PAYLOAD_KIND.streamInfo, payload.toJSON(), []);
  if (payload instanceof Tensor) {
    const meta: TensorMeta = { dtype: payload.dtype, shape: [...payload.shape] };
    return new Described(PAYLOAD_KIND.tensor, meta, [blobOf(payload.data)]);
  }
  if (payload instanceof Subtitle) return new Described(PAYLOAD_KIND.subtitle, ...subtitleMeta(payload));
  if (payload instanceof Bundle) return describeBundle(payload, byReference);
  if (payload instanceof FilePayload) return new Described(PAYLOAD_KIND.file, payload.place, []);
  if (isBytes(payload)) return new Described(PAYLOAD_KIND.bytes, payload.constructor.name, [blobOf(payload)]);
  return describeValue(payload, byReference);
}

/** What may go by reference. */
export function isFrame(payload: unknown): payload is VideoFrame | AudioFrame {
  return payload instanceof VideoFrame || payload instanceof AudioFrame;
}

/** What stands in a value instead of being data: as a payload each of them is of a kind of its own. */
export function goesBeside(value: object): boolean {
  return (
    isFrame(value) ||
    value instanceof EncodedPacket ||
    value instanceof StreamInfo ||
    value instanceof Subtitle ||
    value instanceof Bundle
  );
}

function describeValue(payload: unknown, byReference?: ByReference): Described {
  const beside: object[] = [];
  const value = packValue(payload, 'payload', (object) => (goesBeside(object) ? beside.push(object) - 1 : undefined));
  if (beside.length === 0) return new Described(PAYLOAD_KIND.value, undefined, [blobOf(value)]);
  const { list, blobs } = describeAll(beside, byReference);
  const meta: CompositeMeta = { beside: list };
  return new Described(PAYLOAD_KIND.composite, meta, [blobOf(value), ...blobs]);
}

/**
 * Puts a payload together again. It owns all its memory; the views in `parts` are not used after the call.
 * @throws MillraceError ERR_MILLRACE_RING if the record is none that `describe` made.
 */
export function restore(kind: number, meta: unknown, parts: readonly Uint8Array[]): unknown {
  switch (kind) {
    case PAYLOAD_KIND.undefined:
      return undefined;
    case PAYLOAD_KIND.value:
      return unpackValue(part(parts, 0));
    case PAYLOAD_KIND.bytes:
      return restoreBytes(meta as ByteType, part(parts, 0));
    case PAYLOAD_KIND.video:
      return restoreVideo(meta as VideoMeta, part(parts, 0), parts.slice(1));
    case PAYLOAD_KIND.audio:
      return restoreAudio(meta as AudioMeta, part(parts, 0), parts.slice(1));
    case PAYLOAD_KIND.encoded:
      return restorePacket(meta as PacketMeta, part(parts, 0), parts.slice(1));
    case PAYLOAD_KIND.streamInfo:
      return StreamInfo.fromJSON(meta as StreamInfoData);
    case PAYLOAD_KIND.tensor: {
      const { dtype, shape } = meta as TensorMeta;
      return Tensor.fromBytes(dtype, shape, part(parts, 0));
    }
    case PAYLOAD_KIND.file:
      return new FilePayload(meta as FilePlace);
    case PAYLOAD_KIND.reference:
      return restoreReference(meta as ReferenceMeta, part(parts, 0));
    case PAYLOAD_KIND.subtitle:
      return restoreSubtitle(meta as SubtitleMeta, parts);
    case PAYLOAD_KIND.bundle:
      return restoreBundle(meta as BundleMeta, parts);
    case PAYLOAD_KIND.composite:
      return restoreComposite(meta as CompositeMeta, parts);
    default:
      throw new MillraceError('ERR_MILLRACE_RING', `A record is of kind ${kind}, which is no kind of payload`);
  }
}

/** Kind, meta and number of blobs of each of several payloads. */
type Several = [kind: number, meta: unknown, blobs: number][];

interface CompositeMeta {
  beside: Several;
}

interface BundleMeta {
  pts: bigint | undefined;
  duration: bigint | undefined;
  timeBase: Rational;
  payloads: Several;
}

function describeAll(payloads: Iterable<unknown>, byReference?: ByReference): { list: Several; blobs: Blob[] } {
  const list: Several = [];
  const blobs: Blob[] = [];
  for (const payload of payloads) {
    const described = describe(payload, byReference);
    list.push([described.kind, described.meta, described.blobs.length]);
    for (const blob of described.blobs) blobs.push(blob);
  }
  return { list, blobs };
}

/** They are the caller's; if one cannot be restored, none is left behind. */
function restoreAll(list: Several, parts: readonly Uint8Array[]): unknown[] {
  const restored: unknown[] = [];
  let from = 0;
  try {
    for (const [kind, meta, blobs] of list) {
      restored.push(restore(kind, meta, parts.slice(from, from + blobs)));
      from += blobs;
    }
  } catch (error) {
    closeOwned(restored);
    throw error;
  }
  return restored;
}

function restoreComposite({ beside: list }: CompositeMeta, parts: readonly Uint8Array[]): unknown {
  const beside = restoreAll(list, parts.slice(1));
  try {
    return unpackValue(part(parts, 0), beside as object[]);
  } catch (error) {
    closeOwned(beside);
    throw error;
  }
}

function describeBundle(bundle: Bundle, byReference?: ByReference): Described {
  const { list: payloads, blobs } = describeAll(bundle, byReference);
  const { pts, duration, timeBase } = bundle;
  const meta: BundleMeta = { pts, duration, timeBase, payloads };
  return new Described(PAYLOAD_KIND.bundle, meta, blobs);
}

function restoreBundle(meta: BundleMeta, parts: readonly Uint8Array[]): Bundle {
  const bundle = Bundle.fromPayloads(restoreAll(meta.payloads, parts), meta);
  bundle.timeBase = meta.timeBase;
  return bundle;
}

interface TensorMeta {
  dtype: TensorType;
  shape: number[];
}

function part(parts: readonly Uint8Array[], index: number): Uint8Array {
  const bytes = parts[index];
  if (bytes === undefined) throw new MillraceError('ERR_MILLRACE_RING', `A record lacks its part ${index}`);
  return bytes;
}

function restoreBytes(type: ByteType, bytes: Uint8Array): ArrayBufferView {
  const buffer = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(buffer).set(bytes);
  return type === 'Buffer' ? Buffer.from(buffer) : new byteTypes[type](buffer);
}

/**
 * Binary data that is a payload of its own: a typed array, of no class that extends one. One without bytes goes as a value:
 * its memory may have been transferred away, which is refused there.
 */
export function isBytes(payload: unknown): payload is ArrayBufferView {
  if (!ArrayBuffer.isView(payload)) return false;
  const { constructor: type } = payload as { constructor?: { name?: unknown } };
  return typeof type?.name === 'string' && Object.hasOwn(byteTypes, type.name) && payload.byteLength > 0;
}

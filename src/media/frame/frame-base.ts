/** What video and audio frames have in common: ownership of one node-av frame, and time. */
import {
  AV_FRAME_DATA_RAW_COLOR_PARAMS,
  AV_FRAME_FLAG_CORRUPT,
  AV_NOPTS_VALUE,
  type AVFrameSideDataType,
} from 'node-av/constants';
import { type Frame, Rational as NativeRational } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { className, describeValue } from '../../errors/naming.js';
import { requireNative } from '../../schema/argument.js';
import { check, fromNativeTimestamp, toNativeTimestamp } from '../ffmpeg.js';
import { ledger } from '../ledger.js';
import { knownMicroseconds, type Rational } from '../time.js';
import { requireOptionalTicks, requireTicks, requireUnit } from '../time-door.js';
import { packValue, unpackValue } from '../wire/value.js';
import { changeMetadata } from './metadata.js';

/** One plane of pixels or samples. */
export interface Plane {
  /** From the first byte of the first row to the last byte of the last row. */
  data: Uint8Array;
  /** Bytes from one row to the next. */
  stride: number;
  /** Bytes in use in each row. */
  width: number;
  /** Rows. */
  height: number;
}

/** Properties of a frame in time. */
export interface FrameTime {
  /** In units of `timeBase`; undefined if unknown. */
  pts?: bigint | undefined;
  /** In units of `timeBase`; 0 if unknown. */
  duration?: bigint | undefined;
  timeBase?: Rational | undefined;
}

/** @throws MillraceError ERR_MILLRACE_PAYLOAD for a time that a frame cannot have. */
export function requireFrameTime({ pts, duration, timeBase }: FrameTime): void {
  requireOptionalTicks(pts, 'pts');
  requireOptionalTicks(duration, 'duration');
  if (timeBase !== undefined) requireUnit(timeBase);
}

export abstract class FrameBase implements Disposable {
  #av: Frame | undefined;
  #planes: Plane[] | undefined;
  /** What the user sees and changes; undefined until it is asked for. */
  #metadata: Record<string, string> | undefined;
  /** `data`, packed: the text that the native frame has it as, beside the metadata that the user sees. */
  #packed: string | undefined;
  /** What of both the native frame has. */
  #stored: Readonly<Record<string, string>> = {};
  /** How `#av` is released; undefined: by its own `free`. */
  #free: ((av: Frame) => void) | undefined;

  protected constructor(av: Frame, free?: (av: Frame) => void) {
    requireNative(av, 'the frame that a frame of millrace takes over');
    this.#av = av;
    this.#free = free;
    ledger.own(this, 'frame', av);
  }

  /**
   * The node-av frame, for everything this class does not show. It stays owned by this object: do not free it, nor use it
   * after `close()`, when it may have become another frame. After `writable()` it may be another one, too.
   * @throws MillraceError ERR_MILLRACE_CLOSED after `close()`.
   */
  get av(): Frame {
    if (this.#av === undefined) {
      throw new MillraceError('ERR_MILLRACE_CLOSED', `This ${className(this)} was used after close()`, {
        hint: 'Keep a clone() of a frame that is needed longer than its packet',
      });
    }
    if (this.#metadata !== undefined) this.#writeMetadata(this.#av, this.#metadata);
    return this.#av;
  }

  /** Presentation time in units of `timeBase`; undefined if unknown. */
  get pts(): bigint | undefined {
    return fromNativeTimestamp(this.av.pts);
  }

  set pts(value: bigint | undefined) {
    this.av.pts = toNativeTimestamp(requireOptionalTicks(value, 'pts'));
  }

  /** In units of `timeBase`; 0 if unknown. */
  get duration(): bigint {
    return this.av.duration;
  }

  set duration(value: bigint) {
    this.av.duration = requireTicks(value, 'duration');
  }

  /** Seconds per unit of `pts` and `duration`; 0/1 if unknown. */
  get timeBase(): Rational {
    return timeBaseOf(this.av);
  }

  set timeBase(value: Rational) {
    const { num, den } = requireUnit(value);
    this.av.timeBase = new NativeRational(num, den);
  }

  /** Presentation time in microseconds; undefined if pts or time base are unknown. */
  get timestamp(): number | undefined {
    const { av } = this;
    const { pts } = av;
    return pts === AV_NOPTS_VALUE ? undefined : knownMicroseconds(pts, timeBaseOf(av));
  }

  /**
   * Texts by key that decoders, filters and you attach to the frame (AVFrame.metadata): `frame.metadata.scene = '7'`,
   * `delete frame.metadata.scene`. They go with the frame through filters, into clones and across threads. Numbers and
   * booleans become text. A key that cannot be stored is found, at the latest, when the frame is handed on:
   * ERR_MILLRACE_PAYLOAD.
   */
  get metadata(): Record<string, string> {
    return this.#texts();
  }

  set metadata(value: Record<string, string>) {
    this.#texts();
    this.#metadata = { ...value };
  }

  /** What was not yet asked for is read, and with it `#packed`. */
  #texts(): Record<string, string> {
    if (this.#av !== undefined && this.#metadata !== undefined) return this.#metadata;
    this.#stored = readMetadata(this.av);
    const { [DATA]: packed, ...texts } = this.#stored;
    this.#packed = packed;
    this.#metadata = texts;
    return texts;
  }

  /**
   * A value of yours that goes with the frame wherever its metadata goes: FFmpeg has it among them, by the key 'millrace.data'.
   * Set it as a whole: what is read is a frozen copy. It is plain data, as it crosses threads.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for what cannot cross threads.
   */
  get data(): unknown {
    this.#texts();
    const packed = this.#packed;
    return packed === undefined ? undefined : frozen(unpackValue(Buffer.from(packed, 'base64')));
  }

  set data(value: unknown) {
    const packed = value === undefined ? undefined : Buffer.from(packValue(value)).toString('base64');
    this.#texts();
    this.#packed = packed;
  }

  /** What was changed in `metadata` since it was last stored comes into the native frame. */
  #writeMetadata(av: Frame, metadata: Record<string, unknown>): void {
    const stored = this.#stored;
    const keys = Object.keys(metadata);
    const packed = this.#packed;
    const count = keys.length + (packed === undefined ? 0 : 1);
    if (
      count === Object.keys(stored).length &&
      stored[DATA] === packed &&
      keys.every((key) => stored[key] === metadata[key])
    ) {
      return;
    }
    const wanted = textsOf(packed === undefined ? metadata : { ...metadata, [DATA]: packed });
    changeMetadata(av, stored, wanted);
    this.#stored = wanted;
    // In the object the user may hold: what is stored is what it shows.
    for (const key of keys) {
      if (wanted[key] === undefined) delete metadata[key];
      else metadata[key] = wanted[key];
    }
  }

  /** The decoder found errors in this frame (AV_FRAME_FLAG_CORRUPT). */
  get corrupt(): boolean {
    return (this.av.flags & AV_FRAME_FLAG_CORRUPT) !== 0;
  }

  /**
   * Views of the frame's memory, without a copy. They are valid until the frame is closed or made writable, whichever
   * comes first. From Node 22 on they have length zero afterwards; **on Node 20 reading them after close is a use after
   * free**: take `copyPlanes()` for data that outlives the frame.
   */
  planes(): Plane[] {
    const av = this.av;
    // Kept because each reading of the native data makes new buffers, which V8 counts as that much external memory.
    this.#planes ??= this.mapPlanes(av);
    return this.#planes;
  }

  /** Private copies of the planes without padding between the rows. */
  copyPlanes(): Plane[] {
    return this.planes().map((plane) => {
      const data = new Uint8Array(plane.width * plane.height);
      copyRows(data, plane.width, plane.data, plane.stride, plane.width, plane.height);
      return { data, stride: plane.width, width: plane.width, height: plane.height };
    });
  }

  /**
   * Makes the memory private to this frame: nothing happens if nobody else refers to it, otherwise it is copied
   * (av_frame_make_writable). Call it before writing into `planes()`.
   */
  writable(): this {
    if (this.av.isWritable) return this;
    this.replace((av) => check(av.makeWritable(), 'Cannot make a frame writable'));
    return this;
  }

  /** What of `copyProps` is the same for all frames. */
  protected copyCommon(from: FrameBase): void {
    const { av } = this;
    const other = from.av;
    if (av === other) return;
    // av_frame_copy_props adds to the side data of its target, also of a kind that is there.
    for (let type = 0; type <= AV_FRAME_DATA_RAW_COLOR_PARAMS; type++) {
      const kind = type as AVFrameSideDataType;
      if (av.getSideData(kind) !== null && other.getSideData(kind) !== null) av.removeSideData(kind);
    }
    check(av.copyProps(other), 'Cannot copy the properties of a frame');
    this.#metadata = undefined;
  }

  /** Exchanges the native frame for a changed reference to it, so that views of the old memory are never mixed up. */
  protected replace(change: (av: Frame) => void): void {
    const next = this.cloneNative();
    try {
      change(next);
    } catch (error) {
      next.free();
      throw error;
    }
    this.close();
    this.#av = next;
    this.#free = undefined;
    ledger.own(this, 'frame', next);
  }

  protected abstract mapPlanes(av: Frame): Plane[];

  protected cloneNative(): Frame {
    const av = this.av.clone();
    if (av === null) {
      throw new MillraceError('ERR_MILLRACE_FFMPEG', 'Cannot reference a frame once more: out of memory');
    }
    return av;
  }

  /** Gives this reference back. Calling it again does nothing. */
  close(): void {
    const av = this.#av;
    if (av === undefined) return;
    this.#av = undefined;
    if (this.#planes !== undefined) {
      detach(this.#planes.map((plane) => plane.data));
      this.#planes = undefined;
    }
    if (this.#free === undefined) av.free();
    else this.#free(av);
    ledger.disown(this, 'frame');
  }

  get closed(): boolean {
    return this.#av === undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The unit of its times. `av.timeBase` makes an object with arithmetic of it each time, and every node asks every frame. */
export function timeBaseOf(av: Frame): Rational {
  return av.getNative().timeBase;
}

/** Properties are copied between frames of a kind. */
export function otherKind(frame: FrameBase, from: unknown): MillraceError {
  return new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `A ${className(frame)} takes over the properties of another one, not of ${describeValue(from)}`,
  );
}

/** Where `data` is kept in the metadata. */
const DATA = 'millrace.data';

/** What cannot be changed cannot be taken for the frame's own. Typed arrays cannot be frozen. */
function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const item of Object.values(value)) frozen(item);
  return value;
}

function readMetadata(av: Frame): Record<string, string> {
  const dictionary = av.getMetadata();
  try {
    return dictionary.getAll();
  } finally {
    dictionary.free();
  }
}

/** @throws MillraceError ERR_MILLRACE_PAYLOAD for what cannot be a text of metadata. */
function textsOf(metadata: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata)) {
    if (value === undefined) continue;
    const plain = ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
    const text = plain ? String(value) : '';
    if (!plain || key === '' || `${key}${text}`.includes('\0')) {
      throw new MillraceError(
        'ERR_MILLRACE_PAYLOAD',
        `metadata['${key}'] of a frame is ${plain ? JSON.stringify(text) : (value?.constructor?.name ?? 'null')}`,
        { hint: 'Keys and values are texts without NUL, keys not empty' },
      );
    }
    texts[key] = text;
  }
  return texts;
}

/** Copies rows from one stride to another; both views begin at the first row. */
function copyRows(
  target: Uint8Array,
  targetStride: number,
  source: Uint8Array,
  sourceStride: number,
  rowBytes: number,
  rows: number,
): void {
  if (targetStride === sourceStride) {
    target.set(rows === 0 ? source.subarray(0, 0) : source.subarray(0, (rows - 1) * sourceStride + rowBytes));
    return;
  }
  for (let row = 0; row < rows; row++) {
    const from = row * sourceStride;
    target.set(source.subarray(from, from + rowBytes), row * targetStride);
  }
}

type Transferable = ArrayBuffer & { transfer?: (newByteLength?: number) => ArrayBuffer; readonly detached?: boolean };

/**
 * Views of native memory end with the memory. Where the JavaScript engine can detach a buffer (Node 22 and later) a view
 * that outlives its frame has length zero; on Node 20 reading it is a use after free. Nothing is copied: the new buffer
 * that `transfer` makes is empty.
 */
function detach(views: readonly Uint8Array[]): void {
  for (const view of views) {
    const buffer = view.buffer as Transferable;
    if (buffer.detached === false) buffer.transfer?.(0);
  }
}

/** A piece of an encoded stream, or of a file's bytes. BMF's BMFAVPacket. */

import { AV_PKT_FLAG_KEY, type AVPacketFlag } from 'node-av/constants';
import { Packet as NativePacket } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { requireNative, requireObject } from '../../schema/argument.js';
import { fromNativeTimestamp, toNativeTimestamp } from '../ffmpeg.js';
import { ledger } from '../ledger.js';
import { knownMicroseconds, type Rational } from '../time.js';
import { requireOptionalTicks, requireTicks, requireUnit } from '../time-door.js';
import { markOwned } from './owned.js';

export interface EncodedPacketOptions {
  /** Presentation and decoding time in units of `timeBase`; undefined if unknown. */
  pts?: bigint | undefined;
  dts?: bigint | undefined;
  /** In units of `timeBase`; 0 if unknown. */
  duration?: bigint | undefined;
  /** AV_PKT_FLAG_* bits. */
  flags?: number | undefined;
  timeBase?: Rational | undefined;
  /** Where in a file the bytes belong, in bytes from `whence`. */
  offset?: number | undefined;
  whence?: number | undefined;
}

/** Owns one reference to one AVPacket; `close()` gives it back. */
export class EncodedPacket implements Disposable {
  static {
    markOwned(EncodedPacket.prototype);
  }

  /** Where in a file the bytes belong, in bytes from `whence`; undefined unless an encoder with `push_output: 1` sent them. */
  offset: number | undefined;
  /** What `offset` counts from, as fseek has it: 0 is the beginning of the file. */
  whence: number | undefined;
  #av: NativePacket | undefined;
  /** What the owner of an `alloc`ed packet fills; it goes into the native packet when that is first needed. */
  #draft: Uint8Array | undefined;

  private constructor(av: NativePacket) {
    requireNative(av, 'the packet that an EncodedPacket takes over');
    this.#av = av;
    ledger.own(this, 'packet', av);
  }

  /** Takes over the ownership of a node-av packet: the caller must not free it any more. */
  static wrap(av: NativePacket, options: { timeBase?: Rational | undefined } = {}): EncodedPacket {
    requireObject(options, 'what EncodedPacket.wrap is given besides', 'ERR_MILLRACE_PAYLOAD');
    const packet = new EncodedPacket(av);
    if (options.timeBase) packet.timeBase = options.timeBase;
    return packet;
  }

  /** A packet with a copy of the bytes. */
  static from(bytes: Uint8Array, options: EncodedPacketOptions = {}): EncodedPacket {
    if (!(bytes instanceof Uint8Array)) {
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `The bytes of a packet cannot be ${describeValue(bytes)}`, {
        hint: 'They are a Uint8Array, such as a Buffer',
      });
    }
    requireObject(options, 'options of an encoded packet', 'ERR_MILLRACE_PAYLOAD');
    requireTimes(options);
    const av = new NativePacket();
    av.alloc();
    // Before everything else: setting the data resets all other fields (av_new_packet).
    av.data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    av.pts = toNativeTimestamp(options.pts);
    av.dts = toNativeTimestamp(options.dts);
    if (options.duration !== undefined) av.duration = options.duration;
    if (options.flags !== undefined) av.flags = requireFlags(options.flags);
    const packet = EncodedPacket.wrap(av, { timeBase: options.timeBase });
    packet.offset = options.offset;
    packet.whence = options.whence;
    return packet;
  }

  /**
   * A packet of `size` zero bytes, to be filled: `data` is the packet's own memory until the packet is pushed, cloned or
   * read by a module.
   */
  static alloc(size: number): EncodedPacket {
    if (!Number.isInteger(size) || size < 0) {
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `A packet cannot have ${describeValue(size)} bytes`);
    }
    const packet = EncodedPacket.from(new Uint8Array(0));
    if (size > 0) packet.#draft = new Uint8Array(size);
    return packet;
  }

  /**
   * The node-av packet, for everything this class does not show. It stays owned by this object: do not free it.
   * @throws MillraceError ERR_MILLRACE_CLOSED after `close()`.
   */
  get av(): NativePacket {
    const av = this.#native;
    const draft = this.#draft;
    if (draft !== undefined) {
      this.#draft = undefined;
      const { pts, dts, duration, flags, timeBase } = av;
      av.data = Buffer.from(draft.buffer); // resets everything else
      Object.assign(av, { pts, dts, duration, flags, timeBase });
    }
    return av;
  }

  get #native(): NativePacket {
    if (this.#av === undefined) {
      throw new MillraceError('ERR_MILLRACE_CLOSED', 'This EncodedPacket was used after close()', {
        hint: 'Keep a clone() of a packet that is needed longer',
      });
    }
    return this.#av;
  }

  /** A copy of the bytes, made at each reading; of an `alloc`ed packet that is being filled the bytes themselves. */
  get data(): Uint8Array {
    const av = this.#native;
    // node-av copies once and hands the same copy to every reader.
    return this.#draft ?? new Uint8Array(av.data ?? []);
  }

  /** Bytes. */
  get size(): number {
    const av = this.#native;
    return this.#draft?.byteLength ?? av.size;
  }

  /** Presentation time in units of `timeBase`; undefined if unknown. */
  get pts(): bigint | undefined {
    return fromNativeTimestamp(this.#native.pts);
  }

  set pts(value: bigint | undefined) {
    this.#native.pts = toNativeTimestamp(requireOptionalTicks(value, 'pts'));
  }

  /** Decoding time in units of `timeBase`; undefined if unknown. */
  get dts(): bigint | undefined {
    return fromNativeTimestamp(this.#native.dts);
  }

  set dts(value: bigint | undefined) {
    this.#native.dts = toNativeTimestamp(requireOptionalTicks(value, 'dts'));
  }

  /** In units of `timeBase`; 0 if unknown. */
  get duration(): bigint {
    return this.#native.duration;
  }

  set duration(value: bigint) {
    this.#native.duration = requireTicks(value, 'duration');
  }

  /** Seconds per unit; 0/1 if unknown. */
  get timeBase(): Rational {
    const { num, den } = this.#native.timeBase;
    return { num, den };
  }

  set timeBase(value: Rational) {
    const { num, den } = requireUnit(value);
    this.#native.timeBase = { num, den };
  }

  /** AV_PKT_FLAG_* bits. */
  get flags(): number {
    return this.#native.flags;
  }

  set flags(value: number) {
    this.#native.flags = requireFlags(value);
  }

  get isKey(): boolean {
    return (this.#native.flags & AV_PKT_FLAG_KEY) !== 0;
  }

  /** Presentation time in microseconds; undefined if pts or time base are unknown. */
  get timestamp(): number | undefined {
    const { pts } = this;
    return pts === undefined ? undefined : knownMicroseconds(pts, this.timeBase);
  }

  /**
   * Takes over what is not the bytes of another packet: its times and their unit, its flags.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD if the other one is no EncodedPacket.
   */
  copyProps(from: EncodedPacket): this {
    if (!(from instanceof EncodedPacket)) {
      throw new MillraceError(
        'ERR_MILLRACE_PAYLOAD',
        `copyProps of an EncodedPacket cannot be given ${describeValue(from)}`,
        {
          hint: 'It takes over the properties of another EncodedPacket',
        },
      );
    }
    const { pts, dts, duration, flags, timeBase } = from.#native;
    Object.assign(this.#native, { pts, dts, duration, flags, timeBase });
    return this;
  }

  /** Another reference to the same bytes. */
  clone(): EncodedPacket {
    const av = this.av.clone();
    if (av === null) {
      throw new MillraceError('ERR_MILLRACE_FFMPEG', 'Cannot reference a packet once more: out of memory');
    }
    const packet = EncodedPacket.wrap(av);
    packet.offset = this.offset;
    packet.whence = this.whence;
    return packet;
  }

  /** Gives this reference back. Calling it again does nothing. */
  close(): void {
    const av = this.#av;
    if (av === undefined) return;
    this.#av = undefined;
    this.#draft = undefined;
    av.free();
    ledger.disown(this, 'packet');
  }

  get closed(): boolean {
    return this.#av === undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** @throws MillraceError ERR_MILLRACE_PAYLOAD for a time that a packet cannot have. */
function requireTimes({ pts, dts, duration, timeBase }: EncodedPacketOptions): void {
  requireOptionalTicks(pts, 'pts');
  requireOptionalTicks(dts, 'dts');
  requireOptionalTicks(duration, 'duration');
  if (timeBase !== undefined) requireUnit(timeBase);
}

/** @throws MillraceError ERR_MILLRACE_PAYLOAD unless it is an integer of 32 bits. */
function requireFlags(flags: number): AVPacketFlag {
  if (Number.isInteger(flags) && flags === (flags | 0)) return flags as AVPacketFlag;
  throw new MillraceError('ERR_MILLRACE_PAYLOAD', `flags of a packet cannot be ${describeValue(flags)}`, {
    hint: 'They are AV_PKT_FLAG_* bits, such as 1 for a key frame',
  });
}

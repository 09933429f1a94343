/** What travels through a graph: a payload with a time, or a control signal. */
import { requireObject } from '../../schema/argument.js';
import { requireTimestamp } from '../time-door.js';
import { cloneOwned, closeOwned } from './owned.js';

/**
 * Signals beside the data: end of a stream, end of a dynamic input, end of a server, pause, and (from the parallel copies of
 * a node to `assemble`) the end of what belongs to one packet.
 */
export type ControlTag = 'eof' | 'dyn_eos' | 'eos' | 'pause' | 'ticket';

/** Payloads that hold a native reference: a clone holds another one, `close()` gives it back. */
interface CountedReference {
  clone(): unknown;
  close(): void;
}

/** Of most packets. */
const NO_OPTIONS = {};

/** Closes a packet without its payload, which becomes the caller's. */
export let takePayload: <T>(packet: Packet<T>) => T;

export class Packet<T = unknown> implements Disposable {
  static {
    takePayload = (packet) => {
      packet.#closed = true;
      return packet.payload;
    };
  }

  readonly payload: T;
  readonly control: ControlTag | undefined;
  /**
   * Something is missing before it, or its times have been moved: the first packet of each stream after a live input was
   * lost and came back. Crosses threads, and filters hand it on.
   */
  discontinuity: boolean;
  #timestamp: number | undefined;
  #closed = false;

  /**
   * @param options.timestamp Microseconds. Without it the packet has the time of its payload (pts x time base), if the
   * payload has one.
   * @param options.control Makes this a control packet; `Packet.control` and `Packet.eof` are the short forms.
   * @param options.discontinuity See the property; false by default.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for a timestamp that is no finite number.
   */
  constructor(
    payload: T,
    options: {
      timestamp?: number | undefined;
      control?: ControlTag | undefined;
      discontinuity?: boolean | undefined;
    } = NO_OPTIONS,
  ) {
    if (options !== NO_OPTIONS) requireObject(options, 'options of a packet', 'ERR_MILLRACE_PAYLOAD');
    this.payload = payload;
    this.#timestamp = requireTimestamp(options.timestamp);
    this.control = options.control;
    this.discontinuity = options.discontinuity ?? false;
  }

  /** The end of a stream. */
  static eof(): Packet<undefined> {
    return Packet.control('eof');
  }

  /** The end of a server: no further job follows. */
  static eos(): Packet<undefined> {
    return Packet.control('eos');
  }

  static control(tag: ControlTag): Packet<undefined> {
    return new Packet(undefined, { control: tag });
  }

  /** Microseconds; undefined if unknown. */
  get timestamp(): number | undefined {
    return this.#timestamp ?? (this.#closed ? undefined : timestampOf(this.payload));
  }

  set timestamp(value: number | undefined) {
    this.#timestamp = requireTimestamp(value);
  }

  get isEof(): boolean {
    return this.control === 'eof';
  }

  /**
   * A second packet. Frames and encoded packets are referenced once more, also those that stand in a value, of which the
   * clone has a copy then; any other payload is shared.
   */
  clone(): Packet<T> {
    const payload = isCountedReference(this.payload) ? (this.payload.clone() as T) : cloneOwned(this.payload);
    return new Packet(payload, {
      timestamp: this.#timestamp,
      control: this.control,
      discontinuity: this.discontinuity,
    });
  }

  /**
   * Releases the payload if it has a `close` method, or the frames and encoded packets in it if it is a value. Calling it
   * again does nothing.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (hasClose(this.payload)) this.payload.close();
    else closeOwned(this.payload);
  }

  get closed(): boolean {
    return this.#closed;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function timestampOf(payload: unknown): number | undefined {
  if (typeof payload !== 'object' || payload === null || !('timestamp' in payload)) return undefined;
  // A frame reads and converts it each time it is asked.
  const { timestamp } = payload;
  return Number.isFinite(timestamp) ? (timestamp as number) : undefined;
}

function hasClose(value: unknown): value is { close(): void } {
  return typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function';
}

function isCountedReference(value: unknown): value is CountedReference {
  return hasClose(value) && 'clone' in value && typeof value.clone === 'function';
}

/** Releases every packet of some lists. */
export function closeAll(lists: Iterable<readonly Packet[]>): void {
  for (const packets of lists) for (const packet of packets) packet.close();
}

/** Payloads of one moment, one per input of a `mux`. */
import { NANOSECONDS, type Rational, toMicroseconds } from '../time.js';
import { cloneOwned, closeOwned } from './owned.js';

/**
 * An array of payloads, in the order of the inputs they came from; `undefined` where an input had none. It owns what it
 * holds: `close()` releases frames and packets, `clone()` takes another reference to each.
 */
export class Bundle<T = unknown> extends Array<T> implements Disposable {
  /** Time of the moment in units of `timeBase`. */
  pts: bigint | undefined;
  /** In units of `timeBase`; undefined if unknown. */
  duration: bigint | undefined;
  timeBase: Rational = NANOSECONDS;

  // map, filter and slice give plain arrays: what they make owns nothing.
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  /** Takes the payloads over. */
  static fromPayloads<T>(
    payloads: Iterable<T>,
    time: { pts?: bigint | undefined; duration?: bigint | undefined } = {},
  ): Bundle<T> {
    const bundle = new Bundle<T>();
    for (const payload of payloads) bundle.push(payload);
    bundle.pts = time.pts;
    bundle.duration = time.duration;
    return bundle;
  }

  /** Microseconds; undefined if unknown. */
  get timestamp(): number | undefined {
    return this.pts === undefined ? undefined : toMicroseconds(this.pts, this.timeBase);
  }

  clone(): Bundle<T> {
    const copy = Bundle.fromPayloads<T>([], this);
    copy.timeBase = this.timeBase;
    try {
      for (const payload of this) copy.push(hasMethod(payload, 'clone') ? (payload.clone() as T) : cloneOwned(payload));
    } catch (error) {
      copy.close(); // one of them was closed before: the references taken so far go back
      throw error;
    }
    return copy;
  }

  /** Calling it again does nothing. */
  close(): void {
    for (const payload of this.splice(0)) {
      if (hasMethod(payload, 'close')) payload.close();
      else closeOwned(payload);
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function hasMethod<K extends string>(value: unknown, name: K): value is Record<K, () => unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    name in value &&
    typeof (value as Record<K, unknown>)[name] === 'function'
  );
}

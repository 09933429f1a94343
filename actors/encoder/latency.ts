/** Measures for a node's figures how long it takes from a packet that came into a live input to what of it went out. */
import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Packet } from 'node-av/lib';
import { type Rational, toMicroseconds } from '../../src/media/index.js';
import type { Meter } from '../../src/module/contract.js';
import { Arrivals } from '../shared/live/arrivals.js';

export class Latency {
  readonly #meter: Meter;
  readonly #arrivals: Arrivals;

  /** @param buffer of the input's Arrivals. */
  constructor(meter: Meter, buffer: SharedArrayBuffer) {
    this.#meter = meter;
    this.#arrivals = new Arrivals(buffer);
  }

  /**
   * What is to be called when a packet has gone out; undefined for one without a time.
   * @param shift Taken off the times of the input, microseconds.
   */
  of({ pts }: Packet, timeBase: Rational, shift: number): (() => void) | undefined {
    if (pts === AV_NOPTS_VALUE) return undefined;
    const time = toMicroseconds(pts, timeBase) + shift;
    return () => this.#note(this.#arrivals.age(time));
  }

  #note(age: number | undefined): void {
    if (age === undefined) return;
    const meter = this.#meter;
    meter.latency = age;
    meter.latencyMost = Math.max(meter.latencyMost ?? 0, age);
    meter.latencySum = (meter.latencySum ?? 0) + age;
    meter.latencyCount = (meter.latencyCount ?? 0) + 1;
  }
}

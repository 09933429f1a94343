/** `timestamper`: gives packets that have no time one, as NNStreamer's tensor_converter does. */
import * as v from 'valibot';
import { isTimeBase, NANOSECONDS, type Packet, type Rational, rescale, toMicroseconds } from '../../src/media/index.js';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { boolean, integer, strictOptions } from '../../src/schema/schema.js';
import { frameRate } from '../../src/schema/video-names.js';

export const timestamperOptions = strictOptions({
  /** Frames per second. Without it packets get the running time at which they came. */
  framerate: v.optional(frameRate('a positive frame rate such as "30/1", "30000/1001", 25 or "ntsc"')),
  /** Time of the first packet, in nanoseconds. */
  start: v.optional(integer(), 0),
  /** false: everything passes as it is. */
  set_timestamp: v.optional(boolean(), true),
});
type Options = v.InferOutput<typeof timestamperOptions>;

/** A payload that has a time of its own. */
interface Timed {
  pts: bigint | undefined;
  duration: bigint | undefined;
  timeBase: Rational;
}

export default class Timestamper implements Module<Options> {
  static readonly schema = timestamperOptions;

  #options!: Options;
  /** Nanoseconds per packet; undefined without a frame rate. */
  #duration: bigint | undefined;
  #next = 0n;
  #elapsed!: () => number;

  init({ options, elapsed }: ModuleContext<Options>): void {
    this.#options = options;
    // Of the run, so that packets of several nodes and jobs can be brought together by it.
    this.#elapsed = elapsed;
    const { framerate } = options;
    // Cut to whole nanoseconds per packet, and added up: 30/1 gives 0, 33333333, 66666666 (gst_util_uint64_scale).
    this.#duration = framerate && (1_000_000_000n * BigInt(framerate.den)) / BigInt(framerate.num);
    this.reset();
  }

  process(task: Task): void {
    for (const [id, packets] of task.inputs) {
      for (const packet of packets) {
        if (packet.control === undefined && this.#options.set_timestamp) this.#stamp(packet);
        task.output(id).push(packet);
      }
    }
  }

  reset(): void {
    this.#next = BigInt(this.#options.start);
  }

  #stamp(packet: Packet): void {
    const { payload } = packet;
    const own = isTimed(payload) ? payload : undefined;
    if (packet.timestamp !== undefined || (own?.pts !== undefined && isTimeBase(own.timeBase))) return;
    const pts = this.#time();
    if (own !== undefined) {
      // Nanoseconds, so that the payload says exactly what the rule gave.
      const known = own.duration !== undefined && own.duration > 0n && isTimeBase(own.timeBase);
      const duration = known ? rescale(own.duration!, own.timeBase, NANOSECONDS) : this.#duration;
      own.timeBase = NANOSECONDS;
      own.pts = pts;
      if (duration !== undefined) own.duration = duration;
    }
    packet.timestamp = own === undefined ? Number(pts) / 1000 : toMicroseconds(pts, NANOSECONDS);
  }

  #time(): bigint {
    if (this.#duration === undefined) return BigInt(this.#options.start) + BigInt(Math.round(this.#elapsed() * 1000));
    const pts = this.#next;
    this.#next += this.#duration;
    return pts;
  }
}

function isTimed(payload: unknown): payload is Timed {
  return typeof payload === 'object' && payload !== null && 'pts' in payload && 'timeBase' in payload;
}

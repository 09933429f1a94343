/** `clock`: ticks at a fixed rate, for the input manager `clocksync` or for modules of your own. */

import * as v from 'valibot';
import { Packet, type Rational, rescale, toMicroseconds } from '../../src/media/index.js';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { boolean, integer, rational, strictOptions } from '../../src/schema/schema.js';
import { frameRate } from '../../src/schema/video-names.js';

export const clockOptions = strictOptions({
  /** Ticks per second. */
  fps: v.optional(frameRate('a positive number of ticks per second'), 25),
  /** Unit of the ticks' `pts`. */
  time_base: v.optional(rational('a positive fraction of a second such as "1,1000000"'), '1,1000000'),
  /** false: ticks come as fast as they are taken. */
  realtime: v.optional(boolean(), true),
  /** Ends after that many ticks; -1: never. */
  count: v.optional(integer({ min: -1 }), -1),
});
type Options = v.InferOutput<typeof clockOptions>;

/** Milliseconds after which a call comes back without a tick, to show that it waits and is not stuck (`time_out`). */
const LONGEST_WAIT = 100;

/** Payload of a tick. */
export interface Tick {
  /** Number of the tick; missed ones are counted. */
  n: number;
  pts: bigint;
  timeBase: Rational;
}

export default class Clock implements Module<Options> {
  static readonly schema = clockOptions;

  #ctx!: ModuleContext<Options>;
  #n = 0;
  /** Running time of tick 0 in milliseconds. */
  #origin: number | undefined;

  init(ctx: ModuleContext<Options>): void {
    this.#ctx = ctx;
    this.reset();
  }

  process(task: Task): void | Promise<void> {
    const { count, realtime } = this.#ctx.options;
    if (count >= 0 && this.#n >= count) {
      task.done();
      return;
    }
    if (!realtime) {
      this.#tick(task);
      return;
    }
    this.#origin ??= this.#now();
    this.#catchUp(count);
    const wait = this.#origin + this.#milliseconds(this.#n) - this.#now();
    if (wait <= 0) this.#tick(task);
    else if (wait <= LONGEST_WAIT) return this.#ctx.sleep(wait).then(() => this.#tick(task));
    else return this.#ctx.sleep(LONGEST_WAIT);
  }

  reset(): void {
    this.#n = 0;
    this.#origin = undefined;
  }

  /** Nobody took the ticks in time: those whose successor is due as well are left out, for a clock shows the present. */
  #catchUp(count: number): void {
    const elapsed = this.#now() - this.#origin!;
    const { num, den } = this.#ctx.options.fps;
    const due = Math.floor((elapsed * num) / (1000 * den));
    const last = count < 0 ? due : Math.min(due, count - 1);
    if (last <= this.#n) return;
    this.#ctx.meter.dropped += last - this.#n;
    this.#n = last;
  }

  #now(): number {
    return this.#ctx.elapsed() / 1000;
  }

  #milliseconds(n: number): number {
    const { num, den } = this.#ctx.options.fps;
    return (n * den * 1000) / num;
  }

  #tick(task: Task): void {
    const { fps, time_base: timeBase } = this.#ctx.options;
    const n = this.#n++;
    const interval = { num: fps.den, den: fps.num };
    const tick: Tick = { n, pts: rescale(BigInt(n), interval, timeBase), timeBase };
    const timestamp = toMicroseconds(BigInt(n), interval);
    for (const output of this.#ctx.outputs) task.output(output).push(new Packet(tick, { timestamp }));
  }
}

/**
 * `assemble`: takes the packets of its inputs in turn, which restores the order that `split` dealt them out in.
 *
 * One packet of each input in turn is right as long as every node between emits one packet per packet. With
 * `tickets: true` (set by the engine for `dist_nums`) the nodes between mark where what belongs to one packet ends
 * (control packet 'ticket'), so that they may emit any number. An input that has ended is left out; what the others
 * still have follows in turn.
 */
import * as v from 'valibot';
import type { Packet } from '../../src/media/index.js';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { boolean, strictOptions } from '../../src/schema/schema.js';

/** `tickets`: each input marks with a ticket where what belongs to one packet ends, instead of one packet each. */
export const assembleOptions = strictOptions({ tickets: v.optional(boolean(), false) });

type Options = v.InferOutput<typeof assembleOptions>;

interface Input {
  readonly id: number;
  /** Packets of calls that brought more than this turn's. */
  readonly queue: Packet[];
}

export default class Assemble implements Module<Options> {
  static readonly schema = assembleOptions;

  #ctx!: ModuleContext<Options>;
  /** Inputs that have not ended. */
  #open: Input[] = [];
  /** Place in `#open` of the input whose turn it is. */
  #turn = 0;

  init(ctx: ModuleContext<Options>): void {
    this.#ctx = ctx;
    this.reset();
  }

  /** The input whose turn it is, and no other: what the others have stays in their links and holds them back. */
  wants(): readonly number[] {
    return this.#open.slice(this.#turn, this.#turn + 1).map(({ id }) => id);
  }

  process(task: Task): void {
    for (const [id, packets] of task.inputs) {
      // Taken out of the task: they are this module's now, and not released with the call.
      this.#open.find((input) => input.id === id)?.queue.push(...packets.splice(0));
    }
    const output = task.output(0);
    for (;;) {
      const input = this.#open[this.#turn];
      const packet = input?.queue.shift();
      if (packet === undefined) break;
      if (packet.isEof) {
        this.#open.splice(this.#turn, 1);
        this.#turn %= Math.max(1, this.#open.length);
        continue;
      }
      const isTicket = packet.control === 'ticket';
      if (isTicket) packet.close();
      else output.push(packet);
      if (isTicket || !this.#ctx.options.tickets) this.#turn = (this.#turn + 1) % this.#open.length;
    }
    if (this.#open.length === 0) task.done();
  }

  reset(): void {
    this.close();
    this.#open = this.#ctx.inputs.map((id) => ({ id, queue: [] }));
    this.#turn = 0;
  }

  close(): void {
    for (const { queue } of this.#open) for (const packet of queue.splice(0)) packet.close();
  }
}

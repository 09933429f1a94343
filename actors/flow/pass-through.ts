/** `pass_through`: what comes on input i leaves on output i, unchanged, whatever it is. */
import type * as v from 'valibot';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { strictOptions } from '../../src/schema/schema.js';

const options = strictOptions({});
type Options = v.InferOutput<typeof options>;

export default class PassThrough implements Module<Options> {
  static readonly schema = options;

  /** Inputs that have not ended. */
  #open = new Set<number>();
  /** Those that there are; further ones may come while the graph runs. */
  #inputs: readonly number[] = [];
  #known = 0;

  init({ inputs }: ModuleContext<Options>): void {
    this.#inputs = inputs;
    this.reset();
  }

  /** The end of an input ends its output at once; the module is done when all have ended. */
  process(task: Task): void {
    for (; this.#known < this.#inputs.length; this.#known++) this.#open.add(this.#inputs[this.#known]!);
    for (const [id, packets] of task.inputs) {
      const output = task.output(id);
      for (const packet of packets) {
        if (packet.isEof) this.#open.delete(id);
        if (!output.closed) output.push(packet);
      }
    }
    if (this.#open.size === 0) task.done();
  }

  reset(): void {
    this.#open = new Set(this.#inputs);
    this.#known = this.#inputs.length;
  }
}

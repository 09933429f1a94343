/**
 * `split`: deals the packets of its input out to its outputs, one each in turn. With `assemble` behind as many nodes, the
 * order is restored (BMF's modules of these names). To give every consumer all packets, connect them to one output.
 */
import type * as v from 'valibot';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { strictOptions } from '../../src/schema/schema.js';

const options = strictOptions({});
type Options = v.InferOutput<typeof options>;

export default class Split implements Module<Options> {
  static readonly schema = options;

  #outputs: readonly number[] = [];
  #turn = 0;

  init({ outputs }: ModuleContext<Options>): void {
    this.#outputs = outputs;
    this.reset();
  }

  process(task: Task): void {
    for (const packet of task.inputs.get(0) ?? []) {
      if (packet.isEof) {
        task.done();
        return;
      }
      // Whether somebody takes it or not: the turns of the others must not depend on it.
      const output = this.#outputs[this.#turn];
      if (output === undefined) continue;
      task.output(output).push(packet);
      this.#turn = (this.#turn + 1) % this.#outputs.length;
    }
  }

  reset(): void {
    this.#turn = 0;
  }
}

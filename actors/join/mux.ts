/** `mux`: packets of several inputs that belong together by time become one packet that carries them all. */
import { Bundle, NANOSECONDS, Packet, toMicroseconds } from '../../src/media/index.js';
import type { InputManagerSpec, Module, ModuleContext, Task } from '../../src/module/contract.js';
import { strictOptions } from '../../src/schema/schema.js';
import { oneOfEach, refuseUnaligned, type SyncOptions, syncManager, syncOptions } from './options.js';

export const muxOptions = strictOptions(syncOptions);

export default class Mux implements Module<SyncOptions> {
  static readonly schema = muxOptions;

  #inputs: readonly number[] = [];

  inputManager(options: SyncOptions): InputManagerSpec {
    return syncManager(options, 'slowest');
  }

  init({ inputs }: ModuleContext<SyncOptions>): void {
    this.#inputs = inputs;
  }

  process(task: Task): void {
    const { pts, duration } = task;
    if (pts === undefined) {
      refuseUnaligned(task, 'mux');
      return; // the end
    }
    const packets = oneOfEach(task);
    // The task's packets are released when the call settles; the bundle has references of its own.
    const payloads = this.#inputs.map((id) => packets.get(id)?.clone().payload);
    const bundle = Bundle.fromPayloads(payloads, { pts, duration });
    task.output(0).push(new Packet(bundle, { timestamp: toMicroseconds(pts, NANOSECONDS) }));
  }
}

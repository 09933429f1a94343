/** `null_sink`: takes everything and keeps nothing; counts what came. */
import type * as v from 'valibot';
import { EncodedPacket, VideoFrame } from '../../src/media/index.js';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { strictOptions } from '../../src/schema/schema.js';

const options = strictOptions({});
type Options = v.InferOutput<typeof options>;

export default class NullSink implements Module<Options> {
  static readonly schema = options;

  #ctx!: ModuleContext<Options>;

  init(ctx: ModuleContext<Options>): void {
    this.#ctx = ctx;
  }

  /** `meter.frames` counts pictures, `meter.bytes` encoded data. */
  process(task: Task): void {
    const { meter } = this.#ctx;
    for (const packets of task.inputs.values()) {
      for (const { control, payload, timestamp } of packets) {
        if (control !== undefined) continue;
        if (timestamp !== undefined) meter.position = Math.max(meter.position, timestamp);
        if (payload instanceof EncodedPacket) meter.bytes += payload.size;
        if (payload instanceof VideoFrame) meter.frames++;
      }
    }
  }
}

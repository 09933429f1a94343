/** `push_output: 3`: the frames as they are, input by input, up to `vframes` and `aframes`. */
import { Packet } from '../../../src/media/index.js';
import type { ModuleContext, Task } from '../../../src/module/contract.js';
import type { EncoderOptions } from '../options.js';
import { kindOfInput } from '../stream-options.js';

function limitOf(options: EncoderOptions, input: number): number | undefined {
  const kind = kindOfInput(options, input);
  return kind === 'video' ? options.vframes : kind === 'audio' ? options.aframes : undefined;
}

export class FrameOutput {
  readonly #left: Map<number, number>;
  readonly #ctx: ModuleContext<EncoderOptions>;

  constructor(ctx: ModuleContext<EncoderOptions>) {
    this.#ctx = ctx;
    this.#left = new Map(ctx.inputs.map((id) => [id, limitOf(ctx.options, id) ?? Number.POSITIVE_INFINITY] as const));
  }

  process(task: Task): void {
    for (const [id, packets] of task.inputs) {
      for (const packet of packets) {
        const left = this.#left.get(id) ?? 0;
        if (packet.isEof || left <= 0) {
          this.#end(id, task);
          continue;
        }
        this.#left.set(id, left - 1);
        if (kindOfInput(this.#ctx.options, id) === 'video') this.#ctx.meter.frames++;
        task.output(id).push(packet);
        if (left === 1) this.#end(id, task);
      }
    }
    if (this.#left.size === 0) task.done();
  }

  /** It keeps nothing. */
  close(): void {}

  #end(id: number, task: Task): void {
    if (!this.#left.delete(id)) return;
    if (this.#ctx.outputs.includes(id) && !task.output(id).closed) task.output(id).push(Packet.eof());
    task.closeInput(id);
  }
}

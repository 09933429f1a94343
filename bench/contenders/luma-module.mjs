// The work of luma.mjs as a module of a graph.
import { touch } from './luma.mjs';

export default class Luma {
  init(ctx) {
    this.ctx = ctx;
    this.frames = 0;
    this.sum = 0;
  }

  process(task) {
    for (const packet of task.inputs.get(0) ?? []) {
      if (packet.isEof) return this.ctx.callback('luma', { frames: this.frames, sum: this.sum });
      const [luma] = packet.payload.writable().planes();
      this.sum += touch(this.ctx.options.mean, luma.data, luma.stride, luma.width, luma.height);
      this.frames++;
      task.output(0).push(packet);
    }
  }
}

// A module of one's own: it changes the pixels of every frame. It runs in a thread of the graph, which imports this file.
import { defineModule } from 'millrace';

export default defineModule({
  init(ctx) {
    const levels = ctx.options.levels ?? 4;
    const step = 255 / (levels - 1);
    // One table look-up per pixel.
    this.table = Uint8Array.from({ length: 256 }, (_, value) => Math.round(Math.round(value / step) * step));
  },

  process(task) {
    for (const packet of task.inputs.get(0) ?? []) {
      if (packet.isEof) continue; // the engine ends our output after the last packet
      // Others may share these pixels: writable() copies them if they do.
      const [luma] = packet.payload.writable().planes();
      for (let y = 0; y < luma.height; y++) {
        const row = luma.data.subarray(y * luma.stride, y * luma.stride + luma.width);
        for (let x = 0; x < row.length; x++) row[x] = this.table[row[x]];
      }
      task.output(0).push(packet);
    }
  },
});

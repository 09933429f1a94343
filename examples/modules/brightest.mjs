// Finds the brightest of the blocks of a picture and notes it on the frame. options.after: gives up after so many pictures.
import { defineModule } from 'millrace';

const BLOCK = 32;

export default defineModule({
  init(ctx) {
    this.left = ctx.options.after ?? Infinity;
  },
  process(task) {
    for (const packet of task.inputs.get(0) ?? []) {
      if (packet.isEof) continue;
      if (this.left-- <= 0) throw new Error('the analysis gave up');
      const frame = packet.payload;
      let best = { light: -1 };
      for (let y = 0; y + BLOCK <= frame.height; y += BLOCK) {
        for (let x = 0; x + BLOCK <= frame.width; x += BLOCK) {
          const block = frame.crop(x, y, BLOCK, BLOCK); // a view: nothing is copied
          const [{ data, stride }] = block.planes();
          let light = 0;
          for (let row = 0; row < BLOCK; row += 8)
            for (let at = 0; at < BLOCK; at += 8) light += data[row * stride + at];
          block.close();
          if (light > best.light) best = { light, x, y };
        }
      }
      frame.data = { x: best.x, y: best.y };
      task.output(0).push(packet);
    }
  },
});

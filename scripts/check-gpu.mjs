// Decodes on every device of this machine and compares with the processor: pictures, and how fast. What a machine lacks is
// skipped by its name. Usage: npm run check:gpu [-- FILE]
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Graph } from 'millrace';

const [path = fileURLToPath(new URL('../test/fixtures/media/clip-4s.mp4', import.meta.url))] = process.argv.slice(2);
const DEVICES = ['cuda', 'vaapi', 'qsv', 'videotoolbox', 'd3d11va', 'vulkan'];

/** Hash of all pictures in one format, whatever the device gives. */
async function hashOf(hwaccel) {
  const hash = createHash('md5');
  let frames = 0;
  const { video } = new Graph().decode({ input_path: path, hwaccel });
  for await (const { payload } of video.format('yuv420p').packets().closing()) {
    hash.update(payload.toBuffer());
    frames++;
  }
  return { hash: hash.digest('hex'), frames };
}

/** Frames a second, where nobody looks at them. */
async function rateOf(hwaccel) {
  const graph = new Graph();
  graph.decode({ input_path: path, hwaccel, loop: 9 }).video.module('null_sink');
  const { milliseconds, nodes } = await graph.run();
  return (nodes[0].frames / milliseconds) * 1000;
}

const expected = await hashOf('none');
console.log(`processor: ${expected.frames} frames, ${(await rateOf('none')).toFixed()} frames/s`);
let failed = 0;
for (const device of DEVICES) {
  try {
    const { hash, frames } = await hashOf(device);
    const same = hash === expected.hash && frames === expected.frames;
    if (!same) failed++;
    console.log(`${device}: ${same ? 'the same' : 'OTHER'} pictures, ${(await rateOf(device)).toFixed()} frames/s`);
  } catch (error) {
    console.log(`${device}: skipped (${error.message.split('. ')[0]})`);
  }
}
process.exitCode = failed > 0 ? 1 : 0;

// Bytes in, bytes out: a clip that lies in memory becomes a smaller one, without a file.
// Usage: node examples/in-memory.mjs clip.mp4
import { readFile, writeFile } from 'node:fs/promises';
import { Graph, toBuffer } from 'millrace';

const [path = 'clip.mp4'] = process.argv.slice(2);
const graph = new Graph();
const input = graph.decode({ input: await readFile(path), start_time: 0.5 });
const small = await toBuffer(
  { video: input.video.scale(320, -2), audio: input.audio },
  { format: 'mp4', video_params: { preset: 'veryfast' }, mux_params: { movflags: 'faststart' } },
);
await writeFile('in-memory.mp4', small);
console.log(`in-memory.mp4: ${small.length} bytes`);

// User code per frame as a module of a millrace graph.
// Usage: node graph.mjs RESULT INPUT OUTPUT|- corner|picture THREADS
import { writeFileSync } from 'node:fs';
import { Graph } from '../../dist/index.js';

const [result, input, output, mean, threads] = process.argv.slice(2);
const graph = new Graph({ threads: threads === 'auto' ? threads : Number(threads) });
const touched = graph
  .decode({ input_path: input })
  .video.module(
    new URL('./luma-module.mjs', import.meta.url),
    { mean },
    { callback: (_key, figures) => writeFileSync(result, JSON.stringify(figures)) },
  );
if (output === '-') touched.module('null_sink', {});
else touched.encode(null, { output_path: output, video_params: { codec: 'h264', preset: 'veryfast' } });
await graph.run();

// A live passthrough: pictures in, scaled, encoded without delay, out as they come.
// Usage: node live.mjs INPUT OUTPUT WIDTH HEIGHT THREADS
import { Graph } from '../../dist/index.js';

const [input_path, output_path, width, height, threads] = process.argv.slice(2);
const graph = new Graph({ threads: threads === 'auto' ? threads : Number(threads) });
graph
  .decode({ input_path, live: true })
  .video.scale(Number(width), Number(height))
  .encode(null, {
    output_path,
    format: 'flv',
    video_params: { codec: 'h264', preset: 'veryfast', tune: 'zerolatency', g: 50 },
  });
await graph.run();

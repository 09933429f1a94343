// Thumbnails of many small files: a graph for each, all on the threads of one Runtime.
// Usage: node small.mjs FOLDER COUNT FILES THREADS
import { Graph, Runtime } from '../../dist/index.js';

const [folder, count, files, threads] = process.argv.slice(2);
const runtime = new Runtime({ threads: Number(threads) });
for (let i = 0; i < Number(count); i++) {
  const graph = new Graph({ runtime });
  graph
    .decode({ input_path: `${folder}/${i % Number(files)}.mp4`, start_time: 0.5, vframes: 1 })
    .video.scale(320, 180)
    .encode(null, {
      output_path: `${folder}/millrace-${threads}-${i}.jpg`,
      vframes: 1,
      video_params: { codec: 'mjpeg' },
    });
  await graph.run();
}
await runtime.close();

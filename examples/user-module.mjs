// A graph with a module of one's own (modules/posterize.mjs) between decoder and encoder.
// Usage: node examples/user-module.mjs [in.mp4 [out.mp4]]
import { Graph } from 'millrace';

const [input = 'clip.mp4', output = 'posterized.mp4'] = process.argv.slice(2);
const posterize = new URL('./modules/posterize.mjs', import.meta.url);

const graph = new Graph();
const source = graph.decode({ input_path: input });
source.video
  .filter('format', 'yuv420p')
  .module(posterize, { levels: 4 }, { alias: 'posterize' })
  .encode(source.audio, { output_path: output, video_params: { preset: 'veryfast' } });

const report = await graph.run();
const { thread, calls, milliseconds } = report.nodes.find((node) => node.alias === 'posterize');
console.log(
  `${output}: ${report.frames} frames; posterize took ${milliseconds.toFixed(0)} ms in ${calls} calls on thread ${thread}`,
);

// Four renditions of one video, each by the same sub-graph, beside each other in one picture.
// Usage: node examples/subgraph.mjs [in.mp4 [out.mp4]]
import { defineGraph, Graph } from 'millrace';

const [input = 'clip.mp4', output = 'four.mp4'] = process.argv.slice(2);

/** The picture at a quarter of its size, in another look, with its name on it. */
const rendition = defineGraph(
  (_graph, [video], { look, args = [] }) => {
    const small = video.scale('trunc(iw/4)*2', 'trunc(ih/4)*2', { alias: 'scale' });
    return look === undefined ? small : small.filter(look, ...args);
  },
  { name: 'rendition', inputs: 1 },
);

const graph = new Graph();
const { video } = graph.decode({ input_path: input });
const [plain, flipped, negated, blurred] = [
  {},
  { look: 'hflip' },
  { look: 'negate' },
  { look: 'boxblur', args: [4] },
].map((options) => video.module(rendition, options, { alias: options.look ?? 'plain' }));
const rows = [plain.filter('hstack', flipped), negated.filter('hstack', blurred)];
rows[0].filter('vstack', rows[1]).encode(null, { output_path: output, video_params: { preset: 'veryfast' } });

console.log(graph.toMermaid());
const report = await graph.run();
console.log(`${output}: ${report.frames} frames`);

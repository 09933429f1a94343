// Makes a small file, and beside it what the run can do without: a copy on a disk that may not be there, and an analysis.
// Usage: node examples/optional.mjs [in.mp4 [out.mp4 [copy.mp4]]]
import { encode, Graph } from 'millrace';

const [input = 'clip.mp4', output = 'kept.mp4', copy = '/mnt/not-there/copy.mp4'] = process.argv.slice(2);
const brightest = new URL('./modules/brightest.mjs', import.meta.url);

const graph = new Graph();
const source = graph.decode({ input_path: input });
const small = source.video.scale(320, 180).filter('format', 'yuv420p');
encode(small, source.audio, { output_path: output, video_params: { preset: 'veryfast' } });
encode(small, source.audio, { output_path: copy, video_params: { preset: 'veryfast' }, on_error: 'drop-branch' });
// It gives up after 20 pictures; what it has found by then is read all the same.
const analysed = small.module(brightest, { after: 20 }, { alias: 'brightest', on_error: 'drop-branch' }).packets();

const run = graph.run();
const places = [];
for await (const { payload: frame } of analysed.closing()) places.push(frame.data);
const { frames, dropped } = await run;
console.log(`${output}: ${frames} frames; the light was at`, places[0], `and in ${places.length} places in all`);
for (const { alias, error } of dropped) console.log(`without ${alias}: ${error.message}`);

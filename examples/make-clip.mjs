// Makes a clip out of nothing: FFmpeg's sources begin streams without a decoder.
// Usage: node examples/make-clip.mjs [out.mp4 [seconds]]
import { encode, Graph } from 'millrace';

const [output = 'clip.mp4', seconds = '4'] = process.argv.slice(2);

const graph = new Graph();
const picture = graph.filter('testsrc2', { size: '640x360', rate: 25, duration: Number(seconds) });
const tone = graph.filter('sine', { frequency: 440, sample_rate: 48000, duration: Number(seconds) });
encode(picture, tone, { output_path: output, video_params: { preset: 'veryfast' } });

const report = await graph.run();
console.log(`${output}: ${report.frames} frames`);

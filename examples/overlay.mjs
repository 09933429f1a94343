// Lays a small copy of one video over another, in the lower right corner, and mixes their sound.
// Usage: node examples/overlay.mjs [base.mp4 [top.mp4 [out.mp4]]]
import { Graph, overlay } from 'millrace';

const [base = 'clip.mp4', top = 'clip.mp4', output = 'overlay.mp4'] = process.argv.slice(2);

const graph = new Graph();
const below = graph.decode({ input_path: base });
const above = graph.decode({ input_path: top });
const inset = above.video.scale('iw/4', 'ih/4').hflip();
const picture = overlay(below.video, inset, { x: 'W-w-16', y: 'H-h-16', eof_action: 'pass' });
const sound = below.audio.amix(above.audio, { duration: 'first' });
picture.encode(sound, { output_path: output, video_params: { preset: 'veryfast' } });

const report = await graph.run();
console.log(`${output}: ${report.frames} frames`);

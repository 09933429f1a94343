// Transcodes picture and sound in a loop of one's own: decode a step, scale, encode.
// Usage: node examples/sync-loop.mjs [in.mp4 [out.mp4]]
import { syncModule } from 'millrace';

const [input = 'clip.mp4', output = 'looped.mp4'] = process.argv.slice(2);

const decoder = syncModule('c_ffmpeg_decoder', { input_path: input }, [], [0, 1]);
const scale = syncModule('c_ffmpeg_filter', { name: 'scale', para: '320:250' }, [0], [0]);
const options = { output_path: output, video_params: { preset: 'veryfast' } };
const encoder = syncModule('c_ffmpeg_encoder', options, [0, 1], []);

let steps = 0;
for (let done = false; !done; steps++) {
  const step = decoder.process();
  done = step.done;
  // The ends of the streams go the same way as their packets.
  const { outputs } = scale.process({ 0: step.outputs[0] });
  encoder.process({ 0: outputs[0], 1: step.outputs[1] });
}
encoder.sendEof();
for (const module of [decoder, scale, encoder]) module.close();
console.log(`${output}: ${steps} steps`);

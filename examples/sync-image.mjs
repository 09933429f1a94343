// One frame of a file as a 320x240 JPEG, module by module, without a graph.
// Usage: node examples/sync-image.mjs [in.mp4 [out.jpg]]
import { syncModule } from 'millrace';

const [input = 'clip.mp4', output = 'frame.jpg'] = process.argv.slice(2);

const decoder = syncModule('c_ffmpeg_decoder', { input_path: input }, [], [0]);
const scale = syncModule('c_ffmpeg_filter', { name: 'scale', para: '320:240' }, [0], [0]);
const options = { output_path: output, format: 'mjpeg', video_params: { codec: 'jpg' } };
const encoder = syncModule('c_ffmpeg_encoder', options, [0], []);

const { outputs, timestamp } = decoder.process();
const scaled = scale.process({ 0: outputs[0] });
encoder.process({ 0: scaled.outputs[0] });
encoder.sendEof();
for (const module of [decoder, scale, encoder]) module.close();
console.log(`${output}: the frame at ${timestamp} µs`);

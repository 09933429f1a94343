// Decodes a file once and writes two: a small video, and the sound alone.
// Usage: node examples/transcode.mjs [in.mp4 [small.mp4 [sound.m4a]]]
import { encode, Graph } from 'millrace';

const [input = 'clip.mp4', small = 'small.mp4', sound = 'sound.m4a'] = process.argv.slice(2);

const graph = new Graph({ threads: 'auto' });
const source = graph.decode({ input_path: input });
source.video.scale(320, 180).encode(source.audio, {
  output_path: small,
  video_params: { codec: 'h264', preset: 'veryfast', crf: 23 },
  audio_params: { codec: 'aac', bit_rate: 96_000 },
});
// A stream may be used several times: every consumer gets all of it.
encode(null, source.audio, { output_path: sound });

const report = await graph.run({
  onProgress: ({ position, duration }) => {
    if (position !== undefined && duration !== undefined) console.log(`${Math.round((100 * position) / duration)} %`);
  },
});
for (const node of report.nodes) {
  console.log(`${node.alias}: thread ${node.thread}, ${node.calls} calls, ${node.milliseconds.toFixed(0)} ms`);
}

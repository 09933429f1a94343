// A module that makes subtitles: it tells of each half second how loud the sound is. They go into a file beside picture and
// sound, into a text file, and, changed by a second module, into the picture.
// Usage: node examples/subtitles.mjs [in.mp4] [out.mkv]
import { readFileSync } from 'node:fs';
import { defineModule, encode, Graph, Packet, Subtitle } from 'millrace';

const [input_path = 'clip.mp4', output_path = 'loudness.mkv'] = process.argv.slice(2);
const LENGTH = 500_000; // microseconds

const loudness = defineModule({
  init() {
    this.start = 0;
    this.loudest = 0;
  },
  process(task) {
    for (const packet of task.inputs.get(0) ?? []) {
      if (!packet.isEof && packet.timestamp < this.start + LENGTH) {
        const [samples] = packet.payload.copyPlanes();
        const values = new Float32Array(samples.data.buffer, samples.data.byteOffset, samples.data.byteLength / 4);
        for (const value of values) this.loudest = Math.max(this.loudest, Math.abs(value));
        continue;
      }
      const text = '#'.repeat(Math.round(this.loudest * 40)) || '(silence)';
      const [start, end] = [this.start, this.start + LENGTH];
      task.output(0).push(new Packet(new Subtitle({ start, end, text })));
      Object.assign(this, { start: end, loudest: 0 });
    }
  },
});

const italic = defineModule({
  process(task) {
    for (const packet of task.inputs.get(0) ?? []) {
      if (packet.isEof) continue;
      const { start, end, text } = packet.payload;
      task.output(0).push(new Packet(new Subtitle({ start, end, ass: `{\\an8\\i1}${text}` })));
    }
  },
});

const graph = new Graph();
const input = graph.decode({ input_path, video_codec: 'copy' });
const subtitle = input.audio.filter('aformat', { sample_fmts: 'fltp' }).module(loudness);
const streams = { subtitle: [{ language: 'zxx', title: 'Loudness', disposition: 'default' }] };
encode({ video: input.video, audio: input.audio, subtitle }, { output_path, streams });
encode({ subtitle }, { output_path: 'loudness.srt' });
await graph.run();
console.log(readFileSync('loudness.srt', 'utf8').trim());

const drawing = new Graph();
const texts = drawing.decode({ input_path: output_path }).subtitles[0].module(italic);
const picture = drawing.decode({ input_path }).video.scale(320, -2);
picture.burnSubtitles(texts).encode(null, { output_path: 'drawn.mp4', video_params: { preset: 'ultrafast' } });
console.log(`drawn.mp4: ${(await drawing.run()).frames} pictures`);

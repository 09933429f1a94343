// One film in three sizes for HLS and DASH players, with every sound of it; prints the master playlist.
// Usage: node examples/ladder.mjs [in.mp4] [folder]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ladder, probe } from 'millrace';

const [input = 'clip.mp4', folder = 'ladder'] = process.argv.slice(2);
const { streams } = await probe(input);
const sounds = streams.filter(({ kind }) => kind === 'audio');

const output_path = join(folder, 'master.m3u8');
const node = ladder(input, {
  output_path,
  format: 'cmaf',
  renditions: [
    { height: 360, bit_rate: '800k' },
    { height: 180, bit_rate: '250k' },
    { height: 90, bit_rate: '80k' },
  ],
  video_params: { preset: 'veryfast' },
  audio: sounds.map((_, source) => ({ source, bit_rate: '96k', name: `sound${source}` })),
  segment: { duration: 1 },
});
const { warnings } = await node.graph.run();
for (const warning of warnings) console.log(warning);
console.log(readFileSync(output_path, 'utf8'));

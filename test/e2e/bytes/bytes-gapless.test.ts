/** Sound pushed as bytes is the sound of the file: what an encoder put before and behind it is cut off alike. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type AudioFrame, encode, Graph, Packet } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run, scratch } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const path = scratch();
const graphOn = await sharedThreads(1);

async function make(name: string, codec: string, rate: number, channels: number, mux: object): Promise<string> {
  const graph = new Graph({ threads: 0 });
  const sound = graph.filter('sine', { sample_rate: rate, duration: 0.5 });
  encode(null, sound, { output_path: path(name), audio_params: { codec, sample_rate: rate, channels }, ...mux });
  await run(graph);
  return path(name);
}

/** Samples of all packets as text, to be compared. */
async function fileSound(input: string): Promise<string[]> {
  const seen: string[] = [];
  const graph = new Graph({ threads: 0 });
  for await (const { payload } of graph.decode({ input_path: input }).audio.packets().closing())
    seen.push((payload as AudioFrame).toBuffer().toString('hex'));
  return seen;
}

async function pushedSound(input: string, piece: number): Promise<string[]> {
  const seen: string[] = [];
  const graph = graphOn();
  const bytes = graph.inputStream('bytes');
  const reader = bytes.decode().audio.packets().closing();
  await graph.start();
  const pushed = (async () => {
    const file = readFileSync(input);
    for (let at = 0; at < file.length; at += piece) await bytes.push(new Packet(file.subarray(at, at + piece)));
    await bytes.end();
  })();
  for await (const { payload } of reader) seen.push((payload as AudioFrame).toBuffer().toString('hex'));
  await pushed;
  await graph.close();
  return seen;
}

const files: readonly (readonly [name: string, codec: string, rate: number, channels: number, mux: object])[] = [
  ['mono.mp3', 'libmp3lame', 44100, 1, {}],
  ['stereo.mp3', 'libmp3lame', 44100, 2, {}],
  ['half-rate.mp3', 'libmp3lame', 22050, 2, {}],
  ['no-tag.mp3', 'libmp3lame', 44100, 1, { mux_params: { write_xing: 0 } }],
  ['first.mp4', 'aac', 44100, 1, { mux_params: { movflags: 'faststart' } }],
  ['pieces.mp4', 'aac', 44100, 1, { mux_params: { movflags: 'frag_keyframe+empty_moov' } }],
  ['sound.opus', 'libopus', 48000, 1, {}],
  ['sound.ogg', 'libvorbis', 44100, 1, {}],
  // With a tag at the end, which no stream can be searched for.
  ['mono.wv', 'wavpack', 44100, 1, { metadata: { title: 'a tag' } }],
  ['stereo.wv', 'wavpack', 48000, 2, {}],
  ['sound.flac', 'flac', 44100, 1, {}],
];

const test = suite('gapless sound of pushed bytes');

for (const [name, codec, rate, channels, mux] of files) {
  test(`${name} (${codec}) pushed as bytes sounds as the file`, async () => {
    const input = await make(name, codec, rate, channels, mux);
    const expected = await fileSound(input);
    assert.ok(expected.length > 0);
    assert.equal(await pushedSound(input, 4000), expected);
  });
}

test('a large cover before the first frame of MP3 changes nothing', async () => {
  const plain = readFileSync(await make('plain.mp3', 'libmp3lame', 44100, 1, { mux_params: { id3v2_version: 0 } }));
  const size = 200_000;
  const header = Buffer.from([...Buffer.from('ID3'), 4, 0, 0, ...[21, 14, 7, 0].map((bits) => (size >> bits) & 127)]);
  const input = path('cover.mp3');
  writeFileSync(input, Buffer.concat([header, Buffer.alloc(size), plain]));
  const expected = await fileSound(input);
  assert.equal(await pushedSound(input, 70_000), expected);
  assert.equal(await pushedSound(input, 9000), expected);
});

test.run();

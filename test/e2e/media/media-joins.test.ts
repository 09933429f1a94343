/** Several outputs from one input, several inputs into one filter, one stream alone, inputs far out of step. */
import { concat, defineModule, encode, Graph, type Stream } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crossed, long } from '../../kit/long.js';
import {
  assertSame,
  contentsOf,
  expectedPictures,
  media,
  pictures,
  quickAac,
  run,
  scratch,
  sinkOn,
  soundOf,
} from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const at = scratch();
const clip = media('clip-4s.mp4');
const fast = { threads: 1, preset: 'ultrafast' } as const;
/** A second of 25 small pictures. */
const second = { vframes: 25, aframes: 47 } as const;

/** Two seconds of pictures, and only then two of sound. */
const uneven = at('uneven.mkv');
await writeUneven(uneven);

async function writeUneven(output_path: string): Promise<void> {
  const graph = new Graph({ threads: 0 });
  let pictures = true;
  const videoFirst = defineModule({
    wants: () => [pictures ? 0 : 1],
    process({ inputs, output }) {
      for (const [id, packets] of inputs) {
        for (const packet of packets) {
          if (!packet.isEof) output(id).push(packet);
          else if (id === 0) pictures = false;
        }
      }
    },
  });
  const video = graph.filter('testsrc2', { size: '64x36', rate: 25, duration: 2 });
  const audio = graph.filter('sine', { sample_rate: 48_000, duration: 2 });
  const ordered = video.module(videoFirst, {}, { inputs: [audio] });
  // Pictures that wait for sound would otherwise be put in order by the muxer.
  const mux_params = { max_interleave_delta: 1 };
  const audio_params = { codec: 'pcm_s16le' };
  encode(ordered[0]!, ordered[1]!, { output_path, mux_params, video_params: fast, audio_params });
  await run(graph);
}

const test = suite('joins and renditions');
const graphOn = await sharedThreads(2);

type What = (threads: number, file: (extension: string) => string) => Promise<void>;
const tests: [name: string, what: What][] = [];
const on = (name: string, what: What): void => void tests.push([name, what]);

on('sound alone', async (threads, file) => {
  const graph = graphOn({ threads });
  encode(null, graph.decode({ input_path: clip, aframes: 47 }).audio, {
    output_path: file('m4a'),
    audio_params: quickAac,
  });
  await run(graph);
  const { video, samples } = await contentsOf(file('m4a'));
  assert.is(video.length, 0);
  assert.ok(Math.abs(samples - 47 * 1024) <= 1024, `${samples} samples`);
});

on('pictures alone', async (threads, file) => {
  const graph = graphOn({ threads });
  encode(graph.decode({ input_path: clip, vframes: 25 }).video, null, {
    output_path: file('mp4'),
    video_params: fast,
  });
  await run(graph);
  const { video, audio } = await contentsOf(file('mp4'));
  assert.equal([video.length, audio.length], [25, 0]);
});

on('three renditions and a second copy of one, of one decode', async (threads, file) => {
  const graph = graphOn({ threads });
  const source = graph.decode({ input_path: clip, ...second });
  const sizes = [96, 64, 48, 48];
  sizes.forEach((width, i) => {
    const output_path = file(`${i}.mkv`);
    source.video.scale(width, -2).encode(source.audio, {
      output_path,
      video_params: { ...fast, crf: 30 },
      audio_params: quickAac,
    });
  });
  const report = await run(graph);
  assert.is(report.nodes[0]!.packetsOut, 25 + 47, 'decoded once');
  const lists = [];
  for (const [i, width] of sizes.entries()) {
    const { video, samples } = await contentsOf(file(`${i}.mkv`));
    assert.equal([video.length, video[0]?.width], [25, width]);
    assert.ok(Math.abs(samples - 47 * 1024) <= 1024, `${samples} samples`);
    lists.push(pictures(video));
  }
  assertSame(lists[3]!, lists[2]!);
});

on('a logo with transparency over a video', async (threads) => {
  const graph = graphOn({ threads });
  const source = graph.decode({ input_path: clip, ...(!long && second) });
  const sink = sinkOn(
    source.video.overlay(graph.decode({ input_path: media('logo-alpha.png') }).video, { x: 20, y: 10 }),
  );
  const sound = sinkOn(source.audio);
  await run(graph);
  const expected = expectedPictures('e2e-overlay').slice(0, long ? 100 : 25);
  // The file of the command begins with the priming samples of its sound, before the first picture.
  assert.equal(
    sink.packets.map(({ hash }) => hash),
    expected.map(([, hash]) => hash),
  );
  assert.is(sound.packets.length, long ? 188 : 47, 'all packets but the priming one');
});

on('two files with picture and sound, end to end', async (threads) => {
  const graph = graphOn({ threads });
  const [one, two] = [0, 1].map(() => graph.decode({ input_path: clip, ...second }));
  const joined = concat([
    [one!.video, one!.audio],
    [two!.video, two!.audio],
  ]);
  const [video, audio] = [sinkOn(joined.video), sinkOn(joined.audio)];
  await run(graph);
  assert.is(video.packets.length, 50);
  assert.is(
    audio.packets.reduce((sum, { samples }) => sum + samples!, 0),
    2 * 47 * 1024,
  );
  // Segments last as long as their longest stream: 47 frames of sound.
  const length = Math.floor((47 * 1024 * 1e6) / 48_000);
  for (const [i, { timestamp }] of video.packets.entries()) {
    const expected = (i % 25) * 40_000 + (i < 25 ? 0 : length);
    assert.ok(Math.abs(timestamp! - expected) <= 40, `picture ${i} at ${timestamp}, expected ${expected}`);
  }
});

on('sound mixed with itself is itself', async (threads) => {
  const graph = graphOn({ threads });
  const [one, two] = [0, 1].map(() => graph.decode({ input_path: media('mono-16k.wav') }).audio);
  const mixed = sinkOn(one!.amix(two!).aformat({ sample_fmts: 's16' }).filter('asetnsamples', 1024));
  const plain = sinkOn(graph.decode({ input_path: media('mono-16k.wav') }).audio.filter('asetnsamples', 1024));
  await run(graph);
  assertSame(pictures(mixed.packets), pictures(plain.packets), 'frames of sound');
  assert.is(plain.packets.length, 16);
});

on('side by side, of the same decode and of two', async (threads) => {
  const graph = graphOn({ threads });
  const source = graph.decode({ input_path: clip, vframes: 25 }).video.scale(64, 36);
  const other = graph.decode({ input_path: media('clip.mpegts'), vframes: 25 }).video.scale(64, 36);
  const same = sinkOn(source.hstack(source.vflip()));
  const three = sinkOn(source.vstack([other, source]));
  await run(graph);
  assert.equal([same.packets.length, same.packets[0]?.width, same.packets[0]?.height], [25, 128, 36]);
  assert.equal([three.packets.length, three.packets[0]?.width, three.packets[0]?.height], [25, 64, 108]);
});

on('two ranges of one decode in the other order, with their sound', async (threads) => {
  const graph = graphOn({ threads });
  const half = { input_path: clip, vframes: 50, aframes: 94 };
  const source = graph.decode(half);
  const [p, q] = source.video.scale(64, 36).split(2);
  const [r, s] = source.audio.asplit(2);
  const range = (video: Stream, audio: Stream, from: number): [Stream, Stream] => [
    video.trim(from, from + 1).setpts('PTS-STARTPTS'),
    audio.atrim(from, from + 1).asetpts('PTS-STARTPTS'),
  ];
  const joined = concat([range(q, s, 1), range(p, r, 0)]);
  const [video, audio] = [sinkOn(joined.video), sinkOn(joined.audio)];
  await run(graph);
  const whole = new Graph({ threads: 0 });
  const plain = sinkOn(whole.decode(half).video.scale(64, 36));
  await run(whole);
  const hashes = plain.packets.map(({ hash }) => hash);
  assert.equal(
    video.packets.map(({ hash }) => hash),
    [...hashes.slice(25), ...hashes.slice(0, 25)],
  );
  assert.equal(
    video.packets.map(({ timestamp }) => timestamp),
    Array.from({ length: 50 }, (_, i) => i * 40_000),
  );
  assert.is(
    audio.packets.reduce((sum, { samples }) => sum + samples!, 0),
    96_000,
  );
});

on('a file whose sound lies behind all of its pictures', async (threads, file) => {
  const graph = graphOn({ threads });
  const source = graph.decode({ input_path: uneven });
  source.video.scale(32, 18).encode(source.audio, {
    output_path: file('mp4'),
    video_params: fast,
    audio_params: quickAac,
  });
  await run(graph);
  const { video } = await contentsOf(file('mp4'));
  assert.is(video.length, 50);
  assert.ok(Math.abs((await soundOf(file('mp4'))).length / 2 - 96_000) <= 1024);
});

on('such a file before another one: the queue of its pictures grows, and the report tells', async (threads) => {
  const graph = graphOn({ threads });
  const [one, two] = [0, 1].map(() => graph.decode({ input_path: uneven }));
  const joined = concat([
    [one!.video, one!.audio],
    [two!.video, two!.audio],
  ]);
  const [video, audio] = [sinkOn(joined.video), sinkOn(joined.audio)];
  const report = await run(graph);
  assert.match(report.warnings.join('\n'), /the limit of the link from .* was lifted/);
  assert.is(video.packets.length, 100);
  assert.is(
    audio.packets.reduce((sum, { samples }) => sum + samples!, 0),
    2 * 96_000,
  );
});

for (const [[name, what], places] of crossed(tests, [2, 0], 1)) {
  for (const threads of places) {
    const file = (extension: string): string => at(`${name.replaceAll(' ', '-')}-${threads}.${extension}`);
    test(`threads: ${threads}: ${name}`, () => what(threads, file));
  }
}

test.run();

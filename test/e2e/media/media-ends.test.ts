/** What ends a media graph: limits and trims at any place, sources of their own, endless loops, consumers that leave. */
import { encode, type Report } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crossed } from '../../kit/long.js';
import { contentsOf, media, quickAac, run, scratch, sinkOn } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const at = scratch();
const clip = media('clip-4s.mp4');
const fast = { threads: 1, preset: 'ultrafast' } as const;
const source = { size: '64x36', rate: 25 } as const;

const test = suite('ends of media graphs');
const graphOn = await sharedThreads(2);

function decoder(report: Report) {
  return report.nodes.find(({ module }) => module === 'c_ffmpeg_decoder')!;
}

const tests: [name: string, what: (threads: number) => Promise<void>][] = [];
const on = (name: string, what: (threads: number) => Promise<void>): void => void tests.push([name, what]);

on('sources that end by themselves', async (threads) => {
  const graph = graphOn({ threads });
  const video = sinkOn(graph.filter('testsrc2', { ...source, duration: 2 }));
  const audio = sinkOn(graph.filter('anullsrc', { r: 48_000, cl: 'stereo', d: 2 }));
  await run(graph);
  assert.is(video.packets.length, 50);
  assert.is(
    audio.packets.reduce((sum, { samples }) => sum + samples!, 0),
    96_000,
  );
  assert.is(audio.packets[0]?.channels, 2);
});

on('endless sources behind trim and atrim', async (threads) => {
  const graph = graphOn({ threads });
  const output_path = at(`trimmed-${threads}.mp4`);
  const picture = graph.filter('testsrc2', source).trim({ end_frame: 30 });
  const tone = graph.filter('sine', { sample_rate: 48_000 }).atrim({ end_sample: 48_000 });
  encode(picture, tone, { output_path, video_params: fast, audio_params: quickAac });
  await run(graph);
  const { video, samples } = await contentsOf(output_path);
  assert.is(video.length, 30);
  assert.ok(Math.abs(samples - 48_000) < 1024, `${samples} samples`);
});

on('endless sources behind an encoder with vframes and aframes', async (threads) => {
  const graph = graphOn({ threads });
  const output_path = at(`limited-${threads}.mp4`);
  encode(graph.filter('testsrc2', source), graph.filter('anullsrc'), {
    output_path,
    video_params: fast,
    audio_params: quickAac,
    vframes: 20,
    aframes: 30,
  });
  const report = await run(graph);
  const { video, samples } = await contentsOf(output_path);
  assert.is(video.length, 20);
  assert.ok(Math.abs(samples - 30 * 1024) <= 1024, `${samples} samples`);
  assert.is(report.frames, 20);
});

on('a trim ends its decoder', async (threads) => {
  const graph = graphOn({ threads });
  const sink = sinkOn(graph.decode({ input_path: clip }).video.trim({ end: 1 }));
  const report = await run(graph);
  assert.is(sink.packets.length, 25);
  const { packetsOut } = decoder(report);
  assert.ok(packetsOut < 60, `${packetsOut} frames decoded for 25`);
});

on('vframes of the encoder end the decoder', async (threads) => {
  const graph = graphOn({ threads });
  const output_path = at(`frames-${threads}.mp4`);
  graph.decode({ input_path: clip }).video.scale(64, 36).encode(null, { output_path, video_params: fast, vframes: 10 });
  const report = await run(graph);
  assert.is((await contentsOf(output_path)).video.length, 10);
  assert.ok(decoder(report).packetsOut < 60);
});

on('vframes and aframes of the decoder', async (threads) => {
  const graph = graphOn({ threads });
  const input = graph.decode({ input_path: clip, vframes: 12, aframes: 5 });
  const [video, audio] = [sinkOn(input.video), sinkOn(input.audio)];
  await run(graph);
  assert.equal([video.packets.length, audio.packets.length], [12, 5]);
});

on('an endless loop filter behind a trim', async (threads) => {
  const graph = graphOn({ threads });
  const looped = graph
    .decode({ input_path: media('still.jpg') })
    .video.scale(64, 36)
    .loop(-1, 1);
  const sink = sinkOn(looped.setpts('N/25/TB').trim({ end_frame: 40 }));
  await run(graph);
  assert.is(sink.packets.length, 40);
  assert.is(new Set(sink.packets.map(({ hash }) => hash)).size, 1);
});

on('an endless loop of the decoder, by its own vframes and by an encoder', async (threads) => {
  const graph = graphOn({ threads });
  const output_path = at(`looped-${threads}.mp4`);
  const own = sinkOn(graph.decode({ input_path: clip, loop: -1, vframes: 130 }).video);
  const endless = graph.decode({ input_path: clip, loop: -1 });
  encode(endless.video.scale(64, 36), null, { output_path, video_params: fast, vframes: 110 });
  await run(graph);
  assert.is(own.packets.length, 130);
  assert.equal(own.packets[100]!.hash, own.packets[0]!.hash);
  assert.is((await contentsOf(output_path)).video.length, 110);
});

on('one branch of a split that ends early leaves the other alone', async (threads) => {
  const graph = graphOn({ threads });
  const [a, b] = graph.decode({ input_path: clip }).video.scale(64, 36).split(2);
  const [few, all] = [sinkOn(a.trim({ end_frame: 5 })), sinkOn(b)];
  const taker = sinkOn(b, { limit: 3 });
  await run(graph);
  assert.is(few.packets.length, 5);
  assert.is(all.packets.length, 100);
  assert.ok(taker.packets.length >= 3);
});

on('both branches of a split ending early end the decoder', async (threads) => {
  const graph = graphOn({ threads });
  const [a, b] = graph.decode({ input_path: clip, loop: -1 }).video.scale(64, 36).split(2);
  const [few, more] = [sinkOn(a.trim({ end_frame: 5 })), sinkOn(b.trim({ end_frame: 9 }))];
  await run(graph);
  assert.equal([few.packets.length, more.packets.length], [5, 9]);
});

on('the sound goes on when the pictures have been cut off, and the other way round', async (threads) => {
  const graph = graphOn({ threads });
  const input = graph.decode({ input_path: clip });
  const [video, audio] = [sinkOn(input.video.trim({ end: 1 })), sinkOn(input.audio)];
  const other = graph.decode({ input_path: clip });
  const [frames, sound] = [sinkOn(other.video), sinkOn(other.audio.atrim({ end: 1 }))];
  await run(graph);
  assert.equal([video.packets.length, audio.packets.length], [25, 188]);
  assert.is(frames.packets.length, 100);
  assert.is(
    sound.packets.reduce((sum, { samples }) => sum + samples!, 0),
    48_000,
  );
});

on('an overlay that ends with its shortest input ends an endless other one', async (threads) => {
  const graph = graphOn({ threads });
  const endless = graph.filter('testsrc2', { size: '16x16', rate: 25 });
  const sink = sinkOn(graph.decode({ input_path: clip }).video.overlay(endless, { shortest: true }));
  await run(graph);
  assert.is(sink.packets.length, 100);
});

for (const [[name, what], places] of crossed(tests, [0, 2], 1)) {
  for (const threads of places) test(`threads: ${threads}: ${name}`, () => what(threads));
}

test.run();

/** An output of several streams of which one sends nothing, at its beginning or later: what waits for it is bounded. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { AudioFrame, type EncoderOptions, encode, type GraphError, Packet, syncModule, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contentsOf, media, quickAac } from '../../kit/media.js';
import { rejection, thrown } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const silent = suite('a silent input of an encoder');
const graphOn = await sharedThreads(2);
const folder = mkdtempSync(join(tmpdir(), 'millrace-silent-'));
silent.after(() => rmSync(folder, { recursive: true, force: true }));

const RATE = { num: 1, den: 25 };
const SOUND = 48_000;

function picture(n: number): Packet {
  const frame = VideoFrame.alloc({ width: 64, height: 36, format: 'yuv420p', pts: BigInt(n), timeBase: RATE });
  frame.frameRate = { num: 25, den: 1 };
  for (const { data } of frame.planes()) for (let i = 0; i < data.length; i++) data[i] = (i * 31 + n * 77) & 0xff;
  return new Packet(frame);
}

const samples = Float32Array.from({ length: 1920 }, (_, i) => Math.sin(i / 9 + (i % 7)));
function sound(n: number): Packet {
  return new Packet(AudioFrame.from([samples], { sampleRate: SOUND, format: 'fltp', pts: BigInt(n * 1920) }));
}

const few: Partial<EncoderOptions> = {
  video_params: { preset: 'ultrafast', crf: 10, tune: 'zerolatency', threads: 1 },
  max_muxing_queue_size: 8,
  muxing_queue_data_threshold: 8000,
};

function fed(threads: number, name: string, options: Partial<EncoderOptions>) {
  const file = join(folder, name);
  const graph = graphOn({ threads });
  const [video, audio] = [graph.inputStream('video'), graph.inputStream('audio')];
  encode(video, audio, { ...options, output_path: file });
  return { graph, video, audio, file };
}

/** Packets that the encoder has been called with. */
function taken(graph: ReturnType<typeof graphOn>): number {
  return graph.stats().nodes.find(({ alias }) => alias.includes('encoder'))!.packetsIn;
}

for (const threads of [0, 1]) {
  for (const [what, extra] of Object.entries({ header: {}, 'first time (adjust_pts)': { adjust_pts: true } })) {
    silent(
      `threads: ${threads}: the ${what} waits for it no longer than the limits allow, and the error says why`,
      async () => {
        const leaks = new LeakWatch();
        const { graph, video, audio } = fed(threads, 'never.mkv', { ...few, ...extra });
        await graph.start({ mode: 'push' });
        await audio.push(sound(0)).catch(() => {});
        const failed = await (async () => {
          try {
            for (let n = 0; n < 100; n++) await video.push(picture(n));
            return undefined;
          } catch (error) {
            return error;
          }
        })();
        assert.is(failed, undefined, 'audio has begun, so nothing waits');
        await graph.close();

        const other = fed(threads, 'never.mkv', { ...few, ...extra });
        await other.graph.start({ mode: 'push' });
        const pushing = async () => {
          for (let n = 0; n < 100; n++) await other.video.push(picture(n));
        };
        const error = (await rejection(pushing())) as GraphError;
        assert.is(error.code, 'ERR_MILLRACE_OUTPUT');
        assert.match(error.message, /\d+ packets of input 0 \(\d+ bytes\) have come, and nothing of input 1/);
        assert.match(error.message, /max_muxing_queue_size/);
        assert.is((await rejection(other.graph.close())).code, 'ERR_MILLRACE_OUTPUT');
        leaks.check(error);
      },
    );
  }
}

silent('one that has ended is not waited for, and limits that are not both exceeded are none', async () => {
  const { graph, video, audio, file } = fed(1, 'ended.mkv', few);
  await graph.start({ mode: 'push' });
  await audio.end();
  for (let n = 0; n < 40; n++) await video.push(picture(n));
  await graph.close();
  assert.is((await contentsOf(file)).video.length, 40);
  for (const limits of [{ max_muxing_queue_size: 1000 }, { muxing_queue_data_threshold: 1e9 }]) {
    const late = fed(1, 'late.mkv', { ...few, ...limits });
    await late.graph.start({ mode: 'push' });
    for (let n = 0; n < 40; n++) await late.video.push(picture(n));
    await late.audio.push(sound(0));
    const { warnings } = await late.graph.close();
    assert.not.match(warnings.join(), /late|nothing of/);
    assert.is((await contentsOf(late.file)).video.length, 40);
  }
});

silent('packets that are copied wait no longer', () => {
  const source = { input_path: media('clip-4s.mp4'), video_codec: 'copy' };
  const decoder = syncModule('c_ffmpeg_decoder', source, [], [0], { thread: 'inline' });
  const options = { ...few, video_params: { codec: 'copy' }, output_path: join(folder, 'copy.mkv') };
  const encoder = syncModule('c_ffmpeg_encoder', options, [0, 1], [], { thread: 'inline' });
  const error = thrown(() => {
    for (let done = false; !done; ) {
      const result = decoder.process();
      done = result.done;
      encoder.process({ 0: result.outputs[0] });
    }
  });
  assert.is(error.code, 'ERR_MILLRACE_OUTPUT');
  for (const module of [decoder, encoder]) module.close();
});

silent('a call fails of it as well', () => {
  const encoder = syncModule('c_ffmpeg_encoder', { ...few, output_path: join(folder, 'call.mkv') }, [0, 1], []);
  const error = thrown(() => {
    for (let n = 0; n < 200; n++) encoder.process({ 0: [picture(n)] });
  });
  assert.is(error.code, 'ERR_MILLRACE_OUTPUT');
  encoder.close();
});

/** What is written is to be seen in the file at once. */
const seen = { flush_packets: 1 };
const later: Record<string, [string, Partial<EncoderOptions>]> = {
  'where the time between streams has no limit': [
    'later.mkv',
    { mux_params: { ...seen, max_interleave_delta: 0 }, audio_params: quickAac },
  ],
  'where libavformat waits for the codec': [
    'later.webm',
    {
      mux_params: seen,
      video_params: { codec: 'libvpx-vp9', threads: 1, deadline: 'realtime', 'cpu-used': 8, 'lag-in-frames': 0 },
      audio_params: { codec: 'libopus', compression_level: 0 },
    },
  ],
};

for (const [what, [name, options]] of Object.entries(later)) {
  silent(`one that falls silent in the middle, ${what}: the others are written`, async () => {
    const { graph, video, audio, file } = fed(1, name, { ...few, ...options });
    await graph.start({ mode: 'push' });
    for (let n = 0; n < 10; n++) {
      await video.push(picture(n));
      await audio.push(sound(n));
      // Both are with the encoder: none is late before the silence.
      while (taken(graph) < 2 * (n + 1)) await setImmediate();
    }
    let size = 0;
    // Until it is seen in the file: 200 s of sound at most.
    for (let n = 10; n < 5000 && size < 30_000; n++) {
      await audio.push(sound(n));
      if (n % 10 === 0) size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    }
    assert.ok(size >= 30_000, `${size} bytes`);
    for (let n = 10; n < 15; n++) await video.push(picture(n));
    const { warnings } = await graph.close();
    assert.match(warnings.join(), /\b[45] packets of .* came so late that later ones of another stream were written/);
    assert.is((await contentsOf(file)).video.length, 15);
  });
}

silent('a file whose sound is shorter than its pictures is written without a word', async () => {
  const { graph, video, audio, file } = fed(1, 'short.mkv', few);
  await graph.start({ mode: 'push' });
  // Less than `few` lets wait in front of the header: all of it may come before the first picture does.
  for (let n = 0; n < 15; n++) await audio.push(sound(n));
  await audio.end();
  for (let n = 0; n < 100; n++) await video.push(picture(n));
  assert.not.match((await graph.close()).warnings.join(), /late|nothing of/);
  assert.is((await contentsOf(file)).video.length, 100);
});

silent.run();

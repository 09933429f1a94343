/** Every way in which files, options and payloads can be wrong: one clear error that names the node, and nothing left. */
import { mkdirSync } from 'node:fs';
import { ConfigError, type ErrorCode, encode, type Graph, GraphError, Packet, Tensor } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crossed } from '../../kit/long.js';
import { contentsOf, failureOf, media, run, scratch, sinkOn } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const at = scratch();
const clip = media('clip-4s.mp4');
const fast = { threads: 1, preset: 'ultrafast' } as const;
mkdirSync(at('folder.mp4'));

const test = suite('media errors');
const graphOn = await sharedThreads(2);

interface Case {
  code: ErrorCode;
  /** What the message has to say, besides the node's name. */
  words: readonly (string | RegExp)[];
  phase?: 'init' | 'process';
  build(graph: Graph): void;
}

const decode =
  (input_path: string, options = {}) =>
  (graph: Graph) => {
    const { video, audio } = graph.decode({ input_path, ...options }, { alias: 'culprit' });
    encode(video, audio, { null_output: true, video_params: fast }, { alias: 'behind' });
  };
const filter = (name: string, para?: string) => (graph: Graph) => {
  const options = para === undefined ? { name } : { name, para };
  sinkOn(graph.decode({ input_path: clip }).video.module('c_ffmpeg_filter', options, { alias: 'culprit' }));
};
const write =
  (output_path: string, options = {}) =>
  (graph: Graph) => {
    const { video, audio } = graph.decode({ input_path: clip });
    encode(video, audio, { output_path, video_params: fast, ...options }, { alias: 'culprit' });
  };

const CASES: Record<string, Case> = {
  'a missing file': {
    code: 'ERR_MILLRACE_INPUT',
    phase: 'init',
    words: ['/nowhere/missing.mp4', 'No such file or directory'],
    build: decode('/nowhere/missing.mp4'),
  },
  'a directory': {
    code: 'ERR_MILLRACE_INPUT',
    phase: 'init',
    words: ['is a directory'],
    build: decode(at('folder.mp4')),
  },
  garbage: {
    code: 'ERR_MILLRACE_INPUT',
    phase: 'init',
    words: ['garbage.mp4', 'Invalid data found when processing input'],
    build: decode(media('garbage.mp4')),
  },
  'an empty file': {
    code: 'ERR_MILLRACE_INPUT',
    phase: 'init',
    words: ['empty.mp4', 'is empty'],
    build: decode(media('empty.mp4')),
  },
  'an mp4 without its index': {
    code: 'ERR_MILLRACE_INPUT',
    phase: 'init',
    words: ['truncated.mp4', 'Invalid data', 'cut off'],
    build: decode(media('truncated.mp4')),
  },
  'encrypted data': {
    code: 'ERR_MILLRACE_INPUT',
    phase: 'process',
    words: ['encrypted-cenc.mp4', 'frames failed', 'Invalid data'],
    build: decode(media('encrypted-cenc.mp4')),
  },
  'a stream that does not exist': {
    code: 'ERR_MILLRACE_INPUT',
    phase: 'init',
    words: ['map_v', '7', 'clip-4s.mp4'],
    build: decode(clip, { map_v: 7 }),
  },
  'an unknown decoder': {
    code: 'ERR_MILLRACE_OPTION',
    phase: 'init',
    words: ["no decoder 'h263x'", "'h263"],
    build: decode(clip, { video_codec: 'h263x' }),
  },
  'an unknown option of the demuxer': {
    code: 'ERR_MILLRACE_OPTION',
    phase: 'init',
    words: ['dec_params', 'probesice', 'probesize'],
    build: decode(clip, { dec_params: { probesice: 5 } }),
  },
  'an unknown filter': {
    code: 'ERR_MILLRACE_OPTION',
    phase: 'init',
    words: ["'scael'", "'scale'"],
    build: filter('scael', '64:36'),
  },
  'an unknown argument of a filter': {
    code: 'ERR_MILLRACE_OPTION',
    phase: 'init',
    words: ['scale', 'widht'],
    build: filter('scale', 'widht=64'),
  },
  'an argument out of range': {
    code: 'ERR_MILLRACE_FFMPEG',
    phase: 'process',
    words: ['crop=w=4000:h=2000', 'Invalid argument'],
    build: filter('crop', 'w=4000:h=2000'),
  },
  'an audio filter on video': {
    code: 'ERR_MILLRACE_PAYLOAD',
    phase: 'process',
    words: ["filter 'volume=0.5' takes audio", 'a VideoFrame came'],
    build: filter('volume', '0.5'),
  },
  'an unknown encoder': {
    code: 'ERR_MILLRACE_OPTION',
    phase: 'init',
    words: ['h265x'],
    build: write(at('a.mp4'), { video_params: { codec: 'h265x' } }),
  },
  'an unknown option of the encoder': {
    code: 'ERR_MILLRACE_OPTION',
    phase: 'init',
    words: ['video_params', 'presett', 'preset'],
    build: write(at('a.mp4'), { video_params: { presett: 'fast' } }),
  },
  'an unknown option of the muxer': {
    code: 'ERR_MILLRACE_OPTION',
    phase: 'init',
    words: ['mux_params', 'movflag', 'movflags'],
    build: write(at('a.mp4'), { mux_params: { movflag: 'faststart' } }),
  },
  'an unknown format': {
    code: 'ERR_MILLRACE_OPTION',
    phase: 'init',
    words: ["'mp5'"],
    build: write(at('a.mp4'), { format: 'mp5' }),
  },
  'a codec that the format cannot carry': {
    code: 'ERR_MILLRACE_OUTPUT',
    phase: 'process',
    words: ['a.webm', 'h264'],
    build: write(at('a.webm'), { video_params: { codec: 'libx264', ...fast } }),
  },
  'an output in a directory that does not exist': {
    code: 'ERR_MILLRACE_OUTPUT',
    phase: 'init',
    words: ['/nowhere/out.mp4', /directory/],
    build: write('/nowhere/out.mp4'),
  },
  'an output that is a directory': {
    code: 'ERR_MILLRACE_OUTPUT',
    phase: 'init',
    words: ['folder.mp4', 'directory'],
    build: write(at('folder.mp4')),
  },
  'a full disk, mp4': {
    code: 'ERR_MILLRACE_OUTPUT',
    phase: 'process',
    words: ['/dev/full', 'No space left on device'],
    build: write('/dev/full', { format: 'mp4', video_params: { ...fast, bit_rate: '4M' } }),
  },
  'a full disk, mpegts': {
    code: 'ERR_MILLRACE_OUTPUT',
    phase: 'process',
    words: ['/dev/full', 'No space left on device'],
    build: write('/dev/full', { format: 'mpegts' }),
  },
  'a payload that no encoder takes': {
    code: 'ERR_MILLRACE_PAYLOAD',
    phase: 'process',
    words: ['Tensor'],
    build: (graph) => {
      const tensors = graph.module({
        process(task) {
          task.output(0).push(new Packet(Tensor.from(new Float32Array(4), [2, 2])));
        },
      });
      encode(tensors, null, { output_path: at('tensor.mp4') }, { alias: 'culprit' });
    },
  },
  'sound on the input for pictures': {
    code: 'ERR_MILLRACE_PAYLOAD',
    phase: 'process',
    words: ['AudioFrame'],
    build: (graph) => {
      encode(graph.decode({ input_path: clip }).audio, null, { output_path: at('sound.mp4') }, { alias: 'culprit' });
    },
  },
  'nothing to write': {
    code: 'ERR_MILLRACE_OUTPUT',
    phase: 'process',
    words: ['nothing.mp4'],
    build: (graph) => {
      const none = graph.decode({ input_path: clip, vframes: 25 }).video.trim({ start: 3 });
      encode(none, null, { output_path: at('nothing.mp4') }, { alias: 'culprit' });
    },
  },
};

for (const [[name, { code, words, phase, build }], places] of crossed(Object.entries(CASES), [0, 2], 1)) {
  // What a module refuses before it runs does not depend on its thread.
  for (const threads of phase === 'init' ? [1] : places) {
    test(`threads: ${threads}: ${name}`, async () => {
      const graph = graphOn({ threads });
      build(graph);
      const error = await failureOf(graph);
      assert.is(error.code, code, error.message);
      assert.instance(error, GraphError);
      assert.equal([(error as GraphError).alias, (error as GraphError).phase], ['culprit', phase], error.message);
      for (const word of ['"culprit"', ...words]) assert.match(error.message, word);
    });
  }
}

test('what is wrong with several nodes is told at once, before anything starts', async () => {
  const graph = graphOn();
  const source = graph.decode({ input_path: '/nowhere/missing.mp4', start_time: 'soon' as unknown as number });
  encode(source.video, null, { output_path: at('b.mp4'), video_params: { r: 'many' } }, { alias: 'second' });
  const error = await failureOf(graph);
  assert.instance(error, ConfigError);
  assert.match(error.message, /start_time.*soon.*"second".*video_params\.r/s);
});

for (const threads of [0, 2]) {
  test(`threads: ${threads}: damaged frames are left out and counted`, async () => {
    const graph = graphOn({ threads });
    const { video, audio } = graph.decode({ input_path: media('damaged.mp4') });
    const [pictures, sound] = [sinkOn(video), sinkOn(audio)];
    const report = await run(graph);
    assert.ok(pictures.packets.length > 50 && pictures.packets.length <= 100, `${pictures.packets.length} pictures`);
    assert.ok(sound.packets.length > 100, `${sound.packets.length} frames of sound`);
    assert.ok(report.nodes[0]!.corrupt > 0);
    assert.match(report.warnings.join('\n'), /damaged\.mp4|could not be decoded|corrupt/);
  });

  test(`threads: ${threads}: a stream that the file does not have ends at once`, async () => {
    const graph = graphOn({ threads });
    const { video, audio } = graph.decode({ input_path: media('mono-16k.wav') });
    const [pictures, sound] = [sinkOn(video), sinkOn(audio)];
    encode(video, audio, { output_path: at(`sound-${threads}.m4a`) });
    await run(graph);
    assert.equal([pictures.packets.length, pictures.ends], [0, [0]]);
    assert.is(
      sound.packets.reduce((sum, { samples }) => sum + samples!, 0),
      16_000,
    );
    const { video: none, samples } = await contentsOf(at(`sound-${threads}.m4a`));
    assert.is(none.length, 0);
    assert.ok(Math.abs(samples - 16_000) <= 1024);
  });
}

test.run();

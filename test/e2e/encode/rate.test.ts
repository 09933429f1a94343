/** Two passes, target sizes and loudness: docs/rate-control.md. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import {
  encode,
  Graph,
  measureLoudness,
  type NodeHandle,
  type Pass,
  probe,
  toSize,
  twoPass,
  type VideoParams,
} from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run, scratch } from '../../kit/media.js';

const test = suite('rate control');
const path = scratch();

process.env.MILLRACE_THREADS ??= '0';
// What is left there is left by nobody else.
process.env.TMPDIR = path('temporary');
mkdirSync(path('temporary'));

/** Two seconds of noise, which takes what it is given, and a quiet tone. */
const noise = (graph: Graph): NodeHandle =>
  graph.filter('testsrc2', { size: '64x48', rate: 25, duration: 2 }).filter('noise', { alls: 40, allf: 't' });
const tone = (graph: Graph): NodeHandle => graph.filter('sine', { frequency: 440, duration: 2, sample_rate: 48000 });

const source = path('source.mkv');
const maker = new Graph({ threads: 0 });
encode(noise(maker), tone(maker), {
  output_path: source,
  video_params: { codec: 'ffv1', threads: 1 },
  audio_params: { codec: 'flac' },
});
await run(maker);

const leftovers = (): string[] => readdirSync(tmpdir()).filter((name) => /^millrace-(pass|loudness)-/.test(name));
const FAST = { preset: 'ultrafast', threads: 1 } as const;

async function reason(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'it did not fail',
    (error: Error) => error.message,
  );
}

test('two passes reach a bit rate, and leave nothing but the file', async () => {
  const before = leftovers();
  const numbers: number[] = [];
  const percents: [number, number | undefined][] = [];
  let samples = 0;
  const report = await twoPass(
    (pass) => {
      numbers.push(pass.number);
      assert.not(existsSync(path('two.mp4')));
      const input = new Graph({ threads: 0 }).decode({ input_path: source });
      const sound = input.audio.module({
        process(task) {
          for (const packet of task.inputs.get(0) ?? []) {
            if (!packet.isEof && pass.number === 1) samples++;
            task.output(0).push(packet.clone());
          }
        },
      });
      return input.video.encode(sound, {
        ...pass(),
        output_path: path('two.mp4'),
        mux_params: { movflags: 'faststart' },
        video_params: { ...FAST, bit_rate: '100k' },
      });
    },
    { onProgress: ({ pass, percent }) => percents.push([pass, percent]) },
  );
  assert.equal(numbers, [1, 2]);
  assert.equal(report.warnings, []);
  const { streams } = await probe(path('two.mp4'));
  assert.ok(Math.abs(streams[0]!.bitRate! - 100_000) < 10_000, `${streams[0]!.bitRate}`);
  assert.is(streams[1]!.kind, 'audio');
  // The first pass took no sound beyond what had been sent when it said so.
  assert.ok(samples < 20, `${samples} frames of sound`);
  const told = percents.flatMap(([, percent]) => percent ?? []);
  assert.equal(
    told,
    [...told].sort((a, b) => a - b),
  );
  assert.equal(percents.at(-1), [2, 100]);
  assert.equal(leftovers(), before);
});

test('x265 has two passes too, several outputs have them together, and a given name of the statistics is kept', async () => {
  await twoPass(
    (pass) => {
      const graph = new Graph({ threads: 0 });
      const video = graph.filter('testsrc2', { size: '64x48', rate: 25, duration: 0.4 });
      encode(
        { video },
        {
          ...pass(),
          video_params: { codec: 'hevc', ...FAST, 'x265-params': 'log-level=none', bit_rate: '60k' },
          outputs: [{ output_path: path('a.mp4') }, { output_path: path('b.mkv') }],
        },
      );
      return graph;
    },
    { passlogfile: path('stats') },
  );
  assert.is((await probe(path('a.mp4'))).streams[0]!.codec, 'hevc');
  assert.ok(existsSync(path('b.mkv')));
  assert.ok(existsSync(path('stats-0-0.log')));
});

test('what has no two passes is refused by name', async () => {
  const with2 = (video_params: VideoParams, options: object = {}) =>
    twoPass((pass) => {
      const graph = new Graph({ threads: 0 });
      return noise(graph).encode({ ...pass(), output_path: path('no.mkv'), video_params, ...options });
    });
  assert.match(await reason(with2({ codec: 'mpeg4', bit_rate: '1M' })), /encoder mpeg4 has no statistics.*libx264/);
  assert.match(await reason(with2({ crf: 20 })), /pass 1: there is no bit rate to be reached/);
  assert.match(
    await reason(with2({ bit_rate: '1M' }, { pass: 2, passlogfile: path('none') })),
    /statistics of the first pass cannot be read: .*none-0\.log/,
  );
  const sound = twoPass((pass) =>
    encode(null, tone(new Graph({ threads: 0 })), { ...pass(), output_path: path('no.m4a') }),
  );
  assert.match(await reason(sound), /pass 1: no video is encoded/);
  assert.match(await reason(twoPass(() => new Graph())), /no encoder was told of the pass/);
  assert.match(await reason(twoPass(((pass: Pass) => void pass()) as never)), /returned undefined/);
  assert.match(await reason(twoPass(5 as never)), /5 builds no graph/);
});

test('a file is no larger than it may be', async () => {
  const { size, report, attempts, videoBitRate } = await toSize(source, {
    output_path: path('small.mp4'),
    size: '40k',
    video_params: FAST,
    audio_params: { bit_rate: '32k' },
  });
  assert.is(size, statSync(path('small.mp4')).size);
  assert.ok(size <= 40_000 && size > 28_000, `${size} bytes in ${attempts} attempts`);
  assert.ok(videoBitRate < 130_000 && report.warnings.length === 0);
});

test('what cannot be made so small says so, before or after', async () => {
  const options = { output_path: path('tiny.mkv'), video_params: { codec: 'mpeg4', threads: 1, qmax: 2 } } as const;
  const { report, attempts, size } = await toSize(source, {
    ...options,
    size: 30_000,
    choose: ({ video }) => ({ video }),
  });
  assert.is(attempts, 3);
  assert.ok(size > 30_000);
  assert.match(
    report.warnings.join('\n'),
    new RegExp(`tiny\\.mkv has ${size} bytes, ${size - 30_000} more than wanted`),
  );
  assert.match(await reason(toSize(source, { ...options, size: 2000 })), /2000 bytes for 2\.0 s leave 0 bit\/s/);
  assert.match(await reason(toSize(source, { ...options, size: 'big' })), /size cannot be "big"/);
  assert.match(
    await reason(toSize(source, { ...options, size: '1M', output_path: 'rtmp://host/x' })),
    /output_path cannot be "rtmp:\/\/host\/x"/,
  );
});

test('loudness is measured, and the second pass brings it to the target by one gain for all', async () => {
  const before = leftovers();
  const loudness = await measureLoudness(source, { integrated: -20, truePeak: -1 });
  assert.ok(loudness.isLinear);
  assert.is(loudness.reached, -20);
  const after = await measureLoudness((graph) =>
    graph.decode({ input_path: source }).audio.filter('loudnorm', loudness.arguments),
  );
  assert.ok(Math.abs(after.integrated - -20) < 0.2, `${after.integrated} LUFS`);
  const gain = after.truePeak - loudness.truePeak;
  assert.ok(Math.abs(gain - loudness.gain) < 0.2, `${gain} dB, ${loudness.gain} expected`);
  assert.equal(leftovers(), before);
});

test('peaks that are in the way are told, or the target is lowered', async () => {
  const target = { integrated: -5, truePeak: -9 };
  const loud = await measureLoudness(tone, target);
  assert.not(loud.isLinear);
  const lowered = await measureLoudness(tone, { ...target, alwaysLinear: true });
  assert.ok(lowered.isLinear && lowered.reached < -5);
  assert.ok(lowered.truePeak + lowered.gain <= -9);
});

test('silence has no loudness, and a wrong target is refused', async () => {
  const silence = (graph: Graph) => graph.filter('anullsrc').atrim({ duration: 1 });
  assert.match(await reason(measureLoudness(silence)), /silent/);
  assert.match(await reason(measureLoudness(source, { integrated: 5 })), /integrated.*-70 to -5/s);
  assert.match(await reason(measureLoudness(5 as never)), /cannot measure 5/);
});

test('the statistics of passes run by hand are where ffmpeg has them', async () => {
  for (const pass of [1, 2] as const) {
    const graph = new Graph({ threads: 0 });
    graph.filter('testsrc2', { size: '64x48', rate: 25, duration: 0.4 }).encode({
      ...{ pass, passlogfile: path('hand'), output_path: path('hand.mp4') },
      video_params: { ...FAST, bit_rate: '60k' },
    });
    await run(graph);
    assert.is(existsSync(path('hand.mp4')), pass === 2);
  }
  assert.match(readFileSync(path('hand-0.log'), 'utf8'), /^#options: 64x48/);
  const idle = new Graph({ threads: 0 });
  noise(idle).encode({ null_output: true, passlogfile: path('idle'), video_params: { codec: 'mpeg4', threads: 1 } });
  assert.match((await run(idle)).warnings.join('\n'), /passlogfile has no effect without pass/);
});

test.run();

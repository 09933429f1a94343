/** Runs every example. */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contents, makeClip, type Result, resultsOfEach, temporaryFolder } from './cli/kit.js';
import { long } from './kit/long.js';
import { lackingFont, testUnless } from './kit/skip.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const examples = join(root, 'examples');
const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

/** In this order, in one process. */
const RUNS: readonly (readonly [name: string, ...args: string[]])[] = [
  ['make-clip.mjs', 'made.mp4', '1'],
  ['transcode.mjs'],
  ['languages.mjs'],
  ['subtitles.mjs'],
  ['overlay.mjs'],
  ['sync-image.mjs'],
  ['sync-loop.mjs'],
  ['join-cameras.mjs'],
  ['user-module.mjs'],
  ['optional.mjs'],
  ['subgraph.mjs'],
  ['film.mjs'],
  ['graph-file.mjs'],
  ['http-upload.mjs', 'clip.ts'],
  ['http-upload.mjs', join(examples, 'graph.json')],
  ['camera.mjs', 'live.m3u8', '1.2'],
  ['live-camera.mjs'],
  ['mixer.mjs', 'mixed.m3u8', 'long.mp4', 'missing.mp4'],
  ['raw-h264.mjs'],
  ['server.mjs'],
  ['thumbnails.mjs', 'long.mp4'],
  ['probe.mjs', 'clip.mp4'],
  ['in-memory.mjs', 'clip.mp4'],
  ['ladder.mjs', 'clip.mp4'],
];
// Of 30 pictures: what examples are asked for, they are asked for with little.
const clip = { seconds: 1.2, size: '160x96' };
const [FRAMES, SAMPLES] = [30, 57_600];
await makeClip(at('clip.mp4'), clip);
await makeClip(at('clip.ts'), clip);
await makeClip(at('long.mp4'), { size: '64x48' });
const RAW = 20;
copyFileSync(join(root, 'test/fixtures/media/raw.h264'), at('raw.h264'));
const sizes = readFileSync(join(root, 'test/fixtures/media/raw.h264.sizes'), 'utf8').trim().split('\n');
writeFileSync(at('raw.h264.sizes'), sizes.slice(0, RAW).join('\n'));
/**
 * In turn, examples that say nothing of threads have as many as is usual, and so have one that shows which it is on and one
 * that keeps up with a camera; in the long form all. The rest takes none: starting them takes longer than what most examples do.
 */
const hasThreads = (name: string, n: number): boolean =>
  long || n % 6 === 5 || ['user-module.mjs', 'live-camera.mjs'].includes(name);
const resultOf = resultsOfEach(
  RUNS.map(([name, ...args], n) => {
    return [...(hasThreads(name, n) ? [] : ['MILLRACE_THREADS=0']), join(examples, name), ...args];
  }),
  { cwd: folder, limit: 120_000 },
);

async function run(name: string, ...args: string[]): Promise<Result> {
  const result = await resultOf(RUNS.findIndex((one) => one.join(' ') === [name, ...args].join(' ')));
  assert.is(result.stderr, '');
  assert.is(result.code, 0);
  return result;
}

const test = suite('examples');
const tested = new Set<string>();

/** @param lacking what this machine lacks for it. */
function example(name: string, check: () => Promise<void>, lacking?: string): void {
  tested.add(name);
  testUnless(test, lacking, name, check);
}

example('make-clip.mjs', async () => {
  await run('make-clip.mjs', 'made.mp4', '1');
  const { frames, width, height, samples } = await contents(at('made.mp4'));
  assert.equal([frames, width, height], [25, 640, 360]);
  assert.ok(Math.abs(samples - 48_000) <= 2048, `${samples} samples`);
});

example('transcode.mjs', async () => {
  const { stdout } = await run('transcode.mjs');
  assert.match(stdout, /^\d+ %$/m);
  const [small, sound] = [await contents(at('small.mp4')), await contents(at('sound.m4a'))];
  assert.equal([small.frames, small.width, small.height], [FRAMES, 320, 180]);
  assert.is(sound.frames, 0);
  assert.ok(Math.abs(sound.samples - SAMPLES) <= 2048, `${sound.samples} samples`);
});

example('in-memory.mjs', async () => {
  const { stdout } = await run('in-memory.mjs', 'clip.mp4');
  assert.match(stdout, /^in-memory\.mp4: \d+ bytes$/m);
  const { frames, width, height } = await contents(at('in-memory.mp4'));
  assert.equal([width, height], [320, 192]);
  // From half a second on.
  assert.ok(Math.abs(frames - (FRAMES - 12.5)) <= 1, `${frames} frames`);
});

example(
  'subtitles.mjs',
  async () => {
    const { stdout } = await run('subtitles.mjs');
    assert.match(stdout, /^1\r?\n00:00:00,000 --> 00:00:00,500\r?\n(#+|\(silence\))/);
    assert.match(stdout, new RegExp(`drawn\\.mp4: ${FRAMES} pictures`));
  },
  lackingFont(),
);

example('languages.mjs', async () => {
  const { stdout } = await run('languages.mjs');
  assert.equal(stdout.trimEnd().split('\n'), ['video h264 ', 'audio aac und, quieter']);
});

example('overlay.mjs', async () => {
  await run('overlay.mjs');
  const { frames, width, height, samples } = await contents(at('overlay.mp4'));
  assert.equal([frames, width, height], [FRAMES, 160, 96]);
  assert.ok(samples > 0.9 * SAMPLES, `${samples} samples`);
});

example('sync-image.mjs', async () => {
  await run('sync-image.mjs');
  const { frames, width, height } = await contents(at('frame.jpg'));
  assert.equal([frames, width, height], [1, 320, 240]);
});

example('sync-loop.mjs', async () => {
  await run('sync-loop.mjs');
  const { frames, width, height, samples } = await contents(at('looped.mp4'));
  assert.equal([frames, width, height], [FRAMES, 320, 250]);
  assert.ok(Math.abs(samples - SAMPLES) <= 2048, `${samples} samples`);
});

example('join-cameras.mjs', async () => {
  const { stdout } = await run('join-cameras.mjs');
  // 0.3 s: 9 frames, 3 frames and 15 pieces of sound; a policy ends with the first stream that it cannot do without.
  assert.match(stdout, /^nosync: 3 outputs$/m);
  assert.match(stdout, /^slowest: 3 outputs$/m);
  assert.match(stdout, /^basepad: 6 outputs$/m);
  assert.match(stdout, /^refresh: \d+ outputs$/m);
  assert.match(stdout, /^ {3}33 ms: +frame of 33 ms, +frame of 0 ms, +sound of/m);
});

example('user-module.mjs', async () => {
  const { stdout } = await run('user-module.mjs');
  assert.match(stdout, /^posterized\.mp4: 30 frames; posterize took \d+ ms in \d+ calls on thread \d\n$/);
  const { frames, pictures } = await contents(at('posterized.mp4'));
  assert.is(frames, FRAMES);
  const before = await contents(at('clip.mp4'));
  assert.ok(pictures.every((hash, i) => hash !== before.pictures[i]));
});

example('optional.mjs', async () => {
  const { stdout } = await run('optional.mjs');
  assert.match(stdout, /^kept\.mp4: 30 frames; the light was at \{ x: \d+, y: \d+ \} and in \d+ places in all$/m);
  assert.match(stdout, /^without \S+: node .* Cannot write \/mnt\/not-there\/copy\.mp4/m);
  assert.match(stdout, /^without brightest: .*the analysis gave up$/m);
  assert.is((await contents(at('kept.mp4'))).frames, FRAMES);
});

example('subgraph.mjs', async () => {
  const { stdout } = await run('subgraph.mjs');
  assert.match(stdout, /^flowchart LR\n.*subgraph box3\["boxblur"\].*four\.mp4: 30 frames\n$/s);
  const { frames, width, height } = await contents(at('four.mp4'));
  assert.equal([frames, width, height], [FRAMES, 160, 96]);
});

example('film.mjs', async () => {
  const { stdout } = await run('film.mjs');
  const { frames, width, height, samples } = await contents(at('film.mp4'));
  assert.is(stdout, `film.mp4: ${frames} frames\n`);
  // Two halves of the clip, without the quarter of one in which they go over into each other.
  assert.ok(Math.abs(frames - 0.875 * FRAMES) <= 1.5, `${frames} frames`);
  assert.equal([width, height], [640, 360]);
  assert.ok(Math.abs(samples - 0.875 * SAMPLES) <= 4096, `${samples} samples`);
});

example('graph-file.mjs', async () => {
  const { stdout } = await run('graph-file.mjs');
  assert.match(stdout, /^flowchart LR\n.*half: 30 frames, \d+ bytes\n$/s);
  const { frames, width, height } = await contents(at('half.mp4'));
  assert.equal([frames, width, height], [FRAMES, 80, 48]);
});

example('http-upload.mjs', async () => {
  const { stdout } = await run('http-upload.mjs', 'clip.ts');
  assert.is(stdout, '200 {"output_path":"upload-1.mp4","frames":30}\n');
  const { frames, width, height, samples } = await contents(at('upload-1.mp4'));
  assert.equal([frames, width, height], [FRAMES, 320, 192]);
  assert.ok(samples > 0.9 * SAMPLES, `${samples} samples`);
  const refused = await run('http-upload.mjs', join(examples, 'graph.json'));
  assert.match(refused.stdout, /^422 ERR_MILLRACE_INPUT: .*no media file/);
});

example('camera.mjs', async () => {
  const { stdout } = await run('camera.mjs', 'live.m3u8', '1.2');
  const [, made, late] = /^live\.m3u8: (\d+) frames, (\d+) left out\n$/.exec(stdout)!.map(Number);
  // At a constant rate the encoder repeats a frame in the place of one that was left out.
  assert.ok(made! + late! >= 30, stdout);
  assert.match(readFileSync(at('live.m3u8'), 'utf8'), /live0\.ts\n.*live1\.ts\n.*#EXT-X-ENDLIST/s);
});

example('live-camera.mjs', async () => {
  const { stdout } = await run('live-camera.mjs');
  const [, made, away] = /^live\.m3u8: (\d+) frames, \d+ ms behind the camera, which was away (\d+) times?$/m.exec(
    stdout,
  )!;
  assert.ok(Number(made) > 25 && Number(away) >= 1, stdout);
  assert.match(stdout, /tcp:\S+ was away for \d+\.\d\d s/);
  assert.ok((await contents(at('camera.mkv'))).frames > 25);
});

example('mixer.mjs', async () => {
  const { stdout } = await run('mixer.mjs', 'mixed.m3u8', 'long.mp4', 'missing.mp4');
  const [, frames, ticks] = /^mixed\.m3u8: (\d+) frames of (\d+) ticks$/m.exec(stdout)!.map(Number);
  assert.is(frames, ticks);
  assert.ok(frames! >= 45, stdout);
  assert.match(stdout, /^node .*Cannot open missing\.mp4/m);
  assert.match(readFileSync(at('mixed.m3u8'), 'utf8'), /mixed1\.ts\n.*#EXT-X-ENDLIST/s);
});

example('raw-h264.mjs', async () => {
  assert.is((await run('raw-h264.mjs')).stdout, `raw.mp4: ${RAW} frames\n`);
  const { frames, width, height } = await contents(at('raw.mp4'));
  assert.equal([frames, width, height], [RAW, 640, 480]);
});

example('server.mjs', async () => {
  const { stdout } = await run('server.mjs');
  assert.match(
    stdout,
    /^ready after .*\nclip\.ts: picture-1\.jpg in \d+ ms\nmissing\.ts: ERR_MILLRACE_INPUT\nclip\.ts: picture-3\.jpg in \d+ ms\n$/,
  );
  const { frames, width, height, pictures } = await contents(at('picture-3.jpg'));
  assert.equal([frames, width, height], [1, 160, 96]);
  assert.equal(pictures, (await contents(at('picture-1.jpg'))).pictures);
});

example('thumbnails.mjs', async () => {
  assert.is((await run('thumbnails.mjs', 'long.mp4')).stdout, 'thumbnail-001.png\nthumbnail-002.png\n');
  const { frames, width, height } = await contents(at('thumbnail-002.png'));
  assert.equal([frames, width, height], [1, 160, 120]);
});

example('probe.mjs', async () => {
  const { stdout } = await run('probe.mjs', 'clip.mp4');
  assert.match(
    stdout,
    /^clip\.mp4: mov,mp4\S+, 1\.2\S* s, 0 chapters\n {2}0 video h264 \d+x\d+ .*\n {2}1 audio aac \d+ /,
  );
});

example('ladder.mjs', async () => {
  const { stdout } = await run('ladder.mjs', 'clip.mp4');
  assert.is([...stdout.matchAll(/^#EXT-X-STREAM-INF:.*FRAME-RATE=25\.000/gm)].length, 3);
  assert.match(stdout, /^#EXT-X-MEDIA:TYPE=AUDIO/m);
});

test('each is tested, short, and says how it is used', () => {
  const names = readdirSync(examples).filter((name) => name.endsWith('.mjs'));
  assert.equal(new Set(names), tested);
  for (const name of names) {
    const text = readFileSync(join(examples, name), 'utf8');
    assert.ok(text.split('\n').length < 60, name);
    assert.match(text, `// Usage: node examples/${name}`);
  }
});

test.run();

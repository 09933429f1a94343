/**
 * Checks what needs a graphics processor of NVIDIA's: decoding (NVDEC), scale_cuda, frames on the device that cross threads by
 * reference, download, encoding (NVENC), and the time beside `ffmpeg -hwaccel cuda` where that is installed.
 * Usage: npm run check:gpu   (under 5 minutes; says what is lacking and ends with 0 where there is no such device)
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graph } from '../dist/index.js';
import { LeakWatch } from '../dist/testing.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-gpu-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const clip = join(folder, 'clip.mp4');
const FRAMES = 500;

async function timed(build, threads = 2) {
  const watch = new LeakWatch();
  const graph = new Graph({ threads });
  build(graph);
  const started = performance.now();
  const report = await graph.run();
  watch.check(report);
  return { report, milliseconds: performance.now() - started };
}

function expect(what, isRight, found) {
  if (!isRight) throw new Error(`${what}: ${found}`);
  console.log(`ok: ${what}`);
}

await timed((graph) =>
  graph
    .filter('testsrc2', { size: '1920x1080', rate: 25, duration: FRAMES / 25 })
    .encode({ output_path: clip, video_params: { preset: 'ultrafast', pix_fmt: 'yuv420p' } }),
);

const onDevice = { input_path: clip, hwaccel: 'cuda', hwaccel_output_format: 'cuda' };
let first;
try {
  first = await timed((graph) => graph.decode(onDevice).video.module('null_sink', {}));
} catch (error) {
  if (!/Cannot open a cuda device/.test(error.message)) throw error;
  console.log(`skipped: ${error.message}`);
  process.exit(0);
}
expect('NVDEC decodes without a word', first.report.warnings.length === 0, first.report.warnings.join());

/** Hashes of what a stream brings. */
async function hashesOf(build) {
  const graph = new Graph({ threads: 2 });
  const reader = build(graph).packets();
  const run = graph.run();
  const hashes = [];
  const { createHash } = await import('node:crypto');
  for await (const packet of reader) {
    hashes.push(createHash('md5').update(packet.payload.toBuffer('yuv420p')).digest('hex'));
    packet.close();
  }
  await run;
  return hashes;
}
const few = { vframes: 50 };
const plain = await hashesOf((graph) => graph.decode({ input_path: clip, ...few }).video);
const there = await hashesOf((graph) =>
  graph.decode({ ...onDevice, ...few }, { thread: 'one' }).video.module('pass_through', {}, { thread: 'other' }),
);
expect(
  'NVDEC gives the pictures of the processor, by reference between threads',
  there.join() === plain.join(),
  'others',
);

const small = { w: 640, h: 360 };
const scaled = await timed((graph) =>
  graph
    .decode(onDevice, { thread: 'one' })
    .video.filter('scale_cuda', small)
    .encode({ output_path: join(folder, 'gpu.mp4'), video_params: { codec: 'h264_nvenc' } }, { thread: 'other' }),
);
expect(
  'scale_cuda and h264_nvenc write every frame',
  scaled.report.frames === FRAMES,
  `${scaled.report.frames} frames`,
);
console.log(`decode, scale_cuda, h264_nvenc: ${((FRAMES / scaled.milliseconds) * 1000).toFixed(0)} frames/s`);

const options = ['-hwaccel', 'cuda', '-hwaccel_output_format', 'cuda', '-i', clip, '-vf', 'scale_cuda=640:360'];
const started = performance.now();
const ffmpeg = spawnSync('ffmpeg', ['-v', 'error', '-y', ...options, '-c:v', 'h264_nvenc', join(folder, 'ff.mp4')]);
if (ffmpeg.status === 0) {
  const milliseconds = performance.now() - started;
  console.log(`ffmpeg -hwaccel cuda: ${((FRAMES / milliseconds) * 1000).toFixed(0)} frames/s`);
  console.log(`wall beside ffmpeg: ${(scaled.milliseconds / milliseconds).toFixed(2)}`);
} else console.log('left out: an ffmpeg with CUDA');

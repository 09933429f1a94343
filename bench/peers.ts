/** What else does whole transcodes: a loop written by hand, GStreamer and BMF. */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { measure } from './core/process.js';
import { type Clip, type Contender, type Target, X264_AAC } from './core/transcode.js';
import { leaveOut } from './kit.js';

/** Seconds after which a peer counts as hung: many times what the job takes. */
const LIMIT = 60;

const LOOP = fileURLToPath(new URL('./contenders/loop.mjs', import.meta.url));

/** A loop over node-av on one thread, written for this one job: what a program without this package would be. */
export function loop(clip: Clip, targets: readonly Target[]): Contender {
  const pairs = targets.flatMap(({ width, height, output }) => [output, `${width}x${height}`]);
  return {
    name: 'loop',
    outputs: targets.map(({ output }) => output),
    build: 'node-av',
    run: () => measure(process.execPath, [LOOP, clip.path, ...pairs]),
  };
}

/**
 * gst-launch-1.0 with queues that are limited in bytes and large enough for a file whose sound and pictures are
 * interleaved unevenly; with the default ones it may wait for ever.
 */
export function gstreamer(clip: Clip, { width, height, output }: Target): Contender | undefined {
  const found = spawnSync('gst-launch-1.0', ['--version'], { encoding: 'utf8' });
  if (found.error) {
    leaveOut('GStreamer', 'gst-launch-1.0 is not installed');
    return undefined;
  }
  for (const element of ['qtdemux', 'avdec_h264', 'x264enc', 'avenc_aac']) {
    if (spawnSync('gst-inspect-1.0', ['--exists', element]).status !== 0) {
      leaveOut('GStreamer', `it has no ${element}`);
      return undefined;
    }
  }
  const packets = 'queue max-size-buffers=0 max-size-time=0 max-size-bytes=50000000';
  const frames = 'queue max-size-buffers=8 max-size-time=0 max-size-bytes=0';
  const video = [
    `d.video_0 ! ${packets} ! h264parse ! avdec_h264 ! ${frames}`,
    // 2: four taps, the nearest to FFmpeg's bicubic.
    `videoscale method=2 ! video/x-raw,width=${width},height=${height} ! ${frames}`,
    // Constant quality 23, which is the default of the others.
    `x264enc pass=qual quantizer=23 speed-preset=veryfast ! h264parse ! ${packets} ! m.`,
  ].join(' ! ');
  const audio = `d.audio_0 ! ${packets} ! aacparse ! avdec_aac ! audioconvert ! avenc_aac ! aacparse ! ${packets} ! m.`;
  const files = `filesrc location=${clip.path} ! qtdemux name=d mp4mux name=m ! filesink location=${output}`;
  const args = ['-q', ...`${files} ${video} ${audio}`.split(' ')];
  return {
    name: `GStreamer ${/version (\S+)/.exec(found.stdout)?.[1]}`,
    outputs: [output],
    run: () => measure('gst-launch-1.0', args, { limit: LIMIT }),
  };
}

const BMF = `
import sys, bmf
source, output, width, height = sys.argv[1:]
streams = bmf.graph().decode({'input_path': source})
bmf.encode(streams['video'].scale(width, height), streams['audio'], {
    'output_path': output,
    'video_params': {'codec': 'h264', 'preset': 'veryfast', 'crf': '23'},
    'audio_params': {'codec': 'aac'},
}).run()
`;

/** BMF's Python API with the interpreter of BMF_PYTHON, in which the package BabitMF is installed. */
export function bmf(clip: Clip, { width, height, output }: Target): Contender | undefined {
  const { BMF_PYTHON } = process.env;
  if (BMF_PYTHON === undefined) {
    leaveOut('BMF', 'BMF_PYTHON is not set');
    return undefined;
  }
  const about = "import bmf, importlib.metadata as m; print('version', m.version('BabitMF'))";
  const version = /^version (\S+)$/m.exec(execFileSync(BMF_PYTHON, ['-c', about], { encoding: 'utf8' }))?.[1];
  const args = ['-c', BMF, clip.path, output, String(width), String(height)];
  return {
    name: `BMF ${version}`,
    outputs: [output],
    run: () => measure(BMF_PYTHON, args, { limit: LIMIT }),
  };
}

/** One ffmpeg process with several renditions of one decoded picture, the sound in each. */
export function ffmpegLadder(
  command: { path: string; version: string; env?: NodeJS.ProcessEnv },
  clip: Clip,
  targets: readonly Target[],
): Contender {
  const split = `[0:v]split=${targets.length}${targets.map((_, i) => `[s${i}]`).join('')}`;
  const scales = targets.map(({ width, height }, i) => `[s${i}]scale=${width}:${height}[v${i}]`);
  const outputs = targets.flatMap(({ output }, i) => ['-map', `[v${i}]`, '-map', '0:a', ...X264_AAC, output]);
  const args = ['-v', 'error', '-nostdin', '-y', '-i', clip.path, '-filter_complex', [split, ...scales].join(';')];
  return {
    name: `ffmpeg ${command.version}`,
    outputs: targets.map(({ output }) => output),
    run: () => measure(command.path, [...args, ...outputs], command.env === undefined ? {} : { env: command.env }),
  };
}

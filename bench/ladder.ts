/**
 * One decode, three renditions, each with sound: one millrace graph against one ffmpeg process with the same filters and
 * settings, and a loop over node-av written by hand.
 *
 *   npm run bench:ladder [-- --long | --seconds N]     6 s of 1080p, 20 s or N; FFMPEG_PATH as in transcode.ts
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Graph } from 'millrace';
import { machine, table, temporaryFolder } from './core/kit.js';
import { measure } from './core/process.js';
import {
  type Clip,
  type Contender,
  compare,
  limitLine,
  makeClip,
  type Target,
  transcodeRows,
} from './core/transcode.js';
import { built, clipArguments, ffmpegCommands } from './kit.js';
import { ffmpegLadder, loop } from './peers.js';

const ROUNDS = 3;
const RENDITIONS = [
  { width: 1280, height: 720 },
  { width: 854, height: 480 },
  { width: 640, height: 360 },
];

const folder = temporaryFolder();
const { seconds } = clipArguments(6, 20, false);
const clip: Clip = { path: join(folder, 'input.mp4'), width: 1920, height: 1080, fps: 25, seconds };
const targets = (id: string): Target[] =>
  RENDITIONS.map((size) => ({ ...size, output: join(folder, `${id}-${size.height}p.mp4`) }));

/** `millrace run` with a graph file. */
function ours(threads: number | 'auto'): Contender {
  const graph = new Graph({ threads });
  const input = graph.decode({ input_path: clip.path });
  const renditions = targets(`ours-${threads}`);
  for (const { width, height, output } of renditions) {
    const params = { codec: 'h264', preset: 'veryfast' };
    const rendition = { output_path: output, video_params: params, audio_params: { codec: 'aac' } };
    input.video.scale(width, height).encode(input.audio, rendition);
  }
  const file = join(folder, `ladder-${threads}.json`);
  writeFileSync(file, JSON.stringify(graph.toConfig()));
  const cli = fileURLToPath(new URL('cli.js', built.dist));
  return {
    name: `millrace, threads: ${threads}`,
    outputs: renditions.map(({ output }) => output),
    build: 'node-av',
    run: () => measure(process.execPath, [cli, 'run', file, '--quiet']),
  };
}

await makeClip(built, clip);
const commands = ffmpegCommands();
const results = await compare(
  built,
  clip,
  [
    ...commands.map((command, i) => ffmpegLadder(command, clip, targets(`ffmpeg-${i}`))),
    loop(clip, targets('loop')),
    ...([0, 1, 2, 'auto'] as const).map(ours),
  ],
  ROUNDS,
);
const peers = [...commands.map(({ version }) => `ffmpeg ${version}`), 'loop'];
const sizes = RENDITIONS.map(({ height }) => `${height}p`).join(', ');
console.log(`${machine()}; ${seconds} s of 1080p into ${sizes}, median of ${ROUNDS}, frames of every output counted\n`);
console.log(table(transcodeRows(clip, results, peers, peers[0])));
for (const peer of peers.slice(0, 1)) console.log(`\n${limitLine(results, peer)}`);

/**
 * The main job in one line: transcodes a clip to 640x360 H.264 + AAC and prints what each actor did.
 * Usage: npm run demo [-- in.mp4 [out.mp4]]. Without arguments it makes a clip of its own first.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode, Graph } from '../dist/index.js';

/** Five seconds of test picture and tone, from FFmpeg's own sources. */
async function makeClip(path) {
  const graph = new Graph();
  const picture = graph.filter('testsrc2', { size: '1280x720', rate: 30, duration: 5 });
  const tone = graph.filter('sine', { frequency: 440, sample_rate: 48000, duration: 5 });
  encode(picture, tone, { output_path: path, video_params: { preset: 'veryfast' } });
  await graph.run();
}

async function transcode(input, output) {
  const graph = new Graph();
  const source = graph.decode({ input_path: input }, { alias: 'decoder' });
  source.video.scale(640, 360, { alias: 'scale' }).encode(
    source.audio,
    {
      output_path: output,
      video_params: { codec: 'h264', preset: 'veryfast', crf: 23 },
      audio_params: { codec: 'aac' },
    },
    { alias: 'encoder' },
  );
  console.log(graph.toMermaid());
  return graph.run();
}

const folder = join(tmpdir(), 'millrace-demo');
const [given, output = join(folder, 'out.mp4')] = process.argv.slice(2);
try {
  mkdirSync(folder, { recursive: true });
  const input = given ?? join(folder, 'clip.mp4');
  if (given === undefined) await makeClip(input);
  else if (!existsSync(given)) throw new Error(`there is no file ${given}`);
  console.log(`transcoding ${input}\n`);
  const report = await transcode(input, output);

  const rows = report.nodes.map((node) => [
    node.alias,
    {
      thread: node.thread,
      calls: node.calls,
      ms: Math.round(node.milliseconds),
      'packets in': node.packetsIn,
      'packets out': node.packetsOut,
      frames: node.frames,
    },
  ]);
  console.table(Object.fromEntries(rows));
  for (const warning of report.warnings) console.log(`warning: ${warning}`);
  const seconds = report.milliseconds / 1000;
  console.log(
    `${report.frames} frames in ${seconds.toFixed(2)} s (${Math.round(report.frames / seconds)} fps) ` +
      `on ${report.threads} threads; first packet after ${Math.round(report.firstPacketMilliseconds)} ms`,
  );
  console.log(`output: ${output} (${(report.bytes / 1e6).toFixed(2)} MB)`);
} catch (error) {
  console.error(`demo: ${error.message}`);
  process.exitCode = 1;
}

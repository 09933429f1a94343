/**
 * What it costs to push the bytes of a file instead of having the decoder read it: the same transcode both ways, in turns.
 *
 *   npm run bench:push [-- --long]     10 s of 720p, or 60 s
 */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Graph } from 'millrace';
import { machine, table, temporaryFolder } from '../src/cli/bench/kit.js';
import { long } from './kit.js';

const ROUNDS = long ? 5 : 3;
const folder = temporaryFolder();
const clip = join(folder, 'input.ts');
const make = new Graph({ threads: 0 });
make
  .filter('testsrc2', { size: '1280x720', rate: 25, duration: long ? 60 : 10 })
  .filter('noise', { alls: 8, allf: 't' })
  .encode(make.filter('sine', { duration: long ? 60 : 10 }), {
    output_path: clip,
    video_params: { preset: 'veryfast', crf: 23 },
  });
await make.run();

async function run(pushed: boolean): Promise<{ milliseconds: number; frames: number }> {
  const graph = new Graph({ threads: 2 });
  const source = pushed ? graph.inputStream('bytes') : undefined;
  const { video, audio } = source?.decode() ?? graph.decode({ input_path: clip });
  video.scale(640, 360).encode(audio, { output_path: join(folder, 'out.mp4'), video_params: { preset: 'veryfast' } });
  const began = performance.now();
  let frames: number;
  if (source === undefined) ({ frames } = await graph.run());
  else {
    await graph.start({ mode: 'push' });
    await source.pushFrom(createReadStream(clip));
    ({ frames } = await graph.close());
  }
  return { milliseconds: performance.now() - began, frames };
}

const times: Record<'read' | 'pushed', number[]> = { read: [], pushed: [] };
let expected: number | undefined;
for (let round = 0; round <= ROUNDS; round++) {
  for (const form of ['read', 'pushed'] as const) {
    const { milliseconds, frames } = await run(form === 'pushed');
    expected ??= frames;
    if (frames !== expected) throw new Error(`${form}: ${frames} frames instead of ${expected}`);
    if (round > 0) times[form].push(milliseconds); // the first round warms up
  }
}
const median = (list: number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;
const [read, pushed] = [median(times.read), median(times.pushed)];
console.log(machine());
console.log(
  table([
    { input: 'read by the decoder', ms: read.toFixed(0), 'x of reading': '1.00' },
    { input: 'pushed as bytes', ms: pushed.toFixed(0), 'x of reading': (pushed / read).toFixed(2) },
  ]),
);

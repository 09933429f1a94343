/**
 * Small media: thumbnails (320x180, JPEG, half a second in) of twenty clips of one second of 720p, five of each in the
 * long form: ffmpeg once for each, and one process of ours, one graph for each on warm threads.
 *
 *   npm run bench:small [-- --long]     20 thumbnails, or 100
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { probe } from 'millrace';
import { inTurns, machine, quantile, ratio, table, temporaryFolder } from './core/kit.js';
import { type Cost, measure } from './core/process.js';
import { makeClip } from './core/transcode.js';
import { built, ffmpegCommands, long } from './kit.js';

const ROUNDS = 3;
const FILES = 20;
const COUNT = long ? 100 : 20;
const SCRIPT = fileURLToPath(new URL('./contenders/small.mjs', import.meta.url));

interface Contender {
  name: string;
  /** Begins the names of its files. */
  id: string;
  run(): Promise<Cost>;
}

const folder = temporaryFolder();
for (let i = 0; i < FILES; i++) {
  await makeClip(built, { path: join(folder, `${i}.mp4`), width: 1280, height: 720, fps: 25, seconds: 1 });
}

const contenders: Contender[] = [
  ...ffmpegCommands().map(({ path, version, env = {} }, n): Contender => {
    const id = `ffmpeg-${n}`;
    const run = async (): Promise<Cost> => {
      const sum: Cost = { wall: 0, cpu: 0, rss: 0 };
      for (let i = 0; i < COUNT; i++) {
        const input = ['-v', 'error', '-nostdin', '-y', '-ss', '0.5', '-i', join(folder, `${i % FILES}.mp4`)];
        const output = ['-vf', 'scale=320:180', '-frames:v', '1', join(folder, `${id}-${i}.jpg`)];
        const { wall, cpu, rss } = await measure(path, [...input, ...output], { env });
        sum.wall += wall;
        sum.cpu += cpu;
        sum.rss = Math.max(sum.rss, rss);
      }
      return sum;
    };
    return { name: `ffmpeg ${version}, ${COUNT} times`, id, run };
  }),
  ...['0', '1'].map((threads): Contender => {
    const args = [SCRIPT, folder, String(COUNT), String(FILES), threads];
    const id = `millrace-${threads}`;
    return { name: `millrace, threads: ${threads}`, id, run: () => measure(process.execPath, args) };
  }),
];

const runs = await inTurns(contenders, ROUNDS, ({ run }) => run());
for (const { name, id } of contenders) {
  for (let i = 0; i < COUNT; i++) {
    const [picture] = (await probe(join(folder, `${id}-${i}.jpg`))).streams;
    if (picture?.width !== 320 || picture.height !== 180) throw new Error(`${name}: thumbnail ${i} is not 320x180`);
  }
}
const [peer] = contenders;
const rows = contenders.map((contender) => {
  const costs = runs.get(contender)!;
  const median = (figure: keyof Cost): number => quantile(costs.map((cost) => cost[figure]));
  const against = (figure: keyof Cost): string =>
    ratio(quantile(costs.map((cost, round) => cost[figure] / runs.get(peer!)![round]![figure])), 1);
  return {
    command: contender.name,
    'wall s': median('wall').toFixed(2),
    'CPU s': median('cpu').toFixed(2),
    'peak RSS MB': median('rss').toFixed(0),
    'ms each': ((median('wall') / COUNT) * 1000).toFixed(1),
    [`wall x ${peer!.name}`]: against('wall'),
    [`CPU x ${peer!.name}`]: against('cpu'),
  };
});
console.log(`${machine()}; ${COUNT} thumbnails of ${FILES} files, median of ${ROUNDS}\n`);
console.log(table(rows));

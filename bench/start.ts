/**
 * What a start costs: whole processes that do next to nothing. A transcode of one frame and one JPEG, by the `millrace`
 * command and by ffmpeg, beside a Node.js that does nothing at all and one that imports the package; turn by turn in one run.
 * Then a worker thread: one graph after another in a warm process, each in a new thread, beside bare workers.
 *
 *   npm run bench:start [-- --long]     7 rounds, or 25
 *
 *   FFMPEG_PATH, FFMPEG_LIBRARY_PATH        a second ffmpeg and its LD_LIBRARY_PATH
 */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inTurns, machine, quantile, type Row, ratio, table, temporaryFolder } from './core/kit.js';
import { type Cost, measure } from './core/process.js';
import { X264_AAC } from './core/transcode.js';
import { built, ffmpegCommands, long } from './kit.js';

const ROUNDS = long ? 25 : 7;
const THREADS = 20;
const folder = temporaryFolder();
const frame = fileURLToPath(new URL('../test/fixtures/media/one-frame.mp4', import.meta.url));
const cli = fileURLToPath(new URL('cli.js', built.dist));
const index = new URL('index.js', built.dist).href;

interface Contender {
  name: string;
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  output?: string;
}

function node(name: string, ...args: string[]): Contender {
  return { name, command: process.execPath, args };
}

/** Both make the same of the same input: the name of the output decides what. */
function transcodes(title: string, extension: string, codecs: string[], settings: string[]): Contender[] {
  const output = (id: string): string => join(folder, `${title}-${id}.${extension}`.replaceAll(' ', '-'));
  const peers = ffmpegCommands().map(({ path, version, env }, i): Contender => {
    const args = ['-v', 'error', '-nostdin', '-y', '-i', frame, ...codecs, output(`ffmpeg-${i}`)];
    return {
      name: `${title}, ffmpeg ${version}`,
      command: path,
      args,
      ...(env && { env }),
      output: output(`ffmpeg-${i}`),
    };
  });
  // Without the flag the command takes no threads for so little.
  const ours = [[], ['--threads', 'auto']].map((flag): Contender => {
    const id = flag[1] ?? 'default';
    const args = [cli, 'transcode', frame, output(id), ...settings, ...flag, '--quiet'];
    return {
      name: [`${title}, millrace`, ...flag].join(' '),
      command: process.execPath,
      args,
      output: output(id),
    };
  });
  return [...peers, ...ours];
}

const contenders = [
  node('node -e 0', '-e', '0'),
  node("import 'millrace'", '--import', index, '-e', '0'),
  ...transcodes('one frame', 'mp4', X264_AAC, ['--preset', 'veryfast']),
  ...transcodes('one JPEG', 'jpg', ['-frames:v', '1', '-update', '1'], []),
];

async function run({ name, command, args, env, output }: Contender): Promise<Cost> {
  if (output !== undefined) rmSync(output, { force: true });
  const cost = await measure(command, args, env === undefined ? {} : { env });
  if (output !== undefined && !existsSync(output)) throw new Error(`${name} made no ${output}`);
  return cost;
}

console.log(`${machine()}; the best of ${ROUNDS}\n`);
const costs = await inTurns(contenders, ROUNDS, run);
// Whatever else runs on the machine only adds to it.
const best = (one: Contender, of: 'cpu' | 'wall'): number => Math.min(...costs.get(one)!.map((cost) => cost[of]));
const peer = (one: Contender): Contender =>
  contenders.find(({ name }) => name.startsWith(`${one.name.split(',')[0]}, ffmpeg`)) ?? contenders[0]!;
const rows = contenders.map((one): Row => {
  const [bare, other] = [contenders[0]!, peer(one)];
  return {
    process: one.name,
    'CPU ms': (best(one, 'cpu') * 1000).toFixed(0),
    'wall ms': (best(one, 'wall') * 1000).toFixed(0),
    'CPU x node -e 0': ratio(best(one, 'cpu'), best(bare, 'cpu')),
    'CPU x ffmpeg': other === bare ? '-' : ratio(best(one, 'cpu'), best(other, 'cpu')),
    'wall x ffmpeg': other === bare ? '-' : ratio(best(one, 'wall'), best(other, 'wall')),
  };
});
console.log(`${table(rows)}\n`);

// In a process of its own, from a file: the loader this file runs under would be loaded into every thread, and flags keep threads from what
// was compiled before.
const PROGRAM = `
import { Worker } from 'node:worker_threads';
import { Graph } from ${JSON.stringify(index)};
const kinds = {
  async bare() {
    const worker = new Worker('', { eval: true });
    await new Promise((resolve) => worker.once('exit', resolve));
  },
  async ours() {
    const graph = new Graph({ threads: 1 });
    graph.filter('testsrc2', { size: '64x36', duration: 0.04 }).module('null_sink');
    await graph.run();
  },
};
const make = kinds[process.argv[2]];
await make();
const before = process.cpuUsage();
for (let i = 0; i < ${THREADS}; i++) await make();
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1000 / ${THREADS});
process.exit(0);`;

const program = join(folder, 'threads.mjs');
writeFileSync(program, PROGRAM);
const cpuOf = (kind: string): number => Number(execFileSync(process.execPath, [program, kind], { encoding: 'utf8' }));
const [bare, ours] = ['bare', 'ours'].map((kind) => quantile([cpuOf(kind), cpuOf(kind), cpuOf(kind)]));
console.log(
  `CPU of a worker thread from its start to its end: ${ours!.toFixed(0)} ms with a graph of two nodes, ` +
    `${bare!.toFixed(0)} ms with nothing (x ${ratio(ours!, bare)})`,
);

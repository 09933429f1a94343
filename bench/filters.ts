/**
 * Six cheap filters in a row in one thread: node by node, merged (`optimize_graph`), and written as one filtergraph in
 * one node, which is the limit. Processor time per picture, without that of making and discarding the pictures.
 *
 *   npm run bench:filters [-- --long]
 */
import { inTurns, machine, quantile, type Row, ratio, table } from './core/kit.js';
import { built, long } from './kit.js';

const rounds = long ? 9 : 5;

interface Size {
  name: string;
  size: string;
  pictures: number;
  filters: readonly string[];
}

const SIZES: readonly Size[] = [
  {
    name: '720p',
    size: '1280x720',
    pictures: long ? 1500 : 500,
    filters: ['hflip', 'crop=1270:710:4:4', 'pad=1280:720:4:4', 'drawbox=10:10:100:100:red', 'setsar=1', 'vflip'],
  },
  {
    name: '64x64',
    size: '64x64',
    pictures: long ? 8000 : 3000,
    filters: ['hflip', 'crop=60:60:2:2', 'pad=64:64:2:2', 'drawbox=1:1:9:9:red', 'setsar=1', 'vflip'],
  },
];

const WAYS = ['no filters', 'node by node', 'merged', 'one filtergraph'] as const;
type Way = (typeof WAYS)[number];

/** Microseconds of processor time per picture. */
async function measure({ size, pictures, filters }: Size, way: Way): Promise<number> {
  const graph = new built.Graph({ threads: 0, optimize_graph: way === 'merged' });
  const source = `color=c=gray:size=${size}:rate=25,format=yuv420p,trim=end_frame=${pictures}[0]`;
  const nodes = way === 'no filters' ? [] : way === 'one filtergraph' ? [filters.join(',')] : filters;
  let stream = graph.module('c_ffmpeg_filter', { graph: source });
  for (const filter of nodes) stream = stream.module('c_ffmpeg_filter', { graph: filter });
  stream.module('null_sink', {}, { alias: 'end' });
  const before = process.cpuUsage();
  const report = await graph.run();
  const { user, system } = process.cpuUsage(before);
  const arrived = report.nodes.find(({ alias }) => alias === 'end')!.packetsIn;
  if (arrived !== pictures) throw new Error(`${arrived} of ${pictures} pictures arrived ${way}`);
  return (user + system) / pictures;
}

const rows: Row[] = [];
for (const size of SIZES) {
  const results = await inTurns(WAYS, rounds, (way) => measure(size, way));
  const median = (way: Way): number => quantile(results.get(way)!);
  const cost = (way: Way): number => median(way) - median('no filters');
  for (const way of WAYS.slice(1)) {
    rows.push({
      pictures: size.name,
      filters: way,
      'us per picture': cost(way).toFixed(1),
      'x node by node': ratio(cost(way), cost('node by node')),
    });
  }
}
console.log(`${machine()}; median of ${rounds}\n`);
console.log(table(rows));

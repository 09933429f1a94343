import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { registerModule } from '../../../src/catalog/registry.js';
import type { GraphDefinition } from '../../../src/graph/build/definition.js';
import type { NodeParameters } from '../../../src/graph/build/node.js';
import type { NodeHandle, Stream } from '../../../src/graph/build/stream.js';
import { Graph } from '../../../src/graph/graph.js';
import { defineModule } from '../../../src/module/contract.js';
import type { LinkSpec, NodeSpec } from '../../../src/scheduler/plan/spec.js';
import { times } from '../../kit/long.js';
import { refused } from '../kit.js';

// Any file that exists: it is never imported here.
const someFile = fileURLToPath(import.meta.url);
const definition = defineModule<object>({ process: (task) => task.done() });
registerModule('roundtrip_object', definition);
registerModule('roundtrip_file', { path: someFile, entry: 'named' });

/** What the scheduler would get. */
function content(graph: Graph): { nodes: readonly NodeSpec[]; links: readonly LinkSpec[] } {
  const { nodes, links } = (graph as unknown as { blueprint: GraphDefinition }).blueprint;
  return { nodes, links };
}

function generator(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

function randomGraph(random: (n: number) => number): Graph {
  const chance = (percent: number): boolean => random(100) < percent;
  const graph = new Graph({
    ...(chance(50) && { threads: random(4) }),
    ...(chance(50) && { wait: { spin: random(100) } }),
    ...(chance(30) && { graph_name: `g${random(9)}` }),
    ...(chance(30) && { dump_graph: 0 as const }),
  });
  const streams: Stream[] = [];
  const parameters = (id: number, inputs: (Stream | null)[]): NodeParameters => ({
    inputs,
    ...(chance(30) && { alias: `node "${id}" é:${random(9)}` }),
    ...(chance(30) ? { scheduler: random(3) } : chance(20) ? { thread: `t${random(2)}` } : {}),
    ...(chance(20) && { queueLimit: 1 + random(9) }),
  });
  const pick = (): Stream => streams[random(streams.length)]!;
  const some = (most: number): (Stream | null)[] => [
    ...Array.from({ length: random(most) }, () => (chance(25) ? null : pick())),
    pick(),
  ];
  const add = (node: NodeHandle, outputs: number): void => {
    for (let i = 0; i < outputs; i++) streams.push(node.output(i));
  };
  add(graph.decode({ input_path: 'a: b.mp4', fps: 25, dec_params: { threads: 2 } }), 2);
  const count = 1 + random(8);
  for (let id = 1; id <= count; id++) {
    switch (random(7)) {
      case 0:
        add(graph.decode({ input_path: `${id}.mp4` }, parameters(id, [])), 2);
        break;
      case 1:
        add(graph.module('c_ffmpeg_filter', { name: 'vflip' }, parameters(id, [pick()])), 1);
        break;
      case 2:
        add(graph.module('pass_through', {}, parameters(id, some(3))), 3);
        break;
      case 3:
        graph.module('null_sink', {}, parameters(id, some(4)));
        break;
      case 4: {
        const options = {
          output_path: `${id}.mp4`,
          video_params: { crf: 23, preset: 'fast' },
          metadata: { title: 'ü:"' },
        };
        graph.module('c_ffmpeg_encoder', options, parameters(id, chance(50) ? [pick(), pick()] : [null, pick()]));
        break;
      }
      case 5: {
        const options = { list: [1, 'two', null, { three: [] }], text: 'ü"\\' };
        const name = chance(50) ? 'roundtrip_object' : 'roundtrip_file';
        add(graph.module(name as string, options, parameters(id, some(3))), 4);
        break;
      }
      default: {
        const source = { path: someFile, ...(chance(50) && { entry: 'other' }), ...(chance(50) && { name: 'own' }) };
        add(graph.module(source, { a: true }, parameters(id, chance(20) ? [] : some(2))), 2);
      }
    }
  }
  return graph;
}

const test = suite('writing graph files');

test('fromConfig reads back what toConfig writes: random graphs', () => {
  for (let seed = 1; seed <= times(120, 500); seed++) {
    const graph = randomGraph(generator(seed));
    const written = graph.toConfig();
    const read = Graph.fromConfig(JSON.stringify(written), { allow: { modules: true, protocols: ['*'] } });
    assert.equal(content(read), content(graph), `seed ${seed}`);
    assert.equal(read.toConfig(), written, `seed ${seed}`);
    assert.is(read.toMermaid(), graph.toMermaid(), `seed ${seed}`);
  }
});

test('stream aliases survive', () => {
  const graph = new Graph();
  graph.decode({ input_path: 'a' }).audio.module('null_sink');
  const written = graph.toConfig();
  written.nodes[0]!.output_streams[1]!.stream_alias = 'sound';
  const again = Graph.fromConfig(written).toConfig();
  assert.is(again.nodes[0]!.output_streams[1]!.stream_alias, 'sound');
  assert.is(again.nodes[1]!.input_streams[0]!.stream_alias, 'sound');
});

test("the written file is the caller's own", () => {
  const graph = new Graph();
  graph.decode({ input_path: 'a' });
  (graph.toConfig().nodes[0]!.option as { input_path: string }).input_path = 'b';
  assert.is(graph.toConfig().nodes[0]!.option.input_path, 'a');
});

test('what a file cannot hold is refused, all at once', () => {
  const graph = new Graph();
  graph.module(definition, {}, { alias: 'mine' });
  graph.module(defineModule<object>({ process: (task) => task.done() }), {}, { callback: () => 1 });
  graph.module('roundtrip_file' as string, { big: 1n, bytes: new Uint8Array(2), deep: { no: Number.NaN } });
  const { message } = refused(() => graph.toConfig());
  assert.match(message, /nodes\[0\] \(module "mine"\)\.module_info: is a module of this process that has no name/);
  assert.match(message, /nodes\[1\] .*\.callback: is a function/);
  assert.match(message, /option\.big: is a bigint \(1\)/);
  assert.match(message, /option\.bytes: is a Uint8Array/);
  assert.match(message, /option\.deep\.no: is a number \(NaN\)/);
  const round: { self?: unknown } = {};
  round.self = round;
  const endless = new Graph();
  endless.module('roundtrip_file' as string, { round });
  assert.match(refused(() => endless.toConfig()).message, /option\.round\.self: is an object inside itself/);
});

test('dump_graph leaves out what a file cannot hold, warns of it, and the graph runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-dump-'));
  try {
    const path = join(folder, 'dumped.json');
    const graph = new Graph({ dump_graph: path, threads: 0 });
    const options = { big: 1n, list: [1, new Date(0)], kept: { a: [true, null] } };
    const mine = defineModule<object>({ process: (task) => task.done() });
    graph.module(mine, options, { alias: 'mine', callback: () => 1 }).module('null_sink');
    const { warnings } = await graph.run();
    const expected = [
      'option.big is a bigint (1), which JSON cannot hold',
      'option.list[1] is a Date, which JSON cannot hold',
      'module_info is a module of this process that has no name',
      'callback is a function, which a file cannot hold',
    ].map((what) => `dump_graph: nodes[0] (module "mine").${what}, and is not in ${path}`);
    assert.equal(
      warnings.map((text, i) => text.slice(0, expected[i]?.length)),
      expected,
    );
    const { nodes } = JSON.parse(readFileSync(path, 'utf8')) as { nodes: { option: object; module_info: object }[] };
    assert.equal(nodes[0]!.option, { list: [1, null], kept: { a: [true, null] } });
    assert.equal(nodes[0]!.module_info, { name: 'module', type: '', path: '', entry: '' });
    assert.is(nodes.length, 2);

    const served = new Graph({ dump_graph: path, threads: 0 });
    served
      .inputStream('jobs')
      .module(mine, {}, { callback: () => 1 })
      .module('null_sink');
    const report = await (await served.serve()).close();
    assert.match(report.warnings.join('\n'), /^dump_graph: .*module_info is .*\ndump_graph: .*callback is .*$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('dump_graph writes the file when the run starts, even if the run then fails', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-dump-'));
  try {
    const path = join(folder, 'dumped.json');
    const graph = new Graph({ dump_graph: path, threads: 0 });
    graph.decode({ input_path: join(folder, 'missing.mp4') }).module('null_sink');
    assert.not.ok(existsSync(path));
    await graph.run().then(
      () => assert.unreachable('a missing input must fail the graph'),
      () => {},
    );
    assert.equal(JSON.parse(readFileSync(path, 'utf8')), graph.toConfig());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a dump that cannot be written fails the run before it starts', async () => {
  const graph = new Graph({ dump_graph: '/nowhere/graph.json' });
  graph.decode({ input_path: 'a.mp4' }).module('null_sink');
  const error = await graph.run().catch((cause: unknown) => cause as Error & { code: string });
  assert.is((error as { code: string }).code, 'ERR_MILLRACE_OUTPUT');
  assert.match((error as Error).message, /\/nowhere\/graph.json cannot be written: ENOENT/);
});

test.run();

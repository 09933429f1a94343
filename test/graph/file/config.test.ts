import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { registerModule } from '../../../src/catalog/registry.js';
import { ConfigError, type Problem } from '../../../src/errors/errors.js';
import { Graph } from '../../../src/graph/graph.js';
import { defineModule } from '../../../src/module/contract.js';
import { refused, wiring } from '../kit.js';

const file = fileURLToPath(new URL('../../fixtures/graph/transcode.json', import.meta.url));
type Json = Record<string, unknown>;
interface Config extends Json {
  nodes: (Json & { module_info: Json; input_streams: Json[]; output_streams: Json[]; option: Json; meta_info: Json })[];
}
const config = (): Config => JSON.parse(readFileSync(file, 'utf8')) as Config;

/** The problems of the file after a change. */
function problemsAfter(change: (config: Config) => void): readonly Problem[] {
  const changed = config();
  change(changed);
  const error = refused(() => Graph.fromConfig(changed));
  assert.instance(error, ConfigError, String(error));
  return (error as ConfigError).problems;
}

function onlyProblem(change: (config: Config) => void): Problem {
  const problems = problemsAfter(change);
  assert.is(problems.length, 1, JSON.stringify(problems));
  return problems[0]!;
}

const reading = suite('reading graph files');

reading('a file as BMF writes it: notified outputs, aliases, placeholders, numbers as strings', () => {
  const graph = Graph.fromConfig(file);
  assert.equal(wiring(graph), [
    'input[0] -> small[0]',
    'small[0] -> c_ffmpeg_encoder_2[0]',
    'input[1] -> c_ffmpeg_encoder_2[1]',
    'input[1] -> c_ffmpeg_encoder_3[1]',
  ]);
  const [decoder, filter, encoder] = graph.toConfig().nodes;
  assert.equal(decoder!.option, { input_path: 'in.mp4', start_time: '1.5' }, 'the alias is no option');
  assert.is(decoder!.alias, 'input');
  assert.is(filter!.meta_info.queue_length_limit, 4);
  assert.is(encoder!.scheduler, 1);
  assert.equal(graph.toConfig().option, { dump_graph: 0, graph_name: 'demo', scheduler_count: 2 });
});

reading('path, text and object are the same graph', () => {
  const fromPath = Graph.fromConfig(file).toConfig();
  assert.equal(Graph.fromConfig(readFileSync(file, 'utf8')).toConfig(), fromPath);
  assert.equal(Graph.fromConfig(config()).toConfig(), fromPath);
  assert.equal(Graph.fromConfig(`\n  ${JSON.stringify(config())}`).toConfig(), fromPath);
});

reading('a stream that is audio alone is output 1; streams without a kind go by their place', () => {
  const changed = config();
  changed.nodes[0]!.output_streams = [{ identifier: 'audio:sound' }];
  changed.nodes = [changed.nodes[0]!, changed.nodes[3]!];
  changed.nodes[1]!.input_streams[1]!.identifier = 'sound';
  assert.equal(wiring(Graph.fromConfig(changed)), ['input[1] -> c_ffmpeg_encoder_3[1]']);
  changed.nodes[0]!.output_streams = [{ identifier: 'a' }, { identifier: 'b', notify: 'audio' }];
  changed.nodes[1]!.input_streams = [{ identifier: 'a' }, { identifier: 'b' }];
  assert.equal(wiring(Graph.fromConfig(changed)), [
    'input[0] -> c_ffmpeg_encoder_3[0]',
    'input[1] -> c_ffmpeg_encoder_3[1]',
  ]);
});

reading('stream() finds a stream by the alias of the file, node() a node; the graph can be built on', () => {
  const graph = Graph.fromConfig(file);
  assert.is(graph.stream('main_video').name, 'c_ffmpeg_decoder_0_0');
  assert.match(refused(() => graph.stream('main_vidoe')).message, /Did you mean 'main_video'\?/);
  assert.is(graph.stream('main_video').scale(1, 1).nodeId, 4);
  assert.is(graph.node('small').nodeId, 1);
});

reading('what is missing counts as not set', () => {
  const graph = Graph.fromConfig({
    nodes: [
      {
        id: 7,
        module_info: { name: 'c_ffmpeg_decoder' },
        option: { input_path: 'a' },
        output_streams: [{ identifier: 'x' }],
      },
      {
        id: 3,
        module_info: { name: 'null_sink' },
        input_streams: [{ identifier: 'x' }],
        option: null,
        meta_info: null,
      },
    ],
  });
  assert.equal(wiring(graph), ['c_ffmpeg_decoder_7[0] -> null_sink_3[0]']);
});

reading('a file that is not there, and text that is no JSON, say so', () => {
  assert.match(
    refused(() => Graph.fromConfig('/nowhere/graph.json')).message,
    /graph file \/nowhere\/graph.json cannot be read: ENOENT/,
  );
  assert.match(refused(() => Graph.fromConfig('{ "nodes": [ }')).message, /not JSON/);
  assert.match(refused(() => Graph.fromConfig([] as never)).message, /must be an object/);
});

reading('input streams and outputs of the graph', () => {
  const graph = Graph.fromConfig({
    mode: 'Pushdata',
    input_streams: [{ identifier: 'outside', stream_alias: 'camera' }],
    output_streams: [{ identifier: 'scaled', stream_alias: 'small' }],
    nodes: [
      {
        id: 7,
        module_info: { name: 'c_ffmpeg_filter' },
        option: { name: 'scale', para: '64:36' },
        input_streams: [{ identifier: 'outside' }],
        output_streams: [{ identifier: 'scaled' }],
      },
    ],
  });
  assert.is(graph.stream('camera').name, 'outside');
  assert.is(graph.inputStream('outside').nodeId, graph.stream('camera').nodeId);
  assert.equal(
    graph.outputs.map(({ name }) => name),
    ['c_ffmpeg_filter_7_0'],
  );
  const written = graph.toConfig();
  assert.is(written.mode, 'Pushdata');
  assert.equal(written.input_streams, [{ identifier: 'outside', stream_alias: 'camera' }]);
  assert.equal(written.output_streams, [{ identifier: 'c_ffmpeg_filter_7_0', stream_alias: '' }]);
  assert.equal(Graph.fromConfig(written).toConfig(), written);
  graph.outputs[0]!.packets();
  assert.equal(graph.toConfig(), written);
  assert.match(graph.toMermaid(), /user1\["outside<br\/>input_stream"\].*user1 --> n7\n.*n7 --> user2/s);
});

reading('a graph that is only read is of mode Generator', () => {
  const graph = new Graph();
  graph.filter('testsrc2').packets();
  const { mode, output_streams } = graph.toConfig();
  assert.is(mode, 'Generator');
  assert.equal(output_streams, [{ identifier: 'c_ffmpeg_filter_0_0', stream_alias: '' }]);
});

reading.run();

const checking = suite('checking graph files');

checking('all problems are reported at once, in the order of the file', () => {
  const problems = problemsAfter((c) => {
    c.modus = 'Normal';
    c.option = { schedular_count: 2 };
    c.nodes[0]!.option.input_pth = 'x';
    c.nodes[1]!.scheduler = 'first';
    c.nodes[2]!.input_streams[0]!.identifier = 'c_ffmpeg_filter_1_1';
    c.nodes[3]!.module_info.name = 'c_ffmpeg_encodr';
  });
  assert.equal(
    problems.map((problem) => problem.path),
    [
      'modus',
      'option.schedular_count',
      'nodes[0].option.input_pth',
      'nodes[1].scheduler',
      'nodes[2].input_streams[0].identifier',
      'nodes[3].module_info.name',
    ],
  );
  const text = problems.map(({ message, hint }) => `${message} ${hint}`).join('\n');
  for (const name of ['mode', 'scheduler_count', 'input_path', 'c_ffmpeg_filter_1_0', 'c_ffmpeg_encoder']) {
    assert.match(text, `Did you mean '${name}'?`);
  }
});

const single: [string, (config: Config) => void, string, RegExp][] = [
  ['an unknown key of a node', (c) => (c.nodes[1]!.shceduler = 1), 'nodes[1].shceduler', /Did you mean 'scheduler'\?/],
  [
    'an unknown key of a stream',
    (c) => (c.nodes[1]!.input_streams[0]!.ident = 1),
    'nodes[1].input_streams[0].ident',
    /is not an option here/,
  ],
  ['a missing id', (c) => delete c.nodes[3]!.id, 'nodes[3].id', /is required|must be/],
  ['a missing module', (c) => (c.nodes[3]!.module_info = {}), 'nodes[3].module_info.name', /is required/],
  [
    'streams that are no list',
    (c) => (c.nodes[3]!.input_streams = 'x' as never),
    'nodes[3].input_streams',
    /must be a list/,
  ],
  ['an alias used twice', (c) => (c.nodes[3]!.alias = 'small'), 'nodes[3].alias', /is the alias of nodes\[1\] too/],
  [
    'a stream name used twice',
    (c) => c.nodes[1]!.output_streams.push({ identifier: 'c_ffmpeg_decoder_0_1' }),
    'nodes[1].output_streams[1].identifier',
    /is a stream of nodes\[0\] already/,
  ],
  [
    'two streams that are the same output',
    (c) => (c.nodes[0]!.output_streams[0]!.identifier = 'c_ffmpeg_decoder_0_2'),
    'nodes[0].output_streams[1].identifier',
    /is output 0, as output_streams\[0\] is/,
  ],
  [
    'a stream nobody makes',
    (c) => (c.nodes[2]!.input_streams[1]!.identifier = 'nothing_like_it'),
    'nodes[2].input_streams[1].identifier',
    /there is no stream 'nothing_like_it'/,
  ],
  [
    "another node's placeholder",
    (c) => (c.nodes[2]!.input_streams[1]!.identifier = 'c_ffmpeg_encoder_3_0'),
    'nodes[2].input_streams[1].identifier',
    /there is no stream/,
  ],
  [
    'a wrong value in a nested option',
    (c) => (c.nodes[2]!.option.video_params = { width: 'wide' }),
    'nodes[2].option.video_params.width',
    /must be a whole number/,
  ],
  ['options that are no object', (c) => (c.nodes[2]!.option = 3 as never), 'nodes[2].option', /must be an object/],
  [
    'a module that does not exist',
    (c) => (c.nodes[1]!.module_info.name = 'clok'),
    'nodes[1].module_info.name',
    /there is no module 'clok'/,
  ],
  [
    'parallel copies with a thread given',
    (c) => (c.nodes[1]!.dist_nums = 2),
    'nodes[1].dist_nums',
    /leave out scheduler and thread/,
  ],
  [
    'an input manager nobody knows',
    (c) => (c.nodes[1]!.input_manager = 'random' as never),
    'nodes[1].input_manager',
    /must be one of "immediate"/,
  ],
  [
    'a module created beforehand',
    (c) => (c.nodes[1]!.meta_info.premodule_id = 5),
    'nodes[1].meta_info.premodule_id',
    /not in this version/,
  ],
  [
    'a callback bound to nothing',
    (c) => (c.nodes[1]!.meta_info.callback_binding = ['1']),
    'nodes[1].meta_info.callback_binding[0]',
    /a key of the module's, a colon and the key of a callback of the graph's, not "1"/,
  ],
  ['a change of a running graph', (c) => (c.nodes[1]!.action = 'add'), 'nodes[1].action', /not in this version/],
  [
    'a Python module',
    (c) => (c.nodes[1]!.module_info.type = 'python'),
    'nodes[1].module_info.type',
    /written in python cannot run here/,
  ],
  [
    'an entry without a file',
    (c) => (c.nodes[1]!.module_info.entry = 'x'),
    'nodes[1].module_info.entry',
    /needs the path/,
  ],
  [
    'an input stream in the mode Normal',
    (c) => {
      c.input_streams = [{ identifier: 'in' }];
      c.nodes[2]!.input_streams[0]!.identifier = 'in';
    },
    'mode',
    /'Normal' feeds no input_streams/,
  ],
  ['the mode Pushdata without input streams', (c) => (c.mode = 'Pushdata'), 'input_streams', /are missing/],
  [
    'an input stream that has the name of another stream',
    (c) => {
      c.mode = 'Pushdata';
      c.input_streams = [{ identifier: 'c_ffmpeg_filter_1_0' }];
    },
    'nodes[1].output_streams[0].identifier',
    /is a stream of input_streams\[0\] already/,
  ],
  [
    'an input stream that is there twice',
    (c) => {
      c.mode = 'push';
      c.input_streams = [{ identifier: 'in' }, { identifier: 'in' }];
    },
    'input_streams[1].identifier',
    /'in' is there twice/,
  ],
  [
    'an output that is no stream',
    (c) => (c.output_streams = [{ identifier: 'c_ffmpeg_filter_1_1' }]),
    'output_streams[0].identifier',
    /there is no stream 'c_ffmpeg_filter_1_1'/,
  ],
  ['scheduler and thread together', (c) => (c.nodes[1]!.thread = 'x'), 'nodes[1].thread', /contradicts scheduler/],
  ['nodes that are no list', (c) => (c.nodes = {} as never), 'nodes', /must be the list of nodes/],
];
for (const [what, change, path, message] of single) {
  checking(`${what} is refused at ${path}`, () => {
    const problem = onlyProblem(change);
    assert.is(problem.path, path);
    assert.match(problem.message, message);
  });
}

for (const mode of ['Sync', 'Update']) {
  checking(`the mode ${mode} is refused by name`, () => {
    assert.match(onlyProblem((c) => (c.mode = mode)).message, `the mode "${mode}" is not in this version`);
  });
}

checking('a mode nobody knows is refused with the nearest one', () => {
  assert.match(onlyProblem((c) => (c.mode = 'Norml')).message, /Did you mean 'normal'\?/);
});

checking('an id used twice is refused once, with both places', () => {
  const problems = problemsAfter((c) => (c.nodes[3]!.id = 2));
  const problem = problems.find(({ path }) => path === 'nodes[3].id');
  assert.is(problem?.message, '2 is the id of nodes[2] too');
});

checking('a cycle is named node by node', () => {
  const problem = onlyProblem((c) => {
    c.nodes[1]!.input_streams.push({ identifier: 'back' });
    c.nodes.push({
      ...structuredClone(c.nodes[1]!),
      id: 9,
      alias: 'echo',
      input_streams: [{ identifier: 'c_ffmpeg_filter_1_0' }],
      output_streams: [{ identifier: 'back' }],
    });
  });
  assert.match(problem.message, /cycle: (small -> echo -> small|echo -> small -> echo)/);
});

checking('a node that cannot be read does not make its consumers wrong', () => {
  assert.is(onlyProblem((c) => (c.nodes[1]!.scheduler = -3)).path, 'nodes[1].scheduler');
});

checking('a file without nodes is refused', () => {
  assert.match(onlyProblem((c) => (c.nodes = [])).message, /the graph has no nodes/);
});

checking('a registered module of this process is checked by its schema, and found by name', () => {
  registerModule(
    'config_test_strict',
    defineModule<object>({
      schema: {
        '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no', path: ['size'] }] }) },
      },
      process: (task) => task.done(),
    }),
  );
  const problem = onlyProblem((c) => (c.nodes[1]!.module_info.name = 'config_test_strict'));
  assert.equal([problem.path, problem.message], ['nodes[1].option.size', 'no']);
});

checking.run();

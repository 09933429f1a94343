import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError } from '../../../src/errors/errors.js';
import { Graph } from '../../../src/graph/graph.js';
import { resolveGraphOptions } from '../../../src/graph/options/resolve.js';
import { graphOptionRows, graphOptionsSchema } from '../../../src/scheduler/plan/graph-options.js';
import type { OptionRow } from '../../../src/schema/option-row.js';
import { graphSchemaText, SCHEMA_FILE } from '../file/graph-schema.js';
import { refused } from '../kit.js';
import { DOCUMENTED, defaultsOf, optionNames, optionTexts } from './module-options-doc.js';
import { optionsDocument } from './options-doc.js';

const resolve = (input: unknown, env: Record<string, string> = {}) => {
  const { resolved, problems } = resolveGraphOptions(input, 'option', env);
  if (!resolved) throw new ConfigError('refused', problems);
  return resolved;
};
const problems = (input: unknown, env: Record<string, string> = {}) =>
  resolveGraphOptions(input, 'option', env).problems;

const test = suite('graph options');

test('defaults', () => {
  const { options, name, dumpPath, loglevel } = resolve({});
  const { spin, ...fixed } = options;
  assert.equal(fixed, {
    threads: 'auto',
    transport: 'auto',
    optimizeGraph: true,
    queueLengthLimit: 8,
    queueBytesLimit: 64 * 1024 * 1024,
    hardCap: 1024 ** 3,
    stopGrace: 5000,
    timeOut: 0,
    loader: [],
  });
  assert.ok(spin === 2000 || spin === 200);
  assert.equal([name, dumpPath, loglevel], ['graph', undefined, undefined]);
});

test('every option arrives', () => {
  const { options, name, dumpPath, loglevel } = resolve({
    threads: 3,
    transport: 'copy',
    wait: { spin: 7 },
    graph_name: 'demo',
    dump_graph: 1,
    optimize_graph: false,
    queue_length_limit: 2,
    queue_bytes_limit: 65536,
    hard_cap: 0,
    stop_grace: 10,
    loglevel: 'error',
    time_out: 2.5,
    trace: 'trace.json',
    loader: ['tsx', './hooks.mjs'],
  });
  assert.equal(options, {
    threads: 3,
    transport: 'copy',
    spin: 7,
    optimizeGraph: false,
    queueLengthLimit: 2,
    queueBytesLimit: 65536,
    hardCap: 0,
    stopGrace: 10,
    timeOut: 2500,
    loader: ['tsx', './hooks.mjs'],
  });
  assert.equal([name, dumpPath, loglevel], ['demo', 'original_demo.json', 'error']);
});

test('what graph files hold is accepted: numbers as strings, 0 and 1 for booleans', () => {
  assert.is(resolve({ threads: '2' }).options.threads, 2);
  assert.is(resolve({ scheduler_count: '4' }).options.threads, 4);
  assert.is(resolve({ dump_graph: 0 }).dumpPath, undefined);
  assert.is(resolve({ dump_graph: '1' }).dumpPath, 'original_graph.json');
  assert.is(resolve({ dump_graph: 'out/graph.json' }).dumpPath, 'out/graph.json');
  assert.is(resolve({ optimize_graph: 0 }).options.optimizeGraph, false);
  assert.is(resolve({ optimize_graph: '1' }).options.optimizeGraph, true);
  assert.is(resolve({}).options.optimizeGraph, true);
});

test('environment variables stand in for options that are not given', () => {
  const env = {
    MILLRACE_THREADS: '0',
    MILLRACE_TRANSPORT: 'copy',
    MILLRACE_WAIT_SPIN: '11',
    MILLRACE_DUMP_GRAPH: 'x.json',
    MILLRACE_OPTIMIZE_GRAPH: '0',
    MILLRACE_QUEUE_LENGTH_LIMIT: '5',
    MILLRACE_QUEUE_BYTES_LIMIT: '8192',
    MILLRACE_HARD_CAP: '1',
    MILLRACE_STOP_GRACE: '2',
    MILLRACE_LOGLEVEL: 'debug',
    MILLRACE_TIME_OUT: '3',
    MILLRACE_TRACE: 'trace.json',
    MILLRACE_LOADER: 'tsx, ./hooks.mjs',
  };
  const resolved = resolve({}, env);
  assert.equal(resolved.options, {
    threads: 0,
    transport: 'copy',
    spin: 11,
    optimizeGraph: false,
    queueLengthLimit: 5,
    queueBytesLimit: 8192,
    hardCap: 1,
    stopGrace: 2,
    timeOut: 3000,
    loader: ['tsx', './hooks.mjs'],
  });
  assert.equal([resolved.dumpPath, resolved.loglevel, resolved.tracePath], ['x.json', 'debug', 'trace.json']);
  assert.is(resolve({ trace: 0 }, env).tracePath, undefined);
  assert.is(resolve({ threads: 2 }, env).options.threads, 2, 'a given option wins');
  assert.is(resolve({ scheduler_count: 2 }, env).options.threads, 2, 'by its other name too');
  assert.is(resolve({ dump_graph: 0 }, env).dumpPath, undefined);
  const named = Object.values(graphOptionRows).flatMap((row: OptionRow) => row.env ?? []);
  assert.equal(named.sort(), Object.keys(env).sort(), 'this test knows every variable of the table');
});

test('a wrong environment variable is named', () => {
  const [problem] = problems({}, { MILLRACE_THREADS: 'many' });
  assert.is(problem!.path, 'environment variable MILLRACE_THREADS');
  assert.match(problem!.message, /'auto' or a whole number from 0 to 256, not "many"/);
});

test('an unknown option is refused with the nearest known one, nested ones too', () => {
  const found = problems({ thread: 4, wait: { spins: 1 } });
  assert.equal(found.map((problem) => problem.path).sort(), ['option.thread', 'option.wait.spins']);
  assert.match(found.map((problem) => problem.message).join(), /Did you mean 'threads'\?/);
  assert.match(found.map((problem) => problem.message).join(), /Did you mean 'spin'\?/);
});

test('a runtime cannot be in a graph file', () => {
  const found = problems({ runtime: {} });
  assert.is(found.length, 1, JSON.stringify(found));
  assert.match(found[0]!.message, /a runtime cannot be in a graph file/);
});

test('threads and scheduler_count that differ are refused', () => {
  assert.match(problems({ threads: 1, scheduler_count: 2 })[0]!.message, /is 2 while threads is 1/);
  assert.is(resolve({ threads: 2, scheduler_count: 2 }).options.threads, 2);
});

test('values out of range and of the wrong kind are refused, all at once', () => {
  const found = problems({
    threads: -1,
    queue_length_limit: 0,
    queue_bytes_limit: 'much',
    hard_cap: -1,
    stop_grace: 'x',
    time_out: -1,
    graph_name: 'a/b',
    loglevel: 'loud',
    dump_graph: {},
    trace: true,
  });
  assert.equal(found.map((problem) => problem.path).sort(), [
    'option.dump_graph',
    'option.graph_name',
    'option.hard_cap',
    'option.loglevel',
    'option.queue_bytes_limit',
    'option.queue_length_limit',
    'option.stop_grace',
    'option.threads',
    'option.time_out',
    'option.trace',
  ]);
});

test('a graph refuses wrong options when it is made', () => {
  const error = refused(() => new Graph({ thread: 4 } as never));
  assert.instance(error, ConfigError);
  assert.match(error.message, /option\.thread: .*Did you mean 'threads'\?/);
  assert.match(refused(() => new Graph([] as never)).message, /must be an object of options/);
});

test('the table and the schema have the same options', () => {
  for (const name of Object.keys(graphOptionRows)) {
    const [key, inner] = name.split('.') as [string, string | undefined];
    const unlikely = Symbol('no option takes this');
    const result = graphOptionsSchema['~standard'].validate({ [key]: inner ? { [inner]: unlikely } : unlikely });
    const issues = result instanceof Promise ? [] : (result.issues ?? []);
    assert.is(issues.length, 1, name);
    assert.not.match(issues[0]!.message, /is not an option/, name);
  }
});

test('the file that MILLRACE_CONFIG names gives what neither the graph nor the environment says', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'millrace-config-')), 'options.json');
  writeFileSync(path, JSON.stringify({ threads: 3, stop_grace: 70, wait: { spin: 5 } }));
  const env = { MILLRACE_CONFIG: path, MILLRACE_STOP_GRACE: '80' };
  const { resolved } = resolveGraphOptions({ threads: 2 }, 'option', env);
  assert.equal([resolved?.options.threads, resolved?.options.stopGrace, resolved?.options.spin], [2, 80, 5]);
  writeFileSync(path, JSON.stringify({ treads: 3 }));
  assert.match(
    resolveGraphOptions({}, 'option', env).problems[0]!.hint ??
      resolveGraphOptions({}, 'option', env).problems[0]!.message,
    /Did you mean 'threads'/,
  );
  const missing = resolveGraphOptions({}, 'option', { MILLRACE_CONFIG: `${path}.none` });
  assert.match(missing.problems[0]!.message, /cannot be read/);
  rmSync(dirname(path), { recursive: true });
});

test('docs/options.md is what the table says', () => {
  const path = new URL('../../../docs/options.md', import.meta.url);
  if (process.env.UPDATE_DOCS) {
    writeFileSync(path, optionsDocument());
    writeFileSync(SCHEMA_FILE, graphSchemaText());
  }
  assert.is(readFileSync(path, 'utf8'), optionsDocument());
});

test('the types of the built-in modules have the options of their schemas, each of them told', () => {
  for (const { module, type, parts = {} } of DOCUMENTED) {
    assert.equal(optionNames(type).sort(), [...defaultsOf(module).keys()].sort(), module);
    for (const part of [type, ...Object.values(parts)])
      for (const { name, meaning } of optionTexts(part)) assert.ok(meaning.length > 0, `${part}.${name}`);
  }
});

test.run();

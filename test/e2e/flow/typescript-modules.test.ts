/** Module files that Node does not read by itself, and what reads them in the threads. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Graph, type GraphOptionsInput, Packet, Runtime } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, scratch } from '../../kit/media.js';
import { thrown } from '../../kit/rejection.js';

const test = suite('modules in TypeScript');

const at = scratch();
const MILLRACE = JSON.stringify(import.meta.resolve('millrace'));

/** A source of one packet, in words that only a compiler knows: an enum, types, an import without its extension. */
function sourceIn(folder: string, type: string): string {
  const file = at(`${folder}/source.ts`);
  mkdirSync(at(folder));
  writeFileSync(at(`${folder}/package.json`), JSON.stringify({ type }));
  writeFileSync(at(`${folder}/kind.ts`), 'export enum Kind { Last = 41 }\n');
  writeFileSync(
    file,
    `import { Kind } from './kind';
    export default class Source {
      async process(task: { output(id: number): { push(packet: unknown): void }; done(): void }): Promise<void> {
        const { Packet } = await import(${MILLRACE});
        task.output(0).push(new Packet({ kind: Kind.Last as number }));
        task.done();
      }
    }\n`,
  );
  return file;
}

const esm = sourceIn('esm', 'module');
const cjs = sourceIn('cjs', 'commonjs');
const runtime = new Runtime({ threads: 1, loader: ['tsx'] });

async function given(file: string, options: GraphOptionsInput): Promise<unknown> {
  const graph = new Graph(options);
  for await (const { payload } of graph.module(file).packets().closing()) return payload;
  return undefined;
}

// These come first: a loader stays in its thread, and Node's newer hooks hold for files that are asked for without one.
test('without a loader it is refused with what would read it', async () => {
  const graph = new Graph({ threads: 0 });
  graph.module(esm).module('null_sink');
  const { code, message } = await failureOf(graph);
  assert.is(code, 'ERR_MILLRACE_MODULE_LOAD');
  assert.match(message, /source\.ts cannot be imported: .*new Graph\(\{ loader: \['tsx'\] \}\)/);
});

test('a loader that is not there is refused by its name', async () => {
  for (const [loader, says] of [
    ['no-such-loader', /the loader 'no-such-loader' of module file .*source\.ts cannot be loaded: .*npm install/],
    ['./no/hooks.mjs', /the loader '\.\/no\/hooks\.mjs' .*Paths start at the current directory/],
  ] as const) {
    const graph = new Graph({ threads: 0, loader: [loader] });
    graph.module(esm).module('null_sink');
    assert.match((await failureOf(graph)).message, says);
  }
});

test('with the loader tsx a module in TypeScript runs in a thread and on the calling one', async () => {
  assert.equal(await given(esm, { runtime }), { kind: 41 });
  assert.equal(await given(cjs, { runtime }), { kind: 41 });
  assert.equal(await given(esm, { threads: 0, loader: ['tsx'] }), { kind: 41 });
});

test('a module that is called has it too, also where its caller blocks on the same thread', async () => {
  writeFileSync(at('cjs/sink.ts'), 'export default { process(task: unknown): void {} };\n');
  const graph = new Graph({ threads: 0, loader: ['tsx'] });
  for (const thread of ['inline', undefined]) {
    const module = graph.sync([0], [], {}, at('cjs/sink.ts'), { thread });
    module.process({ 0: [new Packet({})] });
    module.close();
  }
  const actor = await runtime.spawn({ path: esm, outputs: [0] });
  const { outputs } = await actor.processAsync();
  assert.equal(outputs[0][0]!.payload, { kind: 41 });
  for (const packet of outputs[0]) packet.close();
  await actor.closeAsync();
});

test('a file is imported in the thread as a loader, as node --import has it', async () => {
  writeFileSync(at('source.mine'), '41');
  const code = `import { Packet } from ${MILLRACE};
    export default { process(task) { task.output(0).push(new Packet({ kind: NUMBER })); task.done(); } };`;
  writeFileSync(
    at('hooks.mjs'),
    `import { readFileSync } from 'node:fs';
    export async function load(url, context, next) {
      if (!new URL(url).pathname.endsWith('.mine')) return next(url, context);
      const source = ${JSON.stringify(code)}.replace('NUMBER', readFileSync(new URL(url), 'utf8'));
      return { format: 'module', shortCircuit: true, source };
    }`,
  );
  writeFileSync(
    at('register.mjs'),
    `import { register } from 'node:module'; register(${JSON.stringify(pathToFileURL(at('hooks.mjs')).href)});`,
  );
  assert.equal(await given(at('source.mine'), { runtime, loader: [at('register.mjs')] }), { kind: 41 });
});

test('graph files name no loader, and who reads one gives it', async () => {
  const graph = new Graph({ loader: ['tsx'] });
  graph.module(esm).module('null_sink');
  const file = graph.toConfig();
  assert.not.ok('loader' in (file.option ?? {}));
  const wanted = { ...file, option: { loader: ['tsx'] } };
  assert.match(thrown(() => Graph.fromConfig(wanted)).message, /option\.loader: says what code is loaded/);
  const read = Graph.fromConfig(file, { allow: { modules: true }, loader: ['tsx'] });
  assert.equal(read.toConfig(), file);
  assert.match(thrown(() => new Graph({ loader: 'tsx,' as never })).message, /loader: must be a list of packages/);
});

test.after(() => runtime.close());
test.run();

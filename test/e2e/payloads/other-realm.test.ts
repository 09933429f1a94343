/** Errors and values of another realm, as under Jest, where those of Node's core are: they are what they are. */
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { defineModule, Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection } from '../../kit/rejection.js';

const realm = suite('another realm');
const context = createContext({});
const elsewhere = <T>(code: string): T => runInContext(code, context) as T;
const failing = (): never => {
  throw elsewhere("Object.assign(new RangeError('elsewhere'), { code: 'E_FAR' })");
};

function failed(graph: Graph, options: Parameters<Graph['run']>[0] = {}) {
  return rejection(graph.run(options));
}

function assertCause(error: Error): void {
  assert.match(error.message, /: elsewhere$/);
  const { name, code } = error.cause as Error & { code?: string };
  assert.equal([name, code], ['RangeError', 'E_FAR']);
}

realm('an error that a module throws', async () => {
  const graph = new Graph({ threads: 0 });
  graph.module(defineModule({ process: failing }));
  const error = await failed(graph);
  assert.is(error.code, 'ERR_MILLRACE_MODULE');
  assertCause(error);
});

realm('an error that a callback throws', async () => {
  const path = fileURLToPath(new URL('../../fixtures/modules/slips.mjs', import.meta.url));
  const graph = new Graph({ threads: 1 });
  graph.module({ path, entry: 'Asking' }, { names: ['Map'] }, { callback: failing });
  assertCause(await failed(graph));
});

realm('an error that onProgress throws', async () => {
  const graph = new Graph({ threads: 0 });
  graph.module(defineModule({ process: (task) => task.done() }));
  const error = await failed(graph, { onProgress: failing });
  assert.is(error.code, 'ERR_MILLRACE_CALLBACK');
  assertCause(error);
});

realm('an error as the reason of an abort', async () => {
  const graph = new Graph({ threads: 0 });
  graph.module(defineModule({ process: (task) => task.done() }));
  const error = await failed(graph, { signal: AbortSignal.abort(elsewhere("new Error('enough')")) });
  assert.is(error.code, 'ERR_MILLRACE_ABORTED');
  assert.match(error.message, /: enough$/);
});

realm('options, which are written to a file like others', () => {
  const graph = new Graph();
  graph.module('null_sink' as string, elsewhere<Record<string, unknown>>("({ a: { b: [1, { c: 'd' }] } })"));
  assert.equal(graph.toConfig().nodes[0]!.option, { a: { b: [1, { c: 'd' }] } });
});

realm.run();

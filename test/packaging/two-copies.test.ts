/** Two copies of the package in one process: what fails in one is recognised by the other. */
import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ConfigError, FFmpegError, Graph, GraphError, MillraceError } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../cli/kit.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = temporaryFolder();
cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
const other = (await import(pathToFileURL(join(folder, 'dist/index.js')).href)) as typeof import('millrace');

const copies = suite('two copies');

copies('are two', () => {
  assert.is.not(other.MillraceError, MillraceError);
});

copies('know the errors of each other by instanceof, and tell their kinds apart', () => {
  const config = new other.ConfigError('wrong', []);
  assert.ok(config instanceof ConfigError);
  assert.ok(config instanceof MillraceError);
  assert.not(config instanceof GraphError);
  assert.ok(new GraphError('ERR_MILLRACE_STATE', 'late') instanceof other.GraphError);
  assert.ok(new FFmpegError('open', -2, 'no such file') instanceof other.MillraceError);
  assert.not(new Error('plain') instanceof MillraceError);
  assert.not((null as unknown) instanceof MillraceError);
});

copies('a class that extends ours is not every error of ours', () => {
  class Own extends MillraceError {}
  assert.ok(new Own('ERR_MILLRACE_STATE', 'mine') instanceof Own);
  assert.ok(new Own('ERR_MILLRACE_STATE', 'mine') instanceof other.MillraceError);
  assert.not(new MillraceError('ERR_MILLRACE_STATE', 'ours') instanceof Own);
});

copies('a graph of one that is refused rejects with an error the other knows', async () => {
  for (const [made, known] of [
    [new other.Graph({ threads: 0 }), MillraceError],
    [new Graph({ threads: 0 }), other.MillraceError],
  ] as const) {
    const error = await made.run().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof known);
  }
});

copies('a packet of the other is refused by name', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.inputStream('in');
  input.module('null_sink');
  await graph.start({ mode: 'push' });
  const error = await input.push(new other.Packet(5) as never).then(
    () => undefined,
    (thrown: MillraceError) => thrown,
  );
  await graph.forceClose();
  assert.is(error?.code, 'ERR_MILLRACE_PAYLOAD');
  assert.match(error?.message ?? '', 'a Packet of another copy of millrace');
});

copies.run();

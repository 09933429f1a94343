/** URLs of files, as text and as objects, name the file whose path they encode, wherever a path is taken. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Graph, type MillraceError, syncModule } from 'millrace';
import { TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf } from '../../kit/soon.js';

const test = suite('URLs of files');

const folder = mkdtempSync(join(tmpdir(), 'millrace urls % '));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const clip = at('a b#%41.mp4');
copyFileSync(new URL('../../fixtures/media/clip-4s.mp4', import.meta.url), clip);

async function frames(input_path: string | URL): Promise<number> {
  const graph = new Graph({ threads: 0 });
  const sink = new TestSink();
  graph.decode({ input_path, vframes: 5 }).video.module(sink.spec, sink.options, { callback: sink.callback });
  await graph.run();
  return sink.packets.length;
}

for (const [what, path] of [
  ['an object', pathToFileURL(clip)],
  ['text', pathToFileURL(clip).href],
  ['a path', clip],
  ["FFmpeg's form, which is not decoded", `file:${clip}`],
] as const) {
  test(`a decoder reads ${what}`, async () => assert.is(await frames(path), 5));

  test(`an encoder writes ${what}`, async () => {
    const output = at(`out %42.mp4`);
    const url = { 'an object': pathToFileURL(output), text: pathToFileURL(output).href, 'a path': output }[
      what as 'text'
    ];
    const graph = new Graph({ threads: 0 });
    const { video } = graph.decode({ input_path: clip, vframes: 3 });
    video.encode(null, { output_path: url ?? `file:${output}` });
    await graph.run();
    assert.ok(existsSync(output));
    assert.is(await frames(output), 3);
    rmSync(output);
  });
}

test('a called module takes them', () => {
  using decoder = syncModule('c_ffmpeg_decoder', { input_path: pathToFileURL(clip) }, [], [0], { thread: 'inline' });
  const { outputs } = decoder.process();
  for (const packet of outputs[0]) packet.close();
  assert.ok(outputs[0].length > 0);
});

test('graph files, dump_graph and trace take them', async () => {
  const file = at('graph %43.json');
  const nodes = [
    {
      id: 0,
      module_info: { name: 'c_ffmpeg_decoder' },
      option: { input_path: pathToFileURL(clip).href, vframes: 2 },
      output_streams: [{ identifier: 'v' }],
    },
    { id: 1, module_info: { name: 'null_sink' }, input_streams: [{ identifier: 'v' }] },
  ];
  writeFileSync(file, JSON.stringify({ nodes }));
  for (const source of [pathToFileURL(file), pathToFileURL(file).href, file]) await Graph.fromConfig(source).run();

  const [dump, trace] = [at('dump %44.json'), at('trace %45.json')];
  const graph = new Graph({ threads: 0, dump_graph: pathToFileURL(dump), trace: pathToFileURL(trace).href });
  graph.decode({ input_path: pathToFileURL(clip), vframes: 2 }).video.module('null_sink', {});
  await graph.run();
  assert.match(readFileSync(dump, 'utf8'), JSON.stringify(clip));
  assert.ok(existsSync(trace));
});

test('a URL of a file on another host says so', async () => {
  const graph = new Graph({ threads: 0 });
  graph.decode({ input_path: 'file://elsewhere/a.mp4' }).video.module('null_sink', {});
  const error: MillraceError = await failureOf('the graph', graph.run());
  assert.is(error.code, 'ERR_MILLRACE_OPTION');
  assert.match(error.message, 'is no URL of a file here');
});

test.run();

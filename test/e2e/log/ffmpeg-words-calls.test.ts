/** FFmpeg's own words in calls, in other threads, and in `onLog`. */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Graph, type GraphError, Packet, syncModule } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { times } from '../../kit/long.js';
import { failureOf, media, scratch } from '../../kit/media.js';
import { REASONS } from '../../kit/reasons.js';
import { thrown } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const at = scratch();
const graphOn = await sharedThreads(1);
const test = suite("FFmpeg's own words elsewhere");
const millrace = new URL('../../../dist/index.js', import.meta.url).href;

/** Gives pictures of an odd size to an encoder that is called. */
function oddlyCalled(parameters: { thread?: string }) {
  const settings = { output_path: at('called.mp4'), video_params: { codec: 'h264', pix_fmt: 'yuv420p' } };
  const encoder = syncModule('c_ffmpeg_encoder', settings, [0], [], parameters);
  const graph = 'testsrc2=s=320x240:d=0.2,scale=853:480';
  const source = syncModule('c_ffmpeg_filter', { graph }, [], [0], { thread: 'inline' });
  return { encoder, source };
}

for (const parameters of [{}, { thread: 'named' }, { thread: 'inline' }]) {
  test(`a blocking call has it (${parameters.thread ?? 'a thread of its own'})`, () => {
    // The second time on a thread that has said it before; of its own it never has.
    for (let round = 0; round < times(parameters.thread === undefined ? 1 : 2, 2); round++) {
      const { encoder, source } = oddlyCalled(parameters);
      const failure = thrown(() => {
        encoder.process({ 0: source.process().outputs[0] });
        encoder.sendEof();
      });
      assert.match(failure.message, /FFmpeg says: width not divisible by 2 \(853x480\)$/);
      encoder.close();
      source.close();
    }
  });

  test(`an asynchronous call has it (${parameters.thread ?? 'a thread of its own'})`, async () => {
    const { encoder, source } = oddlyCalled(parameters);
    try {
      await encoder.processAsync({ 0: (await source.processAsync()).outputs[0] });
      await encoder.sendEofAsync();
      assert.unreachable('it was expected to fail');
    } catch (error) {
      assert.match((error as Error).message, /width not divisible by 2 \(853x480\)$/);
    }
    await encoder.closeAsync();
    await source.closeAsync();
  });
}

test('bytes that are pushed: the thread that demuxes them has it', async () => {
  const graph = new Graph();
  const input = graph.inputStream('bytes');
  input.decode().video.encode(null, { null_output: true });
  await graph.start({ mode: 'push' });
  await input.push(new Packet(readFileSync(media('clip-4s.mp4')).subarray(0, 40))).catch(() => {});
  await input.end().catch(() => {});
  const failure = await graph.close().then(
    () => assert.unreachable('it was expected to fail'),
    (error: GraphError) => error,
  );
  assert.match((failure as GraphError).message, /FFmpeg says: .*moov atom not found/);
});

for (const threads of [0, 1]) {
  test(`onLog hears what FFmpeg says of a failure, with the node's name (${threads} threads)`, async () => {
    const heard: unknown[] = [];
    const others: unknown[] = [];
    const graph = graphOn({ threads, onLog: (entry) => heard.push(entry) });
    const other = graphOn({ threads, onLog: (entry) => others.push(entry) });
    REASONS['a pad around what is larger'].build(graph);
    REASONS['a point outside of a curve'].build(other);
    const caught = (error: GraphError): GraphError => error;
    const [failure] = await Promise.all([graph.run().catch(caught), other.run().catch(caught)]);
    const text = 'Padded dimensions cannot be smaller than input dimensions.';
    assert.equal(heard, [{ level: 'error', node: (failure as GraphError).alias, context: 'ffmpeg', text }]);
    assert.match(JSON.stringify(others), 'Invalid key point');
    assert.not.match(JSON.stringify(others), text);
    assert.equal((failure as GraphError).warnings, []);
  });
}

for (const thread of ['inline', 'heard']) {
  test(`onLog of a called module hears it as well (${thread})`, () => {
    const heard: unknown[] = [];
    const onLog = (entry: unknown): unknown => heard.push(entry);
    const settings = { graph: 'testsrc2=s=320x240:d=0.2,pad=10:10' };
    const module = syncModule('c_ffmpeg_filter', settings, [], [0], { thread, alias: 'source', onLog });
    thrown(() => module.process());
    const text = 'Padded dimensions cannot be smaller than input dimensions.';
    assert.equal(heard, [{ level: 'error', node: 'source', context: 'ffmpeg', text }]);
    module.close();
  });
}

test('a thread of the application that is started later has it as well', async () => {
  const graph = new Graph({ threads: 0 });
  REASONS['a pad around what is larger'].build(graph);
  await failureOf(graph);
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     import('${millrace}').then(async ({ Graph }) => {
       const graph = new Graph({ threads: 0 });
       graph.module('c_ffmpeg_filter', { name: 'testsrc2', para: 's=320x240:d=0.2' }, { inputs: [] }).pad(10, 10)
         .module('null_sink', {});
       parentPort.postMessage(await graph.run().then(() => 'it ran', (error) => error.message));
     });`,
    { eval: true },
  );
  const message = await new Promise<string>((resolve) => worker.once('message', resolve));
  assert.match(message, 'FFmpeg says: Padded dimensions cannot be smaller');
  await new Promise((resolve) => worker.once('exit', resolve));
});

test.run();

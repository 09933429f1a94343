/** Test runners replace the global timers and clocks (Jest, Vitest, sinon): graphs and calls go on by the real ones. */
import { fileURLToPath } from 'node:url';
import { Graph, type GraphError, Packet, syncModule } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sleep } from '../../../ringbuffer/clock.js';
import { numbers } from '../../kit/modules.js';
import { rejection } from '../../kit/rejection.js';
import { payloads, summing, values } from '../../kit/serving.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const faked = suite('fake timers');
const graphOn = await sharedThreads(1);

const failing = {
  name: 'failing',
  path: fileURLToPath(new URL('../../fixtures/modules/plain.mjs', import.meta.url)),
  entry: 'Failing',
};

const TIMERS = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'];
const kept: [owner: object, name: string, value: unknown][] = [];

/** They never fire, and the clocks stand still. */
function replace(owner: object, name: string, value: unknown): void {
  kept.push([owner, name, Reflect.get(owner, name)]);
  Reflect.set(owner, name, value);
}

faked.before.each(() => {
  for (const name of TIMERS) replace(globalThis, name, () => {});
  replace(globalThis, 'queueMicrotask', () => {});
  replace(performance, 'now', () => 0);
  replace(process.hrtime, 'bigint', () => 0n);
  replace(Date, 'now', () => 0);
});

faked.after.each(() => {
  for (const [owner, name, value] of kept.splice(0)) Reflect.set(owner, name, value);
});

const picture = (graph: Graph, seconds: number) =>
  graph.filter('testsrc2', { size: '64x36', rate: 25, duration: seconds });

for (const threads of [0, 1]) {
  const at = `threads: ${threads}: `;

  faked(`${at}a graph runs`, async () => {
    const graph = new Graph({ threads });
    picture(graph, 1).vflip().hflip().module('null_sink');
    let told = 0;
    const report = await graph.run({ onProgress: () => told++ });
    assert.is(report.frames, 25);
    assert.ok(report.milliseconds > 0);
    assert.ok(told > 0);
  });

  faked(`${at}packets are read`, async () => {
    const graph = graphOn({ threads });
    let count = 0;
    for await (const _ of picture(graph, 2).packets().closing()) count++;
    assert.is(count, 50);
  });

  faked(`${at}packets are pushed and read`, async () => {
    const graph = graphOn({ threads });
    const input = graph.inputStream('in');
    const reader = input.module('pass_through').packets();
    await graph.start({ mode: 'push' });
    const pushing = (async () => {
      for (let n = 0; n < 200; n++) await input.push(new Packet({ n }, { timestamp: n }));
      await input.end();
    })();
    const seen: { value: unknown }[] = [];
    for await (const packet of reader.closing()) seen.push({ value: packet.payload });
    await pushing;
    await graph.close();
    assert.equal(
      numbers(seen),
      Array.from({ length: 200 }, (_, n) => n),
    );
  });

  faked(`${at}jobs are served`, async () => {
    const { graph, stream } = summing({ threads });
    const server = await graph.serve({ outputs: { sums: stream } });
    const result = await server.submit({ in: values(1, 2, 3) });
    assert.is(payloads(result.outputs.sums).length, 4);
    await server.close();
  });

  faked(`${at}what waits for a time has it`, async () => {
    const graph = graphOn({ threads });
    graph.module('clock', { fps: 100, count: 3 }).module('null_sink');
    assert.ok((await graph.run()).nodes[0]!.packetsOut > 0);
  });

  faked(`${at}a graph that stands still is found, and a signal ends one`, async () => {
    const stuck = graphOn({ threads, time_out: 0.2, stop_grace: 100 });
    stuck.module({ process: () => new Promise<void>(() => {}) }).module('null_sink');
    assert.is((await rejection(stuck.run())).code, 'ERR_MILLRACE_STALLED');
    const endless = graphOn({ threads });
    endless.filter('testsrc2', { size: '64x36' }).module('null_sink');
    const abort = new AbortController();
    const failure = rejection(endless.run({ signal: abort.signal }));
    await sleep(10);
    abort.abort();
    assert.is(((await failure) as GraphError).code, 'ERR_MILLRACE_ABORTED');
  });
}

for (const thread of ['inline', 'w']) {
  faked(`thread: '${thread}': modules are called, blocking and not, and given up in time`, async () => {
    const source = syncModule('c_ffmpeg_filter', { name: 'testsrc2', para: 'duration=0.2' }, [], [0], { thread });
    let count = 0;
    for (let n = 0, done = false; !done; n++) {
      const result = n % 2 === 0 ? source.process() : await source.processAsync();
      done = result.done;
      for (const packet of result.outputs[0]) {
        if (!packet.isEof) count++;
        packet.close();
      }
    }
    assert.is(count, 5);
    await source.closeAsync();
    const never = syncModule(failing, { where: 'never', after: 0 }, [], [0], { thread, timeout: 500 });
    assert.is((await rejection(never.processAsync())).code, 'ERR_MILLRACE_TIMEOUT');
    await never.closeAsync();
  });
}

faked.run();

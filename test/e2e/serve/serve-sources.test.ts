/** What jobs are fed from: everything that is given is used or released, and no source holds up the server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Module, Packet, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection } from '../../kit/rejection.js';
import { payloads, silent, summing, values } from '../../kit/serving.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const sources = suite('serve: sources');
const graphOn = await sharedThreads(2);

const picture = (): VideoFrame => VideoFrame.alloc({ width: 16, height: 16, format: 'gray' });

/** Has enough with its first packet. */
const brief = (): Module => ({
  process(task) {
    if (task.inputs.get(0)?.[0]?.isEof === false) task.done();
  },
});

sources('what was given to a refused job is released, payloads and streams as well', async () => {
  const watch = new LeakWatch();
  const { graph } = summing({ threads: 0 });
  const server = await graph.serve();
  let cancelled = 0;
  const stream = (): ReadableStream => new ReadableStream({ cancel: () => void cancelled++ });
  const alone = picture();
  const error = await rejection(server.submit(alone as never));
  assert.match(error.message, /job: cannot be a VideoFrame/);
  assert.not.match(error.message, /no such input stream/);
  await rejection(server.submit({ in: picture() } as never));
  await rejection(server.submit({ inn: [picture()], in: stream() }));
  await rejection(server.submit([picture()], { signal: AbortSignal.abort() }));
  await server.close();
  await rejection(server.submit([picture(), new Packet(picture())]));
  await rejection(server.submit(new Set([picture()])));
  await rejection(server.submit(stream()));
  assert.is(cancelled, 2);
  watch.check();
});

sources('what a job that ends early has left in its list is released', async () => {
  const watch = new LeakWatch();
  const graph = graphOn({ threads: 1, time_out: 10 });
  graph.inputStream('in').module(brief());
  const server = await graph.serve();
  await server.submit(Array.from({ length: 30 }, picture));
  await server.submit(new Set(Array.from({ length: 30 }, picture)));
  watch.check(await server.close());
});

for (const threads of [0, 1, 2]) {
  sources(`a source that fails or hangs when it is left concerns its own job at most, threads ${threads}`, async () => {
    const graph = graphOn({ threads, time_out: 10 });
    const seen = graph.inputStream('in').module('pass_through');
    seen.module(brief());
    const server = await graph.serve({ outputs: {} });
    async function* endless(leaving: () => Promise<void>) {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        await leaving();
      }
    }
    for (let round = 0; round < 5; round++) {
      const failing = server.submit(endless(() => sleep(round).then(() => Promise.reject(new Error('cleanup')))));
      const next = server.submit(values(1));
      // Whether it ends before its source has failed is a race that either may win.
      await failing.catch((error: Error) => assert.match(error.message, /cleanup/));
      await next;
    }
    await server.submit(endless(() => new Promise(() => {})));
    await server.submit(values(1));
    assert.equal((await server.close()).warnings, []);
  });
}

sources('signals and released packets fail their job alone', async () => {
  const { graph, stream } = summing({ threads: 1 }, {}, graphOn);
  const server = await graph.serve({ outputs: [stream] });
  const closed = new Packet({ n: 1 });
  closed.close();
  const bad: [job: Packet | Packet[], code: string][] = [
    [Packet.eos(), 'ERR_MILLRACE_PAYLOAD'],
    [Packet.control('pause'), 'ERR_MILLRACE_PAYLOAD'],
    [closed, 'ERR_MILLRACE_CLOSED'],
    [[...values(1), closed], 'ERR_MILLRACE_CLOSED'],
  ];
  for (const [job, code] of bad) {
    const error = rejection(server.submit(job));
    const { outputs } = await server.submit(values(2));
    assert.is((await error).code, code);
    assert.equal((payloads(outputs[stream.name]).at(-1) as { sum: number }).sum, 2);
  }
  assert.is((await server.submit(Packet.eof())).outputs[stream.name]!.length, 1); // an empty job
  await server.close();
});

sources('options of submit are checked', async () => {
  const { graph } = summing({ threads: 0 });
  const server = await graph.serve();
  for (const options of [{ singal: undefined }, { signal: 7 }, null]) {
    const packet = new Packet(picture());
    assert.is((await rejection(server.submit(packet, options as never))).code, 'ERR_MILLRACE_CONFIG');
    assert.ok(packet.closed);
  }
  await server.close();
});

for (const threads of [0, 2]) {
  sources(
    `a job of which nobody wants more is over, though one of its sources never said a word, ${threads}`,
    async () => {
      const graph = graphOn({ threads, time_out: 10 });
      const [a, b] = [graph.inputStream('a'), graph.inputStream('b')];
      const left: string[] = [];
      a.module(brief(), {}, { inputs: [b.module('pass_through').module('pass_through'), graph.inputStream('c')] });
      const server = await graph.serve();
      for (let job = 1; job <= 3; job++) await server.submit({ a: values(1), b: silent(left), c: silent(left) });
      assert.equal(left, Array(6).fill('left'));
      await server.submit({ a: values(1), b: values(1), c: [] });
      await server.close();
    },
  );
}

sources('one signal may be that of many jobs', async () => {
  const { graph } = summing({ threads: 1 }, {}, graphOn);
  const server = await graph.serve();
  const stop = new AbortController();
  const warned: Error[] = [];
  const onWarning = (warning: Error): void => void warned.push(warning);
  process.on('warning', onWarning);
  await Promise.all(Array.from({ length: 30 }, () => server.submit(values(1), { signal: stop.signal })));
  const jobs = [silent(), ...Array.from({ length: 29 }, () => values(1))].map((job) =>
    rejection(server.submit(job, { signal: stop.signal })),
  );
  stop.abort();
  assert.equal(new Set((await Promise.all(jobs)).map(({ code }) => code)), new Set(['ERR_MILLRACE_ABORTED']));
  await server.submit(values(1));
  await server.close();
  process.off('warning', onWarning);
  assert.equal(warned, []);
});

sources.run();

/** The ends of a server, and what it does not begin. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Graph, Packet, Runtime, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection } from '../../kit/rejection.js';
import { failed, silent, sum, summing, values } from '../../kit/serving.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const ending = suite('serve: ends');
/** For those whose subject is not what becomes of the threads. */
const graphOn = await sharedThreads(1);

ending('a worker that dies ends the server', async () => {
  const watch = new LeakWatch();
  const { graph, stream } = summing({ threads: 2 });
  sum(stream);
  const server = await graph.serve();
  const died = rejection(server.submit(failed('exit')));
  const waiting = rejection(server.submit(values(1)));
  const error = await died;
  assert.is(error.code, 'ERR_MILLRACE_WORKER_DIED');
  assert.is(await waiting, error);
  assert.ok(server.closed);
  assert.is(await rejection(server.submit(values(1))), error);
  assert.is((await server.close()).failed, 1);
  watch.check();
});

ending('close does what waits, and takes no more', async () => {
  const watch = new LeakWatch();
  const { graph, stream } = summing({ threads: 1 }, {}, graphOn);
  const server = await graph.serve({ outputs: [stream] });
  const jobs = [1, 2, 3].map((n) => server.submit(values(n)));
  const closing = server.close();
  const refused = new Packet(VideoFrame.alloc({ width: 16, height: 16, format: 'gray' }));
  assert.is((await rejection(server.submit([refused]))).code, 'ERR_MILLRACE_CLOSED');
  assert.ok(refused.closed);
  assert.equal(
    (await Promise.all(jobs)).map(({ job }) => job),
    [1, 2, 3],
  );
  watch.check(await closing);
  assert.is(await server.close(), await closing);
});

ending('forceClose gives up what is done and what waits', async () => {
  const watch = new LeakWatch();
  const { graph } = summing({ threads: 2 });
  const server = await graph.serve();
  const picture = new Packet(VideoFrame.alloc({ width: 16, height: 16, format: 'gray' }));
  const jobs = [silent(), [picture]].map((job) => rejection(server.submit(job)));
  await sleep(20);
  await graph.forceClose();
  assert.equal(
    (await Promise.all(jobs)).map(({ code }) => code),
    ['ERR_MILLRACE_ABORTED', 'ERR_MILLRACE_ABORTED'],
  );
  assert.ok(picture.closed);
  await server.forceClose();
  watch.check();
});

ending('the signal of the server does the same', async () => {
  const watch = new LeakWatch();
  const stop = new AbortController();
  const { graph } = summing({ threads: 1 }, {}, graphOn);
  const server = await graph.serve({ signal: stop.signal });
  const job = rejection(server.submit(silent()));
  stop.abort(new Error('shutting down'));
  assert.match((await job).message, /shutting down/);
  await server.forceClose();
  assert.ok(server.closed);
  watch.check();
});

ending('graph.stop() ends the server; the job that was under way says so', async () => {
  const watch = new LeakWatch();
  const { graph } = summing({ threads: 1 });
  const server = await graph.serve();
  const job = rejection(server.submit(silent()));
  await sleep(20);
  graph.stop();
  assert.is((await job).code, 'ERR_MILLRACE_CLOSED');
  await server.close();
  assert.ok(server.closed);
  watch.check();
});

ending('graph.stop() ends the server behind a job that has failed as well, and gives up what waits', async () => {
  const watch = new LeakWatch();
  const { graph } = summing({ threads: 1 }, {}, graphOn);
  const server = await graph.serve();
  await rejection(server.submit(failed('process')));
  graph.stop();
  assert.ok(server.closed);
  assert.match((await rejection(server.submit([]))).message, /the graph was stopped/);
  await server.close();
  const other = summing({ threads: 1 }, {}, graphOn);
  const second = await other.graph.serve();
  const jobs = [silent(), values(1)].map((job) => rejection(second.submit(job)));
  const closing = second.close();
  await sleep(20);
  other.graph.stop();
  assert.equal(
    (await Promise.all(jobs)).map(({ code }) => code),
    ['ERR_MILLRACE_CLOSED', 'ERR_MILLRACE_CLOSED'],
  );
  watch.check(await closing);
});

ending(
  'the end of its runtime is the end of a server, in a job, between two, and behind one that has failed',
  async () => {
    const watch = new LeakWatch();
    for (const when of ['in', 'between', 'behind']) {
      const runtime = new Runtime({ threads: 1 });
      const { graph } = summing({ runtime });
      const server = await graph.serve();
      const job = when === 'in' ? rejection(server.submit(silent())) : undefined;
      if (when === 'behind') await rejection(server.submit(failed('process')));
      else await sleep(20);
      await runtime.close();
      const error = await job;
      if (error) assert.match(error.message, /its runtime was closed/);
      const refused = await rejection(server.submit(values(1)));
      assert.is(refused.code, 'ERR_MILLRACE_CLOSED', when);
      assert.match(refused.message, /its runtime was closed/);
      await server.forceClose();
    }
    watch.check();
  },
);

ending('a signal that was aborted before starts nothing', async () => {
  const watch = new LeakWatch();
  const { graph } = summing({ threads: 1 });
  const error = await rejection(graph.serve({ signal: AbortSignal.abort(new Error('too late')) }));
  assert.is(error.code, 'ERR_MILLRACE_ABORTED');
  assert.match(error.message, /too late/);
  watch.check();
});

ending('a server that cannot start rejects, and leaves nothing', async () => {
  const watch = new LeakWatch();
  const graph = new Graph({ threads: 2 });
  sum(graph.inputStream('in'), { fail: 'init' }, { alias: 'adder' });
  const error = (await rejection(graph.serve())) as unknown as { alias: string; phase: string };
  assert.equal([error.alias, error.phase], ['adder', 'init']);
  watch.check();
});

ending('the queue has a limit', async () => {
  const { graph } = summing({ threads: 1 }, {}, graphOn);
  const server = await graph.serve({ queueLimit: 2 });
  const stop = new AbortController();
  const first = rejection(server.submit(silent(), { signal: stop.signal }));
  const jobs = [server.submit([]), server.submit([])];
  const error = await rejection(server.submit([]));
  assert.is(error.code, 'ERR_MILLRACE_QUEUE_FULL');
  assert.match(error.message, /2 jobs wait/);
  stop.abort();
  await first;
  await Promise.all(jobs);
  await server.close();
});

ending('what cannot serve is refused as a whole', async () => {
  const graph = new Graph();
  graph.decode({ input_path: 'a.mp4' }).video.encode(null, { output_path: 'b.mp4' });
  const error = await rejection(graph.serve());
  assert.is(error.code, 'ERR_MILLRACE_CONFIG');
  assert.match(error.message, /input_streams: a graph that serves jobs needs at least one/);
  assert.match(error.message, /c_ffmpeg_decoder.*: has no input/);
  assert.match(error.message, /output_path: is overwritten by every job \(output_prefix/);
  const two = new Graph();
  const input = two.inputStream('in');
  for (const output_prefix of ['jobs', './jobs/../jobs', 'others']) input.encode(null, { output_prefix });
  input.encode(null, { output_prefix: 'jobs', format: 'mpegts' });
  const twice = (await rejection(two.serve())).message;
  assert.is(twice.match(/output_prefix: names the files of/g)?.length, 1);
  const other = summing({});
  other.stream.packets();
  assert.match((await rejection(other.graph.serve())).message, /packets\(\) reads no graph that serves jobs/);
  const wrong = await rejection(summing({}).graph.serve({ outputs: [other.stream], queueLimit: 0 } as never));
  assert.match(wrong.message, /queueLimit/);
  assert.match(
    (await rejection(summing({}).graph.serve({ outputs: { a: other.stream } }))).message,
    /outputs\.a: is a stream of another graph/,
  );
  const own = summing({});
  assert.match((await rejection(own.graph.serve({ outputs: { '': own.stream } }))).message, /outputs\.: needs a name/);
});

ending('a graph that serves is fed by its server alone', async () => {
  const { graph } = summing({ threads: 0 });
  const server = await graph.serve();
  assert.match((await rejection(graph.inputStream('in').push(new Packet(1)))).message, /serves jobs.*server\.submit/);
  assert.is((await rejection(graph.close())).code, 'ERR_MILLRACE_STATE');
  assert.is((await rejection(graph.serve())).code, 'ERR_MILLRACE_STATE');
  assert.ok(graph.stats().nodes.length >= 2);
  await server.close();
});

ending.run();

/** Jobs one after the other over one warm graph: what they bring, and what is between them. */
import { Readable } from 'node:stream';
import { Graph, type JobResult, Packet } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { times } from '../../kit/long.js';
import { rejection } from '../../kit/rejection.js';
import { payloads, sum, summing, values } from '../../kit/serving.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const serving = suite('serve');
const graphOn = await sharedThreads(3);

for (const threads of [0, 1, 2, 3]) {
  serving(`every job is complete, alone and in its turn, threads ${threads}`, async () => {
    const watch = new LeakWatch();
    const { graph, stream } = summing({ threads }, {}, graphOn);
    const second = sum(stream.module('pass_through'));
    const server = await graph.serve({ outputs: { sums: stream, second } });
    const jobs = [values(1, 2, 3), values(10), [], values(4, 5)].map((job) => server.submit(job));
    const results = await Promise.all(jobs);
    assert.equal(
      results.map(({ job }) => job),
      [1, 2, 3, 4],
    );
    assert.equal(payloads(results[0]!.outputs.sums), [
      { n: 1, count: 1, job: 1 },
      { n: 2, count: 2, job: 1 },
      { n: 3, count: 3, job: 1 },
      { sum: 6, ends: [0], resets: 0, job: 1 },
    ]);
    assert.equal(payloads(results[1]!.outputs.sums), [
      { n: 10, count: 1, job: 2 },
      { sum: 10, ends: [0], resets: 1, job: 2 },
    ]);
    assert.equal(payloads(results[2]!.outputs.sums), [{ sum: 0, ends: [0], resets: 2, job: 3 }]);
    assert.equal(payloads(results[3]!.outputs.second).at(2), { n: undefined, count: 3, job: 4 });
    assert.is(results[3]!.outputs.second!.length, 4);
    const report = await server.close();
    assert.equal([report.jobs, report.failed, report.warnings], [4, 0, []]);
    watch.check(report);
  });
}

serving('many jobs over the same modules, which are closed once', async () => {
  const watch = new LeakWatch();
  const closed: unknown[] = [];
  const many = times(50, 200);
  const { graph, stream } = summing({ threads: 2 }, { callback: (_, resets) => closed.push(resets) }, graphOn);
  const server = await graph.serve({ outputs: [stream] });
  for (let job = 1; job <= many; job++) {
    const { outputs } = await server.submit(values(job, job));
    assert.equal(payloads(outputs[stream.name]).at(-1), { sum: 2 * job, ends: [0], resets: job - 1, job });
  }
  const report = await server.close();
  assert.equal(closed, [many]);
  watch.check(report);
});

serving('a job is a packet, bytes, a list, a generator, a stream, or one of these for every input', async () => {
  const graph = graphOn({ threads: 1 });
  const seen: unknown[] = [];
  const stream = graph.inputStream('in').module({
    process(task) {
      for (const { payload, isEof } of task.inputs.get(0) ?? []) if (!isEof) seen.push(payload);
    },
  });
  sum(stream);
  const server = await graph.serve();
  await server.submit(new Packet('packet'));
  await server.submit(['list', new Packet('of packets')]);
  await server.submit(
    (async function* () {
      yield 'generated';
      yield Packet.eof();
      yield 'behind the end';
    })(),
  );
  await server.submit(Readable.from(['streamed']));
  await server.submit({ in: new Set(['named']) });
  await server.submit(() => Promise.resolve(['opened when its turn came']));
  await server.submit(new Uint8Array([1, 2, 3]));
  const texts = ['packet', 'list', 'of packets', 'generated', 'streamed', 'named', 'opened when its turn came'];
  assert.equal(seen.slice(0, -1), texts);
  await server.close();
});

serving('two input streams: every one has its source, and one may be empty', async () => {
  const graph = new Graph({ threads: 2, time_out: 10 });
  const [a, b] = [graph.inputStream('a'), graph.inputStream('b')];
  const stream = sum(a, {}, { inputs: [b] });
  const server = await graph.serve({ outputs: [stream] });
  const last = ({ outputs }: JobResult): unknown => payloads(outputs[stream.name]).at(-1);
  assert.equal(last(await server.submit({ a: values(1, 2), b: values(3) })), {
    sum: 6,
    ends: [0, 1],
    resets: 0,
    job: 1,
  });
  assert.equal(last(await server.submit({ a: [], b: values(3) })), { sum: 3, ends: [0, 1], resets: 1, job: 2 });
  const many = Array.from({ length: 100 }, (_, i) => i);
  assert.equal(last(await server.submit({ a: values(...many), b: [] })), {
    sum: 4950,
    ends: [0, 1],
    resets: 2,
    job: 3,
  });
  assert.match((await rejection(server.submit({ a: [] } as never))).message, /job\.b: is missing/);
  assert.match((await rejection(server.submit([]))).message, /job: cannot be/);
  await server.close();
});

serving('an output of a job counts as a consumer: of parallel copies, and of an input stream itself', async () => {
  const graph = new Graph({ threads: 0, time_out: 10 });
  const given = graph.inputStream('in');
  const copied = given.module('pass_through', {}, { distNums: 3 });
  const server = await graph.serve({ outputs: { given, copied } });
  for (const count of [10, 0, 1, 30]) {
    const numbers = Array.from({ length: count }, (_, n) => n);
    const { outputs } = await server.submit(numbers);
    assert.equal(payloads(outputs.given), numbers);
    assert.equal(payloads(outputs.copied), numbers);
  }
  await server.close();
});

serving.run();

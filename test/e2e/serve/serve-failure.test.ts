/** A job that fails or is given up: alone, with an error that says where, and without leaving anything. */
import { createReadStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Packet, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection } from '../../kit/rejection.js';
import { failed, payloads, silent, sum, summing, values } from '../../kit/serving.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const failing = suite('serve: failure');
const graphOn = await sharedThreads(2);

for (const threads of [0, 1, 2]) {
  for (const [fail, phase, message] of [
    ['process', 'process', 'process said no'],
    ['flush', 'process', 'the end said no'],
    ['reset', 'reset', 'reset said no'],
  ] as const) {
    failing(`a module that throws in ${fail} fails its job alone, threads ${threads}`, async () => {
      const watch = new LeakWatch();
      // Once with threads of its own as well.
      const make = threads === 2 && fail === 'process' ? undefined : graphOn;
      const { graph, stream } = summing({ threads }, { alias: 'adder' }, make);
      const behind = sum(stream);
      const server = await graph.serve({ outputs: { sums: stream, behind } });
      const before = server.submit(values(1, 2));
      const bad = rejection(server.submit(failed(fail)));
      const after = server.submit(values(3));
      assert.equal(payloads((await before).outputs.sums).at(-1), { sum: 3, ends: [0], resets: 0, job: 1 });
      const error = (await bad) as unknown as Record<string, unknown>;
      assert.equal([error.code, error.alias, error.phase], ['ERR_MILLRACE_MODULE', 'adder', phase]);
      assert.match(String(error.message), message);
      const result = await after;
      // The modules are new ones.
      assert.equal(payloads(result.outputs.sums), [
        { n: 3, count: 1, job: 3 },
        { sum: 3, ends: [0], resets: 0, job: 3 },
      ]);
      const report = await server.close();
      assert.equal([report.jobs, report.failed], [3, 1]);
      watch.check(report);
    });
  }
}

failing('what is under way of a failed job is released', async () => {
  const watch = new LeakWatch();
  const graph = graphOn({ threads: 2, time_out: 10 });
  const stream = graph
    .inputStream('in')
    .scale(32, 32)
    .module({
      process(task) {
        for (const packet of task.inputs.get(0) ?? []) {
          if (packet.isEof) continue;
          if ((packet.payload as VideoFrame).pts === 30n) throw new Error('enough');
          task.output(0).push(packet);
        }
      },
    });
  const server = await graph.serve({ outputs: [stream] });
  function* pictures(count: number) {
    for (let n = 0; n < count; n++) {
      yield VideoFrame.alloc({ width: 64, height: 64, format: 'gray', pts: BigInt(n), timeBase: { num: 1, den: 25 } });
    }
  }
  assert.match((await rejection(server.submit(pictures(100)))).message, /enough/);
  assert.match(
    (await rejection(server.submit([...pictures(100)].map((frame) => new Packet(frame))))).message,
    /enough/,
  );
  const result = await server.submit(pictures(20));
  assert.is(result.outputs[stream.name]!.length, 20);
  result.close();
  watch.check(await server.close());
});

failing('a source that throws fails its job alone', async () => {
  const { graph, stream } = summing({ threads: 1 }, {}, graphOn);
  const server = await graph.serve({ outputs: [stream] });
  const error = await rejection(
    server.submit(
      (async function* () {
        yield new Packet({ n: 1 });
        throw new TypeError('the disk is gone');
      })(),
    ),
  );
  assert.equal([error.code, (error.cause as Error).message], ['ERR_MILLRACE_INPUT', 'the disk is gone']);
  assert.match(error.message, /source of input stream 'in'/);
  assert.is((await rejection(server.submit([Packet.control('pause')]))).code, 'ERR_MILLRACE_PAYLOAD');
  assert.equal(payloads((await server.submit(values(4))).outputs[stream.name]).at(-1), {
    sum: 4,
    ends: [0],
    resets: 0,
    job: 3,
  });
  await server.close();
});

failing('a stream that fails while its job waits fails that job, and nothing else', async () => {
  const { graph } = summing({ threads: 1 }, {}, graphOn);
  const server = await graph.serve();
  const stop = new AbortController();
  const first = rejection(server.submit(silent(), { signal: stop.signal }));
  const jobs = [createReadStream('/no/such/file'), () => createReadStream('/no/such/file')].map((source) =>
    rejection(server.submit(source)),
  );
  jobs.push(rejection(server.submit((() => 7) as never)));
  await sleep(50);
  stop.abort();
  await first;
  const never = new AbortController();
  const opening = rejection(server.submit(() => new Promise<never>(() => {}), { signal: never.signal }));
  setTimeout(() => never.abort(), 200);
  const errors = await Promise.all(jobs);
  assert.equal(
    errors.map(({ code }) => code),
    ['ERR_MILLRACE_INPUT', 'ERR_MILLRACE_INPUT', 'ERR_MILLRACE_PAYLOAD'],
  );
  assert.match(errors[0]!.message, /ENOENT/);
  assert.match(errors[2]!.message, /the function returned 7/);
  assert.is((await opening).code, 'ERR_MILLRACE_ABORTED');
  await server.submit(values(1));
  await server.close();
});

failing('a signal gives up its job alone, while it waits and while it is done', async () => {
  const { graph, stream } = summing({ threads: 1 }, {}, graphOn);
  const server = await graph.serve({ outputs: [stream] });
  const [first, second] = [new AbortController(), new AbortController()];
  const left: string[] = [];
  const stuck = rejection(server.submit(silent(left), { signal: first.signal }));
  const waiting = rejection(server.submit(values(1), { signal: second.signal }));
  const after = server.submit(values(5));
  assert.is(server.waiting, 2);
  second.abort(new Error('not any more'));
  const error = await waiting;
  assert.is(error.code, 'ERR_MILLRACE_ABORTED');
  assert.match(error.message, /not any more/);
  first.abort('changed my mind');
  assert.match((await stuck).message, /changed my mind/);
  assert.equal(left, ['left']);
  const result = await after;
  assert.is(result.job, 2); // what was given up before it began has no number
  assert.equal(payloads(result.outputs[stream.name])[0], { n: 5, count: 1, job: 2 });
  assert.is((await rejection(server.submit([], { signal: second.signal }))).code, 'ERR_MILLRACE_ABORTED');
  await server.close();
});

failing.run();

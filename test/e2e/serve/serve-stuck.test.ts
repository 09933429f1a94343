/** A job in which nothing moves. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection } from '../../kit/rejection.js';
import { failed, payloads, summing, values } from '../../kit/serving.js';

const stuck = suite('serve: stuck');

stuck('a job that is stuck ends by time_out, a thread that is stuck is replaced', async () => {
  const watch = new LeakWatch();
  const { graph, stream } = summing({ threads: 1, time_out: 2, stop_grace: 200 });
  const server = await graph.serve({ outputs: [stream] });
  await sleep(2500); // a server that has nothing to do is not stuck
  for (const fail of ['never', 'hang']) {
    const error = await rejection(server.submit(failed(fail)));
    assert.is(error.code, 'ERR_MILLRACE_STALLED');
    assert.match(error.message, /sum_0.*has been in process/);
  }
  const result = await server.submit(values(3));
  assert.equal(payloads(result.outputs[stream.name]).at(-1), { sum: 3, ends: [0], resets: 0, job: 3 });
  const report = await server.close();
  assert.match(report.warnings.join(), /did not stop within 200 ms/);
  watch.check();
});

stuck.run();

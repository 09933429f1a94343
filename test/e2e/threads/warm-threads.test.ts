/** Threads that modules share by name stay for the next one, for a while, and hold nobody up. */

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Packet, Runtime, type SyncParameters, syncModule } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { node, nodeEach } from '../../cli/kit.js';
import { obeying, valuesOf } from '../../kit/calls.js';
import { long, times } from '../../kit/long.js';
import { alive, allowThreads } from '../../kit/no-threads.js';
import { rejection, thrown } from '../../kit/rejection.js';

const warm = suite('threads that are kept for their name');
const script = fileURLToPath(new URL('../../fixtures/scripts/leave-warm.mjs', import.meta.url));

async function callOnce(parameters: SyncParameters, how: 'close' | 'closeAsync' = 'closeAsync'): Promise<void> {
  const module = syncModule(obeying('Echo'), {}, [0], [0], parameters);
  assert.equal(valuesOf(module.process({ 0: [new Packet(1)] }).outputs[0]), [1]);
  if (how === 'close') module.close();
  else await module.closeAsync();
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

warm.before.each(() => allowThreads(Number.POSITIVE_INFINITY));

warm('modules of one name, one after the other, have one thread, which is no leak', async () => {
  const leaks = new LeakWatch();
  allowThreads(1);
  for (let n = 0; n < 10; n++) await callOnce({ thread: 'one' }, n % 2 ? 'close' : 'closeAsync');
  assert.is(alive.size, 1);
  leaks.check();
  await callOnce({ thread: 'one', idleTimeout: 0 });
  assert.is(alive.size, 0, 'it has gone when the close with idleTimeout 0 has resolved');
  leaks.check();
});

warm('one ends when nobody has used it for its time, and not before', async () => {
  await callOnce({ thread: 'brief', idleTimeout: 50 });
  const module = syncModule(obeying('Echo'), {}, [0], [0], { thread: 'brief', idleTimeout: 50 });
  module.init();
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(valuesOf(module.process({ 0: [new Packet(2)] }).outputs[0]), [2]);
  assert.is(alive.size, 1);
  await module.closeAsync();
  await until(() => alive.size === 0);
});

warm('no more are kept than there are cores', async () => {
  const most = Math.max(2, availableParallelism());
  for (let n = 0; n < most + 2; n++) await callOnce({ thread: `many ${n}` });
  await until(() => alive.size === most);
  // Those that were used last are there.
  allowThreads(0);
  for (let n = 2; n < most + 2; n++) await callOnce({ thread: `many ${n}`, idleTimeout: 0 });
  assert.is(alive.size, 0);
});

warm('one that has died is replaced', async () => {
  const module = syncModule(obeying('Obedient'), {}, [0], [0], { thread: 'mortal' });
  assert.is((await rejection(module.processAsync({ 0: [new Packet('exit')] }))).code, 'ERR_MILLRACE_WORKER_DIED');
  await module.closeAsync();
  await callOnce({ thread: 'mortal' });
  await callOnce({ thread: 'mortal', idleTimeout: 0 });
  await until(() => alive.size === 0);
});

warm('a runtime ends all of its own, named ones too', async () => {
  const runtime = new Runtime({ threads: 1 });
  for (let n = 0; n < 2; n++) {
    const actor = await runtime.spawn({ ...obeying('Echo'), inputs: [0], outputs: [0], thread: 'named' });
    actor.process({ 0: [new Packet(n)] });
    await actor.closeAsync();
  }
  assert.is(alive.size, 1);
  await runtime.close();
  assert.is(alive.size, 0);
});

warm('idleTimeout is refused where no thread could be kept', () => {
  for (const parameters of [
    { idleTimeout: 5 },
    { idleTimeout: 5, thread: 'inline' },
    { idleTimeout: -1, thread: 'x' },
  ]) {
    const error = thrown(() => syncModule(obeying('Echo'), {}, [0], [0], parameters));
    assert.is(error.code, 'ERR_MILLRACE_CONFIG');
    assert.match(error.message, /idleTimeout/);
  }
});

const SAID = '0\n1\n2\n';

warm('a process ends by itself while one is kept (closed, blocking, unclosed)', async () => {
  const hows = ['closed', 'blocking', 'unclosed'];
  // What comes next in the process begins when nothing of the one before keeps that going; in the long form each is alone.
  const runs = long ? hows.map((how) => [how]) : [hows];
  const results = await Promise.all(runs.map((some) => nodeEach(some.map((how) => [script, how]))));
  assert.equal(
    results.flat().map(({ code, signal, stdout }) => ({ code, signal, stdout })),
    hows.map(() => ({ code: 0, signal: null, stdout: SAID })),
    results
      .flat()
      .map(({ stderr }) => stderr)
      .join(''),
  );
});

for (const [how, code] of [
  ['exit', 3],
  ['throw', 1],
] as const) {
  warm(`a process ends by itself while one is kept (${how})`, async () => {
    const results = await Promise.all(Array.from({ length: times(1, 3) }, () => node(script, [how])));
    for (const result of results) {
      const { stdout, stderr, signal } = result;
      assert.equal({ code: result.code, signal, stdout }, { code, signal: null, stdout: SAID }, stderr);
    }
  });
}

warm.run();

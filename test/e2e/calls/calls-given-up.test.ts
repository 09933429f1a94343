/** Whatever becomes of an asynchronous call, its promise settles and the process ends by itself. */
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { node } from '../../cli/kit.js';

const path = (name: string): string => fileURLToPath(new URL(`../../fixtures/scripts/${name}`, import.meta.url));
const given = suite('calls that are given up');

const CASES: Record<string, string> = {
  timeout: 'ERR_MILLRACE_TIMEOUT',
  'timeout-unclosed': 'ERR_MILLRACE_TIMEOUT',
  'timeout-init': 'ERR_MILLRACE_TIMEOUT',
  'timeout-of-one': 'ERR_MILLRACE_TIMEOUT done',
  queued: 'ERR_MILLRACE_TIMEOUT ERR_MILLRACE_TIMEOUT',
  closeAsync: 'ERR_MILLRACE_CLOSED ERR_MILLRACE_TIMEOUT',
  close: 'ERR_MILLRACE_TIMEOUT ERR_MILLRACE_CLOSED',
  runtime: 'ERR_MILLRACE_CLOSED ERR_MILLRACE_TIMEOUT',
  inline: 'ERR_MILLRACE_TIMEOUT done',
  exit: 'ERR_MILLRACE_WORKER_DIED',
};

for (const [how, said] of Object.entries(CASES)) {
  given(`${how}: the process ends`, async () => {
    const { code, stdout, stderr } = await node(path('give-up.mjs'), [how]);
    assert.is(stdout.trim().split('\n').join(' '), said, stderr);
    assert.is(code, 0);
  });
}

given('a thread that runs out of memory: the process ends', async () => {
  const env = { NODE_OPTIONS: '--max-old-space-size=96' };
  const { code, stdout } = await node(path('give-up.mjs'), ['heap'], { env, limit: 60_000 });
  assert.is(stdout.trim(), 'ERR_MILLRACE_WORKER_DIED');
  assert.is(code, 0);
});

for (const [how, boot, said] of [
  ['boot', 'throws', 'ERR_MILLRACE_WORKER_DIED'],
  ['boot', 'never', 'ERR_MILLRACE_TIMEOUT'],
  ['boot-graph', 'throws', 'ERR_MILLRACE_WORKER_DIED'],
  ['boot-graph', 'never', 'ERR_MILLRACE_ABORTED'],
  ['boot-runtime', 'never', 'ERR_MILLRACE_ABORTED'],
] as const) {
  given(`${how}, and a thread that ${boot === 'throws' ? 'cannot' : 'does not'} boot: the process ends`, async () => {
    const env = {
      NODE_OPTIONS: `--import ${new URL('../../fixtures/scripts/never-boots.mjs', import.meta.url)}`,
      BOOT: boot,
    };
    const { code, stdout, stderr } = await node(path('give-up.mjs'), [how], { env });
    assert.is(stdout.trim(), said, stderr);
    assert.is(code, 0);
  });
}

given.run();

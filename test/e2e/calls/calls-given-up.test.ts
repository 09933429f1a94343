/** Whatever becomes of an asynchronous call, its promise settles and the process ends by itself. */
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { node, type Options, resultsOfEach } from '../../cli/kit.js';

const script = fileURLToPath(new URL('../../fixtures/scripts/give-up.mjs', import.meta.url));
const given = suite('calls that are given up');

/**
 * Adds a test for each: the next one in the process begins when nothing of the one before keeps that going, and it has to end
 * with all that is left of them.
 */
function eachEnds(cases: Record<string, string>, env: Options['env'] = {}, where = ''): void {
  const hows = Object.keys(cases);
  const resultOf = resultsOfEach(
    hows.map((how) => [script, how]),
    { env },
  );
  for (const [number, how] of hows.entries()) {
    given(`${how}${where}: the process ends`, async () => {
      const { code, signal, stdout, stderr } = await resultOf(number);
      assert.is(stdout.trim().split('\n').join(' '), cases[how], stderr);
      assert.equal([code, signal], [0, null], stderr);
    });
  }
}

eachEnds({
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
});

given('a thread that runs out of memory: the process ends', async () => {
  const env = { NODE_OPTIONS: '--max-old-space-size=48' };
  const { code, stdout } = await node(script, ['heap'], { env, limit: 60_000 });
  assert.is(stdout.trim(), 'ERR_MILLRACE_WORKER_DIED');
  assert.is(code, 0);
});

const NODE_OPTIONS = `--import ${new URL('../../fixtures/scripts/never-boots.mjs', import.meta.url)}`;
eachEnds(
  { boot: 'ERR_MILLRACE_WORKER_DIED', 'boot-graph': 'ERR_MILLRACE_WORKER_DIED' },
  { NODE_OPTIONS, BOOT: 'throws' },
  ', and a thread that cannot boot',
);
eachEnds(
  { boot: 'ERR_MILLRACE_TIMEOUT', 'boot-graph': 'ERR_MILLRACE_ABORTED', 'boot-runtime': 'ERR_MILLRACE_ABORTED' },
  { NODE_OPTIONS, BOOT: 'never' },
  ', and a thread that does not boot',
);

given.run();

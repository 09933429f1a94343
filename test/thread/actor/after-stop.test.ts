/** When a node ends after its graph was asked to stop, without a graph. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Log } from '../../../src/module/contract.js';
import { AfterStop } from '../../../src/thread/actor/after-stop.js';

const stops = suite('the end after a stop');

function node(inputs: { allEnded: boolean; wantsNone: boolean }, isSource = false) {
  const warnings: string[] = [];
  const log = { warn: (text: string) => void warnings.push(text) } as unknown as Log;
  const outputs = { areConnected: true };
  const stopped = { isSource, finished: false, context: { log }, inputs, outputs };
  return { stop: new AfterStop(stopped), inputs, outputs, warnings };
}

stops('sources end at once, and what wants input goes on', () => {
  assert.is(node({ allEnded: false, wantsNone: false }, true).stop.ends(), true);
  const { stop } = node({ allEnded: false, wantsNone: false });
  for (let call = 0; call < 1000; call++) assert.is(stop.ends(), false);
});

stops('what asks for nothing in 256 calls in a row ends with a warning, unless it takes something in between', () => {
  const { stop, warnings } = node({ allEnded: false, wantsNone: true });
  for (let call = 0; call < 256; call++) assert.is(stop.ends(), false);
  stop.took();
  for (let call = 0; call < 256; call++) assert.is(stop.ends(), false);
  assert.is(stop.ends(), true);
  assert.equal(warnings, ['ended: it made packets of its own in 256 calls after the stop']);
});

stops('what goes on when its inputs have ended ends with the grace, if anybody gets what it makes', () => {
  const { stop, outputs, warnings } = node({ allEnded: true, wantsNone: true });
  for (let call = 0; call < 1000; call++) assert.is(stop.ends(), false);
  stop.expire();
  assert.is(stop.isEndless, true);
  outputs.areConnected = false;
  assert.equal([stop.isEndless, stop.ends()], [false, false]);
  outputs.areConnected = true;
  assert.is(stop.ends(), true);
  assert.match(warnings[0]!, /^ended: it still made packets of its own long after its input had ended/);
});

stops.run();

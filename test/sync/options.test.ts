import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError } from '../../src/errors/errors.js';
import { parseSyncMode, parseSyncOption, Synchronizer, type SynchronizerOptions } from '../../src/sync/index.js';

/** What is wrong with options, as `path: message (hint)`. */
function problems(options: object): string[] {
  try {
    new Synchronizer<string, null>(options as SynchronizerOptions<string>);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message, hint }) => `${path}: ${message} (${hint})`);
  }
  return [];
}

const text = suite('options as text');

text('a policy is named in any case', () => {
  assert.is(parseSyncMode('BasePad'), 'basepad');
  assert.is(parseSyncMode('NOSYNC'), 'nosync');
  assert.is(parseSyncMode('fastest'), undefined);
  assert.is(parseSyncMode(''), undefined);
});

text('a base pad and a duration in nanoseconds, not cut to 32 bits', () => {
  assert.equal(parseSyncOption('0:33333333'), { basePad: 0, duration: 33_333_333n });
  assert.equal(parseSyncOption('12:0'), { basePad: 12, duration: 0n });
  assert.equal(parseSyncOption('1:18446744073709551615'), { basePad: 1, duration: 2n ** 64n - 1n });
});

text('spaces around the numbers are allowed', () => {
  assert.equal(parseSyncOption(' 1 : 20 '), { basePad: 1, duration: 20n });
  assert.equal(parseSyncOption('  2\t'), { basePad: 2, duration: 2_147_483_647n });
});

text('a base pad alone has the duration 2147483647', () => {
  assert.equal(parseSyncOption('1'), { basePad: 1, duration: 2_147_483_647n });
});

text('anything else is nothing', () => {
  for (const wrong of [
    '',
    ' ',
    ':',
    '0:',
    ':5',
    '-1:5',
    '0:-1',
    '0:5:6',
    '0;5',
    'a:5',
    '0:b',
    '0x1:5',
    '1.5:2',
    '1 2:3',
    '0:1e3',
    '+1',
  ]) {
    assert.is(parseSyncOption(wrong), undefined, JSON.stringify(wrong));
  }
});

const checked = suite('options of a synchroniser');

checked('forms of one and the same option do the same', () => {
  const forms = ['1:20', { basePad: 1, duration: 20n }, { basePad: 1, duration: 20 }, { basePad: 1, duration: '20' }];
  for (const option of forms) {
    const basepad = new Synchronizer<string>({ mode: 'basepad', pads: 2, option });
    for (const pts of [0n, 15n]) {
      basepad.push(0, { pts, value: '' });
      const [output] = basepad.push(1, { pts: pts === 0n ? 0n : 10n, value: '' });
      assert.is(output?.pts, pts === 0n ? 0n : 10n);
      assert.is(output?.inputs[0]?.pts, pts);
    }
  }
});

checked('without an option the base pad is 0 and the duration 0', () => {
  for (const option of [undefined, {}]) {
    const basepad = new Synchronizer<string>({ mode: 'basepad', pads: 2, ...(option && { option }) });
    basepad.push(0, { pts: 0n, value: '' });
    basepad.push(1, { pts: 0n, value: '' });
    basepad.push(0, { pts: 10n, value: '' });
    const [output] = basepad.push(1, { pts: 11n, value: '' });
    assert.is(output?.inputs[1]?.pts, 0n, 'one nanosecond is too far');
  }
});

checked('the mode is taken in any case, and limits by their names in graph files', () => {
  assert.is(new Synchronizer({ mode: 'Refresh' as 'refresh', pads: 1 }).mode, 'refresh');
  assert.equal(problems({ mode: 'SLOWEST', pads: 2, max_queue: [1, null], drop_policy: 'oldest' }), []);
});

checked('a wrong option shows the right form', () => {
  assert.equal(problems({ mode: 'basepad', pads: 2, option: '0;5' }), [
    'option: "0;5" names no base pad and duration (Write N:D, N the index of the base pad and D the duration in nanoseconds, such as 0:33333333, or N alone)',
  ]);
});

checked('a base pad must be among the pads', () => {
  assert.equal(problems({ mode: 'basepad', pads: 2, option: '2:5' }), [
    'option: there is no pad 2 that could be the base pad (With 2 pads it is 0 to 1)',
  ]);
  assert.equal(problems({ mode: 'basepad', pads: 1, option: { basePad: 1 } }), [
    'option: there is no pad 1 that could be the base pad (With 1 pad the base pad is 0)',
  ]);
});

checked('options that the policy would not look at are refused', () => {
  assert.equal(problems({ mode: 'slowest', pads: 2, option: '0:5' }), [
    'option: the policy slowest has no option (It belongs to basepad; leave it out)',
  ]);
  assert.equal(problems({ mode: 'nosync', pads: 2, end: 'all' }), [
    'end: the policy nosync has no choice of its end (It belongs to refresh; leave it out)',
  ]);
  assert.equal(problems({ mode: 'nosync', pads: 2, dropPolicy: 'oldest' }), [
    'dropPolicy: nothing is ever dropped for want of room without maxQueue (Give maxQueue as well)',
  ]);
});

checked('everything wrong is told at once', () => {
  assert.equal(
    problems({ mode: 'fastest', pads: 0, end: 'some', timeout: 0n, max_queue: 0, trace: 5, sync_mode: 'slowest' }).map(
      (problem) => problem.split(':')[0],
    ),
    ['sync_mode', 'mode', 'pads', 'end', 'maxQueue', 'timeout', 'trace'],
  );
  assert.equal(
    problems({ mode: 'basepad', pads: 2, option: { basePad: -1, duration: '1.5', base: 0 } }).map(
      (problem) => problem.split(':')[0],
    ),
    ['option.base', 'option.basePad', 'option.duration'],
  );
});

checked('lists have one entry per pad, and say which is wrong', () => {
  assert.equal(problems({ mode: 'nosync', pads: 3, timeout: [1n, null] }), [
    'timeout: 2 values for 3 pads (Give one value, or one per pad, null for none)',
  ]);
  assert.equal(problems({ mode: 'nosync', pads: 2, maxQueue: [1, 1.5], dropPolicy: 'none' }), [
    'maxQueue[1]: 1.5 cannot be used (A number of buffers, from 1)',
    'dropPolicy: "none" is no drop policy (One of oldest, newest, fail)',
  ]);
  assert.equal(problems({ mode: 'nosync', pads: 2, maxQueue: 1, max_queue: 1 }), [
    'max_queue: the same option as maxQueue, which is given too (Give one of them)',
  ]);
});

text.run();
checked.run();

/** What the synchroniser adds to the policies: limits, timeouts, references, the end, wrong calls. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type MillraceError, type SyncEvent, Synchronizer, type SyncOutput } from '../../src/sync/index.js';

const at = (pts: number | bigint, value = `${pts}`) => ({ pts: BigInt(pts), value });
const rows = (outputs: readonly SyncOutput<string, null>[]) =>
  outputs.map(({ pts, inputs }) => `${pts}: ${inputs.map((input) => input?.value ?? '-').join(' ')}`);

function fails(run: () => unknown, code: string, message: RegExp): void {
  assert.throws(run, (error: MillraceError) => error.code === code && message.test(error.message));
}

const test = suite('synchronizer');

test('outputs have their PTS, the duration of the base and, per pad, buffer and reuse', () => {
  const basepad = new Synchronizer<string>({ mode: 'basepad', pads: 2, option: '0:33333333' });
  assert.equal(basepad.push(0, { ...at(0, 'a'), duration: 40n }), []);
  assert.equal(basepad.push(1, at(0, 'x')), [
    {
      pts: 0n,
      duration: 40n,
      inputs: [
        { pts: 0n, value: 'a', reused: false },
        { pts: 0n, value: 'x', reused: false },
      ],
    },
  ]);
  basepad.push(0, at(40, 'b'));
  assert.equal(basepad.push(1, at(100, 'y')), [
    {
      pts: 40n,
      inputs: [
        { pts: 40n, value: 'b', reused: false },
        { pts: 0n, value: 'x', reused: true },
      ],
    },
  ]);
});

test('the duration is that of the buffer whose PTS became the base, and of none if none did', () => {
  const nosync = new Synchronizer<string>({ mode: 'nosync', pads: 2 });
  nosync.push(0, { ...at(0), duration: 1n });
  assert.is(nosync.push(1, { ...at(5), duration: 2n })[0]?.duration, 2n);
  nosync.push(0, { ...at(3), duration: 3n });
  const [behind] = nosync.push(1, { ...at(4), duration: 4n });
  assert.is(behind?.pts, 5n);
  assert.not.ok(Object.hasOwn(behind!, 'duration'));
});

test('PTS below zero and beyond 64 bits are compared as they are', () => {
  const slowest = new Synchronizer<string>({ mode: 'slowest', pads: 2 });
  slowest.push(1, at(-40));
  assert.equal(rows(slowest.push(0, at(-50))), []);
  assert.equal(rows(slowest.push(0, at(-40))), ['-40: -40 -40']);
  slowest.push(0, at(2n ** 64n + 1n));
  assert.equal(rows(slowest.push(1, at(2n ** 64n + 1n))), [
    '18446744073709551617: 18446744073709551617 18446744073709551617',
  ]);
});

test('three hundred pads are no more special than three', () => {
  const pads = 300;
  const refresh = new Synchronizer<number>({ mode: 'refresh', pads });
  for (let pad = 0; pad < pads - 1; pad++) assert.equal(refresh.push(pad, { pts: 7n, value: pad }), []);
  const [output] = refresh.push(pads - 1, { pts: 8n, value: pads - 1 });
  assert.equal([output?.pts, output?.inputs.length, output?.inputs[299]?.value], [7n, 300, 299]);
});

test('refresh: the end of one pad ends the output, or that of the last if so wished', () => {
  for (const end of ['any', 'all'] as const) {
    const refresh = new Synchronizer<string>({ mode: 'refresh', pads: 2, end });
    refresh.push(0, at(0, 'a'));
    assert.equal(rows(refresh.push(1, at(0, 'x'))), ['0: a x']);
    assert.equal(refresh.end(0), []);
    assert.is(refresh.finished, end === 'any');
    assert.equal(rows(refresh.push(1, at(10, 'y'))), end === 'any' ? [] : ['10: a y']);
    assert.equal(refresh.end(1), []);
    assert.ok(refresh.finished);
  }
});

test('refresh: a pad that ends without ever delivering ends the output', () => {
  for (const end of ['any', 'all'] as const) {
    const refresh = new Synchronizer<string>({ mode: 'refresh', pads: 2, end });
    refresh.push(0, at(0));
    refresh.end(1);
    assert.ok(refresh.finished);
  }
});

test('a second end of a pad does nothing, a buffer behind the end is refused', () => {
  const slowest = new Synchronizer<string>({ mode: 'slowest', pads: 2 });
  slowest.push(0, at(0));
  slowest.end(0);
  assert.equal(slowest.end(0), []);
  fails(() => slowest.push(0, at(1)), 'ERR_MILLRACE_STATE', /Pad 0: a buffer came after the end/);
  assert.equal(rows(slowest.push(1, at(0))), ['0: 0 0']);
});

test('after the end of the output buffers are dropped and counted', () => {
  const nosync = new Synchronizer<string>({ mode: 'nosync', pads: 2 });
  nosync.end(0);
  assert.not(nosync.finished, 'pad 1 has shown nothing yet');
  assert.equal(nosync.push(1, at(0)), []);
  assert.ok(nosync.finished);
  assert.equal(nosync.push(1, at(1)), []);
  assert.equal(nosync.counters[1], { received: 2, used: 0, dropped: 2, reused: 0, absent: 0 });
});

test('a buffer without a PTS is refused, and nothing has changed by it', () => {
  const nosync = new Synchronizer<string>({ mode: 'nosync', pads: 2 });
  nosync.push(0, at(1));
  fails(() => nosync.push(1, { pts: null, value: 'x' }), 'ERR_MILLRACE_PAYLOAD', /Pad 1.*without a PTS.*timestamper/);
  fails(
    () => nosync.push(1, { pts: 3 as unknown as bigint, value: 'x' }),
    'ERR_MILLRACE_PAYLOAD',
    /Pad 1: the PTS 3 is no bigint/,
  );
  assert.is(nosync.counters[1]?.received, 0);
  assert.equal(rows(nosync.push(1, at(2))), ['2: 1 2']);
});

test('a pad that does not exist is named', () => {
  const nosync = new Synchronizer<string>({ mode: 'nosync', pads: 2 });
  for (const pad of [2, -1, 0.5])
    fails(() => nosync.push(pad, at(0)), 'ERR_MILLRACE_STATE', /no pad .*Pads are 0 to 1/);
  fails(
    () => new Synchronizer({ mode: 'nosync', pads: 1 }).end(1),
    'ERR_MILLRACE_STATE',
    /no pad 1. The only pad is 0/,
  );
});

test('a reset synchroniser begins anew, with nothing of before', () => {
  const released: string[] = [];
  const slowest = new Synchronizer<string, null>({
    mode: 'slowest',
    pads: 2,
    timeout: 10n,
    release: (value) => released.push(value),
  });
  slowest.tick(100n);
  slowest.push(0, at(50, 'a'));
  slowest.push(1, at(50, 'x'));
  slowest.push(0, at(60, 'b'));
  slowest.reset();
  assert.equal(released, ['a', 'b', 'x']);
  assert.equal(slowest.counters[0], { received: 0, used: 0, dropped: 0, reused: 0, absent: 0 });
  slowest.tick(5n);
  slowest.push(0, at(1, 'a'));
  assert.equal(rows(slowest.push(1, at(1, 'x'))), ['1: a x'], 'the base time of before is forgotten');
});

const silence = suite('pads that fall silent');

/** Pad 1 delivers once, at time 0 (if at all), then pad 0 goes on alone. */
function alone(mode: 'nosync' | 'slowest' | 'basepad' | 'refresh', delivers: boolean): string[] {
  const one = new Synchronizer<string, null>({ mode, pads: 2, timeout: [null, 100n] });
  const seen = one.tick(0n);
  if (delivers) seen.push(...one.push(1, at(0, 'x')));
  seen.push(...one.push(0, at(0, 'a')), ...one.push(0, at(40, 'b')), ...one.tick(99n));
  const held = seen.length;
  assert.is(held, delivers ? (mode === 'refresh' ? 2 : 1) : 0, 'before the timeout the others are held');
  seen.push(...one.tick(100n), ...one.push(0, at(80, 'c')));
  return rows(seen);
}

silence('their last buffer is used again', () => {
  for (const mode of ['nosync', 'slowest', 'basepad', 'refresh'] as const) {
    assert.equal(alone(mode, true), ['0: a x', '40: b x', '80: c x'], mode);
  }
});

silence('they are left out if they never delivered', () => {
  for (const mode of ['nosync', 'slowest', 'basepad'] as const) {
    assert.equal(alone(mode, false), ['0: a -', '40: b -', '80: c -'], mode);
  }
  // The round that waited began with the first buffer, whose place the second took.
  assert.equal(alone('refresh', false), ['0: b -', '80: c -']);
});

silence('the counters tell what was left out and used again', () => {
  const slowest = new Synchronizer<string, null>({ mode: 'slowest', pads: 2, timeout: [null, 10n] });
  slowest.tick(0n);
  slowest.push(0, at(0));
  assert.equal(rows(slowest.tick(10n)), ['0: 0 -']);
  slowest.push(1, at(0));
  slowest.push(0, at(5));
  slowest.push(0, at(6));
  assert.equal(rows(slowest.tick(20n)), ['5: 5 0', '6: 6 0']);
  assert.equal(slowest.counters[1], { received: 1, used: 1, dropped: 0, reused: 1, absent: 1 });
});

silence('a pad that comes back takes part again', () => {
  const nosync = new Synchronizer<string, null>({ mode: 'nosync', pads: 2, timeout: [null, 10n] });
  nosync.tick(0n);
  nosync.push(0, at(0, 'a'));
  assert.equal(rows(nosync.tick(10n)), ['0: a -']);
  assert.equal(rows(nosync.push(0, at(40, 'b'))), ['40: b -']);
  assert.equal(rows(nosync.push(1, at(40, 'x'))), []);
  assert.equal(rows(nosync.push(0, at(80, 'c'))), ['80: c x']);
});

silence('of basepad: a silent base pad is stood in for by the first pad that has a buffer', () => {
  const basepad = new Synchronizer<string, null>({ mode: 'basepad', pads: 3, option: '1:0', timeout: 10n });
  basepad.tick(0n);
  basepad.push(0, at(0, 'a'));
  basepad.push(1, at(0, 'm'));
  assert.equal(rows(basepad.push(2, at(0, 'x'))), ['0: a m x']);
  basepad.push(0, at(40, 'b'));
  basepad.push(2, at(50, 'y'));
  assert.equal(rows(basepad.tick(10n)), ['40: b m x', '50: b m y']);
});

silence('time must not go back, and is nanoseconds as a bigint', () => {
  const one = new Synchronizer<string, null>({ mode: 'nosync', pads: 1, timeout: 10n });
  one.tick(5n);
  one.tick(5n);
  fails(() => one.tick(4n), 'ERR_MILLRACE_STATE', /tick\(4\) after tick\(5\)/);
  fails(() => one.tick(6 as unknown as bigint), 'ERR_MILLRACE_STATE', /nanoseconds as a bigint/);
});

silence('what came before the first tick counts as of then', () => {
  const one = new Synchronizer<string, null>({ mode: 'slowest', pads: 2, timeout: 10n });
  one.push(0, at(0, 'a'));
  assert.equal(rows(one.tick(1_000_000n)), []);
  assert.equal(rows(one.tick(1_000_009n)), []);
  assert.equal(rows(one.tick(1_000_010n)), ['0: a -']);
});

const limits = suite('pads with a limited queue');

function full(dropPolicy: 'oldest' | 'newest'): { kept: string[]; events: SyncEvent[] } {
  const events: SyncEvent[] = [];
  const nosync = new Synchronizer<string>({
    mode: 'nosync',
    pads: 2,
    maxQueue: [2, null],
    dropPolicy,
    trace: (event) => events.push(event),
  });
  for (const pts of [1, 2, 3, 4]) nosync.push(0, at(pts));
  assert.is(nosync.counters[0]?.dropped, 2);
  const kept = [10, 11].flatMap((pts) => rows(nosync.push(1, at(pts))));
  return { kept, events };
}

limits('keep the newest buffers', () => {
  const { kept, events } = full('oldest');
  assert.equal(kept, ['10: 3 10', '11: 4 11']);
  assert.equal(events, [
    { kind: 'drop', pad: 0, pts: 1n, reason: 'queue' },
    { kind: 'drop', pad: 0, pts: 2n, reason: 'queue' },
  ]);
});

limits('or keep the oldest', () => {
  const { kept, events } = full('newest');
  assert.equal(kept, ['10: 1 10', '11: 2 11']);
  assert.equal(
    events.map(({ pts }) => pts),
    [3n, 4n],
  );
});

limits('or fail, which is the default, and say what would help', () => {
  const nosync = new Synchronizer<string>({ mode: 'nosync', pads: 2, max_queue: 2 });
  nosync.push(0, at(1));
  nosync.push(0, at(2));
  fails(() => nosync.push(0, at(3)), 'ERR_MILLRACE_QUEUE_FULL', /Pad 0: 2 buffers wait.*maxQueue/);
  assert.is(nosync.counters[0]?.received, 2, 'nothing has changed');
  assert.equal(rows(nosync.push(1, at(1))), ['1: 1 1']);
});

limits('hold for refresh, where buffers wait until every pad has delivered', () => {
  const refresh = new Synchronizer<string>({ mode: 'refresh', pads: 2, maxQueue: 1, dropPolicy: 'oldest' });
  for (const pts of [1, 2, 3]) refresh.push(1, at(pts));
  assert.is(refresh.counters[1]?.dropped, 2);
  assert.equal(rows(refresh.push(0, at(9, 'a'))), ['1: a 3']);
});

const references = suite('counted references');

references('an output has its own, the synchroniser lets go of each value once', () => {
  const log: string[] = [];
  const slowest = new Synchronizer<string>({
    mode: 'slowest',
    pads: 2,
    clone: (value) => `${value}'`,
    release: (value) => log.push(value),
  });
  slowest.push(0, at(0, 'a'));
  assert.equal(rows(slowest.push(1, at(0, 'x'))), ["0: a' x'"]);
  assert.equal(log, []);
  slowest.push(0, at(33, 'b'));
  slowest.push(1, at(100, 'y'));
  assert.equal(log, ['a'], 'a newer buffer of the pad took its place');
  slowest.push(0, at(66, 'c'));
  slowest.end(0);
  assert.equal(
    log,
    ['a', 'b', 'c', 'x', 'y'].filter((value) => log.includes(value)),
  );
  slowest.end(1);
  assert.ok(slowest.finished);
  assert.equal(log.sort(), ['a', 'b', 'c', 'x', 'y']);
});

references('nosync hands values over instead', () => {
  const released: string[] = [];
  const nosync = new Synchronizer<string>({
    mode: 'nosync',
    pads: 1,
    clone: (value) => `${value}'`,
    release: (value) => released.push(value),
  });
  assert.equal(rows(nosync.push(0, at(0, 'a'))), ['0: a']);
  nosync.end(0);
  assert.ok(nosync.finished);
  assert.equal(released, []);
});

test.run();
silence.run();
limits.run();
references.run();

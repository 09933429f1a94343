/** The clock of an input over its connections, what is left out of one that is too fast, how tries follow one another. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { Continuity } from '../../../actors/decoder/live/continuity.js';
import { Lag } from '../../../actors/decoder/live/lag.js';
import type { FromReader } from '../../../actors/decoder/network/protocol.js';
import { Arrivals } from '../../../actors/shared/live/arrivals.js';
import { now } from '../../../actors/shared/live/clock.js';
import { inputReconnect, type Reconnect, Tries } from '../../../actors/shared/live/reconnect.js';

const clock = suite('decoder: clock over connections');

clock('a connection begins as long after the last packet as its first bytes came', () => {
  const continuity = new Continuity();
  assert.is(continuity.beginning(1000, 0n), 0n);
  continuity.came(40_000n, 2000);
  continuity.came(80_000n, 2040);
  // A stream that is behind does not count.
  continuity.came(20_000n, 2050);
  assert.is(continuity.gap(3040), 1000);
  assert.is(continuity.beginning(3040, 0n), 1_080_000n);
});

clock('nothing goes back, also of what came faster than it is shown', () => {
  const continuity = new Continuity();
  continuity.came(4_000_000n, 100);
  assert.is(continuity.take(0, 3_960_000n, 4_300_000n, true), 'next');
  assert.is(continuity.beginning(200, 0n), 4_300_000n);
  assert.is(continuity.beginning(200, 80_000n), 4_380_000n, 'decoding times before it');
  continuity.resume([0]);
  assert.is(continuity.take(0, 3_960_000n, 4_000_000n, true), 'repeated');
  assert.is(continuity.take(0, 4_300_000n, 4_340_000n, false), 'repeated', 'it cannot be entered here');
  assert.is(continuity.take(0, 4_340_000n, 4_380_000n, true), 'first');
  assert.is(continuity.take(0, 4_380_000n, 4_420_000n, false), 'next');
});
clock.run();

type PacketEvent = FromReader & { readonly type: 'packet' };

/** K: a key frame, p: another picture, s: sound; so many ms ago. */
function packets(kinds: string, age: number): PacketEvent[] {
  return [...kinds].map((kind) => ({
    type: 'packet',
    meta: { ...none, stream: kind === 's' ? 1 : 0, flags: kind === 'p' ? 0 : 1 },
    parts: [],
    bytes: 0,
    arrival: now() - age,
  }));
}
const none = { pts: 0n, dts: 0n, duration: 0n, num: 1, den: 1, pos: 0n, sideData: [] };

/** What is kept of a queue. @param waiting Bytes behind the first one. */
function kept(lag: Lag, queue: FromReader[], kinds: string, waiting = 0): string {
  let text = '';
  for (const [i, kind] of [...kinds].entries()) {
    if (lag.keeps(queue[i] as PacketEvent, queue.slice(i + 1), i === 0 ? waiting : 0)) text += kind;
  }
  return text;
}

const lag = suite('decoder: what is left out');
for (const [policy, videos, late, fresh, expected] of [
  ['non-key', [0], 'Kppspp', 'ppsKpp', 'KssKpp'],
  ['oldest', [0], 'KpspKps', 'ppKsp', 'Ksp'],
  ['oldest', [0], 'pps', 'ppsKp', 'Kp'],
  ['oldest', [], 'sss', 'ss', 'ss'],
] as const) {
  lag(`${policy} of ${late}, which are late, and ${fresh}`, () => {
    const one = new Lag(policy, 500);
    one.begin(videos);
    const queue = [...packets(late, 2000), ...packets(fresh, 0)];
    assert.is(kept(one, queue, late + fresh), expected);
    assert.is(one.dropped, late.length + fresh.length - expected.length);
    assert.ok(one.worst >= 2000);
  });
}

lag('nobody is late, nothing is left out; a reader that is nearly full is as good as late', () => {
  const one = new Lag('oldest', 500);
  one.begin([0]);
  assert.is(kept(one, packets('KpspKps', 0), 'KpspKps'), 'KpspKps');
  assert.is(kept(one, packets('KpspKps', 0), 'KpspKps', 4 << 20), 'Kps');
  assert.is(one.dropped, 4);
});

lag('what another connection brought is no place to go on at', () => {
  const one = new Lag('oldest', 500);
  one.begin([0]);
  const lost: FromReader = { type: 'lost', why: '', attempt: 1, attempts: 1, wait: 1, at: 0 };
  assert.is(one.keeps(packets('p', 2000)[0]!, [lost, ...packets('K', 0)], 0), false);
  one.begin([0]);
  assert.is(one.keeps(packets('p', 0)[0]!, [], 0), true);
});
lag.run();

const tries = suite('reconnect');
tries('tries wait twice as long each time, up to 30 s, and begin anew after success', () => {
  const waits = (given: unknown, count: number): (number | undefined)[] => {
    const one = new Tries(v.parse(inputReconnect, given) as Reconnect);
    return Array.from({ length: count }, () => one.next());
  };
  assert.equal(waits({ attempts: 3 }, 4), [500, 1000, 2000, undefined]);
  assert.equal(waits({ attempts: '-1', backoff_ms: 20_000 }, 3), [20_000, 30_000, 30_000]);
  assert.equal(waits({ backoff_ms: 60_000 }, 2), [60_000, 60_000]);
  const one = new Tries(v.parse(inputReconnect, { attempts: 1 }) as Reconnect);
  assert.equal([one.next(), one.next()], [500, undefined]);
  one.succeeded();
  assert.is(one.next(), 500);
});

tries('true is all defaults, false none, and what is wrong is refused by name', () => {
  const { attempts, backoff, stall, giveUp } = v.parse(inputReconnect, 1) as Reconnect;
  assert.equal([attempts, backoff, stall, giveUp], [20, 500, 5000, 'fail']);
  assert.is(v.parse(inputReconnect, 'false'), false);
  assert.is((v.parse(inputReconnect, { stall_ms: 0 }) as Reconnect).stall, undefined);
  for (const [given, words] of [
    [{ attempts: 0 }, /at least 1, or -1 for ever/],
    [{ backoff: 5 }, /backoff/],
    [{ give_up: 'never' }, /'fail', 'end'|"fail", "end"/],
    ['often', /true or false/],
  ] as const) {
    const { issues } = v.safeParse(inputReconnect, given);
    assert.match((issues ?? []).map(({ message, path }) => `${path?.[0]?.key} ${message}`).join(), words);
  }
});
tries.run();

const arrivals = suite('arrivals');
arrivals('a time stands for the packet that is shown then, however many came', () => {
  const one = new Arrivals();
  assert.is(one.age(0), undefined);
  const other = new Arrivals(one.buffer);
  for (let i = 0; i < 2000; i++) one.note(i * 40_000, now() - 5000 + i);
  assert.is(other.age(100 * 40_000), undefined, 'it has been forgotten');
  // Pictures that are repeated for a constant rate are shown between two.
  const age = other.age(1900 * 40_000 + 20_000)!;
  assert.ok(age >= 3100 && age < 3600, `${age} ms`);
  assert.is(other.age(2010 * 40_000), undefined, 'what fills a gap came with no packet');
});
arrivals.run();

/** What waits for a peer of the network, and what of it is left out. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Backlog, type PacketOrder } from '../../../actors/encoder/network/backlog.js';
import { INPUT_LIMIT } from '../../../actors/encoder/network/protocol.js';
import type { DropPolicy } from '../../../actors/shared/live/drop.js';

const none = { pts: 0n, dts: 0n, duration: 0n, num: 1, den: 1, pos: 0n, stream: 0, sideData: [] };
/** Four of these are more than the limit. */
const LARGE = new Uint8Array(INPUT_LIMIT / 4);

/** K: a key frame, p: another picture, s: sound. */
function order(kind: string): PacketOrder {
  const meta = { ...none, flags: kind === 'p' ? 0 : 1 };
  return { type: 'packet', input: kind === 's' ? 1 : 0, meta, parts: [kind === 's' ? new Uint8Array(8) : LARGE] };
}

const names = new Map<unknown, string>();
function named(kind: string): PacketOrder {
  const one = order(kind);
  names.set(one, kind);
  return one;
}

/** What is left of what comes at once; `!` and `?`: the peer goes away and is back. */
function left(policy: DropPolicy, kinds: string, videos = [0]): [kept: string, slow: number, away: number] {
  const count = { slow: 0, away: 0 };
  const backlog = new Backlog(policy, (_, peer) => count[peer]++);
  const info = {} as never;
  const stream = { type: 'stream', timeBase: { num: 1, den: 1 }, keepTimes: false, info } as const;
  for (const input of videos) backlog.add({ ...stream, input, kind: 'video' });
  for (const kind of kinds) {
    if (kind === '!' || kind === '?') backlog.away = kind === '!';
    else backlog.add(named(kind));
  }
  let text = '';
  for (let next = backlog.shift(); next !== undefined; next = backlog.shift()) text += names.get(next) ?? '';
  return [text, count.slow, count.away];
}

const test = suite('what waits for a peer');
for (const [policy, kinds, ...expected] of [
  ['none', 'KpppppppK', 'KpppppppK', 0, 0],
  // Beyond the limit no pictures, beyond twice the limit no key frames.
  ['non-key', 'KppppspKpKpKpKKKK', 'KpppsKKKK', 8, 0],
  ['oldest', 'KppKppsp', 'Kppsp', 3, 0],
  // A group of pictures that is longer than the limit has twice of it.
  ['oldest', 'KpppppppppKp', 'Kp', 10, 0],
  ['none', 'Kp!psKp?psKp', 'Kp', 0, 8],
] as const) {
  test(`${policy}: of ${kinds} there is ${expected[0]}`, () => {
    assert.equal(left(policy, kinds), expected);
  });
}

test('without pictures everything can be gone on at', () => {
  assert.equal(left('oldest', 'KKKKKK', []), ['KKK', 3, 0]);
  assert.equal(left('none', 'ss!s?ss', []), ['ss', 0, 3]);
});
test.run();

/** The frame-rate conversion by itself: times in, copies and times out. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VideoSync, type VsyncMethod } from '../../../actors/encoder/stream/video-sync.js';
import { limitTerms, nearest } from '../../../src/media/fractions.js';

const test = suite('encoder: frame-rate conversion');
const TICK = { num: 1, den: 25 };
const MS = { num: 1, den: 1000 };

/** What is written for frames at these times in ms: `frame@tick`, a frame by its index. */
function run(method: VsyncMethod, times: number[], limits = {}): { written: string[]; sync: VideoSync } {
  const sync = new VideoSync(method, TICK, limits);
  const written: string[] = [];
  const note = (placement: ReturnType<VideoSync['place']>, frame: number): void => {
    for (let i = 0; i < placement.total; i++) {
      written.push(`${i < placement.previous ? frame - 1 : frame}@${placement.pts + BigInt(i)}`);
    }
  };
  for (const [frame, time] of times.entries()) note(sync.place(BigInt(time), MS, 1), frame);
  note(sync.finish(), times.length);
  return { written, sync };
}

test('cfr fills a gap with the frame before it, up to the last tick and a half', () => {
  const { written, sync } = run('cfr', [0, 40, 200, 240]);
  assert.equal(written, ['0@0', '1@1', '1@2', '1@3', '2@4', '2@5', '3@6']);
  assert.equal([sync.duplicated, sync.dropped, sync.count], [3, 0, 7]);
});

test('cfr drops frames that come too soon and counts them', () => {
  const { written, sync } = run('cfr', [0, 10, 20, 30, 40, 80]);
  assert.equal(written, ['0@0', '1@1', '2@2', '4@3', '5@4']);
  assert.is(sync.dropped, 1);
});

test('cfr fills the time before the first frame with it, vscfr does not', () => {
  assert.is(run('cfr', [400, 440]).written.length, 12);
  assert.equal(run('vscfr', [400, 440]).written, ['0@10', '1@11']);
});

test('vfr keeps gaps, moves frames to the nearest tick and drops those that share one', () => {
  assert.equal(run('vfr', [0, 55, 200]).written, ['0@0', '1@1', '2@5']);
  const { written, sync } = run('vfr', [0, 1, 2, 3, 80]);
  assert.equal(written, ['0@0', '1@1', '4@2']);
  assert.is(sync.dropped, 2);
});

test('passthrough writes every frame at its own time, halves away from zero', () => {
  assert.equal(run('passthrough', [0, 41, 41, 500]).written, ['0@0', '1@1', '2@1', '3@13']);
});

test('frames without a time take the next tick', () => {
  const sync = new VideoSync('cfr', TICK);
  assert.equal(
    [0, 1, 2].map(() => sync.place(undefined, TICK, 1).pts),
    [0n, 1n, 2n],
  );
});

test('no more than `most` frames are written, and `least` are made by repetition', () => {
  const { written, sync } = run('cfr', [0, 400], { most: 4 });
  assert.is(written.length, 4);
  assert.ok(sync.full);
  assert.is(run('cfr', [0, 40], { least: 6 }).written.length, 6);
  assert.is(run('cfr', [], { least: 6 }).written.length, 0);
});

test('a gap too long to be true is named instead of being filled', () => {
  const sync = new VideoSync('cfr', TICK);
  sync.place(0n, MS, 1);
  const placement = sync.place(40n * 5_000_000n, MS, 1);
  assert.is(placement.total, 0);
  assert.is(placement.skippedGap, 5_000_000);
});

test('a rate beyond a codec’s limits becomes the nearest fraction within them', () => {
  assert.equal(limitTerms({ num: 30000, den: 1001 }, 65535), { num: 30000, den: 1001 });
  const limited = limitTerms({ num: 1_000_000, den: 33_333 }, 65535);
  assert.equal(limitTerms({ num: 100_000, den: 1001 }, 65535), { num: 65035, den: 651 });
  assert.ok(limited.num <= 65535 && limited.den <= 65535);
  assert.equal(nearest(2n ** 62n + 2n, 2n ** 62n - 1n, 2 ** 31 - 1), { num: 1, den: 1 });
  assert.equal(nearest(3n * 2n ** 60n, 2n ** 60n, 2 ** 31 - 1), { num: 3, den: 1 });
  assert.ok(Math.abs(limited.num / limited.den - 1_000_000 / 33_333) < 2e-4);
});
test.run();

/** Chains of filters as one module: when members are joined into one FFmpeg graph. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import FusedFilters from '../../../actors/filter/fused/fused-filters.js';
import { STEADY } from '../../../actors/filter/fused/joined-stages.js';
import { ledger, type Packet } from '../../../src/media/index.js';
import type { ModuleClass } from '../../../src/module/contract.js';
import { drive } from '../../kit/drive.js';
import { leavesNothing, sound, video } from './kit.js';

/** FFmpeg graphs that exist as each frame comes out of the chain. */
async function graphs(steps: readonly string[], packets: Packet[]): Promise<number[]> {
  const counts: number[] = [];
  const members = steps.map((step, node) => {
    const [name, ...para] = step.split('=');
    return { node, options: { name, para: para.join('=') } };
  });
  await drive(FusedFilters as unknown as ModuleClass<never>, {
    options: { members },
    inputs: { 0: packets },
    batch: 1,
    onPacket(_, packet) {
      if (!packet.isEof) counts.push(ledger.snapshot()['filter-graph'] ?? 0);
      packet.close();
    },
  });
  leavesNothing();
  return counts;
}

const times = (count: number, value: number): number[] => new Array<number>(count).fill(value);

const test = suite('filter chain');

test('filters that work on one picture become one graph when the format is steady', async () => {
  const counts = await graphs(['hflip', 'format=rgb24', 'eq=gamma=2', 'scale=32:24'], await video(0.4));
  assert.equal(counts, [...times(STEADY - 1, 4), ...times(10 - STEADY + 1, 1)]);
});

test('another format brings the members back until it is steady', async () => {
  const steps = ['hflip', 'scale=16:16', 'vflip'];
  const once = [...times(STEADY - 1, 3), ...times(10 - STEADY + 1, 1)];
  const counts = await graphs(steps, [...(await video(0.4)), ...(await video(0.4, '32x24'))]);
  assert.equal(counts, [...once, ...once]);
});

test('members stay apart when one of them goes on with the shape of pixels it was configured for', async () => {
  const packets = [...(await video(0.4)), ...(await video(0.4, '32x32'))];
  assert.is((await graphs(['hflip', 'scale=16:16', 'vflip'], packets)).at(-1), 3);
});

test('filters that remember something stay by themselves, and what is between them is joined', async () => {
  const counts = await graphs(
    ['hflip', 'negate', 'tmix=2', 'vflip', 'scale=16:16', 'eq=brightness=n/9'],
    await video(0.4),
  );
  assert.is(counts.at(-1), 4);
});

test('formats to which errors are diffused from picture to picture keep the members apart', async () => {
  assert.is((await graphs(['hflip', 'format=rgb8', 'vflip'], await video(0.4))).at(-1), 3);
  assert.is((await graphs(['hflip', 'format=rgb8'], await video(0.4))).at(-1), 2);
});

test('sound goes from graph to graph', async () => {
  assert.is((await graphs(['volume=0.5', 'anull'], await sound(1))).at(-1), 2);
});

test.run();

/** Merged filters and filters node by node make the same pictures. */
import type { Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { alike, pictures, sameMerged } from '../../kit/filter-chains.js';
import { media } from '../../kit/media.js';
import { PICTURE_CHAINS, titleOf } from '../../kit/picture-chains.js';

const test = suite('merged filters: pictures');

const PLAIN = pictures(alike(12, [48, 32], 'yuv420p', [1, 1]), { rate: 25, duration: 1n });
const BARE = pictures(alike(12, [48, 32], 'rgb24'));

for (const [i, steps] of PICTURE_CHAINS.entries()) {
  const [what, begin] = i % 2 === 0 ? ['of a known rate', PLAIN] : ['in RGB, without rate and duration', BARE];
  test(`pictures ${what}: ${titleOf(steps)}`, async () => {
    assert.ok((await sameMerged(begin, steps)).length > 0);
  });
}

test('decoded pictures, in a thread', async () => {
  const clip = (graph: Graph) => graph.decode({ input_path: media('clip-4s.mp4'), vframes: 20 }).video;
  const frames = await sameMerged(clip, ['scale=64:36', 'hflip', 'drawbox=2:2:9:9:red', 'fps=50', 'eq=gamma=2'], 1);
  assert.is(frames.length, 40);
});

test.run();

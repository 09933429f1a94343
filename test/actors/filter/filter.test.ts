/** Results of the filter module against those of the ffmpeg command line tool (test/fixtures/cli/filter-make.mjs). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AudioFrame, type Packet, VideoFrame } from '../../../src/media/index.js';
import { closeAll } from '../../kit/drive.js';
import { crossed } from '../../kit/long.js';
import { driveFilter, frames, leavesNothing } from './kit.js';

interface Case {
  inputs: string[];
  graph: string;
}
type Expected = { frames: string[] } | { samples: number; md5: string };

function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../fixtures/cli/filter-${name}.json`, import.meta.url), 'utf8')) as T;
}

const cases = fixture<Record<string, Case>>('cases');
const sources = fixture<Record<string, string>>('sources');
const expected = fixture<Record<string, Expected[]>>('expected');

const source = (name: string) => frames(`${sources[name]}[0]`);

/** What the fixture holds of an output. */
function digest(packets: readonly Packet[]): Expected {
  if (packets[0]?.payload instanceof VideoFrame) {
    return {
      frames: packets.map(({ payload, timestamp }) => {
        const pixels = (payload as VideoFrame).toBuffer();
        return `${timestamp} ${createHash('md5').update(pixels).digest('hex')}`;
      }),
    };
  }
  const hash = createHash('md5');
  let samples = 0;
  for (const { payload } of packets) {
    // Every graph with sound ends in an interleaved format, so that there is one plane.
    const frame = payload as AudioFrame;
    samples += frame.samples;
    hash.update(frame.copyPlanes()[0]!.data);
  }
  return { samples, md5: hash.digest('hex') };
}

const equal = suite('filter: equals the ffmpeg CLI');

for (const [[name, { inputs, graph }], batches] of crossed(Object.entries(cases), [1, 8], 1)) {
  for (const batch of batches) {
    equal(`${name}, ${batch} packets at a time`, async () => {
      const want = expected[name]!;
      const packets = await Promise.all(inputs.map(source));
      const result = await driveFilter({
        options: { graph },
        inputs: Object.fromEntries(packets.map((list, id) => [id, list])),
        outputs: want.map((_, id) => id),
        batch,
      });
      const got = want.map((_, id) => digest(result.outputs[id]!));
      closeAll(result);
      assert.equal(got, want);
      leavesNothing();
    });
  }
}

equal.run();

/** The figures of progress from what the nodes have counted, the counts being made up. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GraphSpec } from '../../../src/scheduler/plan/spec.js';
import { ProgressTeller } from '../../../src/scheduler/run/progress.js';
import type { NodeStats } from '../../../src/scheduler/run/report.js';

const telling = suite('progress of a run');

const spec = {
  nodes: [
    { id: 0, module: { name: 'c_ffmpeg_decoder' }, options: {} },
    { id: 1, module: { name: 'c_ffmpeg_encoder' }, options: { output_path: 'rtmp://me:secret@host/live' } },
    { id: 2, module: { name: 'null_sink' }, options: {} },
  ],
  links: [
    { from: { node: 0, output: 0 }, to: { node: 1, input: 0 } },
    { from: { node: 0, output: 0 }, to: { node: 2, input: 0 } },
  ],
} as unknown as GraphSpec;

type Counts = Partial<Pick<NodeStats, 'frames' | 'bytes' | 'position' | 'duration'>>;

function nodes(...counts: Counts[]): NodeStats[] {
  return counts.map((count, id) => ({
    id,
    alias: `n${id}`,
    frames: 0,
    bytes: 0,
    position: 0,
    duration: 0,
    ...count,
  })) as NodeStats[];
}

telling('what is not known yet is undefined', () => {
  const told = new ProgressTeller(spec).tell(nodes({}, {}, {}), 0);
  const unknown = {
    node: 1,
    frames: 0,
    position: undefined,
    size: undefined,
    bitRate: undefined,
    failed: false,
    latency: undefined,
  };
  assert.equal(told, {
    elapsed: 0,
    frames: 0,
    fps: undefined,
    position: undefined,
    duration: undefined,
    percent: undefined,
    speed: undefined,
    eta: undefined,
    size: undefined,
    bitRate: undefined,
    latency: undefined,
    outputs: [
      { ...unknown, alias: 'n1', path: 'rtmp://***@host/live' },
      { ...unknown, node: 2, alias: 'n2', path: undefined },
    ],
  });
});

telling('each figure follows from the counts', () => {
  const teller = new ProgressTeller(spec);
  const told = teller.tell(nodes({ duration: 10e6 }, { frames: 50, bytes: 1000, position: 2e6 }, { frames: 40 }), 1000);
  assert.equal(
    { ...told, outputs: told.outputs.map(({ node, frames, size, bitRate }) => [node, frames, size, bitRate]) },
    {
      elapsed: 1000,
      frames: 50,
      fps: 50,
      position: 2e6,
      duration: 10e6,
      percent: 20,
      speed: 2,
      eta: 4000,
      size: 1000,
      bitRate: 4000,
      latency: undefined,
      outputs: [
        [1, 50, 1000, 4000],
        [2, 40, undefined, undefined],
      ],
    },
  );
});

telling('a live input has neither percent nor time left', () => {
  const { percent, eta, speed } = new ProgressTeller(spec).tell(nodes({}, { position: 1e6 }, {}), 500);
  assert.equal([percent, eta, speed], [undefined, undefined, 2]);
});

telling('nothing goes back, whatever a node counts', () => {
  const teller = new ProgressTeller(spec);
  const first = teller.tell(nodes({ duration: 4e6 }, { frames: 9, bytes: 90, position: 3e6 }, {}), 100);
  const then = teller.tell(nodes({ duration: 8e6 }, { frames: 8, bytes: 80, position: 2e6 }, {}), 200);
  for (const figure of ['frames', 'position', 'percent', 'size'] as const) assert.is(then[figure], first[figure]);
  assert.is(then.outputs[0]!.size, 90);
});

telling('a run that came to its end by itself is complete, also where less came than was expected', () => {
  const teller = new ProgressTeller(spec);
  const counts = nodes({ duration: 4e6 }, { position: 3e6 }, {});
  assert.is(teller.tell(counts, 100).percent, 75);
  const { percent, eta } = teller.tell(counts, 200, true);
  assert.equal([percent, eta], [100, 0]);
  const beyond = new ProgressTeller(spec).tell(nodes({ duration: 1e6 }, { position: 2e6 }, {}), 100);
  assert.equal([beyond.percent, beyond.eta], [100, 0]);
});

telling.run();

/** Who is told of a run's progress, and what it says of its nodes, without a run. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GraphError, MillraceError } from '../../../src/errors/errors.js';
import { packError } from '../../../src/errors/wire.js';
import type { GraphSpec } from '../../../src/scheduler/plan/spec.js';
import { ProgressFeed } from '../../../src/scheduler/run/progress-feed.js';
import type { Progress } from '../../../src/scheduler/run/report.js';
import { Telling } from '../../../src/scheduler/run/telling.js';
import { Warnings } from '../../../src/scheduler/run/warnings.js';

const told = suite('what a run tells');

function feed(hook?: (progress: Progress) => void): ProgressFeed {
  let frames = 0;
  return new ProgressFeed('g', () => ({ frames: ++frames }) as Progress, hook);
}

told('a reader of the progress gets the last of it, and then the end', async () => {
  const progress = feed();
  const reader = progress.stream();
  const first = reader.next();
  progress.stop();
  progress.end();
  assert.is((await first).value?.frames, 1);
  assert.equal(await reader.next(), { value: undefined, done: true });
  assert.equal(await progress.stream().next(), { value: undefined, done: true });
});

told('the listener of a run is told of its end once, however short it was', () => {
  const frames: number[] = [];
  const progress = feed((now) => frames.push(now.frames));
  progress.start();
  progress.stop();
  progress.end();
  assert.equal(frames, [1]);
});

told('a run that was refused has no progress', async () => {
  const progress = feed();
  progress.abandon();
  assert.equal(await progress.stream().next(), { value: undefined, done: true });
});

function telling(onLog?: () => void): { telling: Telling; warnings: Warnings; failures: GraphError[] } {
  const spec = { name: 'g', nodes: [{ id: 3, alias: 'a', module: { name: 'm' } }], links: [] } as unknown as GraphSpec;
  const warnings = new Warnings();
  const failures: GraphError[] = [];
  return { telling: new Telling(spec, warnings, onLog, (error) => failures.push(error)), warnings, failures };
}

told('a listener that throws fails the graph, and the warning is kept', () => {
  const {
    telling: said,
    warnings,
    failures,
  } = telling(() => {
    throw new Error('mine');
  });
  said.log({ type: 'log', run: 1, node: 0, level: 'warn', text: 'late' });
  assert.equal(warnings.list, ['a: late']);
  assert.equal(
    failures.map(({ code, message }) => [code, message]),
    [['ERR_MILLRACE_CALLBACK', 'onLog threw: mine']],
  );
});

told('a branch that was dropped is in the report, with its packets, and in the warnings', () => {
  const { telling: said, warnings } = telling();
  const error = packError(new MillraceError('ERR_MILLRACE_MODULE', 'it broke'));
  said.noteDropped({ type: 'dropped', run: 1, node: 0, error, packets: 2 });
  assert.equal(
    said.dropped.map(({ node, alias, module, packetsLost }) => [node, alias, module, packetsLost]),
    [[3, 'a', 'm', 2]],
  );
  assert.match(warnings.list[0]!, /^it broke\. Its branch was dropped .* 2 packets that had reached it were lost$/);
});

told.run();

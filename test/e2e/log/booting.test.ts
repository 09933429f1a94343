/** The thread that hears FFmpeg's log, while it boots. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { program } from '../../kit/program.js';

const kit = import.meta.resolve('millrace/testing');
const index = import.meta.resolve('millrace');
const booting = suite('the log that boots');

booting('is no leak, whenever the watch began', () => {
  const { stdout, stderr } = program(`
    import { Graph } from ${JSON.stringify(index)};
    import { LeakWatch } from ${JSON.stringify(kit)};
    const graph = new Graph({ threads: 1 });
    graph.filter('testsrc2', { size: '64x36', duration: 0.04 }).module('null_sink');
    let running = true;
    const run = graph.run().finally(() => { running = false; });
    const watches = [];
    while (running) {
      watches.push(new LeakWatch());
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const report = await run;
    for (const watch of watches) watch.check(report);
    console.log('checked', watches.length > 1);
  `);
  assert.is(stderr, '');
  assert.is(stdout, 'checked true\n');
});

booting.run();

/** The process ends while FFmpeg speaks. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { times } from '../../kit/long.js';
import { scratch } from '../../kit/media.js';
import { program } from '../../kit/program.js';

const at = scratch();
const test = suite("FFmpeg's own words at the end");
const millrace = new URL('../../../dist/index.js', import.meta.url).href;

test('a process may exit, or die of an error, while FFmpeg says a lot in many threads', async () => {
  const damaged = at('damaged.ts');
  const graph = new Graph({ threads: 0 });
  graph.filter('testsrc2', { size: '160x120', duration: 2 }).encode(null, {
    output_path: damaged,
    format: 'mpegts',
    video_params: { codec: 'h264', preset: 'ultrafast', g: 25 },
  });
  await graph.run();
  const bytes = readFileSync(damaged);
  for (let at = 2000; at < bytes.length; at += 131) if (at % 188 > 20) bytes[at]! ^= 0x55;
  writeFileSync(damaged, bytes);
  for (const [how, status] of [
    ['process.exit(7)', 7],
    ['throw new Error("on purpose")', 1],
  ] as const) {
    for (let round = 0; round < times(1, 3); round++) {
      const { status: code, signal } = program(`
        import { Graph, Runtime } from '${millrace}';
        let ended = 0;
        const endless = async () => {
          const runtime = new Runtime({ threads: 1 });
          for (;;) {
            const graph = new Graph({ threads: 1, runtime });
            graph.decode({ input_path: '${damaged}' }).video.module('null_sink', {});
            await graph.run().catch(() => {});
            if (++ended === ${3 + round}) setImmediate(() => { ${how}; });
          }
        };
        await Promise.all([endless(), endless()]);
      `);
      assert.equal([code, signal], [status, null]);
    }
  }
});

test.run();

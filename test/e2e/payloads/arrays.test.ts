/** Pictures as arrays of numbers between modules, and modules that work by a native addon: the same as FFmpeg's filters. */
import { fileURLToPath } from 'node:url';
import { Graph, type NodeHandle } from 'millrace';
import { TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sharedThreads } from '../../kit/shared-threads.js';
import { soon } from '../../kit/soon.js';

const arrays = suite('pictures as arrays');
const FILE = fileURLToPath(new URL('../../fixtures/modules/arrays.mjs', import.meta.url));
const graphOn = await sharedThreads(2);

/** Hashes of the pictures that a branch makes of a test picture in RGB. */
async function pictures(threads: number, branch: (rgb: NodeHandle) => NodeHandle): Promise<unknown[]> {
  const graph = threads === 0 ? new Graph({ threads }) : graphOn({ threads });
  const source = graph.filter('testsrc2', { size: '64x48', rate: 25, duration: 0.2 }).filter('format', 'rgb24');
  const sink = new TestSink();
  branch(source).module(sink.spec, sink.options, { callback: sink.callback });
  const { leaked } = await soon('the graph', graph.run());
  assert.equal(leaked, {});
  return sink.packets.map(({ hash, timestamp, format }) => [hash, timestamp, format]);
}

const expected = await pictures(0, (rgb) => rgb.filter('hflip').filter('vflip'));

for (const threads of [0, 2]) {
  const at = (scheduler: number) => (threads === 0 ? {} : { scheduler });

  arrays(
    `threads: ${threads}: a picture becomes an array, another module works on it, and it becomes a picture`,
    async () => {
      const turned = await pictures(threads, (rgb) =>
        rgb
          .module({ name: 'to_array', path: FILE, entry: 'ToArray' }, {}, at(0))
          .module({ name: 'turn', path: FILE, entry: 'Turn' }, {}, at(1))
          .module({ name: 'to_picture', path: FILE, entry: 'ToPicture' }, {}, at(0)),
      );
      assert.is(turned.length, 5);
      assert.equal(turned, expected);
    },
  );

  arrays(`threads: ${threads}: a module calls a native addon on the memory of the frame`, async () => {
    const turned = await pictures(threads, (rgb) =>
      rgb.module({ name: 'native', path: FILE, entry: 'Native' }, {}, at(1)),
    );
    assert.equal(turned, expected);
  });
}

arrays.run();

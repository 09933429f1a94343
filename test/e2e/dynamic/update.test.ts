/** `graph.update(json)`: BMF's form of changes of a running graph. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ConfigError, Graph, probeSync } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add } from '../../kit/modules.js';
import { node, until } from '../../kit/running.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { failureOf, soon } from '../../kit/soon.js';

const updates = suite('updates of a running graph');
const folder = mkdtempSync(join(tmpdir(), 'millrace-update-'));
updates.after(() => rmSync(folder, { recursive: true, force: true }));
const graphOn = await sharedThreads(1);
const MODULES = fileURLToPath(new URL('../../fixtures/modules/plain.mjs', import.meta.url));

updates('a source is added to a running node, and an encoder behind it; both leave again', async () => {
  const graph = graphOn({ threads: 1 });
  const hub = graph
    .filter('testsrc2', { size: '64x48', rate: 25 })
    .module('pass_through', {}, { alias: 'pass_through' });
  hub.module('null_sink', {}, { alias: 'out' });
  await graph.start();
  await until(graph, (now) => node(now, 'out').packetsIn > 3);
  const source = {
    id: 0,
    action: 'add',
    alias: 'decoder1',
    module_info: { name: 'c_ffmpeg_filter', type: '', path: '', entry: '' },
    option: { name: 'testsrc2', para: 'size=32x24:rate=25' },
    input_streams: [],
    output_streams: [{ identifier: 'pass_through.0_0', stream_alias: '' }],
  } as const;
  await soon('the update', graph.update({ nodes: [source] }));
  const path = join(folder, 'encoder1.mp4');
  const encoder = {
    action: 'add',
    module_info: { name: 'c_ffmpeg_encoder' },
    option: { alias: 'encoder1', output_path: path, video_params: { codec: 'mpeg4', threads: 1 } },
    input_streams: [{ identifier: 'pass_through.1_0' }],
  };
  await soon('the update', graph.update(JSON.stringify({ nodes: [encoder] })));
  await until(graph, (now) => node(now, 'encoder1').frames > 5 && node(now, 'decoder1').packetsOut > 5);
  await soon(
    'the update',
    graph.update({
      nodes: [
        { action: 'remove', alias: 'decoder1' },
        { action: 'remove', option: { alias: 'encoder1' } },
      ],
    }),
  );
  assert.is(probeSync(path).streams[0]!.frames, node(graph.status(), 'encoder1').frames);
  const before = node(graph.status(), 'out').packetsIn;
  await until(graph, (now) => node(now, 'out').packetsIn > before + 20);
  graph.stop();
  const report = await soon('the graph', graph.close());
  assert.equal(report.leaked, {});
});

updates('options are reset, and what is wrong is told by its path, before anything is changed', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.inputStream('in');
  const factor = add(graph, 'Factor', { factor: 2 }, { inputs: [input], alias: 'times' });
  factor.module('null_sink', {}, { alias: 'sink' });
  await graph.start({ mode: 'push' });
  await soon('the update', graph.update({ nodes: [{ action: 'reset', alias: 'times', option: { factor: 3 } }] }));
  const wrong = (await failureOf(
    'the update',
    graph.update({
      nodes: [
        { action: 'remove', alias: 'tims' },
        { action: 'change' as 'add', alias: 'times' },
        { action: 'add', module_info: { name: 'mine', path: MODULES, entry: 'Relay' } },
        { action: 'remove', alias: 'sink' },
      ],
    }),
  )) as ConfigError;
  assert.is(wrong.code, 'ERR_MILLRACE_CONFIG');
  assert.equal(
    wrong.problems.map(({ path }) => path.replace(/(\]).*/, '$1')),
    ['nodes[0]', 'nodes[1]', 'nodes[2]'],
  );
  assert.match(wrong.message, /'times'/);
  assert.match((await failureOf('the update', graph.update({ nodes: [] }))).message, /a list of nodes with an action/);
  const strange = {
    action: 'add',
    module_info: { name: 'null_sink' },
    input_streams: [{ identifier: 'nobody.0_0' }],
  } as const;
  assert.match((await failureOf('the update', graph.update({ nodes: [strange] }))).message, /no node 'nobody'/);
  assert.not(graph.status().nodes.some(({ state }) => state === 'closed'));
  const relay = {
    action: 'add',
    alias: 'mine',
    module_info: { name: 'mine', path: MODULES, entry: 'Relay' },
    input_streams: [{ identifier: factor.name }],
  } as const;
  await soon('the update', graph.update({ nodes: [relay] }, { allow: { modules: true } }));
  assert.is(node(graph.status(), 'mine').module, 'mine');
  await soon('the graph', graph.close());
});

updates.run();

/** Segments that cannot be written are told by name, also the last one, of which FFmpeg's muxer has no result. */
import { mkdirSync } from 'node:fs';
import { Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scratch } from '../../kit/media.js';
import { failureOf } from '../../kit/soon.js';

const test = suite('lost segments');
const at = scratch();
// What stands in the way is found when the segment is opened, whoever runs the test.
mkdirSync(at('s0.ts'));

const writing = (mux_params: Record<string, string | number>): Graph => {
  const graph = new Graph({ threads: 0 });
  const picture = graph.filter('testsrc2', { size: '64x64', duration: 0.2 });
  picture.encode(null, { output_path: at('list.m3u8'), video_params: { codec: 'mpeg4' }, mux_params });
  return graph;
};

test('a segment of HLS that cannot be opened fails the graph and is named', async () => {
  const { message } = await failureOf('a graph', writing({ hls_segment_filename: at('s%d.ts') }).run());
  assert.match(message, /A segment of .*list\.m3u8 is missing\. FFmpeg says: .*Failed to open file '.*s0\.ts'/);
});

test('with ignore_io_errors it is a warning', async () => {
  const { warnings } = await writing({ hls_segment_filename: at('s%d.ts'), ignore_io_errors: 1 }).run();
  assert.match(warnings.join(), /A segment of .*list\.m3u8 is missing\. .*s0\.ts/);
});

test('a folder that is not there is refused before anything has run', async () => {
  for (const option of ['hls_segment_filename', 'segment_list']) {
    const graph = new Graph({ threads: 0 });
    const picture = graph.filter('testsrc2', { size: '64x64', duration: 0.2 });
    const format = option === 'segment_list' ? 'segment' : 'hls';
    const output_path = at(format === 'hls' ? 'list.m3u8' : 'x%d.ts');
    picture.encode(null, { output_path, format, mux_params: { [option]: at('none/s%d.ts') } });
    const { message } = await failureOf('a graph', graph.run());
    assert.match(
      message,
      /failed in init: Cannot write .*none\/s%d\.ts: there is no directory .*none\. Create it first/,
    );
  }
});

test.run();

/** WHIP, as far as an endpoint goes that speaks no DTLS: the offer, the check of the connection, and leaving while the rest is waited for. */
import { Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { testUnless } from '../../kit/skip.js';
import { failureOf, soon, untilRight } from '../../kit/soon.js';
import { canCheck, whipEndpoint } from '../../kit/whip-endpoint.js';

const test = suite('whip');
const lacking = canCheck ? undefined : 'the check sums of STUN (zlib.crc32 of Node.js 20.15)';

function publish(output_path: string): Graph {
  const graph = new Graph({ threads: 0 });
  graph
    .filter('testsrc2', { size: '64x48', rate: 25 })
    .filter('realtime')
    .encode(graph.filter('sine', { sample_rate: 48_000 }).filter('arealtime'), {
      ...{ output_path, format: 'whip' },
      video_params: { codec: 'h264', preset: 'ultrafast', tune: 'zerolatency', profile: 'baseline', threads: 1 },
      audio_params: { codec: 'libopus', channels: 2, sample_rate: 48_000 },
    });
  return graph;
}

testUnless(
  test,
  lacking,
  'both streams are offered, the connection is checked, and the graph ends while DTLS is waited for',
  async () => {
    const endpoint = await whipEndpoint();
    try {
      const graph = publish(endpoint.url);
      const run = graph.run();
      await soon('a check of the connection', Promise.race([untilRight(() => assert.ok(endpoint.checks > 0)), run]));
      assert.match(endpoint.offer, 'a=rtpmap:106 H264/90000');
      assert.match(endpoint.offer, 'opus/48000/2');
      graph.stop();
      await soon('the end', run);
    } finally {
      endpoint.close();
    }
  },
);

test('an endpoint that refuses the offer fails the graph with its answer', async () => {
  const endpoint = await whipEndpoint();
  try {
    const error = await failureOf('the refusal', publish(endpoint.url.replace('/whip', '/nothing')).run());
    assert.is(error.code, 'ERR_MILLRACE_OUTPUT');
    assert.match(error.message, '404');
  } finally {
    endpoint.close();
  }
});

test.run();

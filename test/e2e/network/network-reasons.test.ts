/** What fails in the network says why, in FFmpeg's own words, and keeps the secrets of its URL. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withoutSecrets } from '../../../src/errors/secrets.js';
import { freePort, quietTcp } from '../../kit/quiet-peers.js';
import { failureOf } from '../../kit/soon.js';

const test = suite('reasons of the network');
const clip = new URL('../../fixtures/media/clip.mpegts', import.meta.url);

const reading = (input_path: string, threads: number): Graph => {
  const graph = new Graph({ threads });
  graph.decode({ input_path, timeout_ms: 300 }).video.module('null_sink', {});
  return graph;
};

const writing = (output_path: string, threads: number): Graph => {
  const graph = new Graph({ threads });
  const video_params = { codec: 'mpeg2video' };
  graph
    .decode({ input_path: clip })
    .video.encode(null, { output_path, format: 'mpegts', video_params, timeout_ms: 300 });
  return graph;
};

for (const threads of [0, 1]) {
  test(`FFmpeg's own reason ends the message, ${threads} threads`, async () => {
    const server = createServer((_request, answer) => void answer.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const nobody = await freePort();
    try {
      for (const [graph, words] of [
        [reading(`http://me:secret@127.0.0.1:${port}/a.mp4`, threads), /FFmpeg says: HTTP error 404 Not Found$/],
        [reading(`rtmp://me:secret@127.0.0.1:${nobody}/a/b`, threads), /FFmpeg says: .*: Connection refused/],
        [writing(`http://me:secret@127.0.0.1:${nobody}/a.ts`, threads), /FFmpeg says: .*: Connection refused$/],
      ] as const) {
        const { message } = await failureOf('a graph', graph.run());
        assert.match(message, words);
        assert.match(message, '://***@127.0.0.1');
        assert.not.match(message, 'secret');
      }
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
}

test('errors and warnings of every kind keep the secrets of a URL', async () => {
  const peer = await quietTcp(undefined, false);
  try {
    const late = await failureOf('a silent server', reading(`http://me:secret@127.0.0.1:${peer.port}/a`, 0).run());
    assert.match(late.message, 'http://***@127.0.0.1');
    assert.not.match(`${late.stack}${(late.cause as Error)?.stack}`, 'secret');
    const unknown = await failureOf('a graph', reading('nothing://me:secret@host/a', 0).run());
    assert.not.match(unknown.message, 'secret');
    const foreign = await failureOf('a graph', reading('file://me:secret@host/a', 0).run());
    assert.match(foreign.message, 'file://***@host/a is no URL of a file');
    assert.not.match(foreign.message, 'secret');
  } finally {
    peer.close();
  }
});

test('what is secret in a URL', () => {
  for (const [text, shown] of [
    ['Cannot open http://user:pass@host/a: no', 'Cannot open http://***@host/a: no'],
    ['rtsp://a:p@ss@host:554/x and http://b@c/', 'rtsp://***@host:554/x and http://***@c/'],
    ['[f=flv]rtmp\\://user\\:pass@host/a', '[f=flv]rtmp\\://***@host/a'],
    ['srt://host:9?mode=caller&passphrase=0123456789&latency=1', 'srt://host:9?mode=caller&passphrase=***&latency=1'],
    ['http://host/a@b?c=d@e, me@host.org', 'http://host/a@b?c=d@e, me@host.org'],
  ] as const) {
    assert.is(withoutSecrets(text), shown);
  }
});

test.run();

/** What fails in the network says why, in FFmpeg's own words, and keeps the secrets of its URL. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type ConfigError, Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withoutSecrets } from '../../../src/errors/secrets.js';
import { crossed } from '../../kit/long.js';
import { scratch } from '../../kit/media.js';
import { freePort, quietTcp } from '../../kit/quiet-peers.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { failureOf } from '../../kit/soon.js';

const test = suite('reasons of the network');
const graphOn = await sharedThreads(1);
const at = scratch();
const clip = new URL('../../fixtures/media/clip.mpegts', import.meta.url);

const reading = (input_path: string, threads: number): Graph => {
  const graph = graphOn({ threads });
  graph.decode({ input_path, timeout_ms: 300 }).video.module('null_sink', {});
  return graph;
};

const writing = (output_path: string, threads: number): Graph => {
  const graph = graphOn({ threads });
  const video_params = { codec: 'mpeg2video' };
  graph
    .decode({ input_path: clip })
    .video.encode(null, { output_path, format: 'mpegts', video_params, timeout_ms: 300 });
  return graph;
};

const server = createServer((_request, answer) => void answer.writeHead(404).end());
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
server.unref();
const { port: answering } = server.address() as AddressInfo;
const nobody = await freePort();
const nobodyThere = [/refused\. Nobody listens there: [^.]*\. FFmpeg says/] as const;
const failing: readonly (readonly [url: string, of: typeof reading, ...words: RegExp[]])[] = [
  [
    `http://me:secret@127.0.0.1:${answering}/a.mp4`,
    reading,
    /FFmpeg says: HTTP error 404 Not Found$/,
    /: check the path of the URL\. FFmpeg says/,
  ],
  [`rtmp://me:secret@127.0.0.1:${nobody}/a/b`, reading, /FFmpeg says: .*: Connection refused/],
  [`tcp://me:secret@127.0.0.1:${nobody}`, reading, ...nobodyThere],
  [`http://me:secret@127.0.0.1:${nobody}/a.ts`, writing, /FFmpeg says: .*: Connection refused$/],
  [`tcp://me:secret@127.0.0.1:${nobody}`, writing, ...nobodyThere],
];

for (const [[url, of, ...words], numbers] of crossed(failing, [0, 1], 1)) {
  const [protocol] = url.split(':');
  for (const threads of numbers) {
    test(`FFmpeg's own reason ends the message, ${of.name} ${protocol}, ${threads} threads`, async () => {
      const { message } = await failureOf('a graph', of(url, threads).run());
      for (const one of words) assert.match(message, one);
      assert.match(message, '://***@127.0.0.1');
      assert.not.match(message, 'secret');
    });
  }
}

test('an output of the network fails in the words of its own muxer', async () => {
  const peer = createTcpServer((socket) => void socket.once('data', () => socket.destroy()).on('error', () => {}));
  await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
  const { port } = peer.address() as AddressInfo;
  const output_path = `tcp://127.0.0.1:${port}`;
  try {
    for (const [options, words] of [
      [
        { format: 'flv' },
        /Cannot write the header of tcp:.*FFmpeg says: Video codec mpeg2video not compatible with flv$/,
      ],
      [{ format: 'mp4' }, /Cannot write the header of tcp:.*FFmpeg says: muxer does not support non seekable output$/],
      [
        { format: 'mpegts' },
        /Cannot (write to|finish) tcp:[^ ]*: (Broken pipe|Connection reset by peer)\. The peer has/,
      ],
    ] as const) {
      const graph = new Graph({ threads: 0 });
      const { video } = graph.decode({ input_path: clip });
      video.encode(null, { output_path, video_params: { codec: 'mpeg2video' }, timeout_ms: 2000, ...options });
      const { message } = await failureOf('a graph', graph.run());
      assert.match(message, words);
      assert.not.match(message, /slave|tee/i);
    }
  } finally {
    peer.close();
  }
});

test('a muxer option that FFmpeg does not know is left out of an output of the network as well', async () => {
  const peer = createTcpServer((socket) => void socket.resume());
  await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
  const { port } = peer.address() as AddressInfo;
  try {
    const graph = new Graph({ threads: 0 });
    const options = { output_path: `tcp://127.0.0.1:${port}`, format: 'mpegts', video_params: { codec: 'copy' } };
    graph
      .decode({ input_path: clip, video_codec: 'copy' })
      .video.encode(null, { ...options, strict: false, mux_params: { no_such_thing: 1 } });
    const { warnings } = await graph.run();
    assert.match(warnings.join(), /ignored: .*no_such_thing/);
  } finally {
    peer.close();
  }
});

test('advice on a file goes to files only', async () => {
  const filters = new Graph({ threads: 0 });
  filters.decode({ input_path: 'nosuchfilter', dec_params: { f: 'lavfi' } }).video.module('null_sink', {});
  const { message } = await failureOf('a graph', filters.run());
  assert.match(message, /Filter not found\. FFmpeg says: No such filter: 'nosuchfilter'/);
});

test('an input without streams says what FFmpeg made of it', async () => {
  const bytes = Buffer.alloc(3000, 'A');
  const server = createServer((_request, answer) => void answer.end(bytes));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const input_path = at('no.ts');
  writeFileSync(input_path, bytes);
  try {
    for (const path of [input_path, `http://127.0.0.1:${port}/no.ts`]) {
      const graph = new Graph({ threads: 0 });
      graph.decode({ input_path: path, dec_params: { f: 'mpegts' } }).video.module('null_sink', {});
      const { message } = await failureOf('a graph', graph.run());
      assert.match(
        message,
        /No streams in .*\(read as 'mpegts'\)\. Is it .*\? FFmpeg says: Could not detect TS packet/,
      );
    }
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

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

test('an alias that is a URL with a password is masked in every problem', async () => {
  const graph = new Graph();
  const url = 'rtsp://me:secret@host/a';
  graph.module('c_ffmpeg_decoder', { input_path: url, nonsense: 1 } as never, { inputs: [], alias: url });
  const error = await failureOf('a graph', graph.validate());
  const { problems } = error as ConfigError;
  assert.match(problems[0]?.path ?? '', 'rtsp://***@host/a');
  assert.not.match(`${error.stack}${JSON.stringify(problems)}`, 'secret');
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

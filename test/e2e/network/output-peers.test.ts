/** Outputs whose peers are slow, or gone and back: the others go on, and the packets that are missing are counted. */
import { createServer, type Server, type Socket } from 'node:net';
import { Graph, type MillraceError, Packet } from 'millrace';
import { LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scratch } from '../../kit/media.js';
import { freePort, quietTcp } from '../../kit/quiet-peers.js';
import { ways } from '../../kit/quiet-stages.js';
import { failureOf, soon } from '../../kit/soon.js';

const test = suite('peers of outputs');
const at = scratch();

/** A server that takes one connection, and breaks it off after so many bytes. */
class OnePeer {
  readonly #bytes: Buffer[] = [];
  readonly #server: Server;
  /** Nobody is connected any more. */
  readonly gone: Promise<void>;

  constructor(port: number, most = Number.POSITIVE_INFINITY) {
    let left = most;
    let tell = (): void => {};
    this.gone = new Promise((resolve) => {
      tell = resolve;
    });
    this.#server = createServer((socket: Socket) => {
      this.#server.close();
      socket.on('error', () => {}).on('close', tell);
      socket.on('data', (data) => {
        this.#bytes.push(data);
        left -= data.length;
        if (left <= 0) socket.resetAndDestroy();
      });
    });
    this.#server.listen(port, '127.0.0.1');
    this.#server.unref();
  }

  /** Bytes that it got. */
  get size(): number {
    return this.#bytes.reduce((sum, { length }) => sum + length, 0);
  }

  /** Pictures in what it got. */
  async pictures(): Promise<TestSink['packets']> {
    const graph = new Graph({ threads: 0 });
    const input = graph.inputStream('bytes');
    const sink = new TestSink();
    input.decode({ copyts: true }).video.module(sink.spec, sink.options, { callback: sink.callback });
    await graph.start({ mode: 'push' });
    await input.push(new Packet(new Uint8Array(Buffer.concat(this.#bytes))));
    await input.end();
    await graph.close();
    return sink.packets;
  }
}

/** Resolves when `holds` does. */
function when(holds: () => boolean): Promise<void> {
  return soon(
    holds.toString(),
    (async () => {
      while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
    })(),
  );
}

const live = { codec: 'mpeg2video', g: 250, bf: 0, threads: 1 };
const reconnect = { attempts: 30, backoff_ms: 20 };

function camera(graph: Graph) {
  return graph.filter('testsrc2', { size: '64x48', rate: 25 }).filter('realtime', { speed: 20 });
}

test('a peer that is gone and comes back gets a header and a key frame, and the other output misses nothing', async () => {
  const port = await freePort();
  const first = new OnePeer(port, 20_000);
  const graph = new Graph({ threads: 1 });
  const pictures = camera(graph);
  const output_path = `tcp://127.0.0.1:${port}`;
  pictures.encode(null, { output_path, format: 'mpegts', reconnect, video_params: live }, { alias: 'peer' });
  pictures.encode(null, { output_path: at('all.mkv'), video_params: live }, { alias: 'file' });
  const run = graph.run();
  const of = (alias: string) => graph.stats().nodes.find((node) => node.alias === alias)!;
  await soon('the loss', Promise.race([first.gone, run]));
  await when(() => of('peer').dropped > 10);
  const second = new OnePeer(port);
  await when(() => second.size > 30_000);
  graph.stop();
  const { warnings, nodes } = await soon('the graph', run);
  await second.gone;
  const { outages, dropped } = nodes.find(({ alias }) => alias === 'peer')!;
  assert.is(outages.count, 1);
  assert.ok(outages.milliseconds > 0);
  assert.match(warnings.join('\n'), /was away for \d+\.\d\d s \(.*\) and came back in \d+ attempts?/);
  assert.match(warnings.join('\n'), new RegExp(`${dropped} packets were left out while its peer was away`));
  const after = await second.pictures();
  // Without the wish for a key frame there would be one after 250 pictures only.
  assert.ok(after.length > 10, `${after.length} pictures after the return`);
  const before = await first.pictures();
  assert.ok(after[0]!.timestamp! > before.at(-1)!.timestamp!, 'times go on');
  const file = nodes.find(({ alias }) => alias === 'file')!;
  assert.is(file.dropped, 0);
});

for (const drop of ['non-key'] as const) {
  test(`drop: '${drop}': a peer that takes nothing holds up nobody`, async () => {
    const peer = await quietTcp(undefined, false);
    const watch = new LeakWatch();
    const graph = new Graph({ threads: 1 });
    const pictures = graph.filter('testsrc2', { size: '320x240', rate: 25 });
    const video_params = { codec: 'rawvideo' };
    const output_path = `tcp://127.0.0.1:${peer.port}`;
    pictures.encode(null, { output_path, format: 'nut', drop, video_params }, { alias: 'peer' });
    pictures.encode(null, { null_output: true, video_params }, { alias: 'other' });
    const run = graph.run();
    const of = (alias: string) => graph.stats().nodes.find((node) => node.alias === alias)!;
    await when(() => of('peer').dropped > 50);
    const { frames } = of('other');
    await when(() => of('other').frames > frames + 50);
    graph.stop();
    const { warnings } = await soon('the graph', run);
    peer.close();
    assert.match(
      warnings.join('\n'),
      new RegExp(`packets were left out because its peer was slow \\(drop: '${drop}'\\)`),
    );
    watch.check();
  });
}

test("a peer that is gone for good ends its branch with on_error: 'drop-branch', and the other output is whole", async () => {
  const port = await freePort();
  const peer = new OnePeer(port, 10_000);
  const graph = new Graph({ threads: 0 });
  const pictures = graph.filter('testsrc2', { size: '64x48', rate: 25, duration: 4 });
  const output_path = `tcp://127.0.0.1:${port}`;
  const tried = { on_error: 'drop-branch', reconnect: { attempts: 2, backoff_ms: 5 }, drop: 'oldest' } as const;
  pictures.encode(
    null,
    { output_path, format: 'mpegts', video_params: { ...live, g: 1 }, ...tried },
    { alias: 'peer' },
  );
  // Slower than the other one is to find out.
  pictures
    .filter('realtime', { speed: 4 })
    .encode(null, { output_path: at('whole.mkv'), video_params: live }, { alias: 'file' });
  const { nodes, warnings } = await soon('the graph', graph.run());
  await peer.gone;
  assert.match(warnings.join('\n'), /did not come back in 2 attempts \(reconnect\)/);
  assert.is(nodes.find(({ alias }) => alias === 'file')!.frames, 100);
});

for (const [format, scheme] of [
  ['mpegts', 'tcp'],
  // These open their peers themselves.
  ['rtsp', 'rtsp'],
  ['whip', 'http'],
] as const) {
  test(`${format}: tries that are used up fail the graph with their number`, async () => {
    const output_path = `${scheme}://127.0.0.1:${await freePort()}/live`;
    const graph = new Graph({ threads: 0 });
    const h264 = { codec: 'h264', profile: 'baseline', tune: 'zerolatency', threads: 1 };
    camera(graph).encode(null, {
      ...{ output_path, format, video_params: format === 'whip' ? h264 : live },
      reconnect: { attempts: 2, backoff_ms: 5 },
    });
    const error = await failureOf('the graph', graph.run());
    assert.is(error.code, 'ERR_MILLRACE_OUTPUT');
    assert.match(error.message, /did not come back in 2 attempts \(reconnect\)\. .*Connection refused/, error.message);
  });
}

test('what has no peer, or is no one stream of bytes, is refused by name', async () => {
  for (const [options, words] of [
    [{ output_path: at('a.mkv'), reconnect: true }, /reconnect: has no effect on .*a\.mkv, which has no peer/],
    [{ output_path: at('a.mkv'), drop: 'oldest' }, /drop: has no effect on .*a\.mkv/],
    [
      { output_path: 'http://127.0.0.1:9/a%d.ts', format: 'segment', reconnect: true },
      /reconnect: the format 'segment' writes files one by one/,
    ],
    [{ push_output: 1, format: 'mpegts', drop: 'oldest' }, /drop: has no effect with push_output 1/],
    [{ output_path: 'tcp://127.0.0.1:9', reconnect: { stall_ms: 1 } }, /stall_ms/],
  ] as const) {
    const graph = new Graph({ threads: 0 });
    camera(graph).encode(null, { ...options, video_params: live } as object);
    assert.match((await failureOf(JSON.stringify(options), graph.run())).message, words);
  }
});

for (const [threads, [way, { end, code }]] of Object.entries(ways).entries()) {
  test(`${way} while a peer is away ends soon`, async () => {
    const watch = new LeakWatch();
    const graph = new Graph({ threads });
    const abort = new AbortController();
    const output_path = `tcp://127.0.0.1:${await freePort()}`;
    camera(graph).encode(null, {
      ...{ output_path, format: 'mpegts', video_params: live },
      // Longer than `soon` waits: it is not waited out.
      reconnect: { backoff_ms: 60_000 },
    });
    const run = graph.run({ signal: abort.signal }).then(
      () => undefined,
      (error: MillraceError) => error,
    );
    await when(() => graph.stats().nodes.at(-1)!.dropped > 5);
    end(graph, abort);
    const error = await soon(way, run);
    assert.is(error?.code, code, error?.message);
    watch.check();
  });
}

test.run();

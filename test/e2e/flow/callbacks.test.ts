/** Callbacks of a graph and of its nodes, by key: who answers, what an encoder tells, and how graph files bind them. */
import {
  type ConfigError,
  defineModule,
  encode,
  Graph,
  type GraphConfig,
  type GraphError,
  type ModuleContext,
  type WrittenPacket,
} from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, run, scratch } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const callbacks = suite('callbacks');
const graphOn = await sharedThreads(1);
const to = scratch();

type Key = string | number;
interface Questions extends Record<string, unknown> {
  keys: readonly Key[];
  heard: (answer: unknown) => void;
}

/** Calls back with every key of its options, and ends. */
const asker = defineModule<Questions, { ctx: ModuleContext<Questions> }>({
  init(ctx) {
    this.ctx = ctx;
  },
  async process(task) {
    const { options, callback, hasCallback } = this.ctx;
    for (const key of options.keys) {
      const answer = hasCallback(key) ? callback(key, `value of ${key}`) : Promise.resolve('none');
      options.heard(await answer.catch((error: Error) => error.message));
    }
    task.done();
  },
});

callbacks(
  'of a node for a key come before that of the node for all keys, and that before those of the graph',
  async () => {
    const graph = new Graph({ threads: 0 });
    const heard: Record<string, unknown[]> = { plain: [], own: [], bound: [] };
    const ask = (alias: string, keys: readonly Key[], callback?: (key: Key) => unknown) =>
      graph.module(asker, { keys, heard: (answer) => void heard[alias]!.push(answer) }, { alias, callback });
    ask('plain', ['common', 7, '7', 'fails', 'other']);
    ask('own', ['common', 7], (key) => `all: ${key}`).addCallback('common', () => 'mine');
    ask('bound', ['renamed']).addCallback('renamed', 'common');
    graph
      .addCallback('common', () => 'replaced')
      .addCallback('common', (value, { key, node }) => [value, key, node])
      .addCallback(7, async () => 'seven')
      .addCallback('fails', () => {
        throw new Error('no such thing');
      });
    await run(graph);
    assert.equal(heard, {
      plain: [['value of common', 'common', 'plain'], 'seven', 'seven', 'no such thing', 'none'],
      own: ['mine', 'all: 7'],
      bound: [['value of renamed', 'renamed', 'bound']],
    });
    assert.throws(
      () => graph.addCallback('late', () => 1),
      (error: Error) => /has been run/.test(error.message),
    );
  },
);

callbacks("'packet' tells every packet of an encoder: stream, times, bytes, key frames", async () => {
  const told: WrittenPacket[] = [];
  const graph = graphOn();
  const input = graph.decode({ input_path: media('clip-4s.mp4'), end_time: 1 });
  const path = to('told.mkv');
  const video_params = { codec: 'mpeg2video', g: 10, bf: 2 };
  encode(
    input.video,
    input.audio,
    { output_path: path, video_params, audio_params: { codec: 'pcm_s16le' } },
    { alias: 'out' },
  );
  graph.addCallback('packet', (packet, { node }) => {
    assert.is(node, 'out');
    told.push(packet);
  });
  await run(graph);
  const video = told.filter(({ kind }) => kind === 'video');
  const audio = told.filter(({ kind }) => kind === 'audio');
  const { packets } = await readBack(path);
  for (const [stream, list] of [video, audio].entries()) {
    const own = packets.filter((packet) => packet.stream === stream);
    assert.is(list.length, own.length);
    assert.ok(list.every((packet) => packet.stream === stream && packet.input === stream));
    assert.equal(
      list.map(({ size }) => size),
      own.map(({ size }) => size),
    );
    assert.equal(
      list.map(({ key }) => key),
      own.map(({ key }) => key),
    );
    assert.equal(
      list.map(({ timestamp }) => Math.round(timestamp! / 1000)),
      own.map(({ time }) => time),
    );
  }
  assert.is(video.filter(({ key }) => key).length, 3);
  const decoding = video.map(({ dts }) => dts!);
  assert.ok(
    decoding.every((dts, i) => i === 0 || dts > decoding[i - 1]!),
    String(decoding),
  );
  assert.ok(
    video.some(({ pts, dts }) => pts! > dts!),
    'there are B-frames',
  );
});

interface Read {
  size?: number;
  isKey?: boolean;
}

/** What the file has: packets with milliseconds. */
async function readBack(path: string) {
  const graph = graphOn();
  const input = graph.decode({ input_path: path, video_codec: 'copy', audio_codec: 'copy' });
  const packets: { stream: number; size: number; key: boolean; time: number }[] = [];
  const readers = [input.video.packets<Read>(), input.audio.packets<Read>()];
  const readAll = async (reader: (typeof readers)[number], stream: number): Promise<void> => {
    for await (const packet of reader) {
      const { size, isKey } = packet.payload;
      if (size !== undefined && isKey !== undefined)
        packets.push({ stream, size, key: isKey, time: Math.round(packet.timestamp! / 1000) });
      packet.close();
    }
  };
  await Promise.all(readers.map(readAll));
  return { packets };
}

callbacks('an encoder waits for the answer, and fails of what the callback throws', async () => {
  const graph = graphOn();
  let told = 0;
  let open = 0;
  graph
    .decode({ input_path: media('clip-4s.mp4') })
    .video.encode(null, { null_output: true, video_params: { codec: 'mpeg4' } });
  graph.addCallback('packet', async () => {
    open++;
    if (++told === 20) throw new Error('enough');
    await new Promise(setImmediate);
    open--;
  });
  const error = (await failureOf(graph)) as GraphError;
  assert.match(error.message, /enough/);
  assert.is(error.module, 'c_ffmpeg_encoder');
  assert.ok(told < 60, `${told} packets were told, and ${open} not answered`);
});

callbacks('what was copied is told as well, and packets that go to outputs', async () => {
  const graph = graphOn();
  const sizes: number[] = [];
  const input = graph.decode({ input_path: media('clip-4s.mp4'), video_codec: 'copy' });
  const copy = input.video
    .encode(null, { push_output: 2 })
    .addCallback(0, ({ size }: WrittenPacket) => sizes.push(size));
  const read: number[] = [];
  for await (const packet of copy.packets<{ size?: number }>()) {
    if (packet.payload.size !== undefined) read.push(packet.payload.size);
    packet.close();
  }
  await graph.close();
  assert.ok(sizes.length > 50);
  assert.equal(sizes, read);
});

callbacks('a graph file binds callbacks of nodes to those of the graph, by key', async () => {
  const first = new Graph({ threads: 0 });
  first
    .decode({ input_path: media('one-frame.mp4') })
    .video.encode(null, { null_output: true }, { alias: 'out' })
    .addCallback('packet', 'written');
  const config = JSON.parse(JSON.stringify(first.toConfig())) as GraphConfig;
  assert.equal(config.nodes[1]!.meta_info.callback_binding, ['packet:written']);

  const second = Graph.fromConfig(config);
  const lacking = (await failureOf(second)) as ConfigError;
  assert.match(
    lacking.message,
    /nodes\[1\].*callback_binding: 'packet:written' needs the callback 'written'.*addCallback\('written', fn\)/,
  );
  const told: WrittenPacket[] = [];
  second.addCallback('written', (packet: WrittenPacket) => told.push(packet));
  await run(second);
  assert.is(told.length, 1);

  first.node('out').addCallback('other', () => 1);
  assert.throws(
    () => first.toConfig(),
    (error: Error) => /the callback 'other' is a function/.test(error.message),
  );
});

callbacks('what nobody would call is refused at a node, and a warning of the graph', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.decode({ input_path: media('one-frame.mp4') });
  const out = input.video.encode(null, { null_output: true }).addCallback('packets', () => 1);
  const refused = (await failureOf(graph)) as ConfigError;
  assert.match(refused.message, /c_ffmpeg_encoder never calls 'packets'.*Did you mean 'packet'/);
  for (const [key, callback] of [
    ['', () => 1],
    [{}, () => 1],
    ['packet', 7],
  ]) {
    assert.throws(
      () => out.addCallback(key as string, callback as () => void),
      (error: ConfigError) => error.problems.length === 1,
    );
  }
  const other = new Graph({ threads: 0 });
  other.decode({ input_path: media('one-frame.mp4') }).video.encode(null, { null_output: true });
  other.addCallback('packets', () => 1);
  const { warnings } = await run(other);
  assert.ok(warnings.includes("no module of the graph calls the callback 'packets'"), warnings.join('\n'));
});

callbacks.run();

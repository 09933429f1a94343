/** Metadata that is written on a frame stays on it: in clones, across threads by reference and by copy, through filters. */
import { AudioFrame, defineModule, MillraceError, Packet, VideoFrame } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { media, scratch } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

scratch();
const picture = () =>
  VideoFrame.alloc({ width: 64, height: 48, format: 'yuv420p', pts: 7n, timeBase: { num: 1, den: 25 } });

const test = suite('metadata of frames');
const graphOn = await sharedThreads(2);

test('what is set, changed and deleted is on the frame and its clones, and nothing else changes', () => {
  for (const frame of [picture(), AudioFrame.from([new Float32Array(64)], { sampleRate: 48000, pts: 7n })]) {
    const held = frame.metadata;
    held.first = 'one';
    held['lavfi.scene_score'] = '0.5';
    const before = frame.toBuffer();
    const clone = frame.clone();
    assert.equal(clone.metadata, { first: 'one', 'lavfi.scene_score': '0.5' });
    held.first = 'ein=s: ü';
    delete held['lavfi.scene_score'];
    held.second = '2';
    const other = frame.clone();
    assert.equal(other.metadata, { first: 'ein=s: ü', second: '2' });
    assert.equal(clone.metadata, { first: 'one', 'lavfi.scene_score': '0.5' }, 'a clone has its own');
    assert.equal([other.pts, other.timeBase, other.toBuffer()], [7n, frame.timeBase, before]);
    frame.metadata = { only: 'this' };
    const last = frame.clone();
    assert.equal(last.metadata, { only: 'this' });
    for (const each of [frame, clone, other, last]) each.close();
  }
});

test('data and metadata are set without regard to each other', () => {
  using frame = picture();
  frame.data = { boxes: [1, 2] };
  frame.metadata = { only: 'this' };
  using clone = frame.clone();
  assert.equal([clone.metadata, clone.data], [{ only: 'this' }, { boxes: [1, 2] }]);
  clone.data = undefined;
  using without = clone.clone();
  assert.equal([without.metadata, without.data], [{ only: 'this' }, undefined]);
  frame.metadata = {};
  using bare = frame.clone();
  assert.equal([bare.metadata, bare.data], [{}, { boxes: [1, 2] }]);
});

test('what is no text is refused by its key', () => {
  using frame = picture();
  (frame.metadata as Record<string, unknown>).count = 3;
  using counted = frame.clone();
  assert.is(counted.metadata.count, '3');
  (frame.metadata as Record<string, unknown>).wrong = {};
  assert.throws(
    () => frame.clone(),
    (error: unknown) =>
      error instanceof MillraceError && /metadata\['wrong'\] of a frame is Object/.test(error.message),
  );
  delete frame.metadata.wrong;
  using again = frame.clone();
  assert.equal(again.metadata, { count: '3' });
});

for (const transport of ['reference', 'copy'] as const) {
  test(`it crosses threads by ${transport}, and filters`, async () => {
    const marker = defineModule({
      process(task) {
        for (const packet of task.inputs.get(0) ?? []) {
          if (packet.payload instanceof VideoFrame) packet.payload.metadata.number = `${packet.payload.pts}`;
          if (packet.payload instanceof AudioFrame) packet.payload.metadata.number = `${packet.payload.pts}`;
          if (!packet.isEof) task.output(0).push(packet);
        }
      },
    });
    for (const kind of ['video', 'audio'] as const) {
      const graph = graphOn({ threads: 2, transport, optimize_graph: false });
      const marked = graph.decode({ input_path: media('clip-4s.mp4'), vframes: 5, aframes: 5 }, { scheduler: 1 })[kind];
      const inline = marked.module(marker, {}, { thread: 'calling' });
      const filtered =
        kind === 'video' ? inline.filter('hflip', { alias: 'turned' }) : inline.filter('volume', { volume: 1 });
      let seen = 0;
      for await (const packet of filtered.packets().closing()) {
        const frame = packet.payload as VideoFrame | AudioFrame;
        assert.is(frame.metadata.number, `${frame.pts}`);
        seen++;
      }
      assert.is(seen, 5);
    }
  });
}

test('what filters find is in the metadata of their frames, also in another thread', async () => {
  const found: Record<string, [kind: 'video' | 'audio', filter: [string, ...(string | object)[]], key: string]> = {
    'the score of a scene': ['video', ['select', 'gte(scene,0)'], 'lavfi.scene_score'],
    'a crop': ['video', ['cropdetect', { skip: 0 }], 'lavfi.cropdetect.w'],
    'the begin of black': ['video', ['blackdetect', { d: 0 }], 'lavfi.black_start'],
    silence: ['audio', ['silencedetect', { d: 0.01 }], 'lavfi.silence_start'],
    loudness: ['audio', ['ebur128', { metadata: 1 }], 'lavfi.r128.M'],
  };
  const graph = graphOn({ threads: 2, optimize_graph: false });
  const black = graph.filter('color', { color: 'black', size: '64x48', duration: 0.2 });
  const silent = graph.filter('anullsrc', { duration: 0.2 });
  const readers = Object.entries(found).map(([what, [kind, [filter, ...args], key]]) => {
    const stream = kind === 'video' ? black : silent;
    return {
      what,
      key,
      packets: stream
        .filter(filter, ...(args as string[]))
        .packets()
        .closing(),
    };
  });
  const reads = readers.map(async ({ what, key, packets }) => {
    let seen = 0;
    for await (const { payload } of packets) if (key in (payload as VideoFrame).metadata) seen++;
    assert.ok(seen > 0, what);
  });
  await Promise.all(reads);
});

test('a value set as data goes the same ways', async () => {
  const value = { boxes: [[1, 2, 3, 4]], label: 'ü', at: 10n ** 12n };
  for (const transport of ['reference', 'copy'] as const) {
    const graph = graphOn({ threads: 2, transport });
    const source = graph.inputStream('pictures');
    const reader = source.filter('hflip').packets().closing();
    await graph.start();
    const frame = picture();
    frame.data = value;
    assert.equal(frame.data, value);
    assert.throws(() => {
      (frame.data as { label: string }).label = 'lost';
    }, TypeError);
    await source.push(new Packet(frame));
    await source.end();
    for await (const { payload } of reader) assert.equal((payload as VideoFrame).data, value);
    await graph.close();
  }
  using frame = picture();
  assert.is(frame.data, undefined);
  frame.data = 1;
  frame.data = undefined;
  using clone = frame.clone();
  assert.equal([clone.data, clone.metadata], [undefined, {}]);
  assert.throws(() => {
    frame.data = () => {};
  }, /cannot cross threads/);
});

test('frames that are pushed keep it', async () => {
  const graph = graphOn({ threads: 1 });
  const source = graph.inputStream('pictures');
  const reader = source.filter('vflip').packets().closing();
  await graph.start();
  const frame = picture();
  frame.metadata.x = 'y';
  await source.push(new Packet(frame));
  await source.end();
  for await (const { payload } of reader) assert.is((payload as VideoFrame).metadata.x, 'y');
  await graph.close();
});

test.run();

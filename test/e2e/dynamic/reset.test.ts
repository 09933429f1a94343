/** `handle.reset(options)`: options that change while the graph runs. */
import { AudioFrame, defineModule, encode, Graph, GraphError, type InputStream, Packet, VideoFrame } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add } from '../../kit/modules.js';
import { failureOf, soon } from '../../kit/soon.js';

const resets = suite('reset of a running node');

/** Pushes a packet into a graph and takes what comes of it. */
async function through<T>(input: InputStream, reader: AsyncIterator<Packet>, payload: unknown): Promise<T> {
  await input.push(new Packet(payload));
  const { value } = await soon('the next packet', reader.next());
  return (value as Packet).payload as T;
}

function picture(n: number, width = 64, height = 48): VideoFrame {
  const frame = VideoFrame.alloc({ width, height, format: 'yuv420p', pts: BigInt(n), timeBase: { num: 1, den: 25 } });
  for (const { data } of frame.planes()) data.fill(n % 200);
  return frame;
}

async function done(graph: Graph): Promise<void> {
  await graph.inputStream('in').end();
  await soon('the graph', graph.close());
}

for (const threads of [0, 1]) {
  resets(`threads: ${threads}: a module is told between two packets, and refuses by throwing`, async () => {
    const graph = new Graph({ threads });
    const input = graph.inputStream('in');
    const factor = add(graph, 'Factor', { factor: 2 }, { inputs: [input], alias: 'times' });
    const fixed = add(graph, 'Relay', {}, { inputs: [factor], alias: 'fixed' });
    const reader = fixed.packets();
    assert.match((await failureOf('the reset', factor.reset({ factor: 3 }))).message, /"times" before the start/);
    await graph.start({ mode: 'push' });
    assert.equal(await through(input, reader, { n: 4 }), { n: 8 });
    await factor.reset({ factor: 10 });
    assert.equal(await through(input, reader, { n: 4 }), { n: 40 });
    const refused = (await failureOf('the reset', factor.reset({ factor: -1 }))) as GraphError;
    assert.ok(refused instanceof GraphError);
    assert.equal([refused.alias, refused.phase, refused.code], ['times', 'reset', 'ERR_MILLRACE_MODULE']);
    const unable = await failureOf('the reset', graph.node('fixed').reset({ a: 1 }));
    assert.match(unable.message, /"fixed".*has no dynamicReset/);
    assert.is(unable.code, 'ERR_MILLRACE_STATE');
    assert.equal(await through(input, reader, { n: 5 }), { n: 50 });
    await done(graph);
    assert.is((await failureOf('the reset', factor.reset({ factor: 1 }))).code, 'ERR_MILLRACE_CLOSED');
  });
}

resets('an asynchronous reset holds the module, and one within a call comes after it', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.inputStream('in');
  const events: string[] = [];
  const slow = defineModule({
    async process(task) {
      const [packet] = task.inputs.get(0) ?? [];
      if (packet?.isEof !== false) return;
      events.push('call');
      await new Promise((resolve) => setTimeout(resolve, 10));
      events.push('called');
    },
    async dynamicReset() {
      events.push('reset');
      await new Promise((resolve) => setTimeout(resolve, 10));
      events.push('was reset');
    },
  });
  const node = input.module(slow);
  await graph.start({ mode: 'push' });
  await input.push(new Packet({ n: 0 }));
  while (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const reset = node.reset({ any: 1 });
  await input.push(new Packet({ n: 1 }));
  await soon('the reset', reset);
  await done(graph);
  assert.equal(events, ['call', 'called', 'reset', 'was reset', 'call', 'called']);
});

resets('every parallel copy of a node is reset', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.inputStream('in');
  const factor = add(graph, 'Factor', { factor: 2 }, { inputs: [input], distNums: 2 });
  const reader = factor.packets();
  await graph.start({ mode: 'push' });
  await factor.reset({ factor: 5 });
  for (const n of [1, 2, 3]) assert.equal(await through(input, reader, { n }), { n: 5 * n });
  await done(graph);
});

resets('a filter takes arguments by name as commands, and others by a new graph, without losing a frame', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.inputStream('in');
  const volume = input.filter('volume', 0.5);
  const reader = volume.packets();
  await graph.start({ mode: 'push' });
  let pts = 0n;
  const loudness = async (): Promise<number> => {
    const frame = AudioFrame.from([new Float32Array(100).fill(0.8)], {
      sampleRate: 8000,
      format: 'fltp',
      pts,
      timeBase: { num: 1, den: 8000 },
    });
    pts += 100n;
    const out = await through<AudioFrame>(input, reader, frame);
    const [sample] = new Float32Array(out.planes()[0]!.data.slice().buffer);
    out.close();
    return Math.round(sample! * 1000) / 1000;
  };
  assert.is(await loudness(), 0.4);
  await volume.reset({ volume: 0.25 });
  assert.is(await loudness(), 0.2);
  await volume.reset({ para: '0.125' });
  assert.is(await loudness(), 0.1);
  const refused = await failureOf('the reset', volume.reset({ loudness: 3 }));
  assert.is(refused.code, 'ERR_MILLRACE_OPTION');
  assert.match(refused.message, /loudness/);
  assert.match((await failureOf('the reset', volume.reset({ name: 'hflip' }))).message, /hflip|video/);
  assert.is(await loudness(), 0.1);
  await done(graph);
});

for (const merged of [false, true]) {
  resets(
    `another size is a new filter graph at a frame boundary${merged ? ', also of merged filters' : ''}`,
    async () => {
      const graph = new Graph({ threads: 0 });
      const input = graph.inputStream('in');
      const scale = input.scale(32, 24);
      const last = merged ? scale.vflip().hflip() : scale;
      const reader = last.packets();
      await graph.start({ mode: 'push' });
      const size = async (n: number): Promise<string> => {
        const out = await through<VideoFrame>(input, reader, picture(n));
        const text = `${out.pts}: ${out.width}x${out.height}`;
        out.close();
        return text;
      };
      // Neighbours that treat single pictures are one graph from the fifth picture on.
      for (let n = 0; n < 7; n++) assert.is(await size(n), `${n}: 32x24`);
      await scale.reset({ para: '16:12' });
      for (let n = 7; n < 13; n++) assert.is(await size(n), `${n}: 16x12`);
      await scale.reset({ w: 48 });
      assert.is(await size(13), '13: 48x12');
      const refused = (await failureOf('the reset', scale.reset({ para: 'w=foo(' }))) as GraphError;
      assert.equal(
        [refused.phase, refused.alias],
        ['reset', graph.node(scale.nodeId).name.replace(/_0$/, '')].slice(0, 1).concat(refused.alias!),
      );
      assert.is(await size(14), '14: 48x12');
      await done(graph);
    },
  );
}

resets('what lies over a picture is moved, and a source of frames is changed by commands only', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.inputStream('in');
  const top = graph.filter('color', { c: 'white', s: '16x16', r: 25 });
  const overlay = input.overlay(top, { x: 0, y: 0, shortest: true });
  const reader = overlay.packets();
  await graph.start({ mode: 'push' });
  const corners = async (n: number): Promise<boolean[]> => {
    const out = await through<VideoFrame>(input, reader, picture(n));
    const [luma] = out.planes();
    const at = (x: number, y: number): boolean => luma!.data[y * luma!.stride + x]! > 100;
    const found = [at(4, 4), at(60, 44)];
    out.close();
    return found;
  };
  assert.equal(await corners(0), [true, false]);
  await overlay.reset({ x: 48, y: 32 });
  // What was put together before may still come.
  let moved = await corners(1);
  for (let n = 2; n < 5 && moved[0]; n++) moved = await corners(n);
  assert.equal(moved, [false, true]);
  assert.match((await failureOf('the reset', top.reset({ size: '8x8' }))).message, /has no input.*no command/);
  await done(graph);
});

resets('an encoder gets other rates where libavcodec takes them, and key frames', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.inputStream('in');
  const params = {
    codec: 'libx264',
    preset: 'ultrafast',
    tune: 'zerolatency',
    crf: 10,
    g: 1000,
    sc_threshold: 0,
    r: 25,
    threads: 1,
  };
  const encoder = encode(input, null, { push_output: 2, video_params: params }, { alias: 'x264' });
  const reader = encoder.packets<{ isKey?: boolean; flags: number; size: number }>();
  await graph.start({ mode: 'push' });
  let n = 0;
  const noise = (): VideoFrame => {
    const frame = picture(n++);
    for (const { data } of frame.planes())
      for (let i = 0; i < data.length; i++) data[i] = (i * 7919 + n * 31 * i) & 255;
    return frame;
  };
  await input.push(new Packet(noise()));
  await soon('the StreamInfo', reader.next());
  const next = async (): Promise<{ key: boolean; size: number }> => {
    const { value } = await soon('the packet', reader.next());
    const { flags, data } = (value as Packet).payload as { flags: number; data: Uint8Array };
    await input.push(new Packet(noise()));
    return { key: (flags & 1) !== 0, size: data.byteLength };
  };
  assert.ok((await next()).key);
  const before = await next();
  assert.not(before.key);
  await encoder.reset({ force_key_frames: 'now' });
  await next(); // pushed before
  assert.ok((await next()).key);
  await encoder.reset({ video_params: { crf: 45 } });
  await next();
  await next();
  const after = await next();
  assert.ok(after.size < before.size / 2, `${before.size} -> ${after.size}`);
  const refusals: [Record<string, unknown>, RegExp][] = [
    [{ output_path: 'b.mp4' }, /output_path cannot be changed while it encodes/],
    [{ video_params: { preset: 'slow' } }, /video_params\.preset cannot be changed/],
    [{ video_params: { bit_rate: '100k' } }, /only if it was begun with a buffer model/],
    [{ video_params: { width: 16 } }, /width cannot be changed/],
    [{ force_key_frames: 'expr:gte(x,1)' }, /'x' is no variable/],
  ];
  for (const [options, message] of refusals) {
    assert.match((await failureOf('the reset', encoder.reset(options))).message, message);
  }
  await reader.return();
  await graph.close();
});

resets.run();

/** `graph.connect()` within `graph.addNode()`: inputs come to a mixer that runs, leave it, and change. */
import { AudioFrame, Graph, type GraphError, type InputStream, type NodeHandle, Packet, VideoFrame } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, soon } from '../../kit/soon.js';

const joining = suite('inputs that join a mixer');
const RATE = 8000;

/** Sound whose samples are multiples of 1/1024, so that sums are exact. */
function sound(first: number, samples: number, value: (at: number) => number): AudioFrame {
  const channel = Float32Array.from({ length: samples }, (_, i) => value(first + i) / 1024);
  return AudioFrame.from([channel], { sampleRate: RATE, format: 'fltp', pts: BigInt(first) });
}

/** Pushes what comes next on an input. */
function pusher(input: InputStream, size: number, value: (at: number) => number): () => Promise<unknown> {
  let at = 0;
  return () => {
    at += size;
    return input.push(new Packet(sound(at - size, size, value)));
  };
}

/** All samples that have come, and whether their times follow one another. */
class Listener {
  readonly samples: number[] = [];

  constructor(private readonly stream: NodeHandle) {}

  /** Starts the graph, and listens to its end. */
  async listen(): Promise<void> {
    for await (const { payload } of this.stream.packets<AudioFrame>().closing()) {
      assert.is(payload.pts, BigInt(this.samples.length), 'a gap, or samples that come twice');
      const [plane] = payload.copyPlanes();
      this.samples.push(...[...new Float32Array(plane!.data.buffer, 0, payload.samples)].map((v) => v * 1024));
    }
  }

  async has(count: number): Promise<void> {
    while (this.samples.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

joining('sound is mixed sample for sample from the first one of who joins, whoever else comes and goes', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.inputStream('in');
  const mix = input.filter('amix', { inputs: 1, normalize: false, alias: 'mix' });
  const heard = new Listener(mix);
  const more = pusher(input, 100, (at) => at % 64);
  const listening = heard.listen();
  await soon('the start', started(graph));
  await more();
  await soon('the first samples', heard.has(100));

  const join = async (name: string): Promise<InputStream> =>
    soon(
      'the addition',
      graph.addNode(() => {
        const guest = graph.inputStream(name);
        graph.connect(guest, 'mix');
        return guest;
      }),
    );
  const first = await join('first');
  await more();
  await soon('what goes on without the first guest', heard.has(200));
  const firstMore = pusher(first, 60, (at) => 100 + (at % 7));
  await firstMore();
  for (let i = 0; i < 3; i++) await Promise.all([more(), firstMore(), firstMore()]);
  await soon('the mix', heard.has(400));
  // 60 samples of one for 100 of the other: some are always inside.
  const second = await join('second');
  const secondMore = pusher(second, 70, (at) => 200 + (at % 5));
  for (let i = 0; i < 3; i++) await Promise.all([more(), firstMore(), firstMore(), secondMore()]);
  await soon('both', heard.has(600));
  await first.end();
  for (let i = 0; i < 4; i++) await Promise.all([more(), secondMore(), secondMore()]);
  const third = await join('third');
  const thirdMore = pusher(third, 50, () => 400);
  for (let i = 0; i < 4; i++) await Promise.all([more(), secondMore(), thirdMore()]);
  await Promise.all([second.end(), third.end(), more(), more()]);
  await input.end();
  const report = await soon('the graph', graph.close());
  await listening;
  assert.equal(report.warnings, []);
  assert.equal(report.leaked, {});

  const { samples } = heard;
  assert.is(samples.length, 100 * 18);
  const own = samples.map((value, at) => value - (at % 64));
  // From the sample with which each begins on all of it is there, one after the other.
  const fromFirst = own.findIndex((value) => value !== 0);
  const fromSecond = own.findIndex((value) => value >= 200);
  const fromThird = own.findIndex((value) => value >= 400 + 200);
  const guest = (at: number, from: number, count: number, value: (n: number) => number): number =>
    at >= from && at < from + count ? value(at - from) : 0;
  assert.ok(0 < fromFirst && fromFirst < fromSecond && fromSecond < fromThird);
  assert.equal(
    own,
    own.map(
      (_, at) =>
        guest(at, fromFirst, 60 * 13, (n) => 100 + (n % 7)) +
        guest(at, fromSecond, 70 * 15, (n) => 200 + (n % 5)) +
        guest(at, fromThird, 50 * 4, () => 400),
    ),
  );
});

async function started(graph: Graph): Promise<void> {
  while (graph.status().state !== 'running') await new Promise((resolve) => setTimeout(resolve, 1));
}

function picture(n: number, luma: number, size = 16): VideoFrame {
  const frame = VideoFrame.alloc({
    width: size,
    height: size,
    format: 'yuv420p',
    pts: BigInt(n),
    timeBase: { num: 1, den: 25 },
  });
  for (const [i, { data }] of frame.planes().entries()) data.fill(i === 0 ? luma : 128);
  return frame;
}

joining('pictures are laid over one that runs, move, and leave; none of it is lost and a still one stays', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.inputStream('in');
  const logo = graph.inputStream('logo');
  const stage = input.module(
    'c_ffmpeg_filter',
    { graph: '[0][1]overlay=x=0:y=0[0]' },
    { inputs: [logo], alias: 'stage' },
  );
  const seen: { n: number; at: (x: number, y: number) => number }[] = [];
  const reader = stage.packets<VideoFrame>().closing();
  await graph.start();
  const reading = (async () => {
    for await (const { payload } of reader) {
      const [plane] = payload.copyPlanes();
      seen.push({ n: Number(payload.pts), at: (x, y) => plane!.data[y * plane!.stride + x]! });
    }
  })();
  const shown = async (count: number): Promise<void> => {
    while (seen.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  let n = 0;
  const more = async (): Promise<void> => {
    await input.push(new Packet(picture(n++, 40)));
  };
  await logo.push(new Packet(picture(0, 200, 4)));
  await logo.end();
  for (let i = 0; i < 4; i++) await more();
  await soon('the pictures', shown(3));
  const two = (x: number): { graph: string } => ({
    graph: `[0][1]overlay=x=0:y=0[a];[a][2]overlay@guest=x=${x}:y=8:eof_action=pass[0]`,
  });
  const guest = await soon(
    'the addition',
    graph.addNode(() => {
      const stream = graph.inputStream('guest');
      graph.connect(stream, 'stage', undefined, two(8));
      return stream;
    }),
  );
  for (let i = 0; i < 3; i++) await more();
  await soon('what goes on without the guest', shown(6));
  // It moves before anything of it has come, and back.
  await stage.reset(two(12));
  await stage.reset(two(8));
  const began = n;
  const guestMore = (): Promise<unknown> => guest.push(new Packet(picture(n, 120, 4)));
  for (let i = 0; i < 5; i++) {
    await guestMore();
    await more();
  }
  await soon('the guest', shown(began + 3));
  await stage.reset(two(12));
  for (let i = 0; i < 5; i++) {
    await guestMore();
    await more();
  }
  await guest.end();
  for (let i = 0; i < 3; i++) await more();
  // Who has left may be left out.
  await stage.reset({ graph: '[0][1]overlay=x=0:y=0[0]' });
  for (let i = 0; i < 5; i++) await more();
  await input.end();
  const report = await soon('the graph', graph.close());
  await reading;
  assert.equal(report.warnings, []);
  assert.equal(report.leaked, {});
  assert.equal(
    seen.map((picture) => picture.n),
    [...Array(n).keys()],
  );
  for (const { at } of seen) assert.is(at(1, 1), 200, 'the still picture');
  const places = seen.map(({ at }) => (at(9, 9) === 120 ? 'left' : at(13, 9) === 120 ? 'right' : 'none'));
  const order = places.filter((place, i) => place !== places[i - 1]);
  assert.equal(order, ['none', 'left', 'right', 'none']);
  assert.ok(places.indexOf('left') <= began + 1, `${places}`);
});

joining('what cannot join is refused with what would be right, and nothing changes', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.inputStream('in');
  input.encode(
    null,
    { output_path: '/dev/null', format: 'rawvideo', video_params: { codec: 'rawvideo' } },
    { alias: 'encoder' },
  );
  input.filter('overlay', graph.filter('color', { s: '4x4' }), { alias: 'two', shortest: true }).module('null_sink');
  input.concat(graph.filter('color', { s: '16x16', d: 0.2 }), { alias: 'joined' }).module('null_sink');
  input.hflip().vflip({ alias: 'merged' }).module('null_sink');
  await graph.start({ mode: 'push' });
  const refusals: [to: string, options: Record<string, unknown> | undefined, message: RegExp][] = [
    ['encoder', undefined, /tracks of a file.*No container.*addOutput/],
    ['two', undefined, /takes 2 inputs, 3 connected.*graph\.connect\(stream, node, undefined, \{ graph/],
    ['two', { graph: '[0][1][2]concat=n=3[0]' }, /'concat' takes no further inputs/],
    ['two', { graph: '[0][1]overlay[0]' }, /takes 2 inputs, 3 connected/],
    ['joined', undefined, /'concat' takes no further inputs|takes 2 inputs/],
    ['merged', undefined, /run as one with the filters around it.*optimize_graph: false/],
  ];
  for (const [to, options, message] of refusals) {
    const error = await failureOf(
      'the addition',
      graph.addNode(() => graph.connect(graph.filter('color', { s: '16x16', alias: 'new' }), to, undefined, options)),
    );
    assert.match(error.message, message, error.message);
  }
  const early = new Graph();
  const source = early.filter('color');
  assert.throws(() => early.connect(source, source.hflip(), 1, {}), /options before the start/);
  await input.push(new Packet(picture(0, 1)));
  await input.end();
  await soon('the graph', graph.close());
});

joining('who turns out not to fit is turned away with a warning, and the mixer goes on', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.inputStream('in');
  const row = input.hstack(graph.inputStream('beside'), { alias: 'row' });
  const beside = graph.inputStream('beside');
  const reader = row.packets<VideoFrame>();
  await graph.start();
  const widths: number[] = [];
  const more = async (n: number): Promise<void> => {
    await Promise.all([input.push(new Packet(picture(n, 1))), beside.push(new Packet(picture(n, 2)))]);
    const { value } = await soon('the row', reader.next());
    widths.push(value!.payload.width);
    value!.close();
  };
  await more(0);
  const [tall, fits] = await soon(
    'the addition',
    graph.addNode(() => {
      const guests = [graph.inputStream('tall'), graph.inputStream('fits')] as const;
      for (const guest of guests) graph.connect(guest, 'row');
      return guests;
    }),
  );
  await more(1);
  assert.is(await tall.push(new Packet(picture(2, 3, 32))), true);
  for (let n = 2; n < 6; n++) await more(n);
  assert.is(await tall.push(new Packet(picture(6, 3, 32))), false, 'nobody takes it');
  for (let n = 6; n < 12; n++) {
    await fits.push(new Packet(picture(n, 3)));
    await more(n);
  }
  assert.is(widths.at(5), 32);
  assert.is(widths.at(-1), 48);
  await reader.return();
  const error = await graph.close().catch((failure: GraphError) => failure);
  const { warnings } = error as { warnings: string[] };
  assert.ok(
    warnings.some((text) => /input 2 cannot be joined.*Cannot configure filter 'hstack=inputs=3'/.test(text)),
    warnings.join('\n'),
  );
});

joining.run();

/** Subtitles drawn into pictures: docs/subtitles.md. What is drawn is of no font, but without any libass draws nothing. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import {
  defineModule,
  EncodedPacket,
  encode,
  Graph,
  type NodeHandle,
  Packet,
  probe,
  type Stream,
  StreamInfo,
  Subtitle,
  type VideoFrame,
} from 'millrace';
import { AV_CODEC_ID_HDMV_PGS_SUBTITLE } from 'node-av/constants';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, run, scratch } from '../../kit/media.js';
import { thrown } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { lackingFont, testUnless } from '../../kit/skip.js';

const test = suite('burnt subtitles');
const path = scratch();
const graphOn = await sharedThreads(2);

/** A square of 16 pixels in the upper left corner, from 0.5 to 1 s. */
const SQUARE = '{\\an7\\pos(0,0)\\bord0\\shad0\\p1}m 0 0 l 16 0 16 16 0 16{\\p0}';
const HEADER = `[Script Info]
ScriptType: v4.00+
PlayResX: 64
PlayResY: 48

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour
Style: Default,Arial,16,&H00FFFFFF

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
`;

/** Black pictures, five a second for two seconds, with the square. */
const CLIP = path('clip.mkv');
async function makeClip(): Promise<void> {
  writeFileSync(path('square.ass'), `${HEADER}Dialogue: 0,0:00:00.50,0:00:01.00,Default,,0,0,0,,${SQUARE}\n`);
  const graph = new Graph({ threads: 0 });
  const video = graph.filter('color', { size: '64x48', rate: 10, duration: 2 });
  const subtitle = graph.decode({ input_path: path('square.ass') }).subtitles[0];
  encode(
    { video, subtitle },
    {
      output_path: CLIP,
      video_params: { codec: 'ffv1', pix_fmt: 'yuv420p', threads: 1 },
      streams: { video: [{ language: 'deu', title: 'Bild' }] },
      metadata: { title: 'Film' },
    },
  );
  await run(graph);
}
test.before(makeClip);

function open(graph = new Graph({ threads: 0 })): NodeHandle {
  return graph.decode({ input_path: CLIP });
}

interface Seen {
  /** Seconds. */
  readonly time: number;
  /** Luma in the middle of the square and beside it. */
  readonly inside: number;
  readonly outside: number;
  readonly hash: string;
}

async function seen(stream: Stream, inside = 8, outside = 40): Promise<Seen[]> {
  const found: Seen[] = [];
  for await (const packet of stream.packets<VideoFrame>()) {
    const frame = packet.payload;
    const [luma] = frame.copyPlanes();
    const at = (x: number): number => luma!.data[8 * luma!.stride + x]!;
    const hash = createHash('md5').update(luma!.data).digest('hex');
    found.push({ time: packet.timestamp! / 1e6, inside: at(inside), outside: at(outside), hash });
    packet.close();
  }
  return found;
}

const bright = (pictures: readonly Seen[]): number[] =>
  pictures.filter(({ inside }) => inside > 200).map(({ time }) => time);

testUnless(
  test,
  lackingFont(),
  'text of the input is drawn as the filter of FFmpeg draws it, and only while it is shown',
  async () => {
    const input = open();
    const drawn = await seen(input.video.burnSubtitles(input.subtitles[0]!));
    assert.equal(bright(drawn), [0.5, 0.6, 0.7, 0.8, 0.9]);
    assert.ok(drawn.every(({ outside }) => outside === 16));
    const filtered = await seen(open().video.filter('subtitles', CLIP));
    assert.equal(drawn, filtered);
  },
);

testUnless(test, lackingFont(), 'what is cut out of the input is drawn into at the right time', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.decode({ input_path: CLIP, start_time: 0.7, end_time: 1.5 });
  const drawn = await seen(input.video.burnSubtitles(input.select({ kind: 'subtitle', codec: 'copy' })));
  assert.equal([drawn.length, ...bright(drawn)], [8, 0, 0.1, 0.2]);
});

test('a file of subtitles, and styles of another look, across threads', async () => {
  const graph = graphOn();
  const video = open(graph).video;
  const drawn = await seen(video.burnSubtitles(path('square.ass'), { style: 'PrimaryColour=&H00000000' }));
  assert.equal([drawn.length, ...bright(drawn)], [20]);
});

testUnless(test, lackingFont(), 'what the program has in memory is read a second time for its subtitles', async () => {
  const input = new Graph({ threads: 0 }).decode({ input: readFileSync(CLIP) });
  const drawn = await seen(input.video.burnSubtitles(input.subtitles[0]!));
  assert.equal(bright(drawn), [0.5, 0.6, 0.7, 0.8, 0.9]);
});

const maker = defineModule({
  process(task) {
    const subtitle = new Subtitle({ start: 1_000_000, end: 1_200_000, ass: SQUARE, header: HEADER });
    // Until the next one.
    const next = new Subtitle({ start: 1_500_000, end: 1_500_000, ass: SQUARE, header: HEADER });
    const last = new Subtitle({ start: 1_700_000, end: 1_700_001, text: 'x' });
    for (const each of [next, last, subtitle]) task.output(0).push(new Packet(each));
    task.done();
  },
});

testUnless(test, lackingFont(), 'subtitles that a module makes are drawn', async () => {
  const graph = new Graph({ threads: 0 });
  const drawn = await seen(open(graph).video.burnSubtitles(graph.module(maker)));
  assert.equal(bright(drawn), [1, 1.1, 1.5, 1.6]);
});

test('fonts that are attached to the file come before its subtitles', async () => {
  const payloads: string[] = [];
  const stream = new Graph({ threads: 0 })
    .decode({ input_path: media('everything.mkv') })
    .select({ kind: 'subtitle', fonts: true });
  for await (const { payload } of stream.packets()) {
    payloads.push(payload instanceof StreamInfo ? `${payload.kind} ${payload.metadata.filename}` : 'subtitle');
  }
  assert.equal([...new Set(payloads)], ['attachment font.ttf', 'subtitle']);
  // That one is no font at all, and is left to libass.
  const input = new Graph({ threads: 0 }).decode({ input_path: media('everything.mkv') });
  input.video.burnSubtitles(input.subtitles[0]!).module('null_sink');
  await run(input.graph);
});

test('that nothing is drawn is a warning', async () => {
  const input = open();
  const none = input.select({ kind: 'subtitle', language: 'xxx', optional: true });
  input.video.burnSubtitles(none).module('null_sink');
  assert.match((await run(input.graph)).warnings.join(), /burn_subtitles_\d: nothing is drawn: no subtitles came/);
});

test('a graph file of unknown origin reads its subtitles and fonts from files only', () => {
  const problems = (streams: object, options: object): string => {
    const nodes = [
      {
        id: 0,
        module_info: { name: 'c_ffmpeg_decoder' },
        option: { input_path: 'in.mkv' },
        output_streams: [{ identifier: 'video:v' }],
      },
      {
        id: 1,
        module_info: { name: 'c_ffmpeg_decoder' },
        option: streams,
        output_streams: [{ identifier: 'video:x' }, { identifier: 'audio:y' }, { identifier: 's' }],
      },
      {
        id: 2,
        module_info: { name: 'burn_subtitles' },
        option: options,
        input_streams: [{ identifier: 'v' }, { identifier: 's' }],
        output_streams: [{ identifier: 'o' }],
      },
    ];
    return thrown(() => Graph.fromConfig({ output_streams: [{ identifier: 'o' }], nodes })).message;
  };
  const described = [{ kind: 'subtitle' }];
  assert.match(
    problems({ input_path: 'http://x/y.srt', streams: described }, {}),
    /nodes\[1\]\.option\.input_path: .*http/,
  );
  assert.match(
    problems({ input_path: 'in.srt', streams: described }, { fonts_dir: 'http://x/' }),
    /nodes\[2\]\.option\.fonts_dir: .*http/,
  );
});

test('the file still says of the picture what its source says', async () => {
  const input = open();
  const video = input.video.burnSubtitles(input.subtitles[0]!);
  video.encode(null, { output_path: path('burnt.mkv'), video_params: { codec: 'mpeg4', threads: 1 } });
  await run(input.graph);
  const { format, streams } = await probe(path('burnt.mkv'));
  assert.equal(
    [format.tags.title, streams.length, streams[0]!.language, streams[0]!.title],
    ['Film', 1, 'deu', 'Bild'],
  );
});

test('a graph that draws subtitles is written to a file that runs', async () => {
  const input = open();
  const video = input.video.burnSubtitles(input.subtitles[0]!, { style: 'FontSize=20' });
  video.encode(null, { output_path: path('filed.mkv'), video_params: { codec: 'mpeg4', threads: 1 } });
  const config = JSON.stringify(input.graph.toConfig());
  assert.match(config, /"name":"burn_subtitles"/);
  await run(Graph.fromConfig(config));
  assert.is((await probe(path('filed.mkv'))).streams[0]!.codec, 'mpeg4');
});

/** A red box of 8 pixels at 4, 4 on a screen of 64 x 48, from 0.5 s to 1 s, as Blu-ray discs have it. */
function displaySets(): [time: bigint, bytes: Buffer][] {
  const segment = (type: number, ...body: number[]): number[] => [type, body.length >> 8, body.length & 255, ...body];
  const presentation = (state: number, objects: number[]): number[] =>
    segment(0x16, 0, 64, 0, 48, 16, 0, 0, state, 0, 0, objects.length / 8, ...objects);
  const row = [0, 0x88, 1, 0, 0];
  const rle = Array.from({ length: 8 }, () => row).flat();
  const begin = [
    ...presentation(0x80, [0, 0, 0, 0, 0, 4, 0, 4]),
    ...segment(0x14, 0, 0, 1, 235, 128, 128, 255),
    ...segment(0x15, 0, 0, 0, 0xc0, 0, 0, rle.length + 4, 0, 8, 0, 8, ...rle),
    ...segment(0x80),
  ];
  return [
    [500n, Buffer.from(begin)],
    [1000n, Buffer.from([...presentation(0, []), ...segment(0x80)])],
  ];
}

test('subtitles that are pictures are laid over those of the video, scaled to its size', async () => {
  // What a decoder says of subtitles, made those of a disc.
  const [found] = await infosOf(
    new Graph({ threads: 0 }).decode({ input_path: CLIP }).select({ kind: 'subtitle', codec: 'copy' }),
  );
  const info = StreamInfo.fromJSON({
    ...found!.toJSON(),
    codec: 'hdmv_pgs_subtitle',
    codecId: AV_CODEC_ID_HDMV_PGS_SUBTITLE,
    extradata: '',
  });
  const disc = defineModule({
    process(task) {
      task.output(0).push(new Packet(info));
      for (const [pts, bytes] of displaySets()) {
        task.output(0).push(new Packet(EncodedPacket.from(bytes, { pts, timeBase: { num: 1, den: 1000 } })));
      }
      task.done();
    },
  });
  const graph = new Graph({ threads: 0 });
  const drawn = await seen(open(graph).video.burnSubtitles(graph.module(disc)), 8, 20);
  assert.equal(bright(drawn), [0.5, 0.6, 0.7, 0.8, 0.9]);
  assert.ok(drawn.every(({ outside }) => outside === 16));
  const large = new Graph({ threads: 0 });
  const twice = open(large).video.scale(128, 96).burnSubtitles(large.module(disc));
  assert.equal(bright(await seen(twice, 20, 40)), [0.5, 0.6, 0.7, 0.8, 0.9]);
  const [file, other] = [new Graph({ threads: 0 }), new Graph({ threads: 0 })];
  encode(
    { video: open(file).video, subtitle: file.module(disc) },
    { output_path: path('disc.mkv'), video_params: { codec: 'ffv1', threads: 1 } },
  );
  await run(file);
  const copy = other.decode({ input_path: path('disc.mkv') });
  assert.equal(bright(await seen(copy.video.burnSubtitles(copy.subtitles[0]!))), [0.5, 0.6, 0.7, 0.8, 0.9]);
  const text = new Graph({ threads: 0 });
  encode({ subtitle: text.decode({ input_path: path('disc.mkv') }).subtitles[0] }, { output_path: path('disc.srt') });
  const { message: refusal } = await failureOf(text);
  assert.match(
    refusal,
    /subtitles that are pictures \(hdmv_pgs_subtitle\), which cannot become what 'srt' holds.*burnSubtitles/,
  );
});

async function infosOf(stream: Stream): Promise<StreamInfo[]> {
  const infos: StreamInfo[] = [];
  for await (const { payload } of stream.packets()) if (payload instanceof StreamInfo) infos.push(payload);
  return infos;
}

test('what cannot be drawn is refused before the start', () => {
  const input = open();
  const { video } = input;
  const refusal = (draw: () => unknown): string => thrown(draw).message;
  assert.match(
    refusal(() => video.burnSubtitles(input.audio)),
    /is no stream of subtitles.*subtitles\[0\]/,
  );
  assert.match(
    refusal(() => video.burnSubtitles('')),
    /burnSubtitles: "" has no subtitles/,
  );
  const passed = input.subtitles[0]!.module('pass_through');
  assert.match(
    refusal(() => video.burnSubtitles(passed)),
    /both come from c_ffmpeg_decoder_0.*Read the file a second time/,
  );
  const looped = new Graph({ threads: 0 }).decode({ input_path: CLIP, loop: 1 });
  assert.match(
    refusal(() => looped.video.burnSubtitles(looped.subtitles[0]!)),
    /more than once \(loop\)/,
  );
  const graph = new Graph({ threads: 0 });
  const pushed = graph.inputStream('bytes').decode();
  assert.match(
    refusal(() => pushed.video.burnSubtitles(pushed.subtitles[0]!)),
    /cannot be read a second time/,
  );
});

test('a file without subtitles is an error of its decoder', async () => {
  const input = open();
  input.video.burnSubtitles(media('one-frame.mp4')).module('null_sink');
  assert.match((await failureOf(input.graph)).message, /has no subtitle stream/);
});

test.run();

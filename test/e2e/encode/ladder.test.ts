/** Outputs for players that choose: `ladder`, `variants`, `encrypt`, and what the master playlist says. */
import { createDecipheriv } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  EncodedPacket,
  encode,
  Graph,
  type LadderInput,
  type LadderOptions,
  ladder,
  probe,
  type Stream,
} from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, run, scratch } from '../../kit/media.js';

const test = suite('ladder');
const path = scratch();

// How threads are used is not the point here.
process.env.MILLRACE_THREADS ??= '0';

const RENDITIONS = [
  { height: 48, bit_rate: '200k', preset: 'ultrafast', threads: 1 },
  { height: 24, bit_rate: '50k', preset: 'ultrafast', threads: 1 },
] as const;

/** Two seconds of a picture that is cut twice. */
function picture(graph: Graph): Stream {
  const scene = (color: string, duration: number) =>
    graph.filter('color', { color, size: '64x48', rate: 25, duration });
  return scene('red', 0.8).concat([scene('blue', 0.4), scene('white', 0.8)]);
}

const tone = (graph: Graph, frequency = 440): Stream =>
  graph.filter('sine', { frequency, sample_rate: 48000, duration: 2 });

async function written(call: (graph: Graph) => [LadderInput, LadderOptions]): Promise<string[]> {
  const graph = new Graph({ threads: 0 });
  ladder(...call(graph));
  const { warnings } = await run(graph);
  return warnings;
}

function lines(file: string, start: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(start));
}

/** Times of the key frames, µs. */
async function keyTimes(file: string): Promise<(number | undefined)[]> {
  const times: (number | undefined)[] = [];
  const reader = new Graph({ threads: 0 }).decode({ input_path: file, video_codec: 'copy' }).video.packets();
  for await (const packet of reader) {
    if (packet.payload instanceof EncodedPacket && packet.payload.flags & 1) times.push(packet.timestamp);
    packet.close();
  }
  return times;
}

test('HLS: renditions with aligned key frames, sounds by language, and a master playlist that tells what came', async () => {
  const folder = path('hls');
  const warnings = await written((graph) => [
    picture(graph),
    {
      output_path: join(folder, 'master.m3u8'),
      renditions: [...RENDITIONS],
      audio: [
        { source: tone(graph, 220), language: 'deu', bit_rate: '32k' },
        { source: tone(graph, 880), language: 'eng', title: 'Commentary', bit_rate: '64k', default: true },
      ],
      segment: { duration: 1 },
    },
  ]);
  assert.equal(warnings, []);
  assert.equal(readdirSync(folder).sort(), ['24p', '48p', 'audio-deu', 'audio-eng', 'master.m3u8']);
  for (const name of ['24p', '48p']) {
    const playlist = join(folder, name, 'index.m3u8');
    assert.equal(lines(playlist, '#EXTINF'), ['#EXTINF:1.000000,', '#EXTINF:1.000000,']);
    assert.is(lines(playlist, '#EXT-X-ENDLIST').length, 1);
    // None at the changes of scene.
    assert.equal(await keyTimes(playlist), [0, 1_000_000]);
  }
  const sounded = lines(join(folder, 'master.m3u8'), '#EXT-X-MEDIA:TYPE=AUDIO');
  assert.match(sounded[0]!, /NAME="de",DEFAULT=NO,LANGUAGE="de",CHANNELS="1",URI="audio-deu\/index.m3u8"/);
  assert.match(sounded[1]!, /NAME="Commentary",DEFAULT=YES,LANGUAGE="en"/);

  const bytes = (name: string) =>
    readdirSync(join(folder, name))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(folder, name, file)).length);
  const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
  const streams = lines(join(folder, 'master.m3u8'), '#EXT-X-STREAM-INF');
  assert.is(streams.length, 2);
  for (const [i, [name, size]] of [['48p', '64x48'] as const, ['24p', '32x24'] as const].entries()) {
    const [, peak, average] = /BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+)/.exec(streams[i]!)!.map(Number);
    // Of the sounds that may go with it the one with the most bits.
    assert.ok(Math.abs(average! - (sum(bytes(name)) + sum(bytes('audio-eng'))) * 4) < 0.02 * average!, streams[i]);
    assert.ok(peak! >= average! && peak! >= Math.max(...bytes(name)) * 8, streams[i]);
    assert.match(
      streams[i]!,
      new RegExp(`RESOLUTION=${size},FRAME-RATE=25.000,CODECS="avc1.[\\da-f]{6},mp4a.40.2",AUDIO="group_audio"$`, 'i'),
    );
  }
});

test('CMAF: one set of segments with a manifest and playlists, from a decoder', async () => {
  const folder = path('cmaf');
  const warnings = await written((graph) => [
    graph.decode({ input_path: media('two-audio-tracks.mp4'), end_time: 0.8 }),
    {
      output_path: join(folder, 'stream.m3u8'),
      format: 'cmaf',
      renditions: [...RENDITIONS],
      audio: [{ source: 0 }, { source: { number: 1 }, name: 'second', bit_rate: '32k' }],
      segment: { duration: 0.4 },
    },
  ]);
  assert.equal(warnings, []);
  assert.is(lines(join(folder, 'stream.m3u8'), '#EXT-X-STREAM-INF').length, 2);
  assert.is(lines(join(folder, 'stream.m3u8'), '#EXT-X-MEDIA:TYPE=AUDIO').length, 2);
  const manifest = readFileSync(join(folder, 'manifest.mpd'), 'utf8');
  assert.is([...manifest.matchAll(/<AdaptationSet /g)].length, 3);
  const [first] = manifest.match(/<Representation id="0"[\s\S]*?<\/Representation>/)!;
  const sizes = ['00001', '00002'].map((n) => readFileSync(join(folder, `chunk-stream0-${n}.m4s`)).length);
  assert.is(Number(/bandwidth="(\d+)"/.exec(first!)![1]), Math.ceil((Math.max(...sizes) * 8) / 0.4));
  const { streams } = await probe(join(folder, 'manifest.mpd'));
  assert.equal(
    streams.map(({ kind, height }) => height ?? kind),
    [48, 24, 'audio', 'audio'],
  );
});

test('an input without sound is a ladder without sound', async () => {
  const folder = path('silent');
  const silent = path('silent.mp4');
  const maker = new Graph({ threads: 0 });
  picture(maker).encode(null, { output_path: silent, video_params: { codec: 'mpeg4', threads: 1 } });
  await run(maker);
  await written((graph) => [
    graph.decode({ input_path: silent }),
    { output_path: join(folder, 'm.m3u8'), renditions: [RENDITIONS[0]] },
  ]);
  assert.equal(readdirSync(folder).sort(), ['48p', 'm.m3u8']);
  assert.match(lines(join(folder, 'm.m3u8'), '#EXT-X-STREAM-INF')[0]!, /CODECS="avc1[^,"]*"$/);
});

test('of a live output so many segments are kept as are told', async () => {
  const folder = path('live');
  await written((graph) => [
    picture(graph),
    { output_path: join(folder, 'm.m3u8'), renditions: [RENDITIONS[1]], segment: { duration: 0.6, window: 2 } },
  ]);
  const playlist = join(folder, '24p', 'index.m3u8');
  assert.equal(readFileSync(playlist, 'utf8').match(/^index\d+\.ts$/gm), ['index2.ts', 'index3.ts']);
  assert.not(existsSync(join(folder, '24p', 'index0.ts')));
  assert.match(lines(join(folder, 'm.m3u8'), '#EXT-X-STREAM-INF')[0]!, /BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,RES/);
});

test('a master playlist in which nothing is listed is a warning', async () => {
  const [warning] = await written((graph) => [
    graph.decode({ input_path: media('one-frame.mp4') }),
    { output_path: path('short/m.m3u8'), renditions: [{ height: 24, threads: 1 }] },
  ]);
  assert.match(warning!, /m\.m3u8 has nothing to play/);
});

test('encrypted segments are AES-128 with the key that was given or written, and the playlists say where it is', async () => {
  const folder = path('secret');
  const keyPath = path('the.key');
  const temporary = () => readdirSync(process.env.TMPDIR ?? '/tmp').filter((name) => name.startsWith('millrace-key-'));
  const before = temporary();
  await written((graph) => [
    picture(graph),
    {
      output_path: join(folder, 'm.m3u8'),
      renditions: [RENDITIONS[1]],
      segment: { duration: 1 },
      encrypt: { uri: 'https://keys.example/1', key_path: keyPath },
    },
  ]);
  const [line] = lines(join(folder, '24p', 'index.m3u8'), '#EXT-X-KEY');
  const [, uri, iv] = /^#EXT-X-KEY:METHOD=AES-128,URI="([^"]*)",IV=0x([\da-f]{32})$/.exec(line!)!;
  assert.is(uri, 'https://keys.example/1');
  const segment = readFileSync(join(folder, '24p', 'index0.ts'));
  const decipher = createDecipheriv('aes-128-cbc', readFileSync(keyPath), Buffer.from(iv!, 'hex'));
  const plain = Buffer.concat([decipher.update(segment), decipher.final()]);
  assert.is(plain.length % 188, 0);
  assert.is(plain[0], 0x47);
  assert.equal(temporary(), before);
  // Where the key is is only said: a file of unknown origin may say it.
  const graph = new Graph();
  ladder(picture(graph), {
    ...{ output_path: path('filed/m.m3u8'), renditions: [RENDITIONS[1]], segment: { duration: 1 } },
    encrypt: { uri: 'https://keys.example/2', key: '0'.repeat(32) },
  });
  await run(Graph.fromConfig(graph.toConfig()));
  assert.is(lines(path('filed/24p/index.m3u8'), '#EXT-X-KEY').length, 1);
});

test('subtitles go with fragmented MP4, by language', async () => {
  writeFileSync(path('t.vtt'), 'WEBVTT\n\n00:00.200 --> 00:00.700\nHallo\n\n00:01.200 --> 00:01.600\nWelt\n');
  const folder = path('subtitles');
  const graph = new Graph({ threads: 0 });
  ladder(picture(graph), {
    output_path: join(folder, 'm.m3u8'),
    renditions: [RENDITIONS[1]],
    subtitles: [graph.decode({ input_path: path('t.vtt') }).subtitles[0]!],
    streams: { subtitle: [{ language: 'deu', title: 'Deutsch' }] },
    segment: { duration: 1 },
  });
  await run(graph);
  const [entry] = lines(join(folder, 'm.m3u8'), '#EXT-X-MEDIA:TYPE=SUBTITLES');
  assert.match(entry!, /NAME="Deutsch".*LANGUAGE="de",URI="24p\/index_vtt.m3u8"/);
  assert.match(readFileSync(join(folder, '24p', 'index0.vtt'), 'utf8'), /Hallo/);
  assert.match(readFileSync(join(folder, '24p', 'index1.vtt'), 'utf8'), /Welt/);
  assert.ok(existsSync(join(folder, '24p', 'index0.m4s')));
});

test('var_stream_map of mux_params is FFmpeg’s, and its master playlist is completed as well', async () => {
  const graph = new Graph({ threads: 0 });
  const [video, low] = [picture(graph), tone(graph)];
  encode(
    { video: [video, video.scale(32, 24)], audio: [low, low] },
    {
      output_path: path('map/v%v/ix.m3u8'),
      video_params: { preset: 'ultrafast', threads: 1 },
      mux_params: { master_pl_name: 'all.m3u8', var_stream_map: 'v:0,a:0 v:1,a:1', hls_playlist_type: 'vod' },
    },
  );
  await run(graph);
  assert.equal(readdirSync(path('map')).sort(), ['all.m3u8', 'v0', 'v1']);
  const streams = lines(path('map/all.m3u8'), '#EXT-X-STREAM-INF');
  assert.match(streams[0]!, /BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,RESOLUTION=64x48,FRAME-RATE=25.000/);
  assert.match(streams[1]!, /RESOLUTION=32x24,FRAME-RATE=25.000/);
});

test('names are unique, and a URL stays one', () => {
  const node = ladder('in.mp4', {
    output_path: 'http://host/live/m.m3u8',
    renditions: [{ height: 48 }, { height: 48 }, { name: 'audio' }],
    audio: [{ source: 0 }, { source: { language: 'deu' } }],
  });
  const { output_path, variants } = node.graph.toConfig().nodes.at(-1)!.option as Record<string, unknown>;
  assert.is(output_path, 'http://host/live/%v/index.m3u8');
  assert.equal(variants, { video: ['48p', '48p-2', 'audio'], audio: ['audio-2', 'audio-deu'] });
});

test('encoders are told to make no key frames of their own, and peaks have a limit; what a rendition says wins', () => {
  const { graph } = ladder('in.mp4', {
    output_path: 'm.m3u8',
    renditions: [
      { bit_rate: '1M' },
      { bitrate: '500k', codec: 'hevc', 'x265-params': 'bframes=2', maxrate: '900k' },
      { codec: 'mpeg4', bit_rate: '1M' },
    ],
    video_params: { g: 50 },
  });
  assert.equal((graph.toConfig().nodes.at(-1)!.option as { video_params: unknown }).video_params, [
    { maxrate: 1_200_000, bufsize: 2_000_000, g: 50, sc_threshold: 0, bit_rate: '1M' },
    {
      ...{ g: 50, 'forced-idr': 1, 'x265-params': 'scenecut=0:open-gop=0:bframes=2', vtag: 'hvc1' },
      ...{ bitrate: '500k', codec: 'hevc', maxrate: '900k' },
    },
    { g: 50, codec: 'mpeg4', bit_rate: '1M' },
  ]);
});

test('what is wrong is refused at once, or before anything is written', async () => {
  const graph = new Graph({ threads: 0 });
  const [video, low] = [picture(graph), tone(graph)];
  const good: LadderOptions = { output_path: path('no/m.m3u8'), renditions: [RENDITIONS[0]] };
  const refused = (input: unknown, options: object, expected: RegExp): void => {
    assert.throws(() => ladder(input as LadderInput, { ...good, ...options } as LadderOptions), expected);
  };
  refused(5, {}, /the input cannot be 5/);
  refused(video, { renditions: [] }, /renditions cannot be/);
  refused(video, { format: 'hsl' }, /no format "hsl". Did you mean 'hls'/);
  refused(video, { output_path: '' }, /output_path cannot be/);
  refused(video, { segment: { duration: 0 } }, /segment.duration cannot be 0/);
  refused(video, { segment: { length: 3 } }, /segment has no 'length'/);
  refused(video, { segment: { type: 'mpegts' }, format: 'dash' }, /segments of 'dash' are fragmented MP4/);
  refused(video, { audio: [{ bit_rate: '64k' }] }, /audio\[0\] has no source/);
  refused(video, { audio: [{ source: 1 }] }, /audio\[0\].source is no stream/);
  refused(video, { subtitles: [low, low] }, /2 subtitles and 1 renditions/);
  refused(video, { subtitles: [low], format: 'cmaf' }, /'cmaf' has no subtitles/);
  refused(video, { push_output: 1 }, /push_output has no place here/);

  const wrong = async (options: object, expected: RegExp): Promise<void> => {
    const own = new Graph({ threads: 0 });
    encode({ video: picture(own) }, { output_path: path('x.m3u8'), ...options });
    assert.match((await failureOf(own)).message, expected);
  };
  await wrong({ encrypt: { uri: 'k' } }, /encrypt.*needs a key, or key_path/s);
  await wrong({ encrypt: { uri: 'k', key: 'abc' } }, /key.*32 hexadecimal digits/s);
  await wrong({ variants: { video: ['a b'] } }, /variants.*a name of letters/s);
  await wrong({ variants: {}, format: 'mp4' }, /variants: the format 'mp4' has no variants/);
  await wrong(
    { encrypt: { uri: 'k', key: '0'.repeat(32) }, mux_params: { hls_segment_type: 'fmp4' } },
    /encrypt: FFmpeg encrypts MPEG-TS segments only/,
  );
  assert.not(existsSync(path('x.m3u8')));
});

test.run();

/** What is asked of an encoder arrives in the file, or is refused or warned of by name. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Graph, Packet, type Report, VideoFrame } from 'millrace';
import {
  AV_FRAME_DATA_MASTERING_DISPLAY_METADATA,
  AV_PICTURE_TYPE_I,
  AV_PKT_DATA_CONTENT_LIGHT_LEVEL,
  AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
  AV_PKT_FLAG_KEY,
} from 'node-av/constants';
import { FormatContext, Packet as NativePacket } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sharedThreads } from '../../kit/shared-threads.js';

// SVT-AV1 writes to stderr past FFmpeg's log.
process.env.SVT_LOG ??= '1';

const folder = mkdtempSync(join(tmpdir(), 'millrace-options-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const out = (name: string): string => join(folder, name);

const graphOn = await sharedThreads(2);

type Params = Record<string, string | number | boolean>;
const fast: Params = { codec: 'h264', preset: 'ultrafast', threads: 1 };

/** Encodes a second of a test picture, and of a tone where `audio` has parameters. */
async function make(name: string, video: Params | null, audio?: Params, others: object = {}): Promise<Report> {
  const graph = new Graph({ threads: 0 });
  const picture = video && graph.filter('testsrc2', { size: '96x72', rate: 25, duration: 1 });
  const tone = audio && graph.filter('sine', { duration: 1, sample_rate: 48000 });
  graph.module(
    'c_ffmpeg_encoder',
    { output_path: out(name), video_params: video ?? undefined, audio_params: audio, ...others },
    { inputs: [picture ?? null, tone ?? null] },
  );
  return graph.run();
}

async function refusal(name: string, video: Params | null, audio?: Params, others: object = {}): Promise<string> {
  try {
    await make(name, video, audio, others);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`${name} was not refused`);
}

function look<T>(name: string, ask: (context: FormatContext) => T): T {
  const context = new FormatContext();
  assert.ok(context.openInputSync(out(name), null, null) >= 0, name);
  try {
    context.findStreamInfoSync(null);
    return ask(context);
  } finally {
    context.closeInputSync();
  }
}

/** Times of the key frames, in seconds. */
function keyFrames(name: string): number[] {
  return look(name, (context) => {
    const times: number[] = [];
    const packet = new NativePacket();
    packet.alloc();
    while (context.readFrameSync(packet) >= 0) {
      const { num, den } = context.streams[packet.streamIndex]!.timeBase;
      if (packet.flags & AV_PKT_FLAG_KEY) times.push((Number(packet.pts) * num) / den);
      packet.unref();
    }
    packet.free();
    return times.map((time) => Math.round(time * 1000) / 1000);
  });
}

const options = suite('options of an encoder');

for (const container of ['mp4', 'mkv', 'mov']) {
  options(`colours that are asked for are those of the ${container} file`, async () => {
    const colours = { colorspace: 'bt709', color_primaries: 'bt709', color_trc: 'bt709', color_range: 'tv' };
    const report = await make(`colours.${container}`, { ...fast, ...colours, chroma_sample_location: 'topleft' });
    assert.equal(report.warnings, []);
    const [space, primaries, transfer, range, chroma] = look(`colours.${container}`, ({ streams }) => {
      const { colorSpace, colorPrimaries, colorTrc, colorRange, chromaLocation } = streams[0]!.codecpar;
      return [colorSpace, colorPrimaries, colorTrc, colorRange, chromaLocation];
    });
    assert.equal([space, primaries, transfer, range, chroma], [1, 1, 1, 1, 3]);
  });
}

for (const container of ['mp4', 'mkv', 'webm', 'mov', 'avi', 'nut']) {
  options(`the shape of the picture is that of the ${container} file`, async () => {
    const codec = container === 'webm' ? { codec: 'libvpx', deadline: 'realtime', threads: 1 } : fast;
    await make(`aspect.${container}`, { ...codec, aspect: '16:9' });
    const { num, den } = look(`aspect.${container}`, ({ streams }) => {
      const [stream] = streams;
      return stream!.sampleAspectRatio.num > 0 ? stream!.sampleAspectRatio : stream!.codecpar.sampleAspectRatio;
    });
    // WebM has the width at which the picture is shown, in whole pixels.
    assert.ok(Math.abs(num / den - 4 / 3) < 0.002, `${num}/${den}`);
  });
}

options('the names of the ffmpeg command mean what they mean there', async () => {
  await make(
    'names.mkv',
    { 'c:v': 'h264', 'preset:v': 'ultrafast', s: '32x24', 'b:v': '200k', tag: 'H264', threads: 1 },
    { 'c:a': 'aac', ar: 22050, ac: 1, 'b:a': '48k' },
  );
  const [size, sound] = look('names.mkv', ({ streams }) => [
    [streams[0]!.codecpar.width, streams[0]!.codecpar.height],
    [streams[1]!.codecpar.sampleRate, streams[1]!.codecpar.channels],
  ]);
  assert.equal(
    [size, sound],
    [
      [32, 24],
      [22050, 1],
    ],
  );
  await make('layout.wav', null, { codec: 'pcm_f32le', ch_layout: 'stereo', sample_fmt: 'flt' });
  assert.is(
    look('layout.wav', ({ streams }) => streams[0]!.codecpar.channels),
    2,
  );
});

const refused: [what: string, video: Params | null, audio: Params | undefined, message: RegExp][] = [
  ['the same twice', { ...fast, bit_rate: '1M', 'b:v': '2M' }, undefined, /"b:v".*says the same as 'bit_rate'/],
  ['an option of sound for pictures', { ...fast, ar: 8000 }, undefined, /'ar'|sample_rate/],
  ['an option of pictures for sound', fast, { g: 12 }, /'g' has no effect on audio. It belongs into video_params/],
  ['crf of an encoder without', { codec: 'mjpeg', crf: 20 }, undefined, /its quality is set by qscale \(1 \(best\)/],
  ['an option that FFmpeg keeps to itself', { ...fast, time_base: '1/9' }, undefined, /cannot be set from outside/],
  ['two numbers of channels', null, { ch_layout: 'stereo', channels: 1 }, /has 2 channels, but channels is 1/],
  ["a sample format that is not the encoder's", null, { sample_fmt: 's16' }, /encoder aac takes no 's16'/],
  ['an encoder without its device', { codec: 'h264_vaapi' }, undefined, /h264_vaapi.*libx264/],
];
for (const [what, video, audio, message] of refused) {
  options(`${what} is refused`, async () => {
    assert.match(await refusal('refused.mkv', video, audio), message);
  });
}

options(
  'an option the encoder or muxer does not know is a warning with strict: false, and in graph files',
  async () => {
    const unknown = { codec: 'mjpeg', crf: 20 };
    const muxer = { mux_params: { hls_tyme: 2 } };
    assert.match(await refusal('strict.mkv', unknown, undefined, muxer), /no option 'crf'/);
    const { warnings } = await make('strict.mkv', unknown, undefined, { ...muxer, strict: false });
    assert.match(warnings.join('\n'), /ignored: video_params \(encoder mjpeg\).*'crf'/);
    assert.match(warnings.join('\n'), /ignored: mux_params.*'hls_tyme'/);
    const graph = new Graph();
    graph
      .filter('testsrc2', { size: '64x64', duration: 0.2 })
      .encode(null, { output_path: out('file.mkv'), video_params: unknown });
    const report = await Graph.fromConfig(graph.toConfig()).run();
    assert.match(report.warnings.join('\n'), /ignored: .*'crf'/);
  },
);
options.run();

const names = suite('names of outputs');

names('a name with a colon that is no protocol is pointed at file:, in any spelling', async () => {
  assert.match(await refusal('', fast, undefined, { output_path: 'zz9:b.mp4' }), /write file:zz9:b\.mp4/);
  await make('', fast, undefined, { output_path: `FILE:${out('capital.mp4')}` });
  const graph = new Graph({ threads: 0 });
  graph.decode({ input_path: `File:${out('capital.mp4')}` }).video.encode(null, { null_output: true });
  assert.equal((await graph.run()).warnings, []);
});

names('an extension nobody knows is refused with the near ones, unless a format is named', async () => {
  assert.match(await refusal('o.mvk', fast), /no format is known by the extension '\.mvk'\. Did you mean '\.mkv'\?/);
  assert.match(await refusal('o.xyz', fast), /extension '\.xyz'/);
  await make('o.xyz', fast, undefined, { format: 'matroska' });
  assert.match(await refusal('-', fast, undefined, { output_path: '-' }), /standard output has no name/);
});

names('HLS makes the folders of its variants, and tee its outputs', async () => {
  const variants = { mux_params: { var_stream_map: 'v:0,a:0' } };
  await make('', fast, {}, { output_path: out('v%v/ix.m3u8'), ...variants });
  assert.ok(readdirSync(out('v0')).includes('ix.m3u8'));
  await make('', fast, {}, { output_path: `${out('a.mp4')}|[f=mpegts]${out('b.ts')}`, format: 'tee' });
  for (const name of ['a.mp4', 'b.ts'])
    assert.is(
      look(name, ({ streams }) => streams.length),
      2,
      name,
    );
  const lost = { output_path: `${out('a.mp4')}|${out('none/b.ts')}`, format: 'tee' };
  assert.match(await refusal('', fast, {}, lost), /there is no directory .*none/);
});

names('sound that a file does not have is nobody’s loss, sound of which nothing is left is', async () => {
  await make('silent.mkv', fast);
  const short = new Graph({ threads: 0 });
  short
    .filter('testsrc2', { size: '64x48', rate: 25, duration: 1 })
    .encode(short.filter('sine', { duration: 0.2 }), { output_path: out('short-sound.mkv'), video_params: fast });
  await short.run();
  const encode = async (input: string, options: object = {}): Promise<string> => {
    const graph = new Graph({ threads: 0 });
    const source = graph.decode({ input_path: out(input), ...options });
    source.video.encode(source.audio, { output_path: out('half.mkv'), video_params: fast });
    return (await graph.run()).warnings.join('\n');
  };
  assert.is(await encode('silent.mkv'), '');
  assert.match(
    await encode('short-sound.mkv', { start_time: 0.6 }),
    /short-sound\.mkv: nothing came of its audio: none of \d+ packets could be used/,
  );
});
names.run();

const quality = suite('qscale');
quality('an encoder that does not look at it says what it is set by', async () => {
  const { warnings } = await make('q.mkv', { ...fast, 'q:v': 3 }, { codec: 'ac3', q: 3 });
  assert.match(warnings.join('\n'), /video_params\.qscale has no effect\. Encoder libx264 has no 'qscale': .*crf/);
  assert.match(warnings.join('\n'), /audio_params\.qscale has no effect\. Encoder ac3 .*bit_rate/);
  assert.equal((await make('q.mkv', { codec: 'mpeg4', q: 3 }, { codec: 'libvorbis', q: 3 })).warnings, []);
});
quality.run();

const hdr = suite('data of the whole stream');
const display = 'G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)';

hdr.before(async () => {
  const first = new Graph({ threads: 0 });
  first.filter('testsrc2', { size: '64x64', rate: 25, duration: 0.2 }).encode(null, {
    output_path: out('hdr.mp4'),
    video_params: {
      codec: 'libx265',
      pix_fmt: 'yuv420p10le',
      preset: 'ultrafast',
      'x265-params': `log-level=0:hdr10=1:master-display=${display}:max-cll=1000,400`,
    },
  });
  await first.run();
});

for (const [codec, video_params] of Object.entries<Params>({
  libx264: { preset: 'ultrafast' },
  libx265: { preset: 'ultrafast', 'x265-params': 'log-level=0' },
  libsvtav1: { preset: 12 },
  'libvpx-vp9': { deadline: 'realtime', 'cpu-used': 8 },
})) {
  hdr(`mastering display and light level pass through ${codec}`, async () => {
    const graph = graphOn();
    graph.decode({ input_path: out('hdr.mp4') }).video.encode(null, {
      output_path: out(`hdr-${codec}.mp4`),
      video_params: { codec, threads: 1, ...video_params },
    });
    assert.equal((await graph.run()).warnings, []);
    look(`hdr-${codec}.mp4`, ({ streams }) => {
      const { codecpar } = streams[0]!;
      const light = codecpar.getCodedSideData(AV_PKT_DATA_CONTENT_LIGHT_LEVEL)!;
      assert.equal([light.readUInt32LE(0), light.readUInt32LE(4)], [1000, 400]);
      assert.ok(codecpar.getCodedSideData(AV_PKT_DATA_MASTERING_DISPLAY_METADATA));
    });
    // As a bare stream there is nothing but the bitstream.
    if (codec === 'libvpx-vp9') return;
    const bare = new Graph({ threads: 0 });
    const [extension] = { libx264: ['h264'], libx265: ['hevc'], libsvtav1: ['obu'] }[codec as 'libx264']!;
    const copy = bare.decode({ input_path: out(`hdr-${codec}.mp4`), video_codec: 'copy' });
    copy.video.encode(null, { output_path: out(`bare.${extension}`) });
    await bare.run();
    const reader = new Graph({ threads: 0 });
    for await (const packet of reader.decode({ input_path: out(`bare.${extension}`) }).video.packets()) {
      const data = (packet.payload as VideoFrame).av.getSideData(AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
      packet.close();
      assert.ok(data, `${codec}: not in the bitstream`);
      assert.is(Math.round((1000 * data.readInt32LE(0)) / data.readInt32LE(4)), 680);
      break;
    }
  });
}
hdr.run();

const keys = suite('key frames by order');
const rare: Params = { ...fast, g: 1000, sc_threshold: 0 };

for (const [order, times] of [
  ['expr:gte(t,n_forced*0.4)', [0, 0.4, 0.8]],
  ['expr:eq(mod(n,10),0)', [0, 0.4, 0.8]],
  ['expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+0.6))', [0, 0.6]],
  ['0.2,00:00:00.5,700ms', [0, 0.2, 0.52, 0.72]],
] as const) {
  keys(`force_key_frames ${order}`, async () => {
    const report = await make('keys.mkv', { ...rare, force_key_frames: order });
    assert.equal(keyFrames('keys.mkv'), times);
    assert.equal(report.warnings, []);
  });
}

keys("force_key_frames 'source' follows the input, and nothing else does", async () => {
  await make('source.mkv', { ...fast, g: 7, sc_threshold: 0 });
  for (const force of [true, false]) {
    const graph = graphOn();
    const params = force ? { ...rare, force_key_frames: 'source' } : rare;
    graph
      .decode({ input_path: out('source.mkv') })
      .video.encode(null, { output_path: out('follow.mkv'), video_params: params });
    await graph.run();
    assert.equal(keyFrames('follow.mkv'), force ? [0, 0.28, 0.56, 0.84] : [0]);
  }
});

for (const threads of [0, 2]) {
  keys(`a picture type that a user set is respected, threads ${threads}`, async () => {
    const graph = graphOn({ threads });
    const camera = graph.inputStream('camera');
    camera.scale(64, 48).encode(null, { output_path: out('set.mkv'), video_params: rare });
    await graph.start({ mode: 'push' });
    for (let n = 0; n < 20; n++) {
      const frame = VideoFrame.from(new Uint8Array(32 * 32 * 4).fill(n), {
        width: 32,
        height: 32,
        pts: BigInt(n),
        timeBase: { num: 1, den: 25 },
        frameRate: { num: 25, den: 1 },
      });
      if (n === 5) frame.pictureType = 'I';
      if (n === 15) frame.av.pictType = AV_PICTURE_TYPE_I;
      await camera.push(new Packet(frame));
    }
    await camera.end();
    await graph.close();
    assert.equal(keyFrames('set.mkv'), [0, 0.2, 0.6]);
  });
}

for (const [order, message] of [
  ['expr:gte(t', /does not understand the expression/],
  ['expr:key', /'key' is no variable/],
  ['expr:n_forcd', /Did you mean 'n_forced'\?/],
  ['soon', /"soon" is no time/],
  ['chapters', /chapters of an input are not read/],
] as const) {
  keys(`${order} is refused`, async () => {
    assert.match(await refusal('keys.mkv', { ...rare, force_key_frames: order }), message);
  });
}
keys.run();

const figures = suite('figures of an encoder');

figures('psnr is in the report, and a warning where the encoder measures none', async () => {
  const { nodes } = await make('psnr.mkv', { ...fast, psnr: true });
  const quality = nodes.find(({ psnr }) => psnr !== undefined)?.psnr ?? 0;
  assert.ok(quality > 20 && quality < 80, String(quality));
  const { warnings } = await make('psnr.mkv', {
    codec: 'libx265',
    'x265-params': 'log-level=0',
    preset: 'ultrafast',
    psnr: true,
  });
  assert.match(warnings.join('\n'), /psnr had no effect: encoder libx265/);
});

figures('progress does not go back while a slow encoder holds its frames', async () => {
  const graph = new Graph({ threads: 0 });
  // A second, in which the progress is told a few times.
  const slowly = graph.filter('testsrc2', { size: '64x48', rate: 25, duration: 4 }).module({
    async process(task) {
      for (const packet of task.inputs.get(0) ?? []) {
        if (packet.isEof) continue;
        await sleep(10);
        task.output(0).push(packet);
      }
    },
  });
  slowly.encode(null, {
    null_output: true,
    video_params: { codec: 'h264', preset: 'slower', threads: 1, 'rc-lookahead': 60 },
  });
  const seen: number[] = [];
  await graph.run({
    onProgress({ position, fps, speed, frames }) {
      for (const figure of [position, fps, speed]) assert.ok(figure === undefined || Number.isFinite(figure));
      seen.push(position ?? 0, frames);
    },
  });
  const positions = seen.filter((_, i) => i % 2 === 0);
  assert.ok(positions.length > 1);
  assert.equal(
    positions,
    [...positions].sort((a, b) => a - b),
  );
});
figures.run();

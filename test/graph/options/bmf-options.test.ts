/** Options that graphs, files and modules of BMF have. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import {
  AudioFrame,
  type ConfigError,
  defineModule,
  EncodedPacket,
  Graph,
  type GraphConfig,
  Packet,
  registerModule,
  VideoFrame,
} from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, run, sinkOn } from '../../kit/media.js';

const options = suite("BMF's options");
const folder = mkdtempSync(join(tmpdir(), 'millrace-bmf-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const to = (name: string): string => join(folder, name);
const newGraph = (given: object = {}): Graph => new Graph({ threads: 0, ...given });

/** The message of an error that is thrown. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return assert.unreachable('nothing was refused') as never;
}

options('setOption changes an option of the graph before the start, and nothing if one of them is wrong', async () => {
  const graph = new Graph({ graph_name: 'before', queue_length_limit: 3 });
  assert.is(graph.setOption('threads', 0), graph);
  graph.setOption({ graph_name: 'after', wait: { spin: 0 } }).setOption('queue_length_limit', undefined);
  assert.match(
    refusal(() => graph.setOption({ threads: 2, thread: 1 } as object)),
    /option.thread: is not an option here. Did you mean 'threads'/,
  );
  assert.match(
    refusal(() => graph.setOption('runtime' as never, {} as never)),
    /a runtime cannot be in a graph file/,
  );
  assert.equal(graph.toConfig().option, { graph_name: 'after', threads: 0, wait: { spin: 0 } });
  graph.decode({ input_path: media('one-frame.mp4') }).video.module('null_sink');
  assert.ok((await run(graph)).nodes.every(({ thread }) => thread === -1));
  assert.match(
    refusal(() => graph.setOption('threads', 1)),
    'has been run',
  );
});

options('hungry_check is as it always is, and no_output_stream leaves the output streams of a file out', async () => {
  const graph = newGraph({ hungry_check: 1 });
  graph.filter('testsrc2', { size: '16x16', duration: 0.1 }).module('null_sink');
  assert.equal((await run(graph)).warnings, []);
  const other = newGraph({ hungry_check: 0 });
  other.filter('testsrc2', { size: '16x16', duration: 0.1 }).module('null_sink');
  assert.match((await run(other)).warnings.join(), /hungry_check: 0 has no effect/);
  const stream = { identifier: 'made', stream_alias: '' };
  const file = (option: object) => ({
    option,
    output_streams: [stream],
    nodes: [
      { id: 0, module_info: { name: 'c_ffmpeg_filter' }, option: { name: 'testsrc2' }, output_streams: [stream] },
    ],
  });
  assert.is(Graph.fromConfig(file({ no_output_stream: 0 })).outputs.length, 1);
  assert.is(Graph.fromConfig(file({ no_output_stream: true })).outputs.length, 0);
});

options('a sample format may be the number that FFmpeg gives it', async () => {
  const graph = newGraph();
  const input = graph.inputStream('sound');
  const raw = { push_raw_stream: 1, audio_codec: 'pcm_s16le', channels: 1, sample_rate: 8000, sample_fmt: '1' };
  const { audio } = input.decode(raw as object);
  const path = to('sound.wav');
  graph.module(
    'c_ffmpeg_encoder',
    { output_path: path, audio_params: { codec: 'pcm_f32le', sample_fmt: 3 } },
    { inputs: [null, audio] },
  );
  const heard = graph.module(defineModule({ process() {} }), {}, { inputs: [audio] });
  await graph.start({ mode: 'push' });
  await input.push(new Packet(EncodedPacket.from(Buffer.alloc(1600), { pts: 0n })));
  await graph.close();
  assert.is(heard.index, 0);
  const back = newGraph();
  const reader = back.decode({ input_path: path }).audio.packets<AudioFrame>();
  for await (const packet of reader) {
    if (packet.payload instanceof AudioFrame) assert.is(packet.payload.format, 'flt');
    packet.close();
  }
  const wrong = newGraph();
  wrong
    .decode({ input_path: media('mono-16k.wav') })
    .audio.module('c_ffmpeg_encoder', { output_path: to('x.wav'), audio_params: { sample_fmt: 99 } });
  assert.match(
    (await failureOf(wrong)).message,
    /sample_fmt: must be a sample format .* or the number of one \(AVSampleFormat\), not 99/,
  );
});

options('delay_init_input opens the input when the graph runs', async () => {
  const path = to('later.mp4');
  const graph = newGraph();
  // Its module is initialised after the decoder's, and before anything runs.
  const writer = defineModule({
    init: () => writeFileSync(path, readFileSync(media('one-frame.mp4'))),
    process(task) {
      for (const packet of task.inputs.get(0) ?? []) if (!packet.isEof) task.output(0).push(packet);
    },
  });
  const sink = sinkOn(graph.decode({ input_path: path, delay_init_input: true }).video.module(writer));
  await run(graph);
  assert.is(sink.packets.length, 1);
  const pushed = newGraph();
  pushed.inputStream('x').decode({ delay_init_input: true }).video.module('null_sink');
  assert.match(
    (await pushed.validate().catch((error: Error) => error.message))!,
    /delay_init_input: is for an input that is opened by its name/,
  );
});

options('orig_pts_time is the time that a picture has in the input', async () => {
  const graph = newGraph();
  const { video } = graph.decode({
    input_path: media('clip-4s.mp4'),
    start_time: 1,
    end_time: 1.2,
    orig_pts_time: 1,
  } as object);
  const times: [number, string | undefined][] = [];
  for await (const packet of video.packets<VideoFrame>()) {
    if (packet.payload instanceof VideoFrame) times.push([packet.timestamp!, packet.payload.metadata.orig_pts_time]);
    packet.close();
  }
  assert.ok(times.length >= 5);
  for (const [time, original] of times) assert.is(original, (time / 1e6 + 1).toFixed(6));
});

options('io_frm_match tells what became of each picture', async () => {
  const graph = newGraph();
  const { video } = graph.decode({ input_path: media('clip-4s.mp4'), vframes: 6, io_frm_match: true });
  const path = to('matched.mp4');
  video.encode(null, { output_path: path, io_frm_match: true, video_params: { codec: 'mpeg4', r: 12.5 } });
  const report = await run(graph);
  const lines = readFileSync(`${path}_iofrm.txt`, 'utf8').trim().split('\n');
  const counts = lines.map((line, n) => Number(new RegExp(`^inputFrm:${n},outputNums:(\\d)$`).exec(line)![1]));
  assert.is(
    counts.reduce((sum, count) => sum + count, 0),
    report.nodes.find(({ module }) => module === 'c_ffmpeg_encoder')!.frames,
  );
  assert.ok(counts.includes(0) && counts.includes(1), counts.join());
  const none = newGraph();
  none.decode({ input_path: media('one-frame.mp4') }).video.encode(null, { null_output: true, io_frm_match: true });
  assert.match((await failureOf(none)).message, /io_frm_match: writes a file beside output_path/);
});

// --- modules by name and version --------------------------------------------------------------------------------------

const naming = (name: string) => defineModule({ init: () => void used.push(name), process: (task) => task.done() });
const used: string[] = [];

async function use(...names: string[]): Promise<string[]> {
  used.length = 0;
  for (const name of names) {
    const graph = newGraph();
    graph.module(name).module('null_sink');
    await run(graph);
  }
  return [...used];
}

options('a name may have versions: the newest, or the newest that begins so', async () => {
  registerModule('versioned', naming('none'));
  assert.equal(await use('versioned'), ['none']);
  for (const version of ['1.9.0', '1.10', '2.0.1', '1.2.3']) registerModule('versioned', naming(version), { version });
  assert.equal(await use('versioned', 'versioned@1', 'versioned@1.2', 'versioned@2.0.1'), [
    '2.0.1',
    '1.10',
    '1.2.3',
    '2.0.1',
  ]);
  registerModule('versioned', naming('2.0.1 again'), { version: '2.0.1' });
  assert.equal(await use('versioned@2'), ['2.0.1 again']);
  const graph = newGraph();
  graph.module('versioned@1').module('null_sink');
  assert.is(graph.toConfig().nodes[0]!.module_info.name, 'versioned@1');
  assert.is(
    await run(Graph.fromConfig({ ...graph.toConfig(), option: { threads: 0 } })).then(() => used.at(-1)),
    '1.10',
  );
  const other = newGraph();
  other.module('versioned@3').module('null_sink');
  assert.match(
    (await failureOf(other)).message,
    /there is no such version of 'versioned@3' \(There are .*1\.9\.0, 1\.10, .*2\.0\.1/,
  );
  for (const wrong of [{ version: 'new' }, { version: 2 }, { vers: '1' }, '1.0']) {
    assert.match(
      refusal(() => registerModule('versioned', naming(''), wrong as object)),
      /cannot register 'versioned'/,
    );
  }
});

options('MILLRACE_MODULE_PATH has folders of modules, files or folders of their own, with versions', async () => {
  const source = (name: string): string =>
    `export default { init(ctx) { ctx.log.warn('this is ${name}'); }, process(task) { task.done(); } };\n`;
  const [first, second] = [to('first'), to('second')];
  for (const path of [first, second, join(first, 'in_folder'), join(second, 'in_folder@2.1')])
    mkdirSync(path, { recursive: true });
  const files: [string, string][] = [
    [join(first, 'of_path.mjs'), 'first'],
    [join(second, 'of_path.mjs'), 'second'],
    [join(first, 'in_folder', 'index.mjs'), 'plain'],
    [join(second, 'in_folder@2.1', 'index.mjs'), '2.1'],
    [join(second, 'in_folder@2.0.mjs'), '2.0'],
    [join(second, 'README.md'), ''],
  ];
  for (const [path, name] of files) writeFileSync(path, source(name));
  const before = process.env.MILLRACE_MODULE_PATH;
  process.env.MILLRACE_MODULE_PATH = [first, second, to('missing')].join(delimiter);
  try {
    const said = async (name: string): Promise<string | undefined> => {
      const graph = newGraph();
      graph.module(name).module('null_sink');
      const config: GraphConfig = graph.toConfig();
      assert.equal([config.nodes[0]!.module_info.name, config.nodes[0]!.module_info.path], [name, '']);
      const { warnings } = await run(Graph.fromConfig({ ...config, option: { threads: 0 } }));
      return / is (.*)$/.exec(warnings.join())?.[1];
    };
    assert.equal(await Promise.all(['of_path', 'in_folder', 'in_folder@2.0'].map(said)), ['first', '2.1', '2.0']);
    const graph = newGraph();
    graph.module('of_paht').module('null_sink');
    const { message } = (await failureOf(graph)) as ConfigError;
    assert.match(message, /there is no module 'of_paht' \(Did you mean 'of_path'.*missing, which is not there/);
  } finally {
    if (before === undefined) delete process.env.MILLRACE_MODULE_PATH;
    else process.env.MILLRACE_MODULE_PATH = before;
  }
});

// --- the ffmpeg command -----------------------------------------------------------------------------------------------

options('toFFmpeg is the command that does the same', () => {
  const graph = newGraph();
  const input = graph.decode({ input_path: "it's.mp4", start_time: 1.5, end_time: 3, dec_params: { threads: 2 } });
  const [small, other] = input.video.scale(320, -2).split(2);
  small
    .overlay(graph.decode({ input_path: 'logo.png', loop: -1 }).video, { x: 10, shortest: true })
    .encode(input.audio, {
      output_path: 'out.mp4',
      video_params: { codec: 'h264', preset: 'fast', crf: 23, width: 320, height: 240 },
      audio_params: { codec: 'aac', bit_rate: '128k', sample_rate: 48000 },
      mux_params: { movflags: 'faststart' },
      metadata: { title: 'A title' },
    });
  other.encode(null, { null_output: true });
  assert.is(
    graph.toFFmpeg(),
    "ffmpeg -y -ss 1.5 -to 3 -threads 2 -i 'it'\\''s.mp4' -stream_loop -1 -i logo.png -filter_complex " +
      "'[0:v:0]scale=320:-2[n1_0];[n1_0]split=2[n2_0][n2_1];[n2_0][1:v:0]overlay=x=10:shortest=1[n4_0]' " +
      "-map '[n4_0]' -map 0:a:0 -c:v h264 -preset:v fast -crf:v 23 -s:v 320x240 -c:a aac -b:a 128k -ar 48000 " +
      "-movflags faststart -metadata 'title=A title' out.mp4 -map '[n2_1]' -f null -",
  );
});

options('toFFmpeg multiplies what several take, and copies what is copied', () => {
  const graph = newGraph();
  const sound = graph.decode({ input_path: 'a.mkv', video_codec: 'copy', map_a: 3 }, { alias: 'in' });
  const quiet = sound.audio.volume(0.5);
  sound.video.encode(quiet, { output_path: 'a.mp4' });
  for (const path of ['b.wav', 'c.wav'])
    graph.module('c_ffmpeg_encoder', { output_path: path }, { inputs: [null, quiet] });
  assert.match(
    graph.toFFmpeg(),
    "'[0:3]volume=0.5[n1_0];[n1_0]asplit=3[n1_0_0][n1_0_1][n1_0_2]' -map 0:v:0 -map '[n1_0_0]' -c:v copy a.mp4",
  );
});

options('toFFmpeg names what the command does not have', () => {
  const graph = newGraph();
  const input = graph.decode({ input_path: 'a.mp4', durations: [0, 1] });
  input.video.module('pass_through').encode(null, { output_path: 'b.mp4', min_frames: 3 });
  const message = refusal(() => graph.toFFmpeg());
  assert.match(message, /nodes\[0\].*option.durations: has no counterpart in the ffmpeg command/);
  assert.match(message, /nodes\[1\] \(pass_through .*is nothing that the ffmpeg command has/);
  assert.match(message, /nodes\[2\].*option.min_frames: has no counterpart/);
});

options.run();

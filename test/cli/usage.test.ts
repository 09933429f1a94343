import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeClip, millrace, millraceEach, type Result, temporaryFolder } from './kit.js';

const folder = temporaryFolder();
const clip = await makeClip(join(folder, 'clip.mp4'), { seconds: 0.4, size: '96x54' });
const everything = fileURLToPath(new URL('../fixtures/media/everything.mkv', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

function graphFile(name: string, graph: object): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(graph));
  return path;
}

const copy = graphFile('copy.json', {
  nodes: [
    {
      id: 0,
      module_info: { name: 'c_ffmpeg_decoder' },
      option: { input_path: clip },
      output_streams: [{ identifier: 'video:picture' }],
    },
    {
      id: 1,
      alias: 'writer',
      module_info: { name: 'c_ffmpeg_encoder' },
      option: { output_path: join(folder, 'run.mp4'), video_params: { preset: 'ultrafast' } },
      input_streams: [{ identifier: 'picture' }],
    },
  ],
});

const module = join(folder, 'refusing.mjs');
writeFileSync(module, `export default { process() { throw new Error('here I am'); } };`);
const withModule = graphFile('module.json', {
  nodes: [{ id: 0, module_info: { name: 'refusing', path: module }, output_streams: [] }],
});
const remote = graphFile('remote.json', {
  nodes: [
    {
      id: 0,
      module_info: { name: 'c_ffmpeg_decoder' },
      option: { input_path: 'http://127.0.0.1:9/clip.mp4' },
      output_streams: [{ identifier: 'video:v' }],
    },
    { id: 1, module_info: { name: 'null_sink' }, input_streams: [{ identifier: 'v' }] },
  ],
});

/** Where threads are not the point. */
const HERE = 'MILLRACE_THREADS=0';

/** By their words here; all of them run in one process, and those of `wrong` behind them. */
const COMMANDS: readonly (readonly string[])[] = [
  ['--help'],
  ['transcode', '--help'],
  [HERE, 'run', withModule],
  [HERE, 'run', withModule, '--allow-modules'],
  [HERE, 'run', remote],
  [HERE, 'run', remote, '--allow-protocol', 'https', '--allow-protocol', 'http'],
  ['graph', copy],
  ['graph', copy, '--format', 'dot'],
  ['graph', copy, '--format', 'placement'],
  ['graph', copy, '--format', 'json'],
  ['modules'],
  ['modules', '--json'],
  ['inspect', clip],
  ['inspect', clip, '--json'],
  ['inspect', everything],
  ['inspect', clip, '--packets', '--json'],
  ['inspect', clip, '--keyframes'],
  ['inspect', clip, '--packets', '--stream', '1'],
  ['inspect', clip, '--frames', '--json'],
  ['inspect', clip, '--frames', '--stream', '0'],
];
let done: Promise<Result[]> | undefined;
async function result(n: number): Promise<Result> {
  done ??= millraceEach([...COMMANDS, ...wrong.map(([, args]) => args)], { cwd: folder, limit: 60_000 });
  return (await done)[n]!;
}
async function resultOf(...words: readonly string[]): Promise<Result> {
  const n = COMMANDS.findIndex((command) => command.join(' ') === words.join(' '));
  assert.ok(n >= 0, words.join(' '));
  return result(n);
}

const help = suite('help');

help('prints the version of the package', async () => {
  const { code, stdout } = await millrace(['--version']);
  assert.is(code, 0);
  assert.is(stdout, `${version}\n`);
});

help('lists the commands', async () => {
  const { code, stdout, stderr } = await resultOf('--help');
  assert.is(code, 0);
  assert.is(stderr, '');
  assert.equal(
    [...stdout.matchAll(/^ {2}([a-z-]+)(?: \[options\]| {2,}print the JSON)/gm)].map((match) => match[1]),
    (
      'transcode thumbnail sprite gif trim concat extract-audio waveform run inspect graph modules list init-module schema ' +
      'env bench'
    ).split(' '),
  );
});

help('commands that begin to hear the log at once are commands', async () => {
  const { stdout } = await resultOf('--help');
  const source = readFileSync(new URL('../../src/cli/index.ts', import.meta.url), 'utf8');
  const names = /USE_FFMPEG = '([^']+)'/.exec(source)![1]!.split(' ');
  assert.ok(names.length > 5);
  for (const name of names) assert.match(stdout, new RegExp(`^ {2}${name} `, 'm'));
});

help('describes the flags of a command', async () => {
  const { code, stdout } = await resultOf('transcode', '--help');
  assert.is(code, 0);
  const flags =
    'format map copy scale vf af filter-complex vcodec preset crf bitrate two-pass to-size acodec subtitles burn-subtitles metadata hls no-video no-audio start end ' +
    'threads trace json quiet';
  for (const flag of flags.split(' ')) {
    assert.match(stdout, `--${flag}`);
  }
});

const usage = suite('bad usage exits with 2');

const wrong: [what: string, args: string[], says: RegExp][] = [
  ['no command', [], /Usage: millrace/],
  ['unknown command', ['transode', 'a', 'b'], /unknown command 'transode'\n\(Did you mean transcode\?\)/],
  ['unknown option', ['transcode', 'a', 'b', '--scal', '2x2'], /unknown option '--scal'\n\(Did you mean --scale\?\)/],
  ["ffmpeg's -i", ['-i', 'a', 'b'], /unknown option '-i'\n\(of ffmpeg -i: inputs are named without it.*transcode in/],
  ["ffmpeg's -c:v", ['transcode', 'a', 'b', '-c:v', 'x'], /unknown option '-c:v'\n\(of ffmpeg -c:v: --vcodec\)/],
  [
    "ffmpeg's -metadata:s:a:0",
    ['transcode', 'a', 'b', '-metadata:s:a:0', 'x'],
    /\(of ffmpeg -metadata:s: --metadata s:/,
  ],
  [
    "another of ffmpeg's",
    ['transcode', 'a', 'b', '-movflags', 'x'],
    /\(of ffmpeg -movflags: if it has that, encode\(\)/,
  ],
  [
    'one of ours with one dash',
    ['transcode', 'a', 'b', '-json'],
    /unknown option '-json'\n\(Did you mean --json\?\)\n$/,
  ],
  ["ffmpeg's -x264-params", ['transcode', 'a', 'b', '-x264-params', 'x'], /\(of ffmpeg -x264-params: if it has that/],
  ["ffmpeg's -c to another command", ['concat', 'a', 'b', 'c', '-c', 'copy'], /unknown option '-c'\n$/],
  ['missing argument', ['transcode', 'a'], /missing required argument 'output'/],
  ['superfluous argument', ['inspect', 'a', 'b'], /too many arguments/],
  ['size', ['transcode', 'a', 'b', '--scale', '640'], /'--scale <WxH>' argument '640' is invalid.*640x360/],
  ['size without a number', ['transcode', 'a', 'b', '--scale', '-1x-2'], /--scale/],
  ['time', ['transcode', 'a', 'b', '--start', 'soon'], /--start <time>' argument 'soon' is invalid.*1:30/],
  ['benchmark', ['bench', 'hops'], /'hops' is invalid.*ring, hop, transcode/],
  ['rounds', ['bench', 'ring', '--rounds', '0'], /--rounds <n>' argument '0' is invalid.*1 to 9999/],
  ['threads', ['transcode', 'a', 'b', '--threads', 'many'], /whole number or auto/],
  ['number of threads', ['transcode', clip, 'b.mp4', '--threads', '9999'], /threads: must be.*256/],
  ['end before start', ['transcode', clip, 'b.mp4', '--start', '2', '--end', '1'], /--end must be later than --start/],
  ['scaling a copy', ['transcode', clip, 'b.mp4', '--vcodec', 'copy', '--crf', '20'], /--crf has no effect.*copy/],
  [
    'video flag without video',
    ['transcode', clip, 'b.mp4', '--no-video', '--crf', '20'],
    /--crf has no effect.*--no-video/,
  ],
  [
    'video flag for a sound format',
    ['transcode', clip, 'b.mp3', '--scale', '2x2'],
    /--scale has no effect.*carries no video/,
  ],
  ['nothing left', ['transcode', clip, 'b.mp4', '--no-video', '--no-audio'], /nothing to do/],
  ['output is the input', ['transcode', clip, join(folder, '.', 'clip.mp4')], /is the input itself/],
  [
    'format of a drawing',
    ['graph', copy, '--format', 'png'],
    /Allowed choices are mermaid, dot, json, placement, ffmpeg/,
  ],
  ['missing graph file', ['run', 'nowhere.json'], /nowhere\.json/],
  ['trace over the graph file', ['run', copy, '--trace', copy], /is the graph file itself/],
  ['a stream without a list', ['inspect', clip, '--stream', '1'], /--stream has no effect without --packets/],
  ['a stream that is not there', ['inspect', clip, '--packets', '--stream', '9'], /--stream 9: .* the streams 0 to 1/],
  [
    'a stream that is no number',
    ['inspect', clip, '--packets', '--stream', 'x'],
    /--stream <n>' argument 'x' is invalid/,
  ],
  ['frames and packets', ['inspect', clip, '--frames', '--packets'], /--frames and --packets are two lists/],
  [
    'a stream without frames',
    ['inspect', clip, '--frames', '--stream', '2'],
    /--stream 2: those with frames in .* are 0, 1/,
  ],
];
for (const [n, [what, , says]] of wrong.entries()) {
  usage(what, async () => {
    const { code, stdout, stderr } = await result(COMMANDS.length + n);
    assert.is(code, 2);
    assert.is(stdout, '');
    assert.match(stderr, says);
    assert.not.match(stderr, /\n {4}at /);
  });
}

usage('a wrong graph file: every problem on a line of its own', async () => {
  const file = graphFile('wrong.json', {
    option: { schedular_count: 2 },
    nodes: [
      { id: 0, module_info: { name: 'c_ffmpeg_decoder' }, option: { input_path: clip, loops: 3 }, output_streams: [] },
      { id: 0, module_info: { name: 'c_ffmpeg_encodr' }, option: {} },
    ],
  });
  const { code, stderr } = await millrace(['run', file]);
  assert.is(code, 2);
  const lines = stderr.trimEnd().split('\n');
  assert.match(lines[0]!, /^millrace: the graph file .*wrong\.json cannot be used$/);
  for (const place of ['option.schedular_count', 'nodes[0].option.loops', 'nodes[1].id', 'nodes[1].module_info.name']) {
    assert.ok(
      lines.some((line) => line.startsWith(`  ${place}`)),
      `${place} in\n${stderr}`,
    );
  }
});

usage.run();

const trust = suite('run');

trust('runs a graph file', async () => {
  const { code, stdout, stderr } = await millrace(['run', copy]);
  assert.is(code, 0);
  assert.is(stderr, '');
  assert.match(stdout, /copy\.json: 10 frames, .* fps, speed .*x, \d threads?\n$/);
});

trust('loads module files only when allowed', async () => {
  const refused = await resultOf(HERE, 'run', withModule);
  assert.is(refused.code, 2);
  assert.match(refused.stderr, /may not load the module file/);
  const allowed = await resultOf(HERE, 'run', withModule, '--allow-modules');
  assert.is(allowed.code, 1);
  assert.match(allowed.stderr, 'here I am');
});

trust('opens URLs only of protocols that are allowed', async () => {
  const refused = await resultOf(HERE, 'run', remote);
  assert.is(refused.code, 2);
  assert.match(refused.stderr, /may not open 'http:'/);
  const allowed = await resultOf(HERE, 'run', remote, '--allow-protocol', 'https', '--allow-protocol', 'http');
  assert.is(allowed.code, 1);
  assert.match(allowed.stderr, 'Connection refused');
});

trust.run();

const looking = suite('graph, modules, inspect');

looking('draws a graph file as Mermaid, DOT and JSON', async () => {
  const mermaid = await resultOf('graph', copy);
  const dot = await resultOf('graph', copy, '--format', 'dot');
  const placement = await resultOf('graph', copy, '--format', 'placement');
  const json = await resultOf('graph', copy, '--format', 'json');
  assert.match(mermaid.stdout, /^flowchart LR\n.*writer<br\/>c_ffmpeg_encoder/s);
  assert.match(dot.stdout, /^digraph "graph" \{/);
  assert.match(placement.stdout, /^graph: \d+ worker threads? .*\nthread 0: about .*\nlinks: \d+ between threads/s);
  assert.is(JSON.parse(json.stdout).nodes[1].alias, 'writer');
  assert.equal([mermaid.code, dot.code, json.code], [0, 0, 0]);
});

looking('lists the modules', async () => {
  const names =
    'c_ffmpeg_decoder c_ffmpeg_filter c_ffmpeg_encoder burn_subtitles pass_through null_sink clock timestamper mux merge split assemble'.split(
      ' ',
    );
  const [text, json] = [await resultOf('modules'), await resultOf('modules', '--json')];
  assert.equal(
    text.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0]),
    names,
  );
  const list = JSON.parse(json.stdout);
  assert.equal(
    list.map((module: { name: string }) => module.name),
    names,
  );
  for (const { summary } of list) assert.match(text.stdout, summary);
});

looking('shows the streams of a file', async () => {
  const { code, stdout } = await resultOf('inspect', clip);
  assert.is(code, 0);
  const [head, video, audio] = stdout.split('\n');
  assert.match(head!, /clip\.mp4: mov,mp4.*, 0:00\.4\d$/);
  assert.match(video!, /^ {2}0 {2}video {2}h264 {2}96x54, yuv420p, 25 fps, 10 frames, \d+ kb\/s, 0:00\.40$/);
  assert.match(audio!, /^ {2}1 {2}audio {2}aac {3}48000 Hz, mono, fltp, \d+ kb\/s/);
});

looking('shows chapters, and what streams are for', async () => {
  const { code, stdout } = await resultOf('inspect', everything);
  assert.is(code, 0);
  assert.match(stdout, /^ {2}2 {2}audio .* eng, comment, Commentary$/m);
  assert.match(stdout, /^ {2}3 {2}subtitle {4}subrip {2}fra, forced, hearing_impaired$/m);
  assert.match(stdout, /^ {2}chapter 2 {2}0:00\.40 - 0:01\.00 {2}Two : more$/m);
});

looking('lists packets, key frames and frames', async () => {
  const of = (...flags: readonly string[]): Promise<Result> => resultOf('inspect', clip, ...flags);
  const [all, keyframes] = [await of('--packets', '--json'), await of('--keyframes')];
  const ofSound = await of('--packets', '--stream', '1');
  const [frames, pictures] = [await of('--frames', '--json'), await of('--frames', '--stream', '0')];
  const packets = all.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.is(packets.filter(({ kind }) => kind === 'video').length, 10);
  const { stream, kind, pts, key, size } = packets.find(({ stream }) => stream === 0);
  assert.equal([stream, kind, pts, key], [0, 'video', 0, true]);
  assert.ok(size > 0);
  const keys = keyframes.stdout.trim().split('\n');
  assert.is(keys.length, packets.filter((packet) => packet.kind === 'video' && packet.key).length);
  for (const line of keys) assert.match(line, /^ ?0 {2}video .* key$/);
  const sound = ofSound.stdout.trim().split('\n');
  assert.is(sound.length, packets.filter((packet) => packet.stream === 1).length);
  const found = frames.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const [first, second] = found.filter(({ kind }) => kind === 'video');
  const { duration, ...picture } = first;
  const layout = { width: 96, height: 54, format: 'yuv420p' };
  assert.equal(picture, { kind: 'video', stream: 0, pts: 0, key: true, type: 'I', ...layout });
  assert.equal([duration, second.pts, second.key], [0.04, 0.04, false]);
  assert.equal(found.filter(({ kind, samples }) => kind === 'audio' && samples > 0).length, found.length - 10);
  const lines = pictures.stdout.trimEnd().split('\n');
  assert.is(lines.length, 10);
  assert.match(lines[0]!, /^ 0 {2}video {6}0\.000000 {6}0\.040000 {9}96x54 {2}yuv420p {4}I {2}key$/);
});

looking('shows the streams of a file as JSON', async () => {
  const { code, stdout } = await resultOf('inspect', clip, '--json');
  assert.is(code, 0);
  const info = JSON.parse(stdout);
  assert.is(info.path, clip);
  assert.is(info.streams.length, 2);
  const [video, audio] = info.streams;
  assert.equal([video.kind, video.codec, video.width, video.height, video.frames], ['video', 'h264', 96, 54, 10]);
  assert.equal(video.frameRate, { num: 25, den: 1 });
  assert.equal([audio.kind, audio.codec, audio.sampleRate, audio.channels], ['audio', 'aac', 48000, 1]);
  assert.ok(Math.abs(info.format.duration - 0.4) < 0.1);
});

looking('a reader that leaves early is no failure', async () => {
  const { code, stderr } = await millrace(['graph', copy, '--format', 'json'], { deaf: true });
  assert.is(code, 0);
  assert.is(stderr, '');
});

looking.run();

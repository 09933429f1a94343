import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeClip, millrace, millraceEach, type Result, temporaryFolder } from './kit.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clip = await makeClip(at('clip.mp4'), { seconds: 0.4, size: '96x54' });
writeFileSync(at('garbage.mp4'), Buffer.alloc(50_000, 'no media at all '));
writeFileSync(at('empty.mp4'), '');

const test = suite('a failure exits with 1 and says why in one line');

const failures: [what: string, args: string[], says: RegExp][] = [
  [
    'input below a file',
    ['transcode', 'garbage.mp4/in.mp4', 'o.mp4'],
    /Cannot open garbage\.mp4\/in\.mp4: .*not a directory/i,
  ],
  ['missing input', ['transcode', 'nowhere.mp4', 'o.mp4'], /Cannot open nowhere\.mp4: No such file or directory/],
  ['directory as input', ['transcode', folder, 'o.mp4'], /it is a directory/],
  ['garbage as input', ['transcode', 'garbage.mp4', 'o.mp4'], /Cannot open garbage\.mp4: Invalid data/],
  ['empty input', ['inspect', 'empty.mp4'], /the file is empty/],
  ['missing file to inspect', ['inspect', 'nowhere.mp4'], /No such file or directory/],
  ['missing folder of the output', ['transcode', clip, 'no/such/folder/o.mp4'], /there is no directory/],
  ['directory as output', ['transcode', clip, folder], /it is a directory/],
  ['full disk', ['transcode', clip, '/dev/full', '--vcodec', 'h264', '--acodec', 'aac'], /No space left on device/],
  ['unknown encoder', ['transcode', clip, 'o.mp4', '--vcodec', 'h265x'], /no encoder 'h265x'/],
  [
    'unknown preset',
    ['transcode', clip, 'o.mp4', '--preset', 'warp'],
    /video_params\.preset: libx264 has no preset "warp"/,
  ],
  ['wrong crf', ['transcode', clip, 'o.mp4', '--crf', 'good'], /"good" for its option 'crf'/],
];

const output = (id: number, path: string, more = {}) => ({
  id,
  module_info: { name: 'c_ffmpeg_encoder' },
  option: { output_path: path, video_params: { codec: 'mpeg4' } },
  input_streams: [{ identifier: 'v' }],
  ...more,
});
const decoder = {
  id: 0,
  module_info: { name: 'c_ffmpeg_decoder' },
  option: { input_path: clip, vframes: 2 },
  output_streams: [{ identifier: 'video:v' }],
};
const nodes = [decoder, output(1, at('kept.mp4')), output(2, '/nowhere/x.mp4', { on_error: 'drop-branch' })];
writeFileSync(at('optional.json'), JSON.stringify({ nodes }));
writeFileSync(at('broken.mjs'), `export default { process() { throw new TypeError('two\\nlines'); } };`);
const broken = { nodes: [{ id: 0, alias: 'b', module_info: { name: 'broken', path: at('broken.mjs') } }] };
writeFileSync(at('broken.json'), JSON.stringify(broken));

/** In one process with the failures, by their words here. */
const OTHERS = {
  quiet: ['transcode', clip, '/dev/full', '--quiet'],
  json: ['transcode', clip, '/dev/full', '--json'],
  debug: ['MILLRACE_DEBUG=1', 'transcode', clip, '/dev/full'],
  dropped: ['run', 'optional.json', '--json'],
  broken: ['run', at('broken.json'), '--allow-modules'],
  untouched: ['transcode', 'garbage.mp4', 'untouched.mp4'],
} as const;
let done: Promise<Result[]> | undefined;
async function result(n: number): Promise<Result> {
  const commands = [...failures.map(([, args]) => args), ...Object.values(OTHERS)];
  done ??= millraceEach(commands, { cwd: folder, limit: 60_000 });
  return (await done)[n]!;
}
async function resultOf(name: keyof typeof OTHERS): Promise<Result> {
  return result(failures.length + Object.keys(OTHERS).indexOf(name));
}

for (const [n, [what, , says]] of failures.entries()) {
  test(what, async () => {
    const { code, stdout, stderr } = await result(n);
    assert.is(code, 1);
    assert.is(stdout, '');
    assert.match(stderr, says);
    assert.match(stderr, /^millrace: [^\n]+\n$/);
  });
}

test('in a process of its own, and from a thread, as well', async () => {
  const { code, stdout, stderr } = await millrace(['transcode', clip, '/dev/full', '--threads', '1']);
  assert.equal([code, stdout], [1, '']);
  assert.match(stderr, /^millrace: [^\n]*No space left on device[^\n]*\n$/);
});

test('--quiet does not hide it', async () => {
  const { code, stderr } = await resultOf('quiet');
  assert.is(code, 1);
  assert.match(stderr, /^millrace: [^\n]+\n$/);
});

test('--json tells it to programs as well', async () => {
  const { code, stdout, stderr } = await resultOf('json');
  assert.is(code, 1);
  assert.match(stderr, /^millrace: [^\n]+\n$/);
  const { ok, error } = JSON.parse(stdout);
  assert.is(ok, false);
  assert.equal([error.code, error.module, error.nodeId], ['ERR_MILLRACE_OUTPUT', 'c_ffmpeg_encoder', 1]);
  assert.match(error.message, 'No space left');
});

test('a branch that was dropped is a warning, and in JSON an error with its node', async () => {
  const { code, stdout, stderr } = await resultOf('dropped');
  assert.is(code, 0);
  assert.match(stderr, /^millrace: warning: node 2 .*Its branch was dropped/);
  const { ok, frames, dropped } = JSON.parse(stdout);
  assert.equal([ok, frames, dropped.length], [true, 2, 1]);
  const [{ node, packetsLost, error }] = dropped;
  assert.equal([node, packetsLost, error.code, error.phase], [2, 0, 'ERR_MILLRACE_OUTPUT', 'init']);
  assert.match(error.message, /there is no directory/);
});

test('MILLRACE_DEBUG=1 adds the stack', async () => {
  const { code, stderr } = await resultOf('debug');
  assert.is(code, 1);
  assert.match(stderr, /\n {4}at /);
  assert.match(stderr, 'ERR_MILLRACE_OUTPUT');
});

test('an output is not begun when the input cannot be read', async () => {
  assert.is((await resultOf('untouched')).code, 1);
  assert.not.ok(existsSync(at('untouched.mp4')));
});

test('a module that throws in its process', async () => {
  const { code, stderr } = await resultOf('broken');
  assert.is(code, 1);
  assert.is(stderr, 'millrace: node 0 "b" (broken) failed in process: two lines\n');
});

test.run();

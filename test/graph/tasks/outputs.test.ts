/** Where the short functions read and write besides files: memory, sources, sinks, streams. */
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import {
  concat,
  encode,
  extractAudio,
  Graph,
  gif,
  probeSync,
  type SeekableSource,
  sprite,
  type TaskOptions,
  type TaskOutput,
  thumbnails,
  trim,
  waveform,
} from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection } from '../../kit/rejection.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-outputs-'));
const at = (name: string): string => join(folder, name);
const shared: TaskOptions = { threads: 0 };

const clip = at('clip.mkv');
const maker = new Graph({ threads: 0 });
const pictures = maker.filter('testsrc2', { size: '64x48', rate: 10, duration: 0.6 });
encode(pictures, maker.filter('sine', { duration: 0.6, sample_rate: 16000 }), {
  output_path: clip,
  video_params: { codec: 'mpeg4', threads: 1 },
  audio_params: { codec: 'aac' },
});
await maker.run();
const bytes = readFileSync(clip);

const fast = { video_params: { codec: 'mpeg4', threads: 1 } } as const;

/** Collects what is written, in the order of its places. */
class Collected {
  file = Buffer.alloc(0);
  closed = 0;
  readonly sink = {
    write: async (piece: Uint8Array, offset: number) => {
      const end = Math.max(this.file.length, offset + piece.length);
      this.file = Buffer.concat([this.file, Buffer.alloc(end - this.file.length)]);
      this.file.set(piece, offset);
    },
    close: () => {
      this.closed++;
    },
  };
  readonly stream = new Writable({
    write: (piece: Buffer, _, done) => {
      this.file = Buffer.concat([this.file, piece]);
      done();
    },
    final: (done) => {
      this.closed++;
      done();
    },
  });
  readonly web = new WritableStream<Uint8Array>({
    write: (piece) => {
      this.file = Buffer.concat([this.file, piece]);
    },
    close: () => {
      this.closed++;
    },
  });
}

/** Looked at as a file: that starts no thread. */
const kinds = (file: Uint8Array): string => {
  writeFileSync(at('made'), file);
  const { format, streams } = probeSync(at('made'));
  return [format.name.split(',')[0], ...streams.map(({ kind }) => kind)].join(' ');
};

const test = suite('outputs of tasks');

/** Each function that makes one file, with what it makes. */
const MAKERS: Readonly<Record<string, readonly [make: (output?: TaskOutput) => Promise<unknown>, what: string]>> = {
  trim: [(output) => trim(clip, { ...shared, end: 0.3, encode: fast, output }), 'mov video audio'],
  concat: [(output) => concat([clip, clip], { ...shared, encode: fast, output }), 'mov video audio'],
  gif: [(output) => gif(clip, { ...shared, end: 0.3, width: 32, output }), 'gif video'],
  extractAudio: [(output) => extractAudio(clip, { ...shared, output }), 'mov audio'],
};

for (const [name, [make, what]] of Object.entries(MAKERS)) {
  test(`${name}: without an output the file is in memory`, async () => {
    const { data, ...rest } = (await make()) as { data: Buffer };
    assert.is(kinds(data), what);
    assert.equal(Object.keys(rest), ['report']);
  });

  test(`${name}: what takes its bytes is handed it, and ended`, async () => {
    for (const form of name === 'trim' ? (['sink', 'stream', 'web'] as const) : (['stream'] as const)) {
      const collected = new Collected();
      const made = (await make(collected[form])) as object;
      assert.is(kinds(collected.file), what, form);
      assert.is(collected.closed, 1, form);
      assert.equal(Object.keys(made), ['report']);
    }
  });
}

test('what a format holds is that of the name that it has in encode', async () => {
  const { data } = await trim(clip, { ...shared, copy: true, encode: { format: 'matroska' } });
  assert.is(kinds(data), 'matroska video audio');
  const sound = await extractAudio(clip, { ...shared, encode: { format: 'wav' } });
  assert.is(kinds(sound.data), 'wav audio');
});

test('a path makes a file as before', async () => {
  const { path } = await gif(clip, { ...shared, end: 0.2, output: at('a.gif') });
  assert.ok(existsSync(path));
  const of: TaskOutput = createWriteStream(at('b.gif'));
  await gif(clip, { ...shared, end: 0.2, output: of });
  assert.ok(readFileSync(at('b.gif')).equals(readFileSync(path)));
});

test('pictures go where a function says, and one into a stream', async () => {
  const each = [new Collected(), new Collected()];
  const { thumbnails: list } = await thumbnails(clip, {
    ...shared,
    at: [0, 0.3],
    output: (number) => each[number - 1]!.stream,
  });
  assert.equal(
    list.map(({ data, path }, n) => [each[n]!.file.equals(data), path]),
    [
      [true, undefined],
      [true, undefined],
    ],
  );
  const one = new Collected();
  const [sheet] = [new Collected(), new Collected()];
  await thumbnails(clip, { ...shared, at: 0, format: 'png', output: one.web });
  assert.is(kinds(one.file), 'png_pipe video');
  const made = await sprite(clip, { ...shared, every: 0.2, format: 'png', output: sheet!.sink, vtt: one.sink });
  assert.ok(sheet!.file.equals(made.sheets[0]!.data));
  assert.match(made.vtt, /\nsprite-1\.png#xywh=0,0,160,120\n/);
  assert.is(one.file.subarray(0, made.vtt.length).toString(), made.vtt);
});

test('a waveform says what goes where', async () => {
  const [png, json] = [new Collected(), new Collected()];
  const { peaks } = await waveform(clip, {
    ...shared,
    points: 4,
    width: 8,
    output: { png: png.web, json: json.stream },
  });
  assert.is(kinds(png.file), 'png_pipe video');
  assert.equal(JSON.parse(json.file.toString()), peaks);
});

test('each reads a source of the program, and closes it once', async () => {
  let closed = 0;
  const source = (): SeekableSource => ({
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
    close: () => {
      closed++;
    },
  });
  const calls = [
    trim(source(), { ...shared, end: 0.2, encode: fast }),
    gif(source(), { ...shared, end: 0.2 }),
    concat([source()], { ...shared, encode: fast }),
    extractAudio(source(), shared),
    thumbnails(source(), { ...shared, at: 0 }),
    sprite(source(), { ...shared, every: 0.3 }),
    waveform(source(), { ...shared, points: 2 }),
  ];
  for (const { report } of await Promise.all(calls)) assert.equal(report.leaked, {});
  assert.is(closed, calls.length);
});

const broken = (): Writable =>
  new Writable({
    write: (_piece, _encoding, done) => done(new Error('the disk is full')),
  });

const wrong: readonly (readonly [name: string, call: () => Promise<unknown>, code: string, says: RegExp])[] = [
  ['a stream that fails', () => gif(clip, { ...shared, end: 0.2, output: broken() }), 'OUTPUT', /the disk is full/],
  [
    'a picture into a stream that fails',
    () => thumbnails(clip, { ...shared, at: 0, output: broken() }),
    'OUTPUT',
    /Cannot write the output: the disk is full/,
  ],
  [
    'several pictures into one stream',
    () => thumbnails(clip, { ...shared, every: 0.2, output: broken() }),
    'CONFIG',
    /\d pictures cannot all go into one output/,
  ],
  [
    'a function that says nothing',
    () => thumbnails(clip, { ...shared, at: 0, output: (() => undefined) as never }),
    'CONFIG',
    /output returned undefined for 1/,
  ],
  ['what is no output', () => trim(clip, { output: 7 as never }), 'CONFIG', /output/],
  ['a waveform into a stream', () => waveform(clip, { output: broken() as never }), 'CONFIG', /neither \*\.png/],
  [
    'an encoder that is told of another place',
    () => trim(clip, { encode: { output_path: at('x.mp4') } as never }),
    'CONFIG',
    /encode/,
  ],
  [
    'a format that goes back, in a stream',
    () => trim(clip, { ...shared, output: new Collected().stream, encode: { ...fast, format: 'hls' } }),
    'OPTION',
    /hls/,
  ],
];
for (const [name, call, code, says] of wrong) {
  test(`refuses ${name}`, async () => {
    const error = await rejection(call());
    assert.is((error as { code?: string }).code, `ERR_MILLRACE_${code}`, error.message);
    const problems = (error as { problems?: { path: string }[] }).problems ?? [];
    assert.match([error.message, ...problems.map(({ path }) => path)].join('\n'), says);
  });
}

test('a stream of what was not completed is destroyed', async () => {
  const abort = new AbortController();
  let failure: Error | undefined;
  const stream = new Writable({ write: () => abort.abort() }).on('error', (error) => {
    failure = error;
  });
  const closed = new Promise((resolve) => stream.once('close', resolve));
  const running = gif(clip, { ...shared, output: stream, signal: abort.signal });
  assert.is(((await rejection(running)) as { code?: string }).code, 'ERR_MILLRACE_ABORTED');
  await closed;
  assert.match(failure?.message ?? '', /before the file was complete/);
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

test.run();

/** `probe` and `probeSync` tell what ffprobe tells, field by field; the expected JSON is ffprobe's (fixtures/README.md). */
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Graph, type MediaInfo, type MillraceError, probe, probeSync } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const media = (name: string): string => fileURLToPath(new URL(`../fixtures/media/${name}`, import.meta.url));
const folder = new URL('../fixtures/probe/', import.meta.url);

const test = suite('probe');

// --- what ffprobe says, in our words ------------------------------------------------------------------------------------

/** What FFmpeg 8.1 tells otherwise than 5.1, of which the fixtures are. */
const NEWER: Readonly<Record<string, { format?: Fields; streams?: Fields[] }>> = {
  // The padding that the encoder put in is not counted any more; red, green and blue are a colour space.
  'cover.mp3': {
    format: { duration: '1.000000', bit_rate: '20256' },
    streams: [{ duration: '1.000000' }, { duration: '1.000000', color_space: 'gbr' }],
  },
  // The same with frames that are not to be shown.
  'encrypted-cenc.mp4': { format: { duration: '2.080000', bit_rate: '458050' } },
  'logo-alpha.png': { streams: [{ color_space: 'gbr' }] },
  // Without timestamps it is the rate that the demuxer assumes.
  'raw.h264': { streams: [{ avg_frame_rate: '25/1' }] },
};

function newer(name: string, said: Ffprobe): Ffprobe {
  const { format, streams = [] } = NEWER[name] ?? {};
  return {
    ...said,
    format: { ...said.format, ...format },
    streams: said.streams.map((all, i) => {
      // A vendor of four zeros is no tag any more.
      const { vendor_id, ...tags } = (all.tags ?? {}) as Record<string, string>;
      return { ...all, ...streams[i], tags: vendor_id === '[0][0][0][0]' ? tags : all.tags };
    }),
  };
}

type Fields = Record<string, unknown>;
interface Ffprobe {
  format: Fields;
  streams: Fields[];
  chapters: Fields[];
  programs: (Fields & { streams: Fields[] })[];
}

const present = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
const number = (value: unknown): number | undefined => (value === undefined ? undefined : Number(value));
const positive = (value: unknown): number | undefined => (Number(value) > 0 ? Number(value) : undefined);
const word = (value: unknown): unknown => (/^(unknown|unspecified|reserved)$/.test(`${value}`) ? undefined : value);
const ratio = (value: unknown): unknown => {
  const [num, den] = `${value}`.split(/[:/]/).map(Number);
  return num! > 0 && den! > 0 ? { num, den } : undefined;
};

function translated({ format, streams, chapters, programs }: Ffprobe): unknown {
  return {
    format: present({
      name: format.format_name,
      duration: number(format.duration),
      start: number(format.start_time),
      bitRate: positive(format.bit_rate),
      size: number(format.size),
      tags: format.tags ?? {},
      chapters: chapters.map(({ start_time, end_time, tags = {} }) => {
        return { start: Number(start_time), end: Number(end_time), tags };
      }),
      programs: programs.map(({ program_id, tags = {}, streams: own }) => {
        return { id: program_id, tags, streams: own.map(({ index }) => index) };
      }),
    }),
    streams: streams.map(stream),
  };
}

function stream(all: Fields): Fields {
  const tags = (all.tags ?? {}) as Record<string, string>;
  const disposition = all.disposition as Record<string, number>;
  const common = {
    index: all.index,
    kind: all.codec_type,
    codec: all.codec_name ?? 'none',
    profile: word(all.profile),
    level: positive(all.level),
    language: tags.language,
    title: tags.title,
    tags,
    disposition: Object.keys(disposition).filter((name) => disposition[name] === 1),
    timeBase: ratio(all.time_base),
    start: number(all.start_time),
    duration: number(all.duration),
    bitRate: positive(all.bit_rate),
    frames: positive(all.nb_frames),
  };
  if (all.codec_type === 'video') return present({ ...common, ...picture(all) });
  if (all.codec_type !== 'audio') return present(common);
  return present({
    ...common,
    sampleRate: number(all.sample_rate),
    channels: all.channels,
    channelLayout: all.channel_layout ?? `${all.channels} channels`,
    sampleFormat: all.sample_fmt,
    bitsPerSample: positive(all.bits_per_raw_sample),
  });
}

function picture(all: Fields): Fields {
  const sideData = (all.side_data_list ?? []) as Fields[];
  const turned = sideData.map(({ rotation }) => number(rotation)).find((angle) => angle !== undefined) ?? 0;
  const color = present({
    range: word(all.color_range),
    space: word(all.color_space),
    primaries: word(all.color_primaries),
    transfer: word(all.color_transfer),
    chromaLocation: word(all.chroma_location),
  });
  return {
    width: all.width,
    height: all.height,
    sampleAspectRatio: ratio(all.sample_aspect_ratio),
    rotation: positive((360 - turned) % 360),
    pixelFormat: all.pix_fmt,
    fieldOrder: word(all.field_order),
    color: Object.keys(color).length > 0 ? color : undefined,
    frameRate: ratio(all.avg_frame_rate),
  };
}

/** ffprobe prints seconds with six digits: those of ours that are no further away than that count as the same. */
function rounded(ours: unknown, theirs: unknown): unknown {
  if (typeof ours === 'number' && typeof theirs === 'number') return Math.abs(ours - theirs) <= 1e-6 ? theirs : ours;
  if (typeof ours !== 'object' || ours === null || typeof theirs !== 'object' || theirs === null) return ours;
  if (Array.isArray(ours)) return ours.map((item, i) => rounded(item, (theirs as unknown[])[i]));
  return Object.fromEntries(
    Object.entries(ours).map(([key, value]) => [key, rounded(value, (theirs as Record<string, unknown>)[key])]),
  );
}

/** JSON leaves out what is undefined, and would make null of NaN. */
function plain({ format, streams }: MediaInfo): unknown {
  return JSON.parse(JSON.stringify({ format, streams }));
}

for (const file of readdirSync(folder)) {
  const name = file.replace(/\.json$/, '');
  test(`${name} is what ffprobe says it is`, async () => {
    const expected = translated(newer(name, JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Ffprobe));
    const sync = probeSync(media(name));
    assert.is(sync.path, media(name));
    assert.equal(rounded(plain(sync), expected), expected);
  });
}
// --- how it is asked --------------------------------------------------------------------------------------------------

const refusal = async (asked: Promise<unknown>): Promise<MillraceError> => {
  const error: unknown = await asked.then(
    () => assert.unreachable('it was not refused'),
    (thrown: unknown) => thrown,
  );
  return error as MillraceError;
};

test('a path, its URL and the object of that URL give the same, on a thread as at once', async () => {
  const file = media('everything.mkv');
  const url = pathToFileURL(file);
  const asked = await Promise.all([file, url.href, url].map((input) => probe(input)));
  for (const { format, streams } of asked) {
    const { path, ...same } = probeSync(file);
    assert.equal({ format, streams }, same);
  }
  assert.equal(
    asked.map(({ path }) => path),
    [file, url.href, url.href],
  );
});

test('what is not known is not there, and nothing is NaN or null', () => {
  for (const name of ['still.jpg', 'raw.h264']) {
    const look = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) {
        assert.ok(value !== undefined && value !== null && !Number.isNaN(value), `${name}: ${value}`);
        return;
      }
      for (const item of Object.values(value)) look(item);
    };
    look(probeSync(media(name)));
  }
});

const folderOf = mkdtempSync(join(tmpdir(), 'millrace-probe-'));
test.after(() => rmSync(folderOf, { recursive: true, force: true }));
const at = (name: string, content: string | Uint8Array): string => {
  const path = join(folderOf, name);
  writeFileSync(path, content);
  return path;
};

test('tags that are not UTF-8 have a mark in the place of what cannot be read', () => {
  const sound = readFileSync(media('mono-16k.wav'));
  // A list of one tag, INAM, behind the samples.
  const list = Buffer.from('LIST\x10\0\0\0INFOINAM\x04\0\0\0\xe9t\xe9\0', 'latin1');
  const file = Buffer.concat([sound.subarray(0, 12), list, sound.subarray(12)]);
  file.writeUInt32LE(file.length - 8, 4);
  assert.is(probeSync(at('latin.wav', file)).format.tags.title, '\ufffdt\ufffd');
});

// --- bytes ------------------------------------------------------------------------------------------------------------

const facts = ({ format, streams }: MediaInfo): unknown => ({ ...format, streams });

test('a title of more than 255 bytes is cut between characters', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'millrace-probe-')), 'long.mkv');
  const graph = new Graph({ threads: 0 });
  const picture = graph.filter('color', { size: '32x32', duration: 0.04 });
  const options = {
    output_path: path,
    video_params: { codec: 'mpeg4' },
    chapters: [{ start: 0, end: 1, title: 'ä'.repeat(200) }],
  };
  picture.encode(null, options);
  await graph.run();
  assert.is(probeSync(path).format.chapters![0]!.tags.title, 'ä'.repeat(127));
  rmSync(path);
});

test('bytes in memory tell the same as their file, in whatever they lie', async () => {
  const bytes = readFileSync(media('chapters.mp4'));
  const expected = facts(probeSync(media('chapters.mp4')));
  const inside = new Uint8Array(bytes.length + 64).fill(7);
  inside.set(bytes, 40);
  const array = new Uint8Array(bytes).buffer;
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  const inputs = [bytes, inside.subarray(40, 40 + bytes.length), array, shared, new DataView(array), new Blob([bytes])];
  const asked = await Promise.all(inputs.map((input) => probe(input)));
  for (const [i, info] of asked.entries()) assert.equal(facts(info), expected, inputs[i]!.constructor.name);
  assert.is(asked[0]!.path, `a Buffer of ${bytes.length} bytes`);
  // The caller's memory stays the caller's.
  assert.is(array.byteLength, bytes.length);
});

test('of a source only what is needed is read, and it is closed', async () => {
  const bytes = readFileSync(media('clip-4s.mp4'));
  let read = 0;
  let closed = 0;
  const info = await probe({
    size: bytes.length,
    read: async (offset, length) => {
      read += length;
      return bytes.subarray(offset, offset + length);
    },
    close: () => {
      closed++;
    },
  });
  assert.equal(facts(info), facts(probeSync(media('clip-4s.mp4'))));
  assert.is(closed, 1);
  assert.ok(read < bytes.length, `${read} of ${bytes.length} bytes`);
});

test('of a stream the beginning is read, and it is closed', async () => {
  const stream = createReadStream(media('everything.mkv'));
  const info = await probe(stream);
  assert.ok(stream.destroyed);
  assert.is(info.path, media('everything.mkv'));
  const { format, streams } = probeSync(media('everything.mkv'));
  assert.equal(info.format.chapters, format.chapters);
  assert.equal(
    info.streams.map(({ kind, codec, language }) => [kind, codec, language]),
    streams.map(({ kind, codec, language }) => [kind, codec, language]),
  );
  assert.is(info.format.size, undefined);
  let ended = false;
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    try {
      const beginning = readFileSync(media('two-programs.mpegts'));
      for (;;) yield beginning;
    } finally {
      ended = true;
    }
  };
  assert.is((await probe(endless())).format.programs!.length, 2);
  assert.ok(ended);
});

test('bytes that cannot be used, or not be had, are refused by the name of what holds them', async () => {
  const disk = new Error('the disk is on fire');
  const fails = { size: 9, read: () => Promise.reject(disk) };
  const error = await refusal(probe(fails));
  assert.is(error.code, 'ERR_MILLRACE_INPUT');
  assert.match(error.message, /^Cannot read a source of 9 bytes: the disk is on fire/);
  assert.is(error.cause, disk);
  const mute = { size: 9, read: () => Promise.resolve('text') };
  assert.match((await refusal(probe(mute as never))).message, /instead of a Uint8Array/);
  for (const [input, says] of [
    [readFileSync(media('garbage.mp4')), /Cannot open a Buffer of \d+ bytes: Invalid data/],
    [new Blob([]), /Cannot open a Blob of 0 bytes/],
    [createReadStream(media('truncated.mp4')), /truncated\.mp4.*index|index.*truncated\.mp4/],
  ] as const) {
    const { code, message } = await refusal(probe(input));
    assert.is(code, 'ERR_MILLRACE_INPUT');
    assert.match(message, says);
  }
});

test('a source that says nothing can be left, and is closed', async () => {
  const leaves = new AbortController();
  let told: AbortSignal | undefined;
  let closed = false;
  const mute = {
    size: 9,
    read: (_offset: number, _length: number, signal: AbortSignal): Promise<Uint8Array> => {
      told = signal;
      leaves.abort();
      return new Promise(() => {});
    },
    close: () => {
      closed = true;
    },
  };
  const { code } = await refusal(probe(mute, { signal: leaves.signal }));
  assert.is(code, 'ERR_MILLRACE_ABORTED');
  assert.ok(told!.aborted && closed);
});

for (const [what, path, says] of [
  ['random bytes', media('garbage.mp4'), /garbage\.mp4: Invalid data.*FFmpeg says: moov atom not found/],
  ['a file without an index', media('truncated.mp4'), /truncated\.mp4: Invalid data.*FFmpeg says: moov atom not found/],
  ['an empty file', media('empty.mp4'), /empty\.mp4: the file is empty/],
  ['no file', media('nothing.mp4'), /nothing\.mp4: No such file/],
  ['a directory', media(''), /it is a directory/],
  ['a text', at('notes.md', 'no media at all, only words. '.repeat(40)), /notes\.md: Invalid data/],
  ['a file of metadata alone', at('meta.txt', ';FFMETADATA1\ntitle=x\n'), /No streams in .*meta\.txt/],
  ['an unknown protocol', 'nonsense://host/file', /nonsense:\/\/host\/file: .*(Protocol not found|is not)/],
] as const) {
  test(`${what}: refused by name, with FFmpeg's words, on a thread as at once`, async () => {
    const { code, message } = await refusal(probe(path));
    assert.is(code, 'ERR_MILLRACE_INPUT');
    assert.match(message, says);
    if (path.includes('://')) return;
    assert.throws(
      () => probeSync(path),
      (error: MillraceError) => error.code === code && says.test(error.message),
    );
  });
}

test('wrong arguments are refused by name', async () => {
  for (const input of [undefined, null, '', 5, {}, []]) {
    assert.is((await refusal(probe(input as never))).code, 'ERR_MILLRACE_CONFIG');
    assert.throws(
      () => probeSync(input as never),
      (error: MillraceError) => error.code === 'ERR_MILLRACE_CONFIG',
    );
  }
  for (const options of [null, 5, { signal: 5 }, { timeout_ms: -1 }, { timeout_ms: 'soon' }, { timeout: 5 }]) {
    assert.is((await refusal(probe(media('still.jpg'), options as never))).code, 'ERR_MILLRACE_CONFIG');
  }
  assert.throws(
    () => probeSync('http://127.0.0.1:1/x.mp4'),
    (error: MillraceError) => error.code === 'ERR_MILLRACE_OPTION' && /could block for ever/.test(error.message),
  );
});

/** A server that takes connections and says nothing. */
async function silence(look: (url: string, asked: Promise<void>) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  let told = (): void => {};
  const asked = new Promise<void>((resolve) => {
    told = resolve;
  });
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    told();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await look(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x.mp4`, asked);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

test('a peer that says nothing can be left at any moment', () =>
  silence(async (url, asked) => {
    const leaves = new AbortController();
    const looking = refusal(probe(url, { signal: leaves.signal }));
    await asked;
    leaves.abort(new Error('enough'));
    const { code, message, cause } = await looking;
    assert.is(code, 'ERR_MILLRACE_ABORTED');
    assert.ok(message.includes(url));
    assert.is((cause as Error).message, 'enough');
  }));

test('a peer that says nothing is waited for no longer than was asked', () =>
  silence(async (url) => {
    const { code, message } = await refusal(probe(url, { timeout_ms: 300 }));
    assert.is(code, 'ERR_MILLRACE_TIMEOUT');
    assert.match(message, /x\.mp4: it took longer than 300 ms/);
  }));

test('a signal that was aborted before ends it before it begins', async () => {
  const { code } = await refusal(probe(media('everything.mkv'), { signal: AbortSignal.abort() }));
  assert.is(code, 'ERR_MILLRACE_ABORTED');
});

test('the event loop goes on meanwhile', async () => {
  let turns = 0;
  let over = false;
  const looking = probe(media('everything.mkv')).finally(() => {
    over = true;
  });
  while (!over) {
    turns++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await looking;
  assert.ok(turns > 20, `${turns} turns`);
});

test.run();

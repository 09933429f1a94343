/** Jobs whose sources are whole files: paths, URLs, bytes, blobs, and objects that give ranges. Names and results of jobs. */
import { once } from 'node:events';
import { createReadStream, openAsBlob, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { Graph, type JobOutcome, type JobResult, type JobSource, type SeekableSource, type Server } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { media } from '../../kit/media.js';
import { rejection } from '../../kit/rejection.js';
import { sum, values } from '../../kit/serving.js';
import { soon } from '../../kit/soon.js';

const test = suite('jobs of whole files');

/** Its index stands at the end. */
const PATH = media('clip-4s.mp4');
const BYTES = readFileSync(PATH);
const FRAMES = 5;

interface Watched extends SeekableSource {
  closed: number;
}

function watched(read?: SeekableSource['read']): Watched {
  return {
    size: BYTES.length,
    read: read ?? (async (offset, length) => BYTES.subarray(offset, offset + length)),
    closed: 0,
    close() {
      this.closed++;
    },
  };
}

/** A graph that gives the first pictures of each job, whatever follows them. */
async function firstPictures(): Promise<Server> {
  const graph = new Graph({ threads: 0, time_out: 10 });
  const { video } = graph.inputStream('file').decode();
  return graph.serve({ outputs: { video: video.trim({ end_frame: FRAMES }) } });
}

function frames(result: JobResult): number {
  const { length } = result.outputs.video!;
  result.close();
  return length;
}

test('whatever a file is given as, its job is done, and one that fails fails alone', async () => {
  const leaks = new LeakWatch();
  const web = createServer((request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = `bytes ${from}-${BYTES.length - 1}/${BYTES.length}`;
    const length = BYTES.length - from;
    response.writeHead(206, { 'content-length': length, 'content-range': range, 'accept-ranges': 'bytes' });
    response.end(BYTES.subarray(from));
  });
  await once(web.listen(0, '127.0.0.1'), 'listening');
  const sources = [watched(), watched(), watched()] as const;
  const good: Record<string, JobSource> = {
    path: PATH,
    url: pathToFileURL(PATH),
    'path from a function': () => PATH,
    http: `http://127.0.0.1:${(web.address() as AddressInfo).port}/clip.mp4`,
    buffer: BYTES,
    'array buffer': new Uint8Array(BYTES).buffer,
    blob: new Blob([BYTES]),
    'blob of a file': await openAsBlob(PATH),
    source: sources[0],
    'source from a function': async () => sources[1],
    'bytes in order': readFileSync(media('clip.mpegts')),
  };
  const bad: Record<string, [JobSource, RegExp]> = {
    'no file': ['/no/such/file.mp4', /Cannot open \/no\/such\/file\.mp4: No such file/],
    'a source that fails': [
      Object.assign(sources[2], { read: () => Promise.reject(new Error('no such object')) }),
      /Cannot read a source of \d+ bytes: no such object/,
    ],
    'a stream that cannot be gone back in': [() => createReadStream(PATH), /whose index \(moov\) stands behind/],
    'no media': [media('garbage.mp4'), /garbage\.mp4: Invalid data/],
  };
  const server = await firstPictures();
  try {
    const asked = Object.entries(good).map(async ([name, source]) => [name, frames(await server.submit(source))]);
    const failed = Object.entries(bad).map(async ([name, [source, says]]) => {
      assert.match((await rejection(server.submit(source))).message, says, name);
    });
    assert.equal(
      await Promise.all(asked),
      Object.keys(good).map((name) => [name, FRAMES]),
    );
    await Promise.all(failed);
  } finally {
    const { warnings, leaked } = await server.close();
    assert.equal([warnings, leaked], [[], {}]);
    web.closeAllConnections();
    web.close();
  }
  for (const { closed } of sources) assert.is(closed, 1);
  leaks.check();
});

test('what is left of a file when nobody wants more of it is not read', async () => {
  const server = await firstPictures();
  let told: AbortSignal | undefined;
  // The end of the file has its index, the beginning more pictures than are wanted.
  const source = watched(async (offset, length, signal) => {
    if (offset < 131_072 || offset + length >= BYTES.length - 65_536) return BYTES.subarray(offset, offset + length);
    told = signal;
    return new Promise(() => {});
  });
  assert.is(frames(await soon('the first job', server.submit(source))), FRAMES);
  assert.is(source.closed, 1);
  if (told) assert.ok(told.aborted);
  assert.is(frames(await soon('the next job', server.submit(PATH))), FRAMES);
  await server.close();
});

test('a job whose source is silent is given up by its signal, and the next one is done', async () => {
  const server = await firstPictures();
  const gives = new AbortController();
  let told: AbortSignal | undefined;
  const source = watched((_offset, _length, signal) => {
    told = signal;
    gives.abort();
    return new Promise(() => {});
  });
  const given = rejection(server.submit(source, { signal: gives.signal }));
  const next = server.submit(PATH);
  assert.is((await soon('the silent job', given)).code, 'ERR_MILLRACE_ABORTED');
  assert.is(frames(await soon('the next job', next)), FRAMES);
  assert.ok(told!.aborted);
  assert.is(source.closed, 1);
  await server.close();
});

test('a file for something else than a decoder is refused by name, and released', async () => {
  const graph = new Graph({ threads: 0 });
  const server = await graph.serve({ outputs: [sum(graph.inputStream('in'))] });
  const source = watched();
  for (const job of [PATH, new Blob([BYTES]), source]) {
    const { code, message } = await rejection(server.submit(job));
    assert.is(code, 'ERR_MILLRACE_CONFIG');
    assert.match(message, /job\.in: is a file, which only decoders read/);
  }
  assert.is(source.closed, 1);
  assert.match((await rejection(server.submit(() => PATH))).message, /is a file, which only decoders read/);
  await server.close();
});

test('jobs have names, and their results can be iterated over in the order in which they end', async () => {
  const graph = new Graph({ threads: 0 });
  const server = await graph.serve({ outputs: [sum(graph.inputStream('in'))] });
  const unheard = await server.submit(values(9));
  assert.is(unheard.name, undefined);
  unheard.close();
  const { results } = server;
  // Nobody handles what these reject with.
  void server.submit(values(1, 2), { name: 'first' });
  void server.submit(() => Promise.reject(new Error('no source')), { name: 'second' });
  void server.submit('no packets', { name: 'refused' });
  void server.submit(values(3));
  const closing = server.close();
  const seen: JobOutcome[] = [];
  for await (const outcome of results) seen.push(outcome);
  await closing;
  const told = seen.map((one) => [one.name, one.status === 'fulfilled' ? one.value.name : one.status]);
  assert.equal(told, [
    ['refused', 'rejected'],
    ['first', 'first'],
    ['second', 'rejected'],
    [undefined, undefined],
  ]);
  assert.match(String((seen[2] as { reason: unknown }).reason), /no source/);
  for (const one of seen) if (one.status === 'fulfilled') one.value.close();
  assert.equal(await server.results.next(), { done: true, value: undefined });
});

test('a loop over results that is left waits for nothing more', async () => {
  const graph = new Graph({ threads: 0 });
  const server = await graph.serve({ outputs: [sum(graph.inputStream('in'))] });
  const { results } = server;
  const job = server.submit(values(1));
  for await (const { status } of results) {
    assert.is(status, 'fulfilled');
    break;
  }
  (await job).close();
  assert.equal(await results.next(), { done: true, value: undefined });
  const asked = server.results.next();
  await server.close();
  assert.equal(await asked, { done: true, value: undefined });
  assert.match((await rejection(server.submit(values(1), { name: 3 as never }))).message, /name/);
});

test.run();

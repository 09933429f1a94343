/** FIFOs and pipes are inputs like others. How they are left at every stage: network-input.test.ts. */
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Graph, type Packet, probe, probeSync, syncModule, thumbnails } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Fifo, makeFifo } from '../../kit/fifo.js';
import { media } from '../../kit/media.js';
import { failureOf, soon, untilRight } from '../../kit/soon.js';

const SCRIPT = fileURLToPath(new URL('../../fixtures/modules/count-frames.mjs', import.meta.url));
const test = suite('pipes');
const clip = readFileSync(media('clip.mpegts'));
/** Pictures of the clip. */
let times: number[] = [];

async function timesOf(packets: AsyncIterable<Packet>, found: number[] = []): Promise<number[]> {
  for await (const packet of packets) {
    found.push(packet.timestamp!);
    packet.close();
  }
  return found;
}

async function withFifo(use: (fifo: Fifo) => Promise<void>): Promise<void> {
  const fifo = makeFifo();
  const watch = new LeakWatch();
  try {
    await use(fifo);
    // What a call left that blocks ends by itself.
    await untilRight(() => watch.check());
  } finally {
    fifo.remove();
  }
}

test.before(async () => {
  times = await timesOf(new Graph({ threads: 0 }).decode({ input_path: media('clip.mpegts') }).video.packets());
});

test('a FIFO gives the frames of the file that is written into it, and ends with its writer', () =>
  withFifo(async ({ path, write }) => {
    const before = descriptors();
    const reading = timesOf(new Graph({ threads: 0 }).decode({ input_path: path }).video.packets());
    const writer = write(clip);
    await soon('the writing', writer.written);
    writer.close();
    assert.equal(await soon('the reading', reading), times);
    await untilRight(() => assert.equal(descriptors(), before));
  }));

test('with reconnect one writer follows another, and what they wrote follows one another', () =>
  withFifo(async ({ path, write }) => {
    const graph = new Graph({ threads: 0 });
    const reconnect = { backoff_ms: 10, attempts: -1 };
    const input = graph.decode({ input_path: path, reconnect });
    const found: number[] = [];
    const reading = timesOf(input.video.packets(), found);
    for (const round of [1, 2]) {
      const writer = write(clip);
      await soon(`writing, round ${round}`, Promise.race([writer.written, reading]));
      writer.close();
      // Two that follow one another without a moment between them are one.
      await untilRight(() => assert.is(graph.stats().nodes[0]!.outages.count, round));
      await untilRight(() => assert.is(found.length, round * times.length));
    }
    graph.stop();
    await soon('the end', reading);
    assert.ok(found.every((time, i) => i === 0 || time > found[i - 1]!));
  }));

test('a writer that goes without a word, and an mp4 whose index comes too late, are told', () =>
  withFifo(async ({ path, write }) => {
    const failing = (): Promise<Error> =>
      failureOf('such a pipe', timesOf(new Graph({ threads: 0 }).decode({ input_path: path }).video.packets()));
    const silent = failing();
    // It is open when it can be opened for writing without waiting for a reader.
    const fd = await untilRight(() => openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    closeSync(fd);
    assert.match((await silent).message, `Cannot open ${path}: it has ended, and nothing came`);
    const mp4 = failing();
    write(readFileSync(media('clip-4s.mp4')));
    assert.match((await mp4).message, /index \(moov\) stands behind/);
  }));

test('a call that blocks reads a FIFO; probe looks into it, and what would look first and read then refuses it', () =>
  withFifo(async ({ path, write }) => {
    const writer = write(clip);
    void writer.written.then(writer.close);
    const info = await soon('probe', probe(path));
    assert.is(info.format.name, 'mpegts');
    assert.throws(() => probeSync(path), /it is a pipe.*await probe/s);
    assert.match((await failureOf('thumbnails', thumbnails(path, { count: 1 }))).message, 'can be read once only');
    writer.close();
    // This thread blocks, and cannot write.
    const other = spawn('sh', ['-c', `cat "${media('clip.mpegts')}" > "${path}"`]);
    const decoder = syncModule('c_ffmpeg_decoder', { input_path: path }, [], [0]);
    let frames = 0;
    while (frames === 0) {
      for (const packet of decoder.process().outputs[0]) {
        frames++;
        packet.close();
      }
    }
    decoder.close();
    other.kill();
  }));

for (const [how, name, stdin] of [
  ['a socket', 'pipe:0', 'pipe'],
  ['a pipe', '-', 'cat'],
  ['a file', 'fd:', 'file'],
] as const) {
  test(`${how} as the standard input, named ${name}`, async () => {
    const fd = openSync(media('clip.mpegts'), 'r');
    const [command, args] =
      stdin === 'cat'
        ? (['sh', ['-c', `cat | "${process.execPath}" "${SCRIPT}" ${name}`]] as const)
        : ([process.execPath, [SCRIPT, name]] as const);
    const child = spawn(command, args, { stdio: [stdin === 'file' ? fd : 'pipe', 'pipe', 'inherit'] });
    closeSync(fd);
    child.stdin?.on('error', () => {});
    child.stdin?.end(clip);
    let said = '';
    child.stdout!.on('data', (data) => {
      said += data;
    });
    const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
    await soon(`counting the frames of ${name}`, closed);
    assert.is(said, `${times.length} frames\n`);
  });
}

test('what the process was started with does not come back, and graph files need leave for it', async () => {
  await withFifo(async ({ path }) => {
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const graph = new Graph({ threads: 0 });
    graph.decode({ input_path: `pipe:${fd}`, reconnect: true }).video.module('null_sink', {});
    assert.match((await failureOf('reconnect', graph.run())).message, 'is a pipe that the process was started with');
    closeSync(fd);
  });
  const nodes = [{ id: 0, module_info: { name: 'c_ffmpeg_decoder' }, option: { input_path: '-' }, output_streams: [] }];
  assert.throws(() => Graph.fromConfig(JSON.stringify({ nodes })), /'pipe'/);
});

/** Number of descriptors, where the system tells. */
function descriptors(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
}

test.run();

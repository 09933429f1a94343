/** FFmpeg's own words in calls, in other threads, on stderr, and when the process ends. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Graph, type GraphError, Packet, syncModule } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, scratch } from '../kit/media.js';
import { REASONS } from '../kit/reasons.js';
import { thrown } from '../kit/rejection.js';

const at = scratch();
const test = suite("FFmpeg's own words elsewhere");
const millrace = new URL('../../dist/index.js', import.meta.url).href;

/** Gives pictures of an odd size to an encoder that is called. */
function oddlyCalled(parameters: { thread?: string }) {
  const settings = { output_path: at('called.mp4'), video_params: { codec: 'h264', pix_fmt: 'yuv420p' } };
  const encoder = syncModule('c_ffmpeg_encoder', settings, [0], [], parameters);
  const graph = 'testsrc2=s=320x240:d=0.2,scale=853:480';
  const source = syncModule('c_ffmpeg_filter', { graph }, [], [0], parameters);
  return { encoder, source };
}

for (const parameters of [{}, { thread: 'named' }, { thread: 'inline' }]) {
  test(`a blocking call has it (${parameters.thread ?? 'a thread of its own'})`, () => {
    for (let round = 0; round < 3; round++) {
      const { encoder, source } = oddlyCalled(parameters);
      const failure = thrown(() => {
        encoder.process({ 0: source.process().outputs[0] });
        encoder.sendEof();
      });
      assert.match(failure.message, /FFmpeg says: width not divisible by 2 \(853x480\)$/);
      encoder.close();
      source.close();
    }
  });

  test(`an asynchronous call has it (${parameters.thread ?? 'a thread of its own'})`, async () => {
    const { encoder, source } = oddlyCalled(parameters);
    try {
      await encoder.processAsync({ 0: (await source.processAsync()).outputs[0] });
      await encoder.sendEofAsync();
      assert.unreachable('it was expected to fail');
    } catch (error) {
      assert.match((error as Error).message, /width not divisible by 2 \(853x480\)$/);
    }
    await encoder.closeAsync();
    await source.closeAsync();
  });
}

test('bytes that are pushed: the thread that demuxes them has it', async () => {
  const graph = new Graph();
  const input = graph.inputStream('bytes');
  input.decode().video.encode(null, { null_output: true });
  await graph.start({ mode: 'push' });
  await input.push(new Packet(readFileSync(media('clip-4s.mp4')).subarray(0, 40))).catch(() => {});
  await input.end().catch(() => {});
  const failure = await graph.close().then(
    () => assert.unreachable('it was expected to fail'),
    (error: GraphError) => error,
  );
  assert.match((failure as GraphError).message, /FFmpeg says: .*moov atom not found/);
});

/** Runs a program of its own. */
function program(text: string) {
  const { stderr, stdout, status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { stderr, stdout, status, signal };
}

const failing = (options: string): string => `
  import { Graph } from '${millrace}';
  const graph = new Graph(${options});
  graph.module('c_ffmpeg_filter', { name: 'testsrc2', para: 's=320x240:d=0.2' }, { inputs: [] }).scale(853, 480)
    .encode(null, { output_path: '${at('stderr.mp4')}', video_params: { codec: 'h264', pix_fmt: 'yuv420p' } });
  await graph.run().catch((error) => console.log(error.message));
`;

test('nothing is written to stderr unless loglevel asks, and the error is the same', () => {
  for (const threads of [0, 1]) {
    const silent = program(failing(`{ threads: ${threads} }`));
    assert.is(silent.stderr, '');
    assert.match(silent.stdout, 'width not divisible by 2 (853x480)');
    const quiet = program(failing(`{ threads: ${threads}, loglevel: 'quiet' }`));
    assert.equal(quiet, silent);
    const shown = program(failing(`{ threads: ${threads}, loglevel: 'error' }`));
    assert.is(shown.stderr, '[libx264] width not divisible by 2 (853x480)\n');
    assert.is(shown.stdout, silent.stdout);
  }
});

test("from 'verbose' on FFmpeg writes its lines itself, with the addresses of its contexts", () => {
  const { stderr } = program(failing("{ threads: 0, loglevel: 'verbose' }"));
  assert.match(stderr, /\[libx264 @ 0x[0-9a-f]+\] width not divisible by 2/);
});

test('a line that FFmpeg gives in pieces is one line on stderr', () => {
  const { stderr } = program(`
    import { Graph } from '${millrace}';
    const graph = new Graph({ threads: 0, loglevel: 'info' });
    graph.module('c_ffmpeg_filter', { name: 'testsrc2', para: 's=320x240:d=0.08' }, { inputs: [] })
      .filter('showinfo').encode(null, { null_output: true });
    await graph.run();
  `);
  assert.match(stderr, /^n: +0 pts: .* plane_checksum:\[\w+ \w+ \w+\] mean:\[.*\] stdev:\[.*\]$/m);
});

test('a process may exit, or die of an error, while FFmpeg says a lot in many threads', () => {
  const damaged = at('damaged.ts');
  const make = program(`
    import { Graph } from '${millrace}';
    import { readFileSync, writeFileSync } from 'node:fs';
    const graph = new Graph({ threads: 0 });
    graph.module('c_ffmpeg_filter', { name: 'testsrc2', para: 's=320x240:d=4' }, { inputs: [] })
      .encode(null, { output_path: '${damaged}', format: 'mpegts', video_params: { codec: 'h264', preset: 'ultrafast', g: 25 } });
    await graph.run();
    const bytes = readFileSync('${damaged}');
    for (let at = 2000; at < bytes.length; at += 131) if (at % 188 > 20) bytes[at] ^= 0x55;
    writeFileSync('${damaged}', bytes);
  `);
  assert.is(make.status, 0, make.stderr);
  for (const [how, status] of [
    ['process.exit(7)', 7],
    ['throw new Error("on purpose")', 1],
  ] as const) {
    for (let round = 0; round < 3; round++) {
      const { status: code, signal } = program(`
        import { Graph } from '${millrace}';
        let ended = 0;
        const endless = async () => {
          for (;;) {
            const graph = new Graph({ threads: 1 });
            graph.decode({ input_path: '${damaged}' }).video.module('null_sink', {});
            await graph.run().catch(() => {});
            if (++ended === ${3 + round}) setImmediate(() => { ${how}; });
          }
        };
        await Promise.all([endless(), endless(), endless()]);
      `);
      assert.equal([code, signal], [status, null]);
    }
  }
});

test('a thread of the application that is started later has it as well', async () => {
  const graph = new Graph({ threads: 0 });
  REASONS['a pad around what is larger'].build(graph);
  await failureOf(graph);
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     import('${millrace}').then(async ({ Graph }) => {
       const graph = new Graph({ threads: 0 });
       graph.module('c_ffmpeg_filter', { name: 'testsrc2', para: 's=320x240:d=0.2' }, { inputs: [] }).pad(10, 10)
         .module('null_sink', {});
       parentPort.postMessage(await graph.run().then(() => 'it ran', (error) => error.message));
     });`,
    { eval: true },
  );
  const message = await new Promise<string>((resolve) => worker.once('message', resolve));
  assert.match(message, 'FFmpeg says: Padded dimensions cannot be smaller');
  await new Promise((resolve) => worker.once('exit', resolve));
});

test.run();

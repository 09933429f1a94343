/** What FFmpeg itself says of a failure is in the error, wherever the node runs, and nothing is on stderr. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { type FFmpegError, Graph, GraphError, type Stream, syncModule } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, scratch } from '../kit/media.js';
import { thrown } from '../kit/rejection.js';

const at = scratch();
const test = suite("FFmpeg's own words");
const millrace = new URL('../../dist/index.js', import.meta.url).href;

/** A box of its own and nothing else that an mp4 file has. */
writeFileSync(at('cut.mp4'), readFileSync(media('clip-4s.mp4')).subarray(0, 40));

interface Case {
  /** What must be at the end of the message. */
  readonly words: RegExp;
  build(graph: Graph): void;
}

const picture = (graph: Graph, size = '320x240'): Stream =>
  graph.module('c_ffmpeg_filter', { name: 'testsrc2', para: `s=${size}:d=0.2` }, { inputs: [] });
const encoded = (stream: Stream, name: string, options = {}): void => {
  stream.encode(null, { output_path: at(name), ...options });
};

const CASES: Record<string, Case> = {
  'an odd size': {
    words: /FFmpeg says: width not divisible by 2 \(853x480\)$/,
    build: (graph) =>
      encoded(picture(graph).scale(853, 480), 'odd.mp4', { video_params: { codec: 'h264', pix_fmt: 'yuv420p' } }),
  },
  'an encoder without that pixel format': {
    words: /use 'yuva420p' pixel format instead\.$/,
    build: (graph) => encoded(picture(graph), 'a.webm', { video_params: { codec: 'vp9', pix_fmt: 'yuva444p10le' } }),
  },
  'a profile that does not suit': {
    words: /FFmpeg says: Error setting profile baseline\.$/,
    build: (graph) => encoded(picture(graph), 'p.mp4', { video_params: { profile: 'baseline', pix_fmt: 'yuv444p' } }),
  },
  'a text with a stray %': {
    words: /FFmpeg says: Stray % near ''$/,
    build: (graph) => encoded(picture(graph).filter('drawtext', { text: '50%' }), 'stray.mp4'),
  },
  'an output that cannot seek': {
    words: /FFmpeg says: muxer does not support non seekable output$/,
    build: (graph) => picture(graph).encode(null, { output_path: `md5:${at('sum')}`, format: 'mp4' }),
  },
  'a codec that the container does not carry': {
    words: /FFmpeg says: Video codec ffv1 not compatible with flv$/,
    build: (graph) => encoded(picture(graph), 'x.flv', { video_params: { codec: 'ffv1' } }),
  },
  'a size that the frames do not allow': {
    words: /FFmpeg says: Invalid too big or non positive size for width '1000'/,
    build: (graph) => encoded(picture(graph).crop(1000, 1000), 'crop.mp4'),
  },
  'a pad around what is larger': {
    // What FFmpeg says after it ("Failed to configure input pad") is no reason.
    words: /FFmpeg says: Padded dimensions cannot be smaller than input dimensions\.$/,
    build: (graph) => encoded(picture(graph).pad(10, 10), 'pad.mp4'),
  },
  'an expression with an unknown name': {
    words: /FFmpeg says: Undefined constant or missing '\(' in 'foo'; Cannot parse expression for width: 'iw\/foo'$/,
    build: (graph) => encoded(picture(graph).scale('iw/foo', 100), 'expr.mp4'),
  },
  'a file that is cut off': {
    words: /FFmpeg says: .*moov atom not found$/,
    build: (graph) => encoded(graph.decode({ input_path: at('cut.mp4') }).video, 'm.mp4'),
  },
  'an address that nobody listens at': {
    words: /FFmpeg says: Connection to tcp:\/\/127\.0\.0\.1:9 failed: Connection refused$/,
    build: (graph) => encoded(graph.decode({ input_path: 'tcp://127.0.0.1:9' }).video, 'n.mp4'),
  },
};

for (const [name, { words, build }] of Object.entries(CASES)) {
  for (const threads of [0, 2]) {
    test(`${name}: the reason ends the message, with ${threads} threads`, async () => {
      const graph = new Graph({ threads });
      build(graph);
      const failure = await failureOf(graph);
      assert.match(failure.message, words);
      const cause = failure.cause as FFmpegError;
      assert.ok(cause.lines.length > 0);
      assert.ok(failure.message.endsWith(cause.lines.at(-1)!), cause.lines.join('\n'));
      // The whole of it is the last cause, for those who print the chain.
      assert.is((cause.cause as Error).name, 'FFmpegLog');
      assert.is((cause.cause as Error).message, cause.lines.join('\n'));
    });
  }
}

test('of many graphs at once each has its own reason and no other', async () => {
  const cases = Object.values(CASES);
  const all = [1, 2].flatMap(() => cases);
  const failures = await Promise.all(
    all.map(async ({ words, build }) => {
      const graph = new Graph({ threads: 1 });
      build(graph);
      return [words, await graph.run().catch((error: GraphError) => error)] as const;
    }),
  );
  for (const [words, failure] of failures) {
    assert.instance(failure, GraphError);
    const message = (failure as GraphError).message;
    assert.match(message, words, message);
    for (const other of cases) if (other.words.source !== words.source) assert.not.match(message, other.words);
  }
});

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
  const { Packet } = await import('millrace');
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
  CASES['a pad around what is larger']!.build(graph);
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

/** What of FFmpeg's log goes to stderr. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scratch } from '../../kit/media.js';
import { program } from '../../kit/program.js';

const at = scratch();
const test = suite("FFmpeg's log on stderr");
const millrace = new URL('../../../dist/index.js', import.meta.url).href;

/** A program with a graph that fails, for each of these options in turn. */
const failing = (...options: string[]): string => `
  import { Graph } from '${millrace}';
  for (const options of [${options.join(', ')}]) {
    const graph = new Graph(options);
    graph.module('c_ffmpeg_filter', { name: 'testsrc2', para: 's=320x240:d=0.2' }, { inputs: [] }).scale(853, 480)
      .encode(null, { output_path: '${at('stderr.mp4')}', video_params: { codec: 'h264', pix_fmt: 'yuv420p' } });
    await graph.run().catch((error) => console.log(error.message));
  }
`;

for (const threads of [0, 1]) {
  test(`nothing is written to stderr unless loglevel asks, and the error is the same, threads ${threads}`, () => {
    const { stderr, stdout } = program(
      failing(
        `{ threads: ${threads} }`,
        `{ threads: ${threads}, loglevel: 'quiet' }`,
        `{ threads: ${threads}, loglevel: 'error' }`,
      ),
    );
    // Of the last one alone.
    assert.is(stderr, '[libx264] width not divisible by 2 (853x480)\n');
    const [silent, quiet, shown, ...more] = stdout.split('\n');
    assert.match(silent!, 'width not divisible by 2 (853x480)');
    assert.equal([quiet, shown, more], [silent, silent, ['']]);
  });
}

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

test("from 'verbose' on FFmpeg writes its lines itself, with the addresses of its contexts", () => {
  const { stderr } = program(failing("{ threads: 0, loglevel: 'verbose' }"));
  assert.match(stderr, /\[libx264 @ 0x[0-9a-f]+\] width not divisible by 2/);
});

test.run();

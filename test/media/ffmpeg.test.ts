import { spawnSync } from 'node:child_process';
import { AV_PIX_FMT_NV12, AV_SAMPLE_FMT_FLTP, AVERROR_EOF } from 'node-av/constants';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  check,
  errorText,
  isAgain,
  isEof,
  pixelFormat,
  pixelFormatName,
  sampleFormat,
  sampleFormatName,
  setLogLevel,
} from '../../src/media/index.js';

const test = suite('ffmpeg helpers');

test('results of zero and more pass, errors become FFmpegError with FFmpeg’s text', () => {
  assert.is(check(7, 'count'), 7);
  try {
    check(-2, 'Cannot open in.mp4', { code: 'ERR_MILLRACE_INPUT', hint: 'Is it there?' });
    assert.unreachable();
  } catch (error) {
    const { name, code, averror, text, message } = error as Record<string, unknown>;
    assert.equal(
      { name, code, averror, text },
      {
        name: 'FFmpegError',
        code: 'ERR_MILLRACE_INPUT',
        averror: -2,
        text: 'No such file or directory',
      },
    );
    assert.is(message, 'Cannot open in.mp4: No such file or directory. Is it there?');
  }
});

test('end of file and try again are told apart', () => {
  assert.equal([isEof(AVERROR_EOF), isAgain(AVERROR_EOF)], [true, false]);
  assert.equal([isEof(-11), isAgain(-11)], [false, true]);
  assert.is(errorText(AVERROR_EOF), 'End of file');
});

test('formats go by FFmpeg’s names', () => {
  assert.is(pixelFormat('nv12'), AV_PIX_FMT_NV12);
  assert.is(pixelFormatName(AV_PIX_FMT_NV12), 'nv12');
  assert.is(sampleFormat('fltp'), AV_SAMPLE_FMT_FLTP);
  assert.is(sampleFormatName(AV_SAMPLE_FMT_FLTP), 'fltp');
  assert.throws(() => pixelFormat('RGB'), /no pixel format 'RGB'/);
  assert.throws(() => sampleFormat(''), /no sample format ''/);
});

test('an unknown log level is refused with the known ones', () => {
  assert.throws(
    () => setLogLevel('loud'),
    /no log level 'loud'. It is one of quiet, panic, fatal, error, warning, info/,
  );
});

/** What FFmpeg writes to stderr when each of `levels` was asked for, one message logged per level. */
function logged(levels: string[]): string[] {
  const media = new URL('../../src/media/index.ts', import.meta.url).href;
  const program = `
    import { Log } from 'node-av/lib';
    import { setLogLevel } from '${media}';
    for (const level of ${JSON.stringify(levels)}) setLogLevel(level);
    for (const [name, level] of Object.entries({ fatal: 8, error: 16, warning: 24, info: 32, verbose: 40, debug: 48 }))
      Log.log(level, 'said ' + name + '\\n');
  `;
  const arguments_ = ['--import', 'tsx', '--input-type=module', '-e', program];
  const { stderr, status } = spawnSync(process.execPath, arguments_, { encoding: 'utf8' });
  assert.is(status, 0, stderr);
  return [...stderr.matchAll(/said (\w+)/g)].map((match) => match[1]!);
}

test('FFmpeg is silent unless asked', () => {
  assert.equal(logged([]), []);
});

test('the most verbose of several log levels wins', () => {
  assert.equal(logged(['error', 'info', 'warning', 'quiet']), ['fatal', 'error', 'warning', 'info']);
});

test('a thread that starts later does not silence what was asked for', () => {
  const media = new URL('../../src/media/ffmpeg.ts', import.meta.url).href;
  const program = `
    import { Log } from 'node-av/lib';
    import { setLogLevel } from '${media}';
    setLogLevel('info');
    await import('${media}?loaded=again');
    Log.log(32, 'said info\\n');
  `;
  const arguments_ = ['--import', 'tsx', '--input-type=module', '-e', program];
  const { stderr } = spawnSync(process.execPath, arguments_, { encoding: 'utf8' });
  assert.match(stderr, 'said info');
});

test.run();

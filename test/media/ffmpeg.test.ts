import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
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
import { program } from '../kit/program.js';

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

/**
 * What FFmpeg wrote to stderr at each stage of a process, since its log level is one for all that the process does: one message
 * was logged per level before a level was asked for, and after several were; one more when the code was loaded once more.
 */
async function logged(): Promise<string[][]> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  mkdirSync(join(root, '.tmp'), { recursive: true });
  // Inside the package, so that its dependencies are found.
  const folder = mkdtempSync(join(root, '.tmp', 'log-'));
  const file = join(folder, 'media.mjs');
  try {
    const entryPoints = [join(root, 'src/media/index.ts')];
    await build({ entryPoints, outfile: file, bundle: true, packages: 'external', format: 'esm', platform: 'node' });
    const media = pathToFileURL(file).href;
    const { stderr, status } = program(`
      import { writeSync } from 'node:fs';
      import { Log } from 'node-av/lib';
      import { setLogLevel } from '${media}';
      const levels = { fatal: 8, error: 16, warning: 24, info: 32, verbose: 40, debug: 48 };
      const say = () => {
        for (const [name, level] of Object.entries(levels)) Log.log(level, 'said ' + name + '\\n');
        writeSync(2, 'end of stage\\n');
      };
      say();
      for (const level of ['error', 'info', 'warning', 'quiet']) setLogLevel(level);
      say();
      await import('${media}?loaded=again');
      say();
    `);
    assert.is(status, 0, stderr);
    const stages = stderr.split('end of stage\n').slice(0, -1);
    return stages.map((stage) => [...stage.matchAll(/said (\w+)/g)].map((match) => match[1]!));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let stages: string[][] = [];
test.before(async () => {
  stages = await logged();
  assert.is(stages.length, 3);
});

test('FFmpeg is silent unless asked', () => {
  assert.equal(stages[0], []);
});

test('the most verbose of several log levels wins', () => {
  assert.equal(stages[1], ['fatal', 'error', 'warning', 'info']);
});

test('a thread that starts later does not silence what was asked for', () => {
  assert.equal(stages[2], stages[1]);
});

test.run();

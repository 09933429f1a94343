/** What the system refuses of a file is told apart, in inputs and outputs. */
import { symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { refusalByCode, refusalByResult } from '../../../src/errors/file-error.js';
import { failureOf, scratch } from '../../kit/media.js';

const path = scratch();

async function reading(input: string): Promise<string> {
  const graph = new Graph({ threads: 0 });
  graph.decode({ input_path: input }).video.module('null_sink');
  return (await failureOf(graph)).message;
}

async function writing(output: string): Promise<string> {
  const graph = new Graph({ threads: 0 });
  const picture = graph.filter('testsrc2', { size: '64x64', duration: 0.2 });
  picture.encode(null, { output_path: output, format: 'mpegts', video_params: { codec: 'mpeg4' } });
  return (await failureOf(graph)).message;
}

const test = suite('files the system refuses');

test('a name that is too long, links in a circle, a file for a folder, nothing there', async () => {
  symlinkSync(path('b.ts'), path('a.ts'));
  symlinkSync(path('a.ts'), path('b.ts'));
  writeFileSync(path('file'), 'x');
  for (const attempt of [reading, writing]) {
    assert.match(await attempt(path(`${'x'.repeat(300)}.ts`)), /: the name is too long\. Most file systems allow 255/);
    assert.match(await attempt(path('a.ts')), /: its symbolic links go round in a circle/);
  }
  // Node.js 20 says so before FFmpeg is asked.
  assert.match(await reading(path('file/a.ts')), /: (a part of the path is not|Not) a directory\. Check the path/);
  assert.match(await writing(path('file/a.ts')), /file is no directory\. Choose another place/);
  assert.match(await reading(path('none.ts')), /No such file or directory\. Check the path/);
  assert.match(await writing(path('none/a.ts')), /there is no directory .*none\. Create it first/);
});

test('a full disk, a read-only one and a lack of permission have words and advice of their own', () => {
  const codes = ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'EISDIR', 'ENOSPC', 'ENAMETOOLONG', 'EMFILE', 'ENFILE'] as const;
  const words = codes.map((code) => refusalByCode(code)?.why);
  assert.is(new Set(words).size, codes.length, words.join());
  assert.match(refusalByCode('EROFS')?.why ?? '', /read-only/);
  for (const code of codes) assert.is(refusalByResult(-constants.errno[code]), refusalByCode(code), code);
  assert.is(refusalByCode('toString'), undefined);
});

test.run();

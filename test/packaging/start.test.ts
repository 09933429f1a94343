/** What a command that does next to nothing has Node.js load: each of these costs more than the work itself. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { node, temporaryFolder } from '../cli/kit.js';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const file = fileURLToPath(new URL('../fixtures/media/everything.mkv', import.meta.url));
const start = suite('the start of a command');

for (const from of ['modules', 'scripts']) {
  start(`from ${from} loads nothing of Node.js that the job does not use`, async () => {
    const folder = temporaryFolder();
    const list = join(folder, 'loaded.json');
    const tell = `import { writeFileSync } from 'node:fs';
      import { isMainThread } from 'node:worker_threads';
      if (isMainThread) process.on('exit', () => writeFileSync(${JSON.stringify(list)}, JSON.stringify(process.moduleLoadList)));`;
    const output = join(folder, 'frame.mka');
    // Tags and chapters go from the decoder to the encoder in the same thread.
    const job = ['transcode', file, output, '--no-video', '--acodec', 'pcm_s16le', '--end', '0.1', '--threads', '0'];
    const program = join(folder, 'program.mjs');
    writeFileSync(program, `${tell}\nawait import(${JSON.stringify(pathToFileURL(cli).href)});`);
    const env = from === 'modules' && { env: { NODE_DISABLE_COMPILE_CACHE: '1' } };
    const { code, stderr } = await node(program, [...job, '--quiet'], { ...env });
    assert.is(stderr, '');
    assert.is(code, 0);
    const loaded = JSON.parse(readFileSync(list, 'utf8')) as string[];
    assert.is(loaded.includes('NativeModule vm'), from === 'scripts');
    const unused =
      /NativeModule (http|https|http2|tls|child_process|cluster|repl|crypto|inspector|internal\/deps\/undici.*)$/;
    assert.equal(
      loaded.filter((name) => unused.test(name)),
      [],
    );
  });
}

start.run();

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

// Built in, not depended on: every thread compiles what it imports, of these packages it needs a tenth, and one file is
// found faster than thirty.
const BUNDLED = ['fastest-levenshtein', 'ts-graphviz', 'valibot'];

/** What their licences ask for: the notice in every copy. */
function writeNotices(): void {
  const notices = BUNDLED.map((name) => {
    const folder = new URL(`node_modules/${name}/`, import.meta.url);
    const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
    if (licence === undefined) throw new Error(`${name} has no licence file`);
    return `${name}\n\n${readFileSync(new URL(licence, folder), 'utf8').trim()}\n`;
  });
  writeFileSync(new URL('dist/THIRD-PARTY-NOTICES.txt', import.meta.url), notices.join(`\n${'-'.repeat(80)}\n\n`));
}

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    ringbuffer: 'ringbuffer/index.ts',
    sync: 'src/sync/index.ts',
    testing: 'src/testing/index.ts',
    'testing-modules': 'src/testing/modules.ts',
    cli: 'src/cli/index.ts',
    // Loaded by URL when a thread starts: bundlers do not follow it, so it is an entry of its own.
    worker: 'src/thread/worker.ts',
    demuxer: 'actors/decoder/demux-thread/thread.ts',
    'network-reader': 'actors/decoder/network/reader.ts',
    'network-writer': 'actors/encoder/network/writer.ts',
    'ffmpeg-log': 'src/media/log/thread.ts',
    // The same for what `millrace bench` runs in threads.
    'bench-worker': 'bench/core/worker.ts',
    'bench-modules': 'bench/core/modules.ts',
  },
  format: 'esm',
  target: 'node20',
  platform: 'node',
  splitting: true,
  sourcemap: true,
  clean: true,
  dts: {
    entry: {
      index: 'src/index.ts',
      ringbuffer: 'ringbuffer/index.ts',
      sync: 'src/sync/index.ts',
      testing: 'src/testing/index.ts',
    },
  },
  noExternal: BUNDLED,
  onSuccess: async () => writeNotices(),
  removeNodeProtocol: false,
});

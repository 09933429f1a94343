import { defineConfig } from 'tsup';

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
    demuxer: 'actors/decoder/demuxer.ts',
    // The same for what `millrace bench` runs in threads.
    'bench-worker': 'src/cli/bench/worker.ts',
    'bench-modules': 'src/cli/bench/modules.ts',
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
  removeNodeProtocol: false,
});

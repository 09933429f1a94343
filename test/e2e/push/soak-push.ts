/**
 * Pushes 720p pictures faster than they can be encoded, reads them slower than they are made, and watches the memory.
 * The short form runs inside `npm test`; the long one is 10 minutes of video in each direction:
 *
 *   npm run soak:push
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Graph, Packet, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';

const SIZE = { width: 1280, height: 720 } as const;
const RATE = { num: 1, den: 25 };

export interface Flatness {
  frames: number;
  /** Resident MB after a tenth of the frames, and the most from then on. */
  before: number;
  most: number;
}

/** Looks at the memory with every frame of the rest. */
function watcher(frames: number): { look(n: number): void; result(): Flatness } {
  let before = 0;
  let most = 0;
  return {
    look: (n) => {
      const resident = process.memoryUsage.rss() / 2 ** 20;
      if (n < frames / 10) before = Math.max(before, resident);
      else most = Math.max(most, resident);
    },
    result: () => ({ frames, before, most }),
  };
}

/** @throws Error when not all frames arrive, or something is left. */
export async function pushFast(frames: number): Promise<Flatness> {
  const leaks = new LeakWatch();
  const graph = new Graph();
  const input = graph.inputStream('camera');
  input.encode(null, { null_output: true, video_params: { codec: 'h264', preset: 'ultrafast' } });
  await graph.start({ mode: 'push' });
  const watch = watcher(frames);
  for (let n = 0; n < frames; n++) {
    await input.push(new Packet(VideoFrame.alloc({ ...SIZE, format: 'yuv420p', pts: BigInt(n), timeBase: RATE })));
    watch.look(n);
  }
  const report = await graph.close();
  if (report.frames !== frames) throw new Error(`${report.frames} of ${frames} frames were encoded`);
  leaks.check(report);
  return watch.result();
}

/** @throws Error when not all frames arrive, or something is left. */
export async function readSlowly(frames: number, delay: number): Promise<Flatness> {
  const leaks = new LeakWatch();
  const graph = new Graph();
  const options = { size: `${SIZE.width}x${SIZE.height}`, rate: 25, duration: frames / 25 };
  const watch = watcher(frames);
  let n = 0;
  for await (const _ of graph.filter('testsrc2', options).packets().closing()) {
    watch.look(n++);
    await sleep(delay);
  }
  if (n !== frames) throw new Error(`${n} of ${frames} frames were read`);
  leaks.check(await graph.close());
  return watch.result();
}

if (process.argv.includes('--long')) {
  for (const [name, soak] of [
    ['pushed', () => pushFast(15_000)],
    ['read', () => readSlowly(15_000, 4)],
  ] as const) {
    const { frames, before, most } = await soak();
    console.log(
      `${frames} frames ${name}; resident memory ${before.toFixed(0)} MB, then at most ${most.toFixed(0)} MB`,
    );
    // A frame is 1.4 MB: what is not held back shows at once.
    if (most > before * 1.25 + 64) throw new Error('memory grows while frames wait');
  }
}

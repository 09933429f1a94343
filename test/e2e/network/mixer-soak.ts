/**
 * The mixer of the examples for so many minutes: two places in which inputs come and go, side by side, their sound mixed, into
 * HLS whose old segments go. Memory, threads and descriptors are looked at all the while: none of them may grow.
 *
 *   npm run soak:mixer [-- --minutes 10] [--seed N]
 *   npm run soak:mixer -- --joins 200      inputs of 0.2 s, one after the other in both places, as soon as they can
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Graph } from 'millrace';
import { LeakWatch } from 'millrace/testing';
// @ts-expect-error the examples are JavaScript
import { Place, RATE } from '../../../examples/modules/place.mjs';
import { randomOf } from './live-stress.js';

/** As far as it is used here. */
interface MixerPlace {
  readonly video: ReturnType<Graph['inputStream']>;
  readonly audio: ReturnType<Graph['inputStream']>;
  /** What waits for its tick. */
  readonly sounds: { close(): void }[];
  show(path: string): Promise<void>;
  tick(n: number): Promise<void>;
}

/** Number of threads and of descriptors, where the system tells. */
function things(): readonly [threads: number, descriptors: number] {
  if (process.platform !== 'linux') return [0, 0];
  const count = (name: string): number => readdirSync(`/proc/self/${name}`).length;
  return [count('task'), count('fd')];
}

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, joins: { type: 'string' } },
});
const joins = values.joins === undefined ? undefined : Number(values.joins);
const minutes = joins === undefined ? Number(values.minutes ?? 10) : Number.POSITIVE_INFINITY;
/** Seconds of an input. */
const duration = joins === undefined ? 20 : 0.2;
/** Of an input that comes after another one, at most. */
const PAUSE = joins === undefined ? 3000 : 0;
const random = randomOf(Number(values.seed ?? Date.now() % 1e6));
const folder = mkdtempSync(join(tmpdir(), 'millrace-mixer-'));
const leaks = new LeakWatch();
try {
  const clip = join(folder, 'clip.mp4');
  const maker = new Graph({ threads: 0 });
  const video_params = { preset: 'ultrafast', g: RATE as number };
  maker
    .filter('testsrc2', { size: '320x180', rate: RATE, duration })
    .encode(maker.filter('sine', { duration }), { output_path: clip, video_params });
  await maker.run();

  const mix = new Graph();
  const places: readonly MixerPlace[] = [new Place(mix, 'left'), new Place(mix, 'right')];
  const [left, right] = places as [MixerPlace, MixerPlace];
  const sound = left.audio.amix(right.audio, { normalize: false });
  left.video.filter('hstack', right.video).encode(sound, {
    ...{ output_path: join(folder, 'mixed.m3u8'), format: 'hls', video_params },
    mux_params: { hls_time: 1, hls_list_size: 5, hls_flags: 'delete_segments' },
  });
  await mix.start();

  let playing = true;
  let shown = 0;
  const shows = places.map(async (place) => {
    while (playing) {
      // One in five is not there at all.
      await place.show(joins === undefined && random() < 0.2 ? join(folder, 'missing.mp4') : clip);
      shown++;
      await sleep(random() * PAUSE);
    }
  });
  const ticks = minutes * 60 * (RATE as number);
  const began = performance.now();
  const looks: { readonly megabytes: number; readonly threads: number; readonly descriptors: number }[] = [];
  for (let n = 0; n < ticks && (joins === undefined || shown < joins); n++) {
    await sleep(began + (n * 1000) / RATE - performance.now());
    await Promise.all(places.map((place) => place.tick(n)));
    if (n % (RATE * 2) !== 0) continue;
    // What is only waiting to be collected is no growth: graphs that have ended leave some.
    globalThis.gc?.();
    const [threads, descriptors] = things();
    looks.push({ megabytes: process.memoryUsage.rss() / 2 ** 20, threads, descriptors });
  }
  playing = false;
  await Promise.all(shows);
  const report = await mix.close();
  for (const { sounds } of places) for (const sound of sounds.splice(0)) sound.close();
  // What is there while the first inputs come is what it takes; from then on nothing may be added.
  const quarters = [0, 1, 2, 3].map((n) => looks.slice((looks.length * n) / 4, (looks.length * (n + 1)) / 4));
  for (const [what, slack] of [
    ['megabytes', 24],
    ['threads', 0],
    ['descriptors', 0],
  ] as const) {
    const most = quarters.map((quarter) => Math.max(...quarter.map((look) => look[what])));
    console.log(`${what}: at most ${most.map((count) => count.toFixed()).join(', ')} in the four quarters`);
    // Memory that is freed is not given back at once: what grows goes on growing in the last quarter.
    const before = what === 'megabytes' ? Math.max(...most.slice(0, 3)) : most[0]!;
    if (Math.max(...most) > before + slack) process.exitCode = 1;
  }
  console.log(
    `${((performance.now() - began) / 60_000).toFixed(1)} minutes, ${report.frames} frames, ${shown} inputs came and went`,
  );
  leaks.check(report);
} finally {
  rmSync(folder, { recursive: true });
}

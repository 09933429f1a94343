/** A graph that does not get to its end leaves files that play up to there, or none at all. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { encode, type Graph, type GraphError, type Stream } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crossed } from '../../kit/long.js';
import { contentsOf, failureOf, quickAac, scratch } from '../../kit/media.js';
import { add } from '../../kit/modules.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const at = scratch();
const video_params = { threads: 1, preset: 'ultrafast', tune: 'zerolatency' } as const;
const audio_params = quickAac;

const test = suite('unfinished files');
const graphOn = await sharedThreads(2);

/** The file holds pictures from the first on, without a gap, and sound beside them. */
async function plays(path: string, atLeast: number, atMost = Number.POSITIVE_INFINITY): Promise<void> {
  const { video, samples } = await contentsOf(path);
  assert.ok(video.length >= atLeast && video.length <= atMost, `${video.length} pictures in ${path}`);
  // An MPEG transport stream begins with the priming samples of its sound.
  const start = video[0]!.timestamp!;
  assert.ok(start === 0 || (path.endsWith('.ts') && start < 22_000), `the first picture is at ${start}`);
  for (const [i, { timestamp }] of video.entries()) assert.is(timestamp, start + i * 40_000);
  assert.ok(samples > 0, `${samples} samples`);
}

/** Pictures without end, and a tone that is no shorter than what a test takes of them. */
function source(graph: Graph, tone = {}): { video: Stream; audio: Stream } {
  return {
    video: graph.filter('testsrc2', { size: '96x54', rate: 25 }),
    audio: graph.filter('sine', { sample_rate: 48_000, ...tone }),
  };
}

const PLACES = [0, 1, 2];

for (const [extension, places] of crossed(['mp4', 'mkv', 'ts'], PLACES, 1)) {
  for (const threads of places) {
    test(`threads: ${threads}: ${extension}, when another module fails in the middle`, async () => {
      const output_path = at(`failed-${threads}.${extension}`);
      // Of 40 calls, each with what the link holds.
      const graph = graphOn({ threads, queue_length_limit: 2 });
      const { video, audio } = source(graph, { duration: 3 });
      const through = add(graph, 'Failing', { where: 'process', after: 40 }, { inputs: [video], alias: 'bad' });
      encode(through.scale(64, 36), audio, { output_path, video_params, audio_params });
      const error = await failureOf(graph);
      assert.match(error.message, /"bad".*process said no/);
      // What was under way between the threads is lost: at most what the links hold.
      await plays(output_path, 30);
    });
  }
}

/** An endless transcode. */
function endless(threads: number, output_path: string): Graph {
  const graph = graphOn({ threads });
  const { video, audio } = source(graph);
  encode(video.scale(64, 36), audio, { video_params, audio_params, output_path }, { alias: 'file' });
  return graph;
}

/** Looks at it every 5 ms. */
function whenWritten(graph: Graph, frames: number, act: () => void): void {
  const timer = setInterval(() => {
    if (graph.stats().nodes.find(({ alias }) => alias === 'file')!.frames < frames) return;
    clearInterval(timer);
    act();
  }, 5);
}

const ENDS: Record<string, (threads: number) => Promise<void>> = {
  'after an abort by signal': async (threads) => {
    const leaks = new LeakWatch();
    const graph = endless(threads, at(`aborted-${threads}.mp4`));
    const controller = new AbortController();
    const running = graph.run({ signal: controller.signal });
    whenWritten(graph, 50, () => controller.abort(new Error('no more')));
    const error = await running.then(
      () => assert.unreachable('the graph should have been aborted'),
      (cause: GraphError) => cause,
    );
    assert.is((error as GraphError).code, 'ERR_MILLRACE_ABORTED');
    assert.match((error as GraphError).message, /no more/);
    leaks.check();
    await plays(at(`aborted-${threads}.mp4`), 50);
  },

  'after stop()': async (threads) => {
    const leaks = new LeakWatch();
    const graph = endless(threads, at(`stopped-${threads}.mp4`));
    const running = graph.run();
    whenWritten(graph, 50, () => graph.stop());
    const report = await running;
    assert.is(report.stopped, true);
    leaks.check(report);
    // Nothing is lost by a stop.
    await plays(at(`stopped-${threads}.mp4`), Math.max(50, report.frames), report.frames);
  },

  'a graph that fails before its first frame leaves an older file as it is': async (threads) => {
    const output_path = at(`older-${threads}.mp4`);
    writeFileSync(output_path, 'older');
    const graph = graphOn({ threads });
    const { video, audio } = source(graph);
    encode(video.filter('crop', 4000, 2000), audio, { output_path, video_params, audio_params });
    await failureOf(graph);
    assert.is(readFileSync(output_path, 'utf8'), 'older');
    const missing = graphOn({ threads });
    missing.decode({ input_path: '/nowhere.mp4' }).video.encode(null, { output_path: at(`none-${threads}.mp4`) });
    await failureOf(missing);
    assert.not.ok(existsSync(at(`none-${threads}.mp4`)));
  },
};

for (const [[name, what], places] of crossed(Object.entries(ENDS), PLACES, 2)) {
  for (const threads of places) test(`threads: ${threads}: ${name}`, () => what(threads));
}

test.run();

/** What the compiler must accept and refuse. `npm run typecheck` fails on an unused expectation; running it builds the graph. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defineModule, Graph, type GraphOptionsInput, type ModuleClass, type Stream } from '../../../src/index.js';

const test = suite('types');

test('a typed graph compiles without casts and builds', () => {
  const graph = new Graph({ threads: 'auto' } satisfies GraphOptionsInput);
  const input = graph.decode({ input_path: 'in.mp4' });

  // Outputs are streams, not `Stream | undefined`, in spite of noUncheckedIndexedAccess.
  const first: Stream = input[0];
  const [a, b] = first.split(2);
  const both: Stream[] = [a, b, input.output(1), input.audio];
  const many: readonly Stream[] = first.split(both.length);
  both.push(input.videos[0], input.audios[1], input.subtitles[15]);

  // Options of built-in modules are typed by the module's name.
  graph.module('c_ffmpeg_encoder', { output_path: 'o.mp4', video_params: { crf: 23 } }, { inputs: [a, null] });
  // @ts-expect-error: no such option
  graph.module('c_ffmpeg_encoder', { output_pth: 'o.mp4' }, { inputs: [a] });
  // @ts-expect-error: a level FFmpeg does not have
  graph.decode({ input_path: 'x', loglevel: 'loud' });
  // Other names and files take anything.
  graph.module('my_module', { anything: [1] });
  graph.module(new URL('file:///m.mjs'), { anything: [1] });

  // A module of this process types its options itself.
  class Blur implements InstanceType<ModuleClass<{ radius: number }>> {
    process(): void {}
  }
  const typed = defineModule<{ radius: number }>({ process: (task) => task.done() });
  graph.module(typed, { radius: 3 });
  // @ts-expect-error: radius is a number
  graph.module(typed, { radius: 'wide' });
  graph.module(Blur, {});

  // Named arguments are known, and others allowed: FFmpeg has many.
  a.scale(320, 240, { flags: 'lanczos', in_range: 'full' });
  // @ts-expect-error: an action FFmpeg does not have
  a.overlay(b, { eof_action: 'stop' });
  // @ts-expect-error: both sizes, or named arguments
  a.scale(320);
  a.module('null_sink', {}, { inputManager: 'framesync' });
  // @ts-expect-error: no such manager
  assert.throws(() => a.module('null_sink', {}, { inputManager: 'random' }));
  // @ts-expect-error: options of graphs are known
  const wrong: GraphOptionsInput = { thread: 1 };
  assert.ok(wrong && many.length === 4);
});

test.run();

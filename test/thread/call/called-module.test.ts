/** How much one call of a module gives out. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import FFmpegFilter from '../../../actors/filter/index.js';
import { ledger, Packet, VideoFrame } from '../../../src/media/index.js';
import { runSteps } from '../../../src/thread/actor/maybe-async.js';
import { CalledModule, type CallResult } from '../../../src/thread/call/called-module.js';

const called = suite('called module');

called(
  'an end behind which a filter brings frames without end comes back to its caller, and so does the next call',
  () => {
    const spec = {
      module: { name: 'c_ffmpeg_filter' },
      alias: 'endless',
      options: { name: 'loop', para: 'loop=-1:size=1' },
      inputs: [0],
      outputs: [0],
    };
    const most = 400;
    const module = new CalledModule(
      spec,
      () => {},
      false,
      () => FFmpegFilter,
      most,
    );
    const frame = VideoFrame.alloc({ width: 64, height: 64, format: 'gray', pts: 7n, timeBase: { num: 1, den: 25 } });
    const packets = new Map([[0, [new Packet(frame), Packet.eof()]]]);
    for (const given of [packets, new Map<number, Packet[]>()]) {
      const { outputs, done } = runSteps(module.process(given)) as CallResult;
      assert.not(done);
      const frames = outputs.get(0)!;
      assert.ok(frames.length >= most && frames.length < 2 * most, String(frames.length));
      for (const packet of frames) packet.close();
    }
    runSteps(module.close());
    assert.equal(ledger.snapshot(), {});
  },
);

called.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioFrame, ledger } from '../../../src/media/index.js';
import { frames } from '../kit.js';

const test = suite('audio frame');
const rate = { sampleRate: 48000 };

test('channels of any sample type stay planar and come out the same', () => {
  const cases = [
    [new Uint8Array([1, 2, 255]), 'u8p'],
    [new Int16Array([-1, 2, 30000]), 's16p'],
    [new Int32Array([-1, 2, 2 ** 30]), 's32p'],
    [new BigInt64Array([-1n, 2n, 2n ** 60n]), 's64p'],
    [new Float32Array([-1, 0.5, 1]), 'fltp'],
    [new Float64Array([-1, 0.1, 1]), 'dblp'],
  ] as const;
  for (const [samples, format] of cases) {
    const frame = AudioFrame.from([samples, samples], rate);
    assert.equal([frame.format, frame.channels, frame.samples, frame.planar], [format, 2, 3, true]);
    const bytes = new Uint8Array(samples.buffer);
    assert.equal(
      frame.copyPlanes().map((plane) => plane.data),
      [bytes, bytes],
      format,
    );
    frame.close();
  }
});

test('a packed format interleaves the channels', () => {
  const frame = AudioFrame.from([new Int16Array([1, 2, 3]), new Int16Array([4, 5, 6])], { ...rate, format: 's16' });
  assert.is(frame.planar, false);
  assert.equal(frame.toBuffer(), Buffer.from(new Int16Array([1, 4, 2, 5, 3, 6]).buffer));
  frame.close();
});

test('more than eight channels are all there', () => {
  const channels = Array.from({ length: 24 }, (_, c) => new Float32Array(64).fill(c + 1));
  const frame = AudioFrame.from(channels, { ...rate, channelLayout: '22.2' });
  assert.is(frame.channelLayout, '22.2');
  frame.copyPlanes().forEach(({ data }, c) => {
    assert.equal(new Float32Array(data.buffer), channels[c]);
  });
  const clone = frame.clone();
  frame.close();
  assert.is(clone.planes().length, 24);
  clone.close();
});

test('layouts are FFmpeg’s descriptions', () => {
  for (const [given, described] of [
    ['stereo', 'stereo'],
    ['FL+FR+LFE', '2.1'],
    ['5.1(side)', '5.1(side)'],
    ['3 channels', '3 channels'],
    ['ambisonic 1', 'ambisonic 1'],
    ['FR+FL', '2 channels (FR+FL)'],
    ['2 channels (FR+FL)', '2 channels (FR+FL)'],
  ]) {
    const frame = AudioFrame.alloc({ ...rate, format: 'fltp', samples: 8, channelLayout: given! });
    assert.is(frame.channelLayout, described);
    frame.close();
  }
});

test('a custom layout belongs to each frame that has it', () => {
  const first = AudioFrame.from([new Int16Array([1]), new Int16Array([2])], {
    ...rate,
    channelLayout: 'FR+FL',
    format: 's16',
  });
  const second = first.clone();
  first.close();
  const third = second.clone();
  second.close();
  assert.is(third.channelLayout, '2 channels (FR+FL)');
  assert.equal(third.toBuffer(), Buffer.from(new Int16Array([1, 2]).buffer));
  third.close();
});

test('a number of channels takes FFmpeg’s default layout', () => {
  const layouts = [1, 2, 6, 9].map((channels) => {
    const frame = AudioFrame.alloc({ ...rate, format: 's16', samples: 8, channels });
    const layout = frame.channelLayout;
    frame.close();
    return layout;
  });
  assert.equal(layouts, ['mono', 'stereo', '5.1', '9 channels']);
});

test('time is counted in samples unless said otherwise', () => {
  const frame = AudioFrame.alloc({ ...rate, format: 'fltp', samples: 1024, channels: 1, pts: 24000n, duration: 1024n });
  assert.equal([frame.timeBase, frame.timestamp, frame.duration], [{ num: 1, den: 48000 }, 500_000, 1024n]);
  frame.close();
});

test('samples made by FFmpeg can be read', () => {
  const [av] = frames([['sine', 'frequency=1000:samples_per_frame=480'], ['abuffersink']], 1);
  const frame = AudioFrame.wrap(av!);
  assert.equal([frame.format, frame.samples, frame.channelLayout], ['s16', 480, 'mono']);
  const { data } = frame.copyPlanes()[0]!;
  const peak = Math.max(...new Int16Array(data.buffer));
  assert.ok(peak > 4000 && peak < 4200, `peak ${peak} of a sine at 1/8`);
  frame.close();
});

test('writing into a shared frame is private after writable()', () => {
  const frame = AudioFrame.from([new Int16Array([1, 2])], rate);
  const clone = frame.clone().writable();
  clone.planes()[0]!.data.fill(0);
  assert.equal(frame.toBuffer(), Buffer.from(new Int16Array([1, 2]).buffer));
  frame.close();
  clone.close();
});

test('what does not fit together is refused by name', () => {
  const one = new Float32Array(4);
  assert.throws(() => AudioFrame.from([], rate), /at least one channel/);
  assert.throws(
    () => AudioFrame.from([one, new Float32Array(5)], rate),
    /Channel 1 is Float32Array\[5\].*Float32Array\[4\]/,
  );
  assert.throws(
    () => AudioFrame.from([one], { ...rate, format: 's16' }),
    /Channel 0 is Float32Array.*takes Int16Array/,
  );
  assert.throws(() => AudioFrame.from([one], { ...rate, channelLayout: 'stereo' }), /'stereo' has 2 channels, not 1/);
  const options = { ...rate, samples: 4, channels: 1 };
  assert.throws(() => AudioFrame.alloc({ ...options, format: 'f32' }), /no sample format 'f32'/);
  assert.throws(() => AudioFrame.alloc({ ...options, format: 'flt', sampleRate: 0 }), /at 0 Hz/);
  assert.throws(() => AudioFrame.alloc({ ...rate, samples: 4, format: 'flt' }), /needs channels or channelLayout/);
  assert.throws(() => AudioFrame.alloc({ ...options, format: 'flt', samples: 0 }), /Cannot allocate 0/);
});

test('nothing stayed open', () => {
  assert.equal(ledger.snapshot(), {});
});

test.run();

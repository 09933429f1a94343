import { readFileSync } from 'node:fs';
import { setTimeout as setTimeoutAsync } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import Decoder from '../../../actors/decoder/index.js';
import { Batches, takeSteps } from '../../../actors/decoder/sources/batch.js';
import type { Ready } from '../../../actors/decoder/track/track-set.js';
import { type AudioFrame, EncodedPacket, ledger, Packet, StreamInfo, VideoFrame } from '../../../src/media/index.js';
import type { OutputPort } from '../../../src/module/contract.js';
import { closeAll, type Driven, type DriveOptions, drive } from '../../kit/drive.js';

const media = (name: string) => new URL(`../../fixtures/media/${name}`, import.meta.url).pathname;
const clip = media('clip-4s.mp4');

/** Runs the decoder, hands the result on, and requires that nothing native is left. */
async function decode<T>(options: object, use: (driven: Driven) => T, more: DriveOptions = {}): Promise<T> {
  const driven = await drive(Decoder, { options, outputs: [0, 1], ...more });
  try {
    return use(driven);
  } finally {
    closeAll(driven);
    assert.equal(ledger.snapshot(), {}, 'native objects left');
  }
}

const times = (driven: Driven, id: number) => driven.outputs[id]!.map(({ timestamp }) => timestamp! / 1e6);
const samples = (driven: Driven) =>
  driven.outputs[1]!.reduce((sum, { payload }) => sum + (payload as AudioFrame).samples, 0);

const test = suite('decoder');
const leftBefore = ledger.finalised;
test.after(() => assert.is(ledger.finalised, leftBefore, 'nothing is left to the finaliser'));

test('frames carry pts, time base, frame rate and a timestamp in microseconds', async () => {
  await decode({ input_path: clip }, (driven) => {
    const packet = driven.outputs[0]![3]!;
    const frame = packet.payload as VideoFrame;
    assert.equal(
      [frame.pts, frame.timeBase, frame.frameRate, packet.timestamp, frame.format, frame.width, frame.height],
      [1536n, { num: 1, den: 12800 }, { num: 25, den: 1 }, 120_000, 'yuv420p', 320, 180],
    );
    const sound = driven.outputs[1]![2]!.payload as AudioFrame;
    assert.equal([sound.pts, sound.timeBase, sound.sampleRate], [2048n, { num: 1, den: 48000 }, 48000]);
  });
});

test('where there is no room for more, one call gives the frames of about one packet', async () => {
  await decode({ input_path: clip }, ({ largestStep }) =>
    assert.ok(largestStep <= 2, `${largestStep} packets at once`),
  );
});

test('a call gives what the outputs have room for', async () => {
  const inOrder: number[] = [];
  const onPacket = (id: number, packet: Packet): void => {
    if (!packet.isEof) inOrder.push(id);
    packet.close();
  };
  const one = await decode({ input_path: clip }, ({ calls }) => calls, { onPacket });
  const byOne = inOrder.splice(0);
  const some = await decode({ input_path: clip }, ({ calls }) => calls, { onPacket, room: 8 });
  assert.equal(inOrder, byOne, 'the same packets in the same order');
  const pictures = byOne.filter((id) => id === 0).length;
  assert.ok(some < 0.6 * pictures, `${some} calls for ${pictures} pictures, ${one} by one`);
  await decode(
    { input_path: clip },
    ({ largestStep, outputs }) => assert.ok(largestStep === 3 && outputs[1]!.length > 100, `${largestStep} at once`),
    { outputs: [1], room: 3 },
  );
});

test('the first calls give one picture and two, the later ones more, and large pictures end a call', () => {
  const batches = new Batches();
  const roomFor = (room: number) => () => ({ room }) as OutputPort;
  /** Pictures and sounds that a call gives. */
  const call = (size: number, room: number, sounds = 0): number => {
    const ready: Ready[] = [];
    batches.begin();
    const add = (output: number, payload: unknown) => ready.push({ output, packet: new Packet(payload) });
    do {
      add(0, VideoFrame.alloc({ width: size, height: size, format: 'gray' }));
      for (let i = 0; i < sounds; i++) add(1, i);
    } while (batches.mayGoOn(ready, roomFor(room)));
    for (const { packet } of ready) packet.close();
    return ready.length;
  };
  assert.equal([call(16, 8), call(16, 8), call(16, 8), call(16, 8), call(16, 8)], [1, 2, 4, 8, 8]);
  assert.is(call(16, 3), 3, 'room for three');
  assert.is(call(16, 4, 2), 6, 'two pictures and four sounds: the room for sound is taken');
  assert.equal([call(1000, 8), call(2000, 8), call(3000, 8)], [6, 2, 1], 'five million pixels');
});

test('what is played at its own speed is handed on as it comes', async () => {
  await decode(
    { input_path: clip, realtime: true, durations: [0, 0.1] },
    ({ largestStep, outputs }) => assert.ok(largestStep <= 2 && outputs[1]!.length > 2),
    { outputs: [1], room: 8 },
  );
});

test('what came before a packet that fails is given, and then it fails', () => {
  const packets = [1, 2, 3].map((payload) => new Packet(payload));
  const ready: Ready[] = [];
  const take = (fails: number) => (): boolean => {
    ready.push({ output: 0, packet: packets[ready.length]! });
    if (ready.length === fails) throw new Error(`step ${fails}`);
    return true;
  };
  const { failure } = takeSteps(ready, () => true, take(3));
  assert.is((failure as { error: Error }).error.message, 'step 3');
  assert.equal(
    ready.map(({ packet }) => packet.closed),
    [false, false],
  );
  assert.ok(packets[2]!.closed, 'what the failed one brought is released');
  const first: Ready[] = [];
  const failing = (): boolean => {
    first.push({ output: 0, packet: new Packet(0) });
    throw new Error('at once');
  };
  assert.throws(() => takeSteps(first, () => true, failing), 'at once');
  assert.is(first.length, 0);
});

test('the meter shows length, place, frames and bytes', async () => {
  await decode({ input_path: clip }, ({ meter }) => {
    assert.is(meter.duration, 4_000_000);
    assert.ok(meter.position > 3_900_000 && meter.position < 4_000_000);
    assert.is(meter.frames, 100);
    assert.ok(meter.bytes > 200_000 && meter.bytes <= 251_687, `${meter.bytes} bytes`);
  });
});

test('only consumed outputs are decoded', async () => {
  await decode(
    { input_path: clip },
    ({ outputs, meter }) => {
      assert.is(outputs[1]!.length, 188);
      assert.is(meter.frames, 0);
    },
    { outputs: [1] },
  );
});

test('a stream the file does not have ends at once, the other goes on', async () => {
  await decode({ input_path: media('mono-16k.wav') }, (driven) => {
    assert.is(driven.outputs[0]!.length, 0);
    assert.is(samples(driven), 16000);
  });
});

test('without any wanted stream the outputs just end', async () => {
  await decode({ input_path: media('mono-16k.wav') }, ({ calls }) => assert.is(calls, 1), { outputs: [0] });
});

test('a stream whose consumers leave is not decoded any further', async () => {
  const driven = (more: DriveOptions) => decode({ input_path: clip }, (d) => d.meter.frames, more);
  assert.is(await driven({ closeAfter: { 0: 5 } }), 5);
});

test('vframes and aframes end their outputs, and then the decoder', async () => {
  await decode({ input_path: clip, vframes: 7, aframes: '3' }, ({ outputs, calls }) => {
    assert.equal([outputs[0]!.length, outputs[1]!.length], [7, 3]);
    assert.ok(calls < 15, `${calls} calls`);
  });
  await decode({ input_path: clip, vframes: 0, aframes: 0 }, ({ outputs }) => assert.equal(outputs, { 0: [], 1: [] }));
});

test('durations play several ranges whose gaps stay in the timestamps', async () => {
  await decode({ input_path: clip, durations: [0.5, 1, 2, 2.5, 3.8, 9] }, (driven) => {
    const expected: number[] = [];
    for (let i = 0; i < 100; i++) {
      const time = i / 25;
      if ((time >= 0.5 && time < 1) || (time >= 2 && time < 2.5) || time >= 3.8) expected.push(time);
    }
    assert.equal(
      times(driven, 0).map((time) => time.toFixed(2)),
      expected.map((time) => (time - 0.5).toFixed(2)),
    );
    assert.is(samples(driven), 48000 * 1.2);
  });
});

test('durations with copyts keep the times of the container', async () => {
  await decode({ input_path: media('clip.mpegts'), durations: [1, 1.2, 3, 3.1], copyts: 1 }, (driven) => {
    const found = times(driven, 0);
    assert.is(found.length, 5 + 2 + Number(found.length > 7));
    assert.ok(found[0]! >= 2.458 && found[0]! < 2.5, `begins at ${found[0]}`);
    assert.ok(found.at(-1)! > 4.45 && found.at(-1)! < 4.56, `ends at ${found.at(-1)}`);
  });
});

test('kept times that start at zero count from the beginning of the container, also after start_time', async () => {
  const options = { input_path: media('clip.mpegts'), start_time: 1, copyts: 1, start_at_zero: 1, vframes: 1 };
  await decode(options, (driven) => {
    const [first] = times(driven, 0);
    assert.ok(first! >= 1 && first! < 1.6, `begins at ${first}`);
  });
});

test('use_wallclock_as_timestamps gives frames the time at which their packets came', async () => {
  const options = { input_path: media('clip.mpegts'), use_wallclock_as_timestamps: true };
  const before = Date.now() / 1000;
  await decode({ ...options, copyts: true }, (driven) => {
    const found = times(driven, 0);
    assert.ok(found.length > 90 && Math.min(...found) >= before, `${found[0]}`);
    assert.ok(found[0]! <= Date.now() / 1000);
  });
  await decode({ ...options, vframes: 1 }, (driven) => assert.is(Math.round(times(driven, 0)[0]!), 0));
});

test('start_time and end_time cut sound to the sample', async () => {
  await decode(
    { input_path: clip, start_time: 0.3, end_time: 1.05 },
    (driven) => {
      assert.is(samples(driven), 36000);
      assert.is(times(driven, 1)[0], 0);
    },
    { outputs: [1] },
  );
});

test('an endless loop goes on without a step back until its consumers have enough', async () => {
  await decode(
    { input_path: media('one-frame.mp4'), loop: -1 },
    (driven) => {
      assert.equal(
        times(driven, 0),
        Array.from({ length: 30 }, (_, i) => i * 0.04),
      );
    },
    { outputs: [0], closeAfter: { 0: 30 } },
  );
});

test('a loop continues sound and picture together', async () => {
  await decode({ input_path: clip, loop: 1 }, (driven) => {
    assert.equal([driven.outputs[0]!.length, driven.outputs[1]!.length], [200, 376]);
    for (const id of [0, 1]) {
      const found = times(driven, id);
      assert.ok(
        found.every((time, i) => i === 0 || time > found[i - 1]!),
        'times rise',
      );
    }
    assert.is(driven.meter.duration, 8_000_000);
  });
});

test('extract_frames at 0.5 frames/s makes 6 frames of 10 s', async () => {
  const options = { input_path: 'testsrc2=d=10:r=25:s=64x48', dec_params: { f: 'lavfi' } };
  await decode({ ...options, video_params: { extract_frames: { fps: '0.5' } } }, (driven) => {
    assert.equal(times(driven, 0), [0, 2, 4, 6, 8, 10]);
    assert.equal((driven.outputs[0]![0]!.payload as VideoFrame).frameRate, { num: 1, den: 2 });
  });
});

test('copy puts out a StreamInfo, then the packets of the file', async () => {
  await decode({ input_path: clip, video_codec: 'copy', audio_codec: 'copy' }, ({ outputs }) => {
    const [info, first, ...rest] = outputs[0]!.map(({ payload }) => payload);
    assert.instance(info, StreamInfo);
    assert.equal(
      [(info as StreamInfo).codec, (info as StreamInfo).width, (info as StreamInfo).frameRate?.num],
      ['h264', 320, 25],
    );
    assert.instance(first, EncodedPacket);
    assert.is((first as EncodedPacket).isKey, true);
    assert.is(rest.length, 99);
    assert.is((outputs[1]![0]!.payload as StreamInfo).codec, 'aac');
    const bytes = Buffer.from((first as EncodedPacket).data);
    assert.ok(readFileSync(clip).includes(bytes), 'the bytes of the file');
  });
});

test('a copied stream that is cut begins with a key frame and ends in time', async () => {
  await decode(
    { input_path: clip, video_codec: 'copy', start_time: 1.5, end_time: 2.6 },
    ({ outputs }) => {
      const packets = outputs[0]!.slice(1).map(({ payload }) => payload as EncodedPacket);
      assert.is(packets[0]!.isKey, true);
      assert.ok(packets[0]!.timestamp! <= 0);
      const end = packets.map((packet) => Number(packet.dts!) / 12800);
      assert.ok(end.every((time) => time < 1.1) && Math.max(...end) > 1, `last at ${Math.max(...end)}`);
    },
    { outputs: [0] },
  );
});

test('video_time_base says in what unit the ticks of the video count', async () => {
  await decode({ input_path: clip, video_time_base: '1,25600' }, (driven) => {
    assert.is(times(driven, 0)[50], 1);
    assert.is(samples(driven), 192000);
  });
});

test('fps is the frame rate of a stream that tells none', async () => {
  const raw = { f: 'rawvideo' };
  const options = { input_path: media('garbage.mp4'), dec_params: raw, s: '20x20', pix_fmt: 'gray' };
  await decode(options, ({ outputs }) => {
    assert.is(outputs[0]!.length, 50);
    const frame = outputs[0]![0]!.payload as VideoFrame;
    assert.equal([frame.width, frame.height, frame.format], [20, 20, 'gray']);
    assert.ok(Buffer.from(frame.toBuffer()).equals(readFileSync(media('garbage.mp4')).subarray(0, 400)));
  });
});

test('realtime delivers at the speed of the timestamps', async () => {
  const begun = performance.now();
  await decode(
    { input_path: clip, realtime: true, vframes: 11, start_time: 3 },
    () => {
      const elapsed = performance.now() - begun;
      // The first frame is due at once, not after 3 s.
      assert.ok(elapsed >= 390 && elapsed < 3000, `${elapsed.toFixed(0)} ms for 0.4 s`);
    },
    { outputs: [0] },
  );
});

test('a paced decoder stops waiting when it is aborted', async () => {
  const stop = new AbortController();
  const decoder = new Decoder();
  // A frame every 20 s.
  const raw = { dec_params: { f: 'rawvideo', framerate: '1/20' }, s: '20x20', pix_fmt: 'gray' };
  const { signal } = stop;
  const sleep = (milliseconds: number): Promise<void> => setTimeoutAsync(milliseconds, undefined, { signal });
  decoder.init({ ...contextOf({ input_path: media('garbage.mp4'), realtime: true, ...raw }), signal, sleep });
  setTimeout(() => stop.abort(), 60);
  const got: Packet[] = [];
  const task = {
    inputs: new Map(),
    output: () => ({ closed: false, room: 8, push: (p: Packet) => void got.push(p) }),
    closeInput() {},
    done() {},
  };
  const begun = performance.now();
  while (!stop.signal.aborted) await decoder.process(task);
  assert.ok(performance.now() - begun < 10_000, 'it does not wait for the second frame');
  decoder.close();
  for (const packet of got) packet.close();
  assert.is(got.length, 1);
  assert.equal(ledger.snapshot(), {});
});

function contextOf(options: object) {
  const meter = { duration: 0, position: 0, frames: 0, bytes: 0, dropped: 0, duplicated: 0, corrupt: 0 };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const validated = Decoder.schema['~standard'].validate(options) as { value: never };
  return {
    options: validated.value,
    id: 0,
    alias: 'd',
    inputs: [],
    outputs: [0],
    log,
    meter,
    callback: () => Promise.resolve(undefined),
    hasCallback: () => false,
    signal: new AbortController().signal,
    stopping: false,
    elapsed: () => 0,
    sleep: () => Promise.resolve(),
    job: 0,
    trace() {},
    wrote() {},
    tell() {},
  };
}

test('reset makes it ready to read the same input again', () => {
  const decoder = new Decoder();
  decoder.init(contextOf({ input_path: media('one-frame.mp4') }));
  const counts = [0, 0];
  for (const round of [0, 1]) {
    let done = false;
    const output = () => ({
      closed: false,
      room: 8,
      push(packet: Packet) {
        if (!packet.isEof) counts[round]!++;
        packet.close();
      },
    });
    const finish = () => {
      done = true;
    };
    const task = { inputs: new Map(), output, closeInput() {}, done: finish };
    while (!done) void decoder.process(task);
    if (round === 0) decoder.reset();
  }
  decoder.close();
  decoder.close();
  assert.equal(counts, [1, 1]);
  assert.equal(ledger.snapshot(), {});
});

test('damaged packets are skipped, counted and reported once', async () => {
  await decode({ input_path: media('damaged.mp4') }, ({ outputs, meter, warnings }) => {
    assert.ok(outputs[0]!.length > 50 && outputs[1]!.length > 100);
    assert.ok(meter.corrupt > 0);
    assert.is(warnings.length, 1);
    assert.match(warnings[0]!, new RegExp(`damaged\\.mp4: ${meter.corrupt} damaged packets`));
  });
});

test('pictures above max_width_height are left out and counted', async () => {
  await decode({ input_path: clip, max_width_height: 319 }, ({ outputs, warnings }) => {
    assert.is(outputs[0]!.length, 0);
    assert.is(outputs[1]!.length, 188);
    assert.match(warnings.join(), '100 pictures larger');
  });
  await decode({ input_path: clip, max_width_height: 320, max_limit_hits: 0 }, ({ outputs }) =>
    assert.is(outputs[0]!.length, 100),
  );
});

test('demuxer options reach the demuxer, decoder options the decoder', async () => {
  await decode({ input_path: clip, dec_params: { ignore_editlist: 1, enable_er: 0, threads: 1 } }, (driven) => {
    // Without the edit list the first picture keeps its delay of two frames.
    assert.is(times(driven, 0)[0], 0.08);
  });
});
test.run();

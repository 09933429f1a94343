/** How frames flow through the filter module: which input is wanted, ends, limits, changes of format. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import FFmpegFilter from '../../../actors/filter/index.js';
import { AudioFrame, Packet, VideoFrame } from '../../../src/media/index.js';
import type { Task } from '../../../src/module/contract.js';
import { closeAll, drive } from '../../kit/drive.js';
import { driveFilter, frames, leavesNothing, sound, video } from './kit.js';

/** Notes how many packets of each input the module has been given. */
class Counting extends FFmpegFilter {
  static taken: Record<number, number> = {};
  static calls = 0;

  override process(task: Task): void {
    Counting.calls++;
    for (const [id, packets] of task.inputs) {
      Counting.taken[id] = (Counting.taken[id] ?? 0) + packets.filter((packet) => !packet.isEof).length;
    }
    super.process(task);
  }

  static get now(): number[] {
    return Object.values(Counting.taken);
  }
}

/** Drives a filter and follows, at each packet that comes out, how much of each input has been taken. */
async function follow(options: unknown, inputs: Packet[][], outputs = [0], batch = 1) {
  Counting.taken = Object.fromEntries(inputs.map((_, id) => [id, 0]));
  const taken: number[][] = [];
  const times: (number | undefined)[][] = outputs.map(() => []);
  const driven = await driveFilter(
    {
      options,
      inputs: Object.fromEntries(inputs.map((list, id) => [id, list])),
      outputs,
      batch,
      onPacket(output, packet) {
        taken.push(Counting.now);
        times[output]!.push(packet.timestamp);
        packet.close();
      },
    },
    Counting,
  );
  return { taken, times, driven };
}

const demand = suite('filter: demand');

demand('concat does not store its second input while the first plays', async () => {
  const { taken } = await follow({ name: 'concat', para: 'n=2' }, [await video(4), await video(4)]);
  assert.is(taken.length, 200);
  for (const [first, second] of taken.slice(0, 100)) assert.ok(second! <= 2, `${second} taken after ${first}`);
  leavesNothing();
});

demand('concat of pictures and sound takes both of the running segment, and little of the next', async () => {
  const inputs = [await video(2), await sound(2), await video(2), await sound(2)];
  const { taken, times } = await follow({ name: 'concat', para: 'n=2:v=1:a=1' }, inputs, [0, 1]);
  assert.is(times[0]!.length, 100);
  const first = taken.filter(([pictures]) => pictures! < 50);
  assert.ok(first.length > 50);
  for (const [pictures, sounds, laterPictures, laterSounds] of first) {
    assert.ok(Math.abs(pictures! / 25 - (sounds! * 1024) / 8000) < 0.3, `${pictures} pictures, ${sounds} sounds`);
    assert.ok(laterPictures! <= 2 && laterSounds! <= 2);
  }
  leavesNothing();
});

demand('overlay keeps two inputs of different rates together', async () => {
  const { taken } = await follow({ name: 'overlay' }, [await video(4), await video(4, '16x16', 5)]);
  assert.is(taken.length, 100);
  for (const [main, small] of taken) {
    assert.ok(Math.abs(main! / 25 - small! / 5) <= 0.5, `${main} of the main input, ${small} of the small one`);
  }
  leavesNothing();
});

demand('amix keeps its inputs together, and goes on with the longer one', async () => {
  const { taken, times } = await follow({ name: 'amix', para: 'inputs=2' }, [await sound(2), await sound(4)]);
  const together = taken.filter(([first]) => first! < 16);
  assert.ok(together.length > 10);
  for (const [first, second] of together) assert.ok(Math.abs(first! - second!) <= 3);
  assert.ok(times[0]!.at(-1)! > 3_800_000);
  leavesNothing();
});

demand('xfade takes its second input only when the transition begins', async () => {
  const { taken } = await follow({ name: 'xfade', para: 'duration=0.4:offset=3' }, [await video(4), await video(4)]);
  for (const [first, second] of taken.filter(([main]) => main! < 75)) {
    assert.ok(second! <= 2, `${second} taken after ${first}`);
  }
  leavesNothing();
});

demand('an input whose beginning is cut off is read ahead while the other one waits', async () => {
  const graph = '[0]trim=start=10,setpts=PTS-STARTPTS[a];[1][a]overlay=shortest=1[0]';
  const { taken } = await follow({ graph }, [await video(12), await video(12, '96x96')]);
  assert.is(taken.length, 50);
  const [skipped, waiting] = taken[0]!;
  assert.ok(skipped! >= 250);
  assert.ok(waiting! <= 12, `${waiting} frames of the waiting input were stored`);
  leavesNothing();
});

demand('a palette is computed to its end before the pictures are taken', async () => {
  const graph = '[0]palettegen[p];[1][p]paletteuse[0]';
  const pictures = () => frames('testsrc2=size=64x48:duration=3,format=bgra[0]');
  const { taken } = await follow({ graph }, [await pictures(), await pictures()]);
  assert.is(taken.length, 75);
  assert.ok(taken[0]![1]! <= 12, `${taken[0]![1]} pictures were stored`);
  leavesNothing();
});

demand('of two outputs the one that is behind is served', async () => {
  const graph = '[0]split[a][0];[a][1]overlay[1]';
  const { taken } = await follow({ graph }, [await video(4), await video(4, '16x16')], [0, 1]);
  for (const [first, second] of taken) assert.ok(Math.abs(first! - second!) <= 3, `${first} and ${second}`);
  leavesNothing();
});

demand('inputs without timestamps take turns', async () => {
  const bare = () =>
    Array.from({ length: 20 }, () => new Packet(VideoFrame.alloc({ width: 16, height: 16, format: 'gray' })));
  const { taken } = await follow({ graph: '[0]null[0];[1]null[1]' }, [bare(), bare()], [0, 1]);
  assert.is(taken.length, 40);
  for (const [first, second] of taken) assert.ok(Math.abs(first! - second!) <= 2, `${first} and ${second}`);
  leavesNothing();
});

demand.run();

const ends = suite('filter: ends and limits');

ends('trim ends the node before its input has ended', async () => {
  const { taken, times } = await follow({ name: 'trim', para: 'end_frame=10' }, [await video(10)]);
  assert.is(times[0]!.length, 10);
  assert.ok(taken.at(-1)![0]! <= 11);
  assert.ok(Counting.now[0]! <= 11, `${Counting.now[0]} frames were taken`);
  leavesNothing();
});

ends('one output ends while another goes on', async () => {
  const log: string[] = [];
  class Logging extends FFmpegFilter {
    override process(task: Task): void {
      const output = (id: number) => {
        const port = task.output(id);
        return {
          get closed() {
            return port.closed;
          },
          room: port.room,
          push(packet: Packet) {
            log.push(`${id}${packet.isEof ? ' end' : ''}`);
            port.push(packet);
          },
        };
      };
      super.process({ inputs: task.inputs, output, closeInput: (id) => task.closeInput(id), done: () => task.done() });
    }
  }
  const graph = '[0]split[a][b];[a]trim=end_frame=3[0];[b]null[1]';
  const driven = await driveFilter({ options: { graph }, inputs: { 0: await video(1) }, outputs: [0, 1] }, Logging);
  assert.is(driven.outputs[0]!.length, 3);
  assert.is(driven.outputs[1]!.length, 25);
  closeAll(driven);
  assert.ok(log.indexOf('0 end') < log.lastIndexOf('1') - 10, log.join(', '));
  assert.is(log.filter((entry) => entry === '0 end').length, 1);
  leavesNothing();
});

ends('an endless source stops when its consumer leaves', async () => {
  const driven = await driveFilter({ options: { name: 'testsrc2', para: 'size=16x16' }, closeAfter: { 0: 9 } });
  assert.is(driven.outputs[0]!.length, 9);
  assert.ok(driven.largestStep <= 4);
  closeAll(driven);
  leavesNothing();
});

ends('an endless loop stops when its consumer leaves, and comes in small steps', async () => {
  const driven = await driveFilter({
    options: { name: 'loop', para: 'loop=-1:size=5' },
    inputs: { 0: await video(1) },
    closeAfter: { 0: 100 },
  });
  assert.is(driven.outputs[0]!.length, 100);
  assert.ok(driven.largestStep <= 4);
  closeAll(driven);
  leavesNothing();
});

ends('an output without a consumer is not kept', async () => {
  const driven = await driveFilter({
    options: { graph: '[0]split[a][1];[a]loop=-1:size=5[0]' },
    inputs: { 0: await video(1) },
    outputs: [0, 1],
    closeAfter: { 0: 3 },
  });
  assert.is(driven.outputs[0]!.length, 3);
  assert.is(driven.outputs[1]!.length, 25);
  closeAll(driven);
  leavesNothing();
});

ends('a pad that was never connected is discarded', async () => {
  const driven = await driveFilter({
    options: { name: 'split', para: 3 },
    inputs: { 0: await video(1) },
    outputs: [1],
  });
  assert.is(driven.outputs[1]!.length, 25);
  closeAll(driven);
  leavesNothing();
});

ends('without any consumer the input still runs through', async () => {
  const { driven } = await follow({ name: 'vflip' }, [await video(1)], []);
  assert.equal(Counting.now, [25]);
  assert.ok(driven.calls >= 25);
  leavesNothing();
});

ends('many frames from one come in small steps', async () => {
  const driven = await driveFilter({
    options: { name: 'fps', para: 1000 },
    inputs: { 0: await video(1) },
    batch: 8,
  });
  assert.is(driven.outputs[0]!.length, 1000);
  assert.ok(driven.largestStep <= 5, `${driven.largestStep} packets in one step`);
  assert.is(driven.meter.frames, 1000);
  assert.is(driven.meter.position, 999_000);
  closeAll(driven);
  leavesNothing();
});

ends('an input without frames does not spoil the others', async () => {
  const { times } = await follow({ name: 'overlay' }, [await video(1), []]);
  assert.is(times[0]!.length, 25);
  const sounds = await follow({ name: 'concat', para: 'n=2:v=0:a=1' }, [[], await sound(1)]);
  assert.is(sounds.times[0]!.length, 8);
  leavesNothing();
});

ends('without a single frame the outputs just end', async () => {
  const { times, driven } = await follow({ name: 'overlay' }, [[], []]);
  assert.equal(times, [[]]);
  assert.ok(driven.calls <= 3);
  leavesNothing();
});

ends('reset makes it ready for another job', async () => {
  const filter = new FFmpegFilter();
  const counts: number[] = [];
  const again = Object.create(filter, {
    init: { value: (ctx: never) => (counts.length === 0 ? filter.init(ctx) : filter.reset()) },
    process: { value: (task: Task) => filter.process(task) },
    wants: { value: () => filter.wants() },
    close: { value: () => {} },
    schema: { value: FFmpegFilter.schema },
  });
  for (const seconds of [1, 2]) {
    const options = { name: 'trim', para: 'end=1.5' };
    const driven = await drive(again, { options, inputs: { 0: await video(seconds) } });
    counts.push(driven.outputs[0]!.length);
    closeAll(driven);
  }
  filter.close();
  assert.equal(counts, [25, 38]);
  leavesNothing();
});

ends('closing in the middle releases everything', async () => {
  const packets = [...(await video(1)), new Packet('no frame')];
  try {
    await driveFilter({ options: { name: 'tblend' }, inputs: { 0: packets }, batch: 100 });
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /a string came on input 0/);
  }
  leavesNothing();
});

ends.run();

const format = suite('filter: format and time');

const sizes = (packets: readonly Packet[]) =>
  packets.map(({ payload }) => `${(payload as VideoFrame).width}x${(payload as VideoFrame).height}`);

/** Continues the times of `packets` after `seconds`. */
function later(packets: Packet[], seconds: number): Packet[] {
  for (const { payload } of packets) {
    const frame = payload as VideoFrame | AudioFrame;
    frame.pts = frame.pts! + BigInt((seconds * frame.timeBase.den) / frame.timeBase.num);
  }
  return packets;
}

format('the graph is built anew when the size changes, and loses no frame', async () => {
  const inputs = async () => ({ 0: [...(await video(1)), ...later(await video(1, '96x64'), 1)] });
  const flipped = await driveFilter({ options: { name: 'vflip' }, inputs: await inputs() });
  assert.equal(sizes(flipped.outputs[0]!), [...Array(25).fill('64x48'), ...Array(25).fill('96x64')]);
  closeAll(flipped);
  // tmix holds frames back; reverse all of them.
  for (const name of ['tmix', 'reverse', 'fps']) {
    const driven = await driveFilter({ options: { name }, inputs: await inputs(), batch: 8 });
    assert.equal(sizes(driven.outputs[0]!), [...Array(25).fill('64x48'), ...Array(25).fill('96x64')], name);
    const times = driven.outputs[0]!.map(({ timestamp }) => timestamp!);
    if (name !== 'reverse')
      assert.equal(
        times,
        times.map((_, i) => i * 40_000),
      );
    closeAll(driven);
  }
  leavesNothing();
});

format('the graph is built anew when the pixel format or the colour range changes', async () => {
  const inputs = [
    ...(await video(0.2)),
    ...later(await frames('testsrc2=size=64x48:duration=0.2,format=nv12[0]'), 0.2),
    ...later(await frames('testsrc2=size=64x48:duration=0.2,format=yuv420p,setparams=range=pc[0]'), 0.4),
  ];
  const driven = await driveFilter({ options: { name: 'null' }, inputs: { 0: inputs } });
  const seen = driven.outputs[0]!.map(
    ({ payload }) => `${(payload as VideoFrame).format} ${(payload as VideoFrame).colorRange}`,
  );
  assert.equal([...new Set(seen)], ['yuv420p unknown', 'nv12 unknown', 'yuv420p pc']);
  assert.is(seen.length, 15);
  closeAll(driven);
  leavesNothing();
});

format('the graph is built anew when the sample rate or the channels change', async () => {
  const inputs = [
    ...(await sound(1)),
    ...later(await frames('sine=sample_rate=16000:duration=1[0]'), 1),
    ...later(await frames('sine=sample_rate=16000:duration=1,aformat=channel_layouts=stereo[0]'), 2),
  ];
  const driven = await driveFilter({ options: { name: 'volume', para: 0.5 }, inputs: { 0: inputs } });
  const totals: Record<string, number> = {};
  for (const { payload } of driven.outputs[0]!) {
    const { sampleRate, channels, samples } = payload as AudioFrame;
    totals[`${sampleRate} ${channels}`] = (totals[`${sampleRate} ${channels}`] ?? 0) + samples;
  }
  assert.equal(totals, { '8000 1': 8000, '16000 1': 16000, '16000 2': 16000 });
  closeAll(driven);
  leavesNothing();
});

format('a change of size in one of two inputs keeps the other running', async () => {
  const main = [...(await video(1)), ...later(await video(1, '96x64'), 1)];
  const driven = await driveFilter({
    options: { graph: '[0][1]overlay=1:1[0]' },
    inputs: { 0: main, 1: await video(2, '16x16') },
  });
  assert.is(driven.outputs[0]!.length, 50);
  closeAll(driven);
  leavesNothing();
});

format('a graph with a source of its own survives a change of size', async () => {
  const graph = 'color=red:size=128x128:rate=25[b];[b][0]overlay=shortest=1[0]';
  const main = [...(await video(1)), ...later(await video(1, '96x64'), 1)];
  const driven = await driveFilter({ options: { graph }, inputs: { 0: main }, maxCalls: 2000 });
  assert.ok(driven.outputs[0]!.length >= 48);
  closeAll(driven);
  leavesNothing();
});

format('frames carry the time base and the frame rate of their output', async () => {
  const driven = await driveFilter({
    options: { name: 'fps', para: '30000/1001' },
    inputs: { 0: await video(1) },
  });
  const { payload, timestamp } = driven.outputs[0]![1]!;
  const frame = payload as VideoFrame;
  assert.equal(frame.timeBase, { num: 1001, den: 30000 });
  assert.equal(frame.frameRate, { num: 30000, den: 1001 });
  assert.is(frame.pts, 1n);
  assert.is(timestamp, 33367);
  closeAll(driven);
  leavesNothing();
});

format('frames with another time base than the first are converted', async () => {
  const frame = (pts: bigint, den: number) =>
    new Packet(VideoFrame.alloc({ width: 16, height: 16, format: 'gray', pts, timeBase: { num: 1, den } }));
  const inputs = { 0: [frame(0n, 25), frame(40n, 1000), frame(7200n, 90000)] };
  const driven = await driveFilter({ options: { name: 'null' }, inputs });
  assert.equal(
    driven.outputs[0]!.map(({ timestamp }) => timestamp),
    [0, 40_000, 80_000],
  );
  closeAll(driven);
  leavesNothing();
});

format('a frame without a time takes that of its packet', async () => {
  const packets = [0, 40_000, 80_000].map(
    (timestamp) => new Packet(VideoFrame.alloc({ width: 16, height: 16, format: 'gray' }), { timestamp }),
  );
  const driven = await driveFilter({ options: { name: 'setpts', para: 'PTS+1/TB' }, inputs: { 0: packets } });
  assert.equal(
    driven.outputs[0]!.map(({ timestamp }) => timestamp),
    [1_000_000, 1_040_000, 1_080_000],
  );
  closeAll(driven);
  leavesNothing();
});

format('sound runs on the clock of its samples', async () => {
  const frame = AudioFrame.from([new Float32Array(480)], {
    sampleRate: 48000,
    format: 'fltp',
    pts: 90n,
    timeBase: { num: 1, den: 1000 },
  });
  const driven = await driveFilter({ options: { name: 'anull' }, inputs: { 0: [new Packet(frame)] } });
  const out = driven.outputs[0]![0]!.payload as AudioFrame;
  assert.equal(out.timeBase, { num: 1, den: 48000 });
  assert.is(out.pts, 4320n);
  closeAll(driven);
  leavesNothing();
});

format('a filter that works in place writes into the very frame it was given', async () => {
  const [packet] = await video(0.04);
  const before = (packet!.payload as VideoFrame).av.data![0]!;
  const driven = await driveFilter({ options: { name: 'drawbox', para: 'c=red' }, inputs: { 0: [packet!] } });
  const after = (driven.outputs[0]![0]!.payload as VideoFrame).av.data![0]!;
  for (const value of [7, 201]) {
    after[1000] = value;
    assert.is(before[1000], value);
  }
  closeAll(driven);
  leavesNothing();
});

format.run();

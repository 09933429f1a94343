/**
 * Decoding, filtering and encoding on devices: docs/hardware.md. Vulkan runs on the processor as well (lavapipe); what needs a graphics
 * processor is checked by `npm run check:gpu`.
 */
import { createHash } from 'node:crypto';
import { type DecoderOptions, encode, Graph, type Packet, type Stream, type VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { HardwareDeviceContext } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  closeIdleDevices,
  DEVICE_KINDS,
  type DeviceKind,
  ledger,
  openDevice,
  requireDevice,
} from '../../../src/media/index.js';
import { media, scratch } from '../../kit/media.js';
import { testUnless } from '../../kit/skip.js';

const test = suite('hardware');
const path = scratch();

function lacking(kind: DeviceKind): string | undefined {
  try {
    openDevice(kind).release();
    return undefined;
  } catch {
    return `no ${kind} device`;
  }
}

const NO_VULKAN = lacking('vulkan');
/** One that this machine does not have, whatever it has. */
const ABSENT = (['cuda', 'qsv', 'vaapi', 'amf', 'd3d11va', 'videotoolbox'] as const).find((kind) => lacking(kind))!;

interface Seen {
  readonly hashes: string[];
  readonly places: Set<string>;
  readonly notes: string[];
  readonly warnings: readonly string[];
}

/** What comes of a drawn clip, as a reader in this thread sees it. */
async function seen(threads: number, build: (drawn: Stream) => Stream): Promise<Seen> {
  const watch = new LeakWatch();
  const notes: string[] = [];
  const graph = new Graph({ threads, onLog: ({ level, text }) => void (level === 'info' && notes.push(text)) });
  const reader = build(graph.filter('testsrc2', { size: '96x64', rate: 25, duration: 0.2 })).packets<VideoFrame>();
  const run = graph.run();
  const hashes: string[] = [];
  const places = new Set<string>();
  for await (const packet of reader as AsyncIterable<Packet<VideoFrame>>) {
    places.add(packet.payload.hardware ? packet.payload.format : 'main');
    hashes.push(createHash('md5').update(packet.payload.toBuffer('rgba')).digest('hex'));
    packet.close();
  }
  const report = await run;
  watch.check(report);
  return { hashes, places, notes, warnings: report.warnings };
}

testUnless(
  test,
  NO_VULKAN,
  'a device that was looked for is the one that is used, and is closed if nobody uses it',
  () => {
    const before = ledger.snapshot().device ?? 0;
    requireDevice('vulkan');
    const [first, second] = [openDevice('vulkan'), openDevice('vulkan')];
    assert.is(first.context, second.context);
    assert.is(ledger.snapshot().device, before + 1);
    for (const device of [first, second]) device.release();
    assert.is(ledger.snapshot().device ?? 0, before);
    requireDevice('vulkan');
    closeIdleDevices();
    assert.is(ledger.snapshot().device ?? 0, before);
  },
);

const upload = (stream: Stream, thread?: string): Stream =>
  stream.module('c_ffmpeg_filter', { name: 'hwupload', hwaccel_device: 'vulkan' }, { thread });

for (const threads of [0, 2]) {
  testUnless(test, NO_VULKAN, `pictures stay on a device from node to node, threads: ${threads}`, async () => {
    const plain = await seen(threads, (drawn) => drawn.hflip());
    const there = await seen(threads, (drawn) => upload(drawn).module('pass_through', {}));
    assert.equal(there.places, new Set(['vulkan']));
    assert.is(there.hashes.length, plain.hashes.length);
    const back = await seen(threads, (drawn) => {
      const [one, other] = threads > 0 ? ['one', 'other'] : [];
      return upload(drawn, one).module('pass_through', {}, { thread: other }).hflip();
    });
    assert.equal(back.places, new Set(['main']));
    assert.equal(back.hashes, plain.hashes);
    assert.ok(
      back.notes.some((note) => /downloaded from the vulkan device before hflip/.test(note)),
      back.notes.join(),
    );
  });
}

testUnless(test, NO_VULKAN, 'within one filter graph pictures are brought to a device and back', async () => {
  const plain = await seen(0, (drawn) => drawn.module('c_ffmpeg_filter', { graph: '[0]vflip,hflip[0]' }));
  const graph = '[0]vflip,hwupload,null,hflip[0]';
  const moved = await seen(0, (drawn) => drawn.module('c_ffmpeg_filter', { graph, hwaccel_device: 'vulkan' }));
  assert.equal(moved.hashes, plain.hashes);
});

testUnless(test, NO_VULKAN, 'an encoder that works in main memory takes pictures of a device', async () => {
  const watch = new LeakWatch();
  const graph = new Graph({ threads: 0 });
  const drawn = graph.filter('testsrc2', { size: '96x64', rate: 25, duration: 0.2 });
  const video_params = { codec: 'ffv1', pix_fmt: 'yuv420p' };
  encode(drawn, { output_path: path('plain.mkv'), video_params });
  encode(upload(drawn), { output_path: path('device.mkv'), video_params });
  watch.check(await graph.run());
  const both = new Graph({ threads: 0 });
  const readers = ['plain', 'device'].map((name) =>
    both.decode({ input_path: path(`${name}.mkv`) }).video.packets<VideoFrame>(),
  );
  const run = both.run();
  const hashes = await Promise.all(
    readers.map(async (reader) => {
      const found: string[] = [];
      for await (const packet of reader) {
        found.push(
          createHash('md5')
            .update((packet.payload as VideoFrame).toBuffer())
            .digest('hex'),
        );
        packet.close();
      }
      return found;
    }),
  );
  await run;
  assert.is(hashes[0]!.length, 5);
  assert.equal(hashes[1], hashes[0]);
});

testUnless(test, NO_VULKAN, 'what a device does not decode the processor decodes, with a warning', async () => {
  const { warnings, frames } = await decoded({ hwaccel: 'vulkan' });
  assert.is(frames, 5);
  // A graphics processor may well decode it.
  for (const text of warnings) assert.match(text, /decoded on the processor: the vulkan device does not decode this/);
});

async function decoded(options: DecoderOptions): Promise<{ warnings: readonly string[]; frames: number }> {
  const watch = new LeakWatch();
  const graph = new Graph({ threads: 0 });
  const { video } = graph.decode({ input_path: media('clip-4s.mp4'), vframes: 5, ...options });
  video.encode({ null_output: true, video_params: { codec: 'mpeg4' } });
  const report = await graph.run();
  watch.check(report);
  return { warnings: report.warnings, frames: report.frames };
}

async function refusal(options: DecoderOptions): Promise<Error & { code: string }> {
  try {
    await decoded(options);
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('it was not refused');
}

test('a device that is not there is an error that says what it needs, or a warning where that was asked for', async () => {
  const error = await refusal({ hwaccel: ABSENT });
  assert.is(error.code, 'ERR_MILLRACE_OPTION');
  assert.match(error.message, new RegExp(`Cannot open a ${ABSENT} device: .*needs`));
  // Where BMF has it.
  for (const options of [
    { hwaccel: ABSENT, hwaccel_check: 1 },
    { video_params: { hwaccel: ABSENT, hwaccel_check: 1 } },
  ] as const) {
    const { warnings, frames } = await decoded(options);
    assert.is(frames, 5);
    assert.is(warnings.length, 1);
    assert.match(warnings[0]!, new RegExp(`decoded on the processor, because hwaccel '${ABSENT}' found no device`));
  }
});

test("hwaccel 'auto' decodes wherever it can", async () => {
  const { warnings, frames } = await decoded({ hwaccel: 'auto' });
  assert.is(frames, 5);
  assert.ok(warnings.length <= 1, warnings.join('\n'));
});

test('a filter of a device that is not there says what it needs', async () => {
  const graph = new Graph({ threads: 0 });
  const name = { cuda: 'scale_cuda', vaapi: 'scale_vaapi', qsv: 'scale_qsv' }[ABSENT as string] ?? 'scale_cuda';
  const drawn = graph.filter('testsrc2', { size: '96x64', rate: 25, duration: 0.2 });
  drawn.filter(name, { w: 48, h: 32 }).module('null_sink', {});
  const error = await graph.run().then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  assert.match(error!.message, /Cannot open a \w+ device: .*It needs/);
});

test('options of devices are checked before the start', async () => {
  for (const [options, reason] of [
    [{ hwaccel: 'gpu' }, /must be one of "auto", "none", "cuda"/],
    [{ hwaccel_device: '0' }, /has no effect without hwaccel/],
    [{ hwaccel: 'auto', video_codec: 'copy' }, /has no effect on a copied stream/],
    [{ hwaccel: 'opencl' }, /does not work on opencl/],
  ] as const) {
    assert.match((await refusal(options as unknown as DecoderOptions)).message, reason);
  }
});

test('every kind of device is one of FFmpeg', () => {
  for (const kind of DEVICE_KINDS) assert.ok(HardwareDeviceContext.findTypeByName(kind as never) > 0, kind);
});

test.run();

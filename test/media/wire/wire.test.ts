import {
  AV_FRAME_DATA_DOWNMIX_INFO,
  AV_PKT_DATA_DISPLAYMATRIX,
  AV_PKT_DATA_SKIP_SAMPLES,
  AV_PKT_FLAG_CORRUPT,
  AV_PKT_FLAG_KEY,
} from 'node-av/constants';
import { CodecParameters } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioFrame, EncodedPacket, ledger, StreamInfo, Tensor, type TensorData } from '../../../src/media/index.js';
import { describe, PAYLOAD_KIND, restore } from '../../../src/media/wire/payload.js';
import { frames, travel } from '../kit.js';

const test = suite('wire: sound, packets and values');
const finalised = ledger.finalised;

function sameAudio(sent: AudioFrame): void {
  const received = travel(sent);
  const shape = ({ format, samples, channels, channelLayout, sampleRate }: AudioFrame) => ({
    format,
    samples,
    channels,
    channelLayout,
    sampleRate,
  });
  const time = ({ pts, duration, timeBase, metadata, av }: AudioFrame) => ({
    pts,
    duration,
    timeBase,
    metadata,
    flags: av.flags,
  });
  assert.equal(shape(received), shape(sent));
  assert.equal(time(received), time(sent));
  assert.equal(received.toBuffer(), sent.toBuffer());
  assert.ok(received.av.isWritable);
  sent.close();
  received.close();
}

const ramp = (samples: number, seed: number) => Float32Array.from({ length: samples }, (_, i) => Math.sin(i + seed));

test('planar and packed samples of all types arrive', () => {
  for (const format of ['u8', 's16', 's32', 's64', 'flt', 'dbl', 'u8p', 's16p', 's32p', 's64p', 'fltp', 'dblp']) {
    const sent = AudioFrame.alloc({ sampleRate: 44100, format, samples: 333, channels: 3, pts: -5n, duration: 333n });
    sent.planes().forEach(({ data }, c) => {
      data.forEach((_, i) => {
        data[i] = i * 7 + c;
      });
    });
    sameAudio(sent);
  }
});

test('any number of channels and any layout arrive', () => {
  for (const channelLayout of ['mono', '5.1(side)', '22.2', 'FR+FL', 'FC+FR+FL+LFE', '17 channels', 'ambisonic 2']) {
    const blank = AudioFrame.alloc({ sampleRate: 48000, format: 'fltp', samples: 50, channelLayout });
    const count = blank.channels;
    blank.close();
    const channels = Array.from({ length: count }, (_, c) => ramp(50, c));
    sameAudio(AudioFrame.from(channels, { sampleRate: 48000, channelLayout, pts: 1n }));
    sameAudio(AudioFrame.from(channels, { sampleRate: 48000, channelLayout, format: 'flt' }));
  }
});

test('metadata and side data of sound arrive', () => {
  const chain: [string, string?][] = [
    ['sine', 'sample_rate=22050'],
    ['ametadata', 'mode=add:key=k:value=v'],
    ['abuffersink'],
  ];
  const [av] = frames(chain, 1);
  av!.newSideData(AV_FRAME_DATA_DOWNMIX_INFO, 40).fill(3);
  const sent = AudioFrame.wrap(av!);
  const received = travel(sent);
  assert.equal(received.metadata, { k: 'v' });
  assert.is(received.sampleRate, 22050);
  assert.equal(received.av.getSideData(AV_FRAME_DATA_DOWNMIX_INFO), Buffer.alloc(40, 3));
  received.close();
  sameAudio(sent);
});

test('encoded packets arrive with times, flags, position and side data', () => {
  const sent = EncodedPacket.from(
    Uint8Array.from({ length: 1001 }, (_, i) => i),
    {
      pts: -7n,
      dts: -9n,
      duration: 2n,
      flags: AV_PKT_FLAG_KEY | AV_PKT_FLAG_CORRUPT,
      timeBase: { num: 1, den: 12800 },
    },
  );
  sent.av.pos = 4096n;
  sent.av.streamIndex = 3;
  sent.av.addSideData(AV_PKT_DATA_SKIP_SAMPLES, Buffer.alloc(10, 5));
  sent.av.addSideData(AV_PKT_DATA_DISPLAYMATRIX, Buffer.alloc(36, 6));
  const received = travel(sent);
  const all = ({ data, pts, dts, duration, flags, timeBase, av }: EncodedPacket) => {
    const sideData = [AV_PKT_DATA_SKIP_SAMPLES, AV_PKT_DATA_DISPLAYMATRIX].map((type) => av.getSideData(type));
    return { data, pts, dts, duration, flags, timeBase, pos: av.pos, stream: av.streamIndex, sideData };
  };
  assert.equal(all(received), all(sent));
  sent.close();
  assert.equal(received.data.subarray(0, 3), new Uint8Array([0, 1, 2]));
  received.close();
});

test('an empty packet without times stays one', () => {
  const sent = EncodedPacket.alloc(0);
  const received = travel(sent);
  assert.equal([received.size, received.pts, received.dts, received.av.pos], [0, undefined, undefined, -1n]);
  sent.close();
  received.close();
});

test('stream information arrives', () => {
  const par = new CodecParameters();
  par.alloc();
  par.width = 640;
  par.extradata = Buffer.from([9, 8]);
  const sent = StreamInfo.fromCodecParameters(par, { timeBase: { num: 1, den: 25 }, metadata: { title: 'ü' } });
  par.free();
  assert.equal(travel(sent).toJSON(), sent.toJSON());
});

test('tensors of all types arrive', () => {
  const arrays: TensorData[] = [
    new Int8Array([-1]),
    new Uint8Array([255]),
    new Uint8ClampedArray([200]),
    new Int16Array([-2]),
    new Uint16Array([65535]),
    new Int32Array([-3]),
    new Uint32Array([2 ** 32 - 1]),
    new Float32Array([0.5]),
    new Float64Array([0.1]),
    new BigInt64Array([-(2n ** 63n)]),
    new BigUint64Array([2n ** 64n - 1n]),
  ];
  for (const data of arrays) {
    const received = travel(Tensor.from(data, [1, 1]));
    assert.equal(received.data, data);
    assert.equal(received.shape, [1, 1]);
    assert.is(received.data.buffer instanceof ArrayBuffer, true, 'it is no view of the ring');
  }
});

test('bytes and typed arrays keep their type', () => {
  for (const sent of [
    new Uint8Array([1, 2, 3]),
    Buffer.from('abc'),
    new Float32Array([1.5, -2]),
    new BigInt64Array([-1n]),
    new Uint8Array(0),
    new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
    new Uint8Array(new SharedArrayBuffer(4)).fill(6),
  ]) {
    const received = travel(sent);
    assert.is(received.constructor, sent.constructor);
    assert.equal([...received], [...sent]);
  }
});

test('plain values arrive as they were', () => {
  for (const value of [
    undefined,
    null,
    0,
    -1.5,
    Number.NaN,
    2 ** 53,
    'ünïcödé 🎞',
    '',
    true,
    5n,
    -(2n ** 63n),
    2n ** 100n,
    [],
    {},
    { a: undefined, b: [1, { c: null }] },
    new Map<unknown, unknown>([
      [1, 'a'],
      ['b', new Set([1])],
    ]),
    new Date(5),
    /x+/gi,
    new Float32Array([1]),
    {
      data: new Uint8Array([1, 2]),
      box: [
        [0, 0],
        [1, 1],
      ],
    },
  ]) {
    assert.equal(travel(value), value);
  }
});

test('cycles and repeated references are kept', () => {
  const shared = { n: 1 };
  const value: { list: unknown[]; self?: unknown } = { list: [shared, shared] };
  value.self = value;
  const received = travel(value);
  assert.is(received.self, received);
  assert.is(received.list[0], received.list[1]);
});

test('errors arrive with class, message and cause', () => {
  const received = travel(new TypeError('no', { cause: { why: 1 } }));
  assert.instance(received, TypeError);
  assert.is(received.message, 'no');
  assert.equal(received.cause, { why: 1 });
});

test('what cannot cross threads is named with its place', () => {
  class Box {}
  const cases: [unknown, RegExp][] = [
    [() => 1, /payload is a function/],
    [Symbol('x'), /payload is a symbol/],
    [{ a: [1, { run() {} }] }, /payload\.a\[1\]\.run is a function/],
    [new Map([['k', new Box()]]), /payload\.get\(k\) is an object of class Box/],
    [new Set([Symbol('x')]), /payload \(member 1\) is a symbol/],
    [{ later: Promise.resolve() }, /payload\.later is an object of class Promise/],
    [new WeakMap(), /class WeakMap/],
    [{ memory: new SharedArrayBuffer(8) }, /payload\.memory is an object of class SharedArrayBuffer/],
    [new URL('http://localhost/'), /class URL/],
    [new Error('x', { cause: () => 1 }), /payload\.cause is a function/],
  ];
  for (const [value, message] of cases) {
    assert.throws(
      () => describe(value),
      (error: { code?: string; message: string }) =>
        error.code === 'ERR_MILLRACE_PAYLOAD' && message.test(error.message),
      String(message),
    );
  }
});

test('frames and packets inside another value go beside it, each once', () => {
  const frame = AudioFrame.alloc({ sampleRate: 8000, format: 's16', samples: 1, channels: 1 });
  const packet = EncodedPacket.from(new Uint8Array([7]), { pts: 3n });
  const arrived = travel({ frame, list: [frame, { packet }], n: -0 }) as Record<string, unknown>;
  assert.instance(arrived.frame, AudioFrame);
  const [again, { packet: coded }] = arrived.list as [unknown, { packet: EncodedPacket }];
  assert.is(again, arrived.frame);
  assert.equal([...coded.data, coded.pts, Object.is(arrived.n, -0)], [7, 3n, true]);
  for (const each of [frame, packet, coded, arrived.frame as AudioFrame]) each.close();
});

test('what is inside another value and closed is refused, and a broken record leaves nothing open', () => {
  const frame = AudioFrame.alloc({ sampleRate: 8000, format: 's16', samples: 1, channels: 1 });
  const other = frame.clone();
  const { kind, meta, blobs } = describe({ frame, list: [other] });
  const parts = blobs.map(({ byteLength, copyTo }) => {
    const bytes = new Uint8Array(byteLength);
    copyTo(bytes);
    return bytes;
  });
  assert.throws(() => restore(kind, meta, parts.slice(0, -1)));
  assert.throws(() => restore(kind, meta, [new Uint8Array([0xdb]), ...parts.slice(1)]));
  for (const each of [frame, other]) each.close();
  assert.throws(() => describe({ frame }), /used after close/);
});

test('a record that is none of ours is refused', () => {
  const ring = (error: { code?: string }) => error.code === 'ERR_MILLRACE_RING';
  assert.throws(() => restore(99, undefined, []), ring);
  assert.throws(() => restore(PAYLOAD_KIND.video, {}, []), ring);
});

test('nothing stayed open', () => {
  assert.equal(ledger.snapshot(), {});
  assert.is(ledger.finalised, finalised);
});

test.run();

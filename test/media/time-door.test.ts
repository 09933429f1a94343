/** Times that users set are checked where they come in. */
import { AudioFrame, EncodedPacket, Packet, VideoFrame } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as media from '../../src/media/index.js';
import { LARGEST_PAYLOAD, requireFits } from '../../src/media/wire/limit.js';
import { outgoing, requireCrossable } from '../../src/thread/link/record.js';
import { thrown } from '../kit/rejection.js';

const door = suite('times at the door');

const WRONG_TIMESTAMPS = ['10', new Date(), Number.NaN, Number.POSITIVE_INFINITY, 5n, null, {}, 1e300];
const WRONG_TICKS = [1, '1', 1.5, null, new Date(), 2n ** 63n, -(2n ** 63n) - 1n];
const WRONG_UNITS = [
  { num: 0.04, den: 1 },
  { num: 1, den: 0 },
  { num: 0, den: 0 },
  { num: 0, den: 25 },
  { num: -1, den: 25 },
  { num: 1, den: 2 ** 31 },
  { num: 1n, den: 25n },
  { num: '1', den: '25' },
  [1, 25],
  0.04,
  null,
  'second',
];

function refuses(work: () => unknown, what: RegExp): void {
  const error = thrown(work);
  assert.is(error.code, 'ERR_MILLRACE_PAYLOAD', error.message);
  assert.match(error.message, what);
}

door('a timestamp is a finite number', () => {
  const packet = new Packet(1, { timestamp: 0 });
  for (const timestamp of WRONG_TIMESTAMPS as never[]) {
    refuses(() => new Packet(1, { timestamp }), /timestamp of a packet cannot be/);
    refuses(() => {
      packet.timestamp = timestamp;
    }, /timestamp of a packet cannot be/);
  }
  for (const timestamp of [undefined, -5, 1.5, 2 ** 60]) {
    packet.timestamp = timestamp;
    assert.is(packet.timestamp, timestamp);
  }
  // A property of plain data is no reason to refuse it, and no time either.
  for (const timestamp of WRONG_TIMESTAMPS.slice(0, 5)) assert.is(new Packet({ timestamp }).timestamp, undefined);
});

const MAKERS: Record<string, (options: object) => { pts?: bigint | undefined; duration: bigint; close(): void }> = {
  'a video frame': (options) => VideoFrame.alloc({ width: 4, height: 4, format: 'gray', ...options }),
  'a picture': (options) => VideoFrame.from(new Uint8Array(64), { width: 4, height: 4, ...options }),
  'an audio frame': (options) => AudioFrame.from([new Float32Array(4)], { sampleRate: 8000, ...options }),
  'silent sound': (options) =>
    AudioFrame.alloc({ sampleRate: 8000, samples: 1, channels: 1, format: 's16', ...options }),
  'an encoded packet': (options) => EncodedPacket.from(new Uint8Array(4), options),
};

for (const [name, make] of Object.entries(MAKERS)) {
  door(`${name} takes times of 64 bits in a unit of two integers`, () => {
    const made = make({ pts: 5n, duration: 1n, timeBase: { num: 1, den: 25 } }) as never as Record<string, unknown>;
    const keys = 'dts' in made ? ['pts', 'dts', 'duration'] : ['pts', 'duration'];
    for (const key of keys) {
      for (const value of WRONG_TICKS) {
        refuses(() => make({ [key]: value }), new RegExp(`${key} cannot be`));
        refuses(
          () => {
            made[key] = value;
          },
          new RegExp(`${key} cannot be`),
        );
      }
      made[key] = 2n ** 63n - 1n;
      assert.is(made[key], 2n ** 63n - 1n);
    }
    for (const value of WRONG_UNITS) {
      refuses(() => make({ timeBase: value }), /timeBase cannot be .*two integers above zero/);
      refuses(() => {
        made.timeBase = value;
      }, /timeBase cannot be/);
    }
    made.timeBase = { num: 0, den: 1 }; // as it reads where it is not known
    made.pts = undefined;
    assert.is(made.timestamp, undefined);
    (made as never as { close(): void }).close();
  });
}

door('a frame rate and the shape of a pixel are fractions of integers', () => {
  const frame = VideoFrame.alloc({ width: 4, height: 4, format: 'gray' });
  for (const value of WRONG_UNITS as never[]) {
    refuses(() => VideoFrame.alloc({ width: 4, height: 4, format: 'gray', frameRate: value }), /frameRate cannot be/);
    refuses(() => {
      frame.sampleAspectRatio = value;
    }, /sampleAspectRatio cannot be/);
  }
  frame.close();
});

door('what is too large for a ring says so with both sizes, however large', () => {
  for (const [bytes, said] of [
    [LARGEST_PAYLOAD + 1, '511.9 MiB'],
    [2.2 * 2 ** 30, '2.2 GiB'],
    [4 * 2 ** 30, '4.0 GiB'],
    [2 ** 40, '1024.0 GiB'],
  ] as const) {
    // Nothing that large is made: a packet that says so is enough.
    const packet = media.EncodedPacket.from(new Uint8Array(1));
    Object.defineProperty(packet, 'size', { value: Math.ceil(bytes) });
    const message = new RegExp(
      `a payload of ${Math.ceil(bytes)} bytes \\(${said}\\).*the limit is ${LARGEST_PAYLOAD} bytes`,
    );
    refuses(() => outgoing(new media.Packet(packet)), message);
    refuses(() => requireCrossable(new media.Packet(packet), { passesReferences: true }), message);
    packet.close();
  }
  requireFits(LARGEST_PAYLOAD);
});

door.run();

import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AV_CODEC_ID_RAWVIDEO,
  AV_FRAME_DATA_A53_CC,
  AV_FRAME_DATA_MASTERING_DISPLAY_METADATA,
  AV_FRAME_FLAG_CORRUPT,
  AV_FRAME_FLAG_DISCARD,
  AV_FRAME_FLAG_INTERLACED,
  AV_FRAME_FLAG_TOP_FIELD_FIRST,
} from 'node-av/constants';
import type { Frame } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioFrame, ledger, VideoFrame } from '../../../src/media/index.js';
import { FrameReferences, frameReferences, whyCopied } from '../../../src/media/reference/frame-references.js';
import { verifyReferences } from '../../../src/media/reference/self-test.js';
import { describe } from '../../../src/media/wire/payload.js';
import { restoreReference } from '../../../src/media/wire/reference.js';
import { frames, markProperties, picture, travel } from '../kit.js';

const test = suite('references of frames');
const references = frameReferences()!;

/** As a link does it, the frame rate aside. */
function hop<T extends VideoFrame | AudioFrame>(sent: T): T {
  const struct = new Uint8Array(references.size);
  const pin = references.pin(sent.av, struct);
  try {
    return restoreReference({ sound: sent instanceof AudioFrame }, struct) as T;
  } finally {
    references.unpin(pin);
  }
}

/** Everything a copy of the frame would be made of: properties, side data, metadata, pixels. */
function content(frame: VideoFrame | AudioFrame): unknown {
  const { kind, meta, blobs } = describe(frame);
  const bytes = blobs.map((blob) => {
    const copy = new Uint8Array(blob.byteLength);
    blob.copyTo(copy);
    return Buffer.from(copy).toString('base64');
  });
  return { kind, meta, bytes };
}

/** Takes the frame over. What arrives equals what was sent, and what a copy brings. */
function arrivesWhole(av: Frame, look: (received: VideoFrame) => void = () => undefined): void {
  const sent = VideoFrame.wrap(av);
  const received = hop(sent);
  look(received);
  const copied = travel(sent);
  assert.equal(content(received), content(sent));
  assert.equal(content(received), content(copied));
  assert.equal([received.av.flags, received.av.quality], [av.flags, av.quality]);
  for (const frame of [received, copied, sent]) frame.close();
}

test('this FFmpeg passes the self-test', () => {
  assert.is(whyCopied(), undefined);
});

for (const format of ['yuv420p', 'yuv420p10le', 'p010le', 'yuva420p', 'yuva444p16le', 'gbrpf32le', 'rgb24', 'pal8']) {
  test(`${format} arrives bit for bit, odd sizes included`, () => {
    for (const size of ['320x180', '101x77', '1x1']) arrivesWhole(picture(format, size, 1));
  });
}

test('every property, side data and metadata survive', () => {
  const [av] = frames([['testsrc2', 'rate=25'], ['metadata', 'add:key=place:value=Zürich'], ['buffersink']], 1);
  const flags =
    AV_FRAME_FLAG_CORRUPT | AV_FRAME_FLAG_DISCARD | AV_FRAME_FLAG_INTERLACED | AV_FRAME_FLAG_TOP_FIELD_FIRST;
  markProperties(av!, flags);
  av!.newSideData(AV_FRAME_DATA_A53_CC, 7).fill(3);
  av!.newSideData(AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, 88).fill(5);
  arrivesWhole(av!, (received) => {
    assert.equal(received.metadata, { place: 'Zürich' });
    assert.equal(received.av.flags & AV_FRAME_FLAG_DISCARD, AV_FRAME_FLAG_DISCARD);
    assert.equal([...received.av.getSideData(AV_FRAME_DATA_A53_CC)!], [3, 3, 3, 3, 3, 3, 3]);
  });
});

test('cropped and bottom-up pictures arrive in the layout they have', () => {
  const [cropped] = frames([['testsrc2', 'rate=25'], ['crop', '100:50:30:20'], ['buffersink']], 1);
  const upright = picture('yuv420p', '64x36');
  const args = 'video_size=64x36:pix_fmt=yuv420p:time_base=1/25';
  const [flipped] = frames([['buffer', args], ['vflip'], ['crop', '30:20:10:6'], ['buffersink']], 1, upright);
  upright.free();
  arrivesWhole(cropped!);
  arrivesWhole(flipped!, (received) => assert.ok(received.av.linesize[0]! < 0));
});

test('pixels are shared until somebody asks for its own, and live as long as any reference', () => {
  const sent = VideoFrame.wrap(picture('yuv420p', '64x36'));
  const [one, two] = [hop(sent), hop(sent)];
  sent.planes()[0]!.data[5] = 200;
  assert.equal([one.planes()[0]!.data[5], two.planes()[0]!.data[5]], [200, 200]);
  two.writable().planes()[0]!.data[5] = 99;
  assert.is(one.planes()[0]!.data[5], 200);
  sent.close();
  assert.ok(one.av.isWritable, 'it is the last that refers to them');
  assert.is(one.planes()[0]!.data[5], 200);
  one.close();
  two.close();
});

test('a frame that comes in a recycled object has nothing of the one before it', () => {
  const sent = VideoFrame.wrap(picture('yuv420p10le', '64x36'));
  sent.av.newSideData(AV_FRAME_DATA_A53_CC, 7).fill(3);
  const first = hop(sent);
  const object = first.av;
  first.close();
  assert.ok(sent.av.isWritable, 'closing gives the reference back');
  assert.throws(() => first.av, /was used after close/);
  sent.close();
  const layouts = ['stereo', '17 channels', 'FR+FL'];
  const sounds = layouts.map((channelLayout) =>
    AudioFrame.alloc({ sampleRate: 8000, channelLayout, format: 's16p', samples: 9 }),
  );
  // Sound in the place of a picture, of sound in another layout, and a picture in the place of sound.
  for (const plain of [...sounds, VideoFrame.alloc({ width: 16, height: 16, format: 'gray' })]) {
    const next = hop(plain);
    assert.is(next.av, object, 'used again');
    assert.equal(content(next), content(plain));
    const { width, height, nbSamples, sampleRate, channels } = plain.av;
    const { av } = next;
    assert.equal(
      [av.width, av.height, av.nbSamples, av.sampleRate, av.channels],
      [width, height, nbSamples, sampleRate, channels],
    );
    assert.is(av.getSideData(AV_FRAME_DATA_A53_CC), null);
    next.close();
    plain.close();
  }
});

test('taking 4K pictures over and over does not make V8 collect garbage', async () => {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    // Scavenges (kind 1) are cheap, and are for the JavaScript objects.
    for (const entry of list.getEntries()) {
      if ((entry as unknown as { detail: { kind: number } }).detail.kind !== 1) collections++;
    }
  });
  const sent = VideoFrame.alloc({ width: 3840, height: 2160, format: 'yuv420p' });
  observer.observe({ entryTypes: ['gc'] });
  for (let i = 0; i < 100; i++) {
    const taken = Array.from({ length: 8 }, () => hop(sent));
    for (const frame of taken) frame.close();
  }
  await sleep(20); // entries come through the event loop
  observer.disconnect();
  sent.close();
  assert.ok(collections < 20, `${collections} collections for 100 times 8 pictures`);
});

test('a codec that does not wrap frames is refused', () => {
  assert.throws(
    () => new FrameReferences(AV_CODEC_ID_RAWVIDEO),
    (error: Error) => /Cannot|cannot/.test(error.message),
  );
});

const damages: [what: string, damage: (own: FrameReferences) => void, message: RegExp][] = [
  [
    'loses a property',
    (own) => {
      const adopt = own.adopt.bind(own);
      own.adopt = (struct, sound) => {
        const frame = adopt(struct, sound);
        frame.duration += 1n;
        return frame;
      };
    },
    /duration of a frame arrives as/,
  ],
  [
    'leaves sound the size of a picture',
    (own) => {
      const adopt = own.adopt.bind(own);
      own.adopt = (struct) => adopt(struct, false);
    },
    /width of a frame arrives as 16 instead of 0/,
  ],
  [
    'copies the pixels',
    (own) => {
      const adopt = own.adopt.bind(own);
      own.adopt = (struct, sound) => {
        const frame = adopt(struct, sound);
        if (frame.makeWritable() < 0) throw new Error('no memory');
        return frame;
      };
    },
    /the bytes that arrive are not those that were sent/,
  ],
  [
    'keeps a reference',
    (own) => {
      Object.assign(own, { recycle: () => undefined });
    },
    /a reference is left over/,
  ],
];
for (const [what, damage, message] of damages) {
  test(`the self-test refuses a way that ${what}`, () => {
    const own = new FrameReferences();
    verifyReferences(own);
    damage(own);
    assert.throws(() => verifyReferences(own), message);
  });
}

test('nothing is left', () => {
  assert.equal(ledger.snapshot(), {});
});

test.run();

import {
  AV_CODEC_ID_FFV1,
  AV_CODEC_ID_MPEG4,
  AV_CODEC_ID_NONE,
  AV_CODEC_ID_PNG,
  AV_CODEC_ID_RAWVIDEO,
  AV_FRAME_DATA_A53_CC,
  AV_FRAME_DATA_DISPLAYMATRIX,
  AV_FRAME_DATA_DOWNMIX_INFO,
  AV_FRAME_DATA_SKIP_SAMPLES,
  AV_FRAME_FLAG_CORRUPT,
  AV_FRAME_FLAG_DISCARD,
  AV_FRAME_FLAG_INTERLACED,
  AV_FRAME_FLAG_KEY,
  AV_FRAME_FLAG_TOP_FIELD_FIRST,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AV_PIX_FMT_YUV420P,
} from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet, Rational } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioFrame, check, ledger, VideoFrame } from '../../../src/media/index.js';
import { FrameReferences, frameReferences, whyCopied } from '../../../src/media/reference/frame-references.js';
import { referenceMeta, restoreReference } from '../../../src/media/wire/reference.js';
import { frames, markProperties, picture, pixelFormats, properties, takeAllPools, travel } from '../kit.js';

const test = suite('frames by reference');
const finalised = ledger.finalised;

/** Takes a frame through shared memory, as its consumer would get it after the sender has let go of its pin. */
function cross<T extends VideoFrame | AudioFrame>(sent: T): T {
  const references = frameReferences()!;
  const struct = new Uint8Array(new SharedArrayBuffer(references.size));
  const pin = references.pin(sent.av, struct);
  const received = restoreReference(referenceMeta(sent), struct);
  references.unpin(pin);
  struct.fill(0xa5);
  return received as T;
}

function sameAsCopied(sent: VideoFrame): void {
  const [received, copied] = [cross(sent), travel(sent)];
  assert.equal(properties(received), properties(copied));
  assert.equal([received.format, received.width, received.height], [copied.format, copied.width, copied.height]);
  assert.equal(received.toBuffer(), copied.toBuffer());
  for (const frame of [received, copied]) frame.close();
}

test('the self-test passes with the FFmpeg that comes with the package', () => {
  assert.is(whyCopied(), undefined);
  assert.ok(frameReferences() !== undefined);
});

test('any other codec than that of wrapped frames is refused, whatever it makes', () => {
  const before = ledger.snapshot();
  for (const codec of [AV_CODEC_ID_NONE, AV_CODEC_ID_RAWVIDEO, AV_CODEC_ID_MPEG4, AV_CODEC_ID_PNG, AV_CODEC_ID_FFV1]) {
    assert.throws(() => new FrameReferences(codec), /Cannot (look into|open|reference)/);
  }
  assert.equal(ledger.snapshot(), before);
});

test('all properties arrive, as they do by copy', () => {
  const sent = VideoFrame.wrap(picture('yuv420p10le', '32x18'), { frameRate: { num: 30000, den: 1001 } });
  markProperties(sent.av, AV_FRAME_FLAG_KEY | AV_FRAME_FLAG_INTERLACED | AV_FRAME_FLAG_TOP_FIELD_FIRST);
  sameAsCopied(sent);
  sent.close();
});

test('a frame without properties arrives without properties', () => {
  const sent = VideoFrame.alloc({ width: 16, height: 16, format: 'yuv420p' });
  sameAsCopied(sent);
  const received = cross(sent);
  assert.equal([received.pts, received.frameRate], [undefined, undefined]);
  sent.close();
  received.close();
});

test('every combination of flags arrives, that of frames to be thrown away too', () => {
  const sent = VideoFrame.alloc({ width: 16, height: 16, format: 'gray' });
  const all = [AV_FRAME_FLAG_CORRUPT, AV_FRAME_FLAG_KEY, AV_FRAME_FLAG_DISCARD, AV_FRAME_FLAG_INTERLACED];
  for (let combination = 0; combination < 1 << all.length; combination++) {
    sent.av.flags = all.reduce((flags, flag, i) => flags | ((combination >> i) & 1 ? flag : 0), 0);
    const received = cross(sent);
    assert.is(received.av.flags, sent.av.flags);
    received.close();
  }
  sent.close();
});

test('every pixel format that has memory of its own arrives, 10-bit, alpha and palettes among them', () => {
  for (const name of pixelFormats()) {
    const sent = VideoFrame.alloc({ width: 34, height: 18, format: name });
    for (const { data } of sent.planes())
      data.forEach((_, i) => {
        data[i] = i * 73;
      });
    const received = cross(sent);
    assert.is(received.format, name);
    assert.equal(received.toBuffer(), sent.toBuffer(), name);
    sent.close();
    received.close();
  }
});

test('metadata arrives', () => {
  const chain = [
    ['testsrc2', 'size=32x18'],
    ['metadata', "mode=add:key=a.b:value='x=y;ü'"],
    ['cropdetect'],
    ['buffersink'],
  ];
  const all = frames(chain as [string, string?][], 4).map((av) => VideoFrame.wrap(av));
  sameAsCopied(all.at(-1)!);
  const received = cross(all.at(-1)!);
  assert.is(received.metadata['a.b'], 'x=y;ü');
  for (const frame of [...all, received]) frame.close();
});

test('side data arrives', () => {
  const sent = VideoFrame.alloc({ width: 16, height: 16, format: 'gray' });
  sent.av.newSideData(AV_FRAME_DATA_A53_CC, 7).fill(3);
  sent.av.newSideData(AV_FRAME_DATA_DISPLAYMATRIX, 36).fill(4);
  const received = cross(sent);
  sent.close();
  assert.equal(received.av.getSideData(AV_FRAME_DATA_A53_CC), Buffer.alloc(7, 3));
  assert.equal(received.av.getSideData(AV_FRAME_DATA_DISPLAYMATRIX), Buffer.alloc(36, 4));
  received.close();
});

test('bottom-up and cropped pictures arrive as they look', () => {
  const upright = picture('yuv420p', '64x36');
  const args = 'video_size=64x36:pix_fmt=yuv420p:time_base=1/25';
  const [flipped] = frames([['buffer', args], ['vflip'], ['crop', '30:20:10:6'], ['buffersink']], 1, upright);
  upright.free();
  assert.ok(flipped!.linesize[0]! < 0, 'FFmpeg gave a negative stride');
  const sent = VideoFrame.wrap(flipped!);
  sameAsCopied(sent);
  const received = cross(sent);
  assert.equal(received.av.linesize, sent.av.linesize, 'nobody has touched the pixels');
  sent.close();
  received.close();
});

test('cropping that was not applied yet is neither lost nor applied on the way', () => {
  const decoded = uncropped();
  assert.ok(decoded.height > 36, `a coded picture of ${decoded.width}x${decoded.height} with 36 visible rows`);
  const sent = VideoFrame.wrap(decoded);
  const received = cross(sent);
  assert.is(received.height, sent.height);
  check(received.av.applyCropping(), 'crop');
  check(sent.av.applyCropping(), 'crop');
  assert.equal([received.width, received.height], [64, 36]);
  assert.equal(received.toBuffer(), sent.toBuffer());
  sent.close();
  received.close();
});

/** A picture of 64x36 as a decoder gives it that was asked not to crop. */
function uncropped(): Frame {
  const encoder = new CodecContext();
  const codec = Codec.findEncoderByName('libx264' as Parameters<typeof Codec.findEncoderByName>[0])!;
  encoder.allocContext3(codec);
  encoder.width = 64;
  encoder.height = 36;
  encoder.pixelFormat = AV_PIX_FMT_YUV420P;
  encoder.timeBase = new Rational(1, 25);
  encoder.threadCount = 1;
  check(encoder.open2Sync(codec), 'encoder');
  const decoder = new CodecContext();
  const reader = Codec.findDecoderByName('h264' as Parameters<typeof Codec.findDecoderByName>[0])!;
  decoder.allocContext3(reader);
  check(decoder.setOption('apply_cropping', '0', AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN), 'option');
  decoder.threadCount = 1;
  check(decoder.open2Sync(reader), 'decoder');
  const source = picture('yuv420p', '64x36');
  const packet = new Packet();
  packet.alloc();
  const result = new Frame();
  result.alloc();
  try {
    check(encoder.sendFrameSync(source), 'encode');
    check(encoder.sendFrameSync(null), 'flush');
    check(encoder.receivePacketSync(packet), 'packet');
    check(decoder.sendPacketSync(packet), 'decode');
    check(decoder.sendPacketSync(null), 'flush');
    check(decoder.receiveFrameSync(result), 'picture');
  } finally {
    source.free();
    packet.free();
    encoder.freeContext();
    decoder.freeContext();
  }
  return result;
}

test('no pixel is copied: what one side writes the other sees', () => {
  const sent = VideoFrame.alloc({ width: 64, height: 36, format: 'yuv420p' });
  const received = cross(sent);
  sent.planes()[1]!.data[5] = 0x5a;
  received.planes()[1]!.data[6] = 0xa5;
  assert.equal([received.planes()[1]!.data[5], sent.planes()[1]!.data[6]], [0x5a, 0xa5]);
  sent.close();
  assert.is(received.planes()[1]!.data[5], 0x5a);
  received.close();
});

test('writable() copies what somebody else still refers to, and only that', () => {
  const references = frameReferences()!;
  const sent = VideoFrame.from(new Uint8Array(256).fill(1), { width: 16, height: 16, format: 'gray' });
  const struct = new Uint8Array(references.size);
  const pin = references.pin(sent.av, struct);
  const [first, second] = [0, 1].map(() => restoreReference(referenceMeta(sent), struct)) as [VideoFrame, VideoFrame];
  sent.close();
  first.writable().planes()[0]!.data.fill(2);
  assert.is(second.toBuffer()[0], 1, 'another consumer has its own pixels');
  assert.not(second.av.isWritable, 'the pin refers to them, too');
  references.unpin(pin);
  assert.ok(second.av.isWritable);
  const { av } = second;
  assert.is(second.writable().av, av, 'nothing to copy');
  first.close();
  second.close();
});

test('what was received can be cloned, filtered and sent on', () => {
  const sent = VideoFrame.wrap(picture('yuv420p', '64x36'));
  const once = cross(sent);
  const twice = cross(once);
  const clone = twice.clone();
  const args = 'video_size=64x36:pix_fmt=yuv420p:time_base=1/25';
  // A filter graph takes over what it is fed.
  const [fed, reference] = [twice.clone(), sent.clone()];
  const [scaled] = frames([['buffer', args], ['scale', '32:18'], ['buffersink']], 1, fed.av);
  const [expected] = frames([['buffer', args], ['scale', '32:18'], ['buffersink']], 1, reference.av);
  assert.equal(scaled!.toBuffer(), expected!.toBuffer());
  assert.equal(clone.toBuffer(), sent.toBuffer());
  for (const av of [scaled!, expected!]) av.free();
  for (const frame of [sent, once, twice, clone, fed, reference]) frame.close();
});

test('a frame outlives its sender, the pool its memory came from and everybody else who had it', () => {
  const sent = VideoFrame.alloc({ width: 640, height: 360, format: 'rgba' });
  sent.planes()[0]!.data.fill(9);
  const received = cross(sent);
  sent.close();
  takeAllPools();
  assert.ok(received.toBuffer().every((byte) => byte === 9));
  assert.ok(received.av.isWritable);
  received.close();
});

test('a frame without memory of its own is copied by FFmpeg on the way', () => {
  const av = new Frame();
  av.alloc();
  av.width = 4;
  av.height = 4;
  av.format = AV_PIX_FMT_YUV420P;
  const memory = Buffer.alloc(24, 7);
  check(av.fromBuffer(memory), 'lay out');
  const sent = VideoFrame.wrap(av);
  const received = cross(sent);
  sent.close();
  memory.fill(0);
  assert.equal(received.toBuffer(), Buffer.alloc(24, 7));
  received.close();
});

/** What `content` tells of sound, its planes apart. */
function soundOf(frame: AudioFrame): unknown {
  const { format, samples, channels, channelLayout, sampleRate, pts, duration, timeBase, metadata, av } = frame;
  const { width, height, pktDts, flags, quality, decodeErrorFlags } = av;
  const { order, nbChannels } = av.channelLayout;
  return {
    ...{ format, samples, channels, channelLayout, sampleRate, pts, duration, timeBase, metadata },
    ...{ width, height, pktDts, flags, quality, decodeErrorFlags, order, nbChannels },
    planes: frame.copyPlanes().map(({ data }) => Buffer.from(data).toString('base64')),
  };
}

/** Takes the frame over. What arrives is what was sent, sample for sample, and stays when the sender has let go. */
function soundArrives(sent: AudioFrame, look: (received: AudioFrame) => void = () => undefined): void {
  const expected = soundOf(sent);
  const [received, copied] = [cross(sent), travel(sent)];
  assert.instance(received, AudioFrame);
  assert.equal(soundOf(received), expected);
  assert.equal(soundOf(copied), expected);
  assert.not(received.av.isWritable, 'nothing was copied');
  sent.close();
  assert.ok(received.av.isWritable);
  assert.equal(soundOf(received), expected);
  look(received);
  for (const frame of [received, copied]) frame.close();
}

function tone(channelLayout: string, format: string, samples = 50): AudioFrame {
  const frame = AudioFrame.alloc({ sampleRate: 44_100, format, samples, channelLayout, pts: -5n, duration: 333n });
  frame.planes().forEach(({ data }, c) => {
    data.forEach((_, i) => {
      data[i] = i * 7 + c;
    });
  });
  return frame;
}

test('sound arrives in every sample format, planar and packed', () => {
  for (const format of ['u8', 's16', 's32', 's64', 'flt', 'dbl', 'u8p', 's16p', 's32p', 's64p', 'fltp', 'dblp']) {
    soundArrives(tone('3 channels', format, 333));
    soundArrives(tone('hexadecagonal', format, 1));
  }
});

test('sound arrives in every layout, also with more planes than a struct has places for', () => {
  const layouts = [
    'mono',
    '5.1(side)',
    '7.1',
    '22.2',
    'FR+FL',
    'FC+FR+FL+LFE',
    '8 channels',
    '9 channels',
    '17 channels',
  ];
  for (const layout of [...layouts, 'ambisonic 2', 'ambisonic 3']) {
    for (const format of ['fltp', 's16']) soundArrives(tone(layout, format));
  }
});

/** What one filter makes of the sound, which stays the caller's. */
function filtered(sound: AudioFrame, step: [string, string]): AudioFrame {
  const layout = sound.channelLayout.replace(' channels', 'C');
  const args = `sample_rate=44100:sample_fmt=${sound.format}:channel_layout=${layout}:time_base=1/44100`;
  const feed = sound.clone();
  try {
    return AudioFrame.wrap(frames([['abuffer', args], step, ['abuffersink']], 1, feed.av)[0]!);
  } finally {
    feed.close();
  }
}

test('sound whose planes a filter has chosen from those of more channels arrives', () => {
  const feed = tone('22.2', 's16p');
  const from = (step: [string, string]): AudioFrame => filtered(feed, step);
  // The table of planes is still a long one.
  soundArrives(from(['channelmap', 'map=TFC|LFE:channel_layout=stereo']));
  soundArrives(from(['channelmap', 'map=9|8|7|6|5|4|3|2|1:channel_layout=9C']));
  soundArrives(from(['atrim', 'start_sample=3:end_sample=9']));
  feed.close();
});

test('all properties of sound arrive, its metadata and side data too', () => {
  const sent = tone('stereo', 'fltp');
  markProperties(sent.av, AV_FRAME_FLAG_CORRUPT | AV_FRAME_FLAG_DISCARD);
  sent.metadata = { k: 'v', title: 'ü' };
  sent.data = { n: [1, 2] };
  sent.av.newSideData(AV_FRAME_DATA_DOWNMIX_INFO, 40).fill(3);
  // What says to a decoder that all samples are to be left out.
  const skip = sent.av.newSideData(AV_FRAME_DATA_SKIP_SAMPLES, 10).fill(0);
  skip.writeUInt32LE(sent.samples);
  soundArrives(sent, (received) => {
    assert.equal([received.metadata.k, received.data, received.corrupt], ['v', { n: [1, 2] }, true]);
    assert.equal(received.av.getSideData(AV_FRAME_DATA_DOWNMIX_INFO), Buffer.alloc(40, 3));
    assert.is(received.av.getSideData(AV_FRAME_DATA_SKIP_SAMPLES)?.readUInt32LE(), received.samples);
  });
});

test('no sample is copied until somebody wants to write, and then only for that one', () => {
  const sent = tone('stereo', 's16p');
  const [one, two] = [cross(sent), cross(sent)];
  sent.planes()[1]!.data[5] = 0x5a;
  assert.equal([one.planes()[1]!.data[5], two.planes()[1]!.data[5]], [0x5a, 0x5a]);
  one.writable().planes()[1]!.data[5] = 0x11;
  assert.equal([sent.planes()[1]!.data[5], two.planes()[1]!.data[5]], [0x5a, 0x5a]);
  for (const frame of [sent, one]) frame.close();
  const { av } = two;
  assert.is(two.writable().av, av, 'nothing to copy');
  two.close();
});

test('sound that was received can be cloned, filtered and sent on', () => {
  const sent = tone('9 channels', 'fltp');
  const once = cross(sent);
  const between = once.clone();
  const twice = cross(between);
  assert.equal(soundOf(twice), soundOf(sent));
  const [softer, expected] = [twice, sent].map((frame) => filtered(frame, ['volume', '0.5'])) as [
    AudioFrame,
    AudioFrame,
  ];
  assert.equal(softer.toBuffer(), expected.toBuffer());
  assert.not.equal(softer.toBuffer(), sent.toBuffer());
  assert.equal(soundOf(once), soundOf(sent), 'what others hold is as it was');
  for (const frame of [sent, once, between, twice, softer, expected]) frame.close();
});

test('a frame that was closed is refused', () => {
  const frame = VideoFrame.alloc({ width: 4, height: 4, format: 'gray' });
  frame.close();
  assert.throws(
    () => cross(frame),
    (error: { code?: string }) => error.code === 'ERR_MILLRACE_CLOSED',
  );
});

test('nothing stayed open', () => {
  assert.equal(ledger.snapshot(), {});
  assert.is(ledger.finalised, finalised);
});

test.run();

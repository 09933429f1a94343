/** What the FFmpeg inside and this machine have. */
import { devices, probe } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('capabilities');
const all = probe.capabilities();
const named = <T extends { readonly name: string }>(list: readonly T[], name: string): T => {
  const found = list.find((one) => one.name === name);
  assert.ok(found, `${name} is not there`);
  return found;
};

test('filters have their pads, and options with types, defaults, ranges and names of values', () => {
  const { name, inputs, outputs, options } = named(all.filters, 'drawtext');
  assert.equal([name, inputs, outputs], ['drawtext', ['video'], ['video']]);
  const tabsize = named(options, 'tabsize');
  assert.equal([tabsize.type, tabsize.default, tabsize.min], ['int', 4, 0]);
  assert.equal(named(options, 'expansion').values, ['none', 'normal', 'strftime']);
  assert.is(named(all.filters, 'amix').inputs, 'any');
  assert.equal(named(all.filters, 'testsrc2').inputs, []);
  assert.ok(all.filters.length > 400);
  // Options are asked for one by one.
  assert.not('options' in JSON.parse(JSON.stringify(named(all.filters, 'drawtext'))));
});

test('every filter with options says at least their names', () => {
  const mute = all.filters.filter(({ name }) => !/sink|source|^(a?null|a?copy|buffer)|s?plit$/.test(name));
  const without = mute.filter(({ options }) => options.length === 0);
  // Those of FFmpeg that have none of their own are few.
  assert.ok(without.length < mute.length / 5, `${without.map(({ name }) => name)}`);
});

test('codecs name their coders, and coders what they take', () => {
  const h264 = named(all.codecs, 'h264');
  assert.is(h264.kind, 'video');
  assert.ok(h264.encoders.includes('libx264') && h264.decoders.includes('h264'));
  const x264 = named(all.encoders, 'libx264');
  assert.ok(x264.pixelFormats!.includes('yuv420p'));
  assert.is(named(x264.options, 'preset').default, 'medium');
  assert.equal(named(x264.options, 'coder').values, ['default', 'cavlc', 'cabac', 'vlc', 'ac']);
  assert.ok(named(all.encoders, 'aac').sampleRates!.includes(48_000));
  assert.ok(all.decoders.length > all.encoders.length);
});

test('formats say how they are used, for which codecs, and with which options', () => {
  const mp4 = named(all.formats, 'mp4');
  assert.equal([mp4.input, mp4.output, mp4.extensions, mp4.video, mp4.audio], [true, true, ['mp4'], 'h264', 'aac']);
  assert.ok(named(mp4.outputOptions, 'movflags').values!.includes('faststart'));
  assert.match(named(mp4.inputOptions, 'ignore_editlist').help!, /edit list/);
  assert.equal([named(all.formats, 'hls').input, named(all.formats, 'tee').input], [true, false]);
});

test('protocols, pixel formats and sample formats', () => {
  const { protocols, pixelFormats, sampleFormats } = all;
  assert.equal(named(protocols, 'https'), { name: 'https', input: true, output: true });
  assert.equal(named(protocols, 'tee'), { name: 'tee', input: false, output: true });
  assert.not(protocols.some(({ name }) => name === 'sctp' || name === 'librtmp'));
  assert.equal(named(pixelFormats, 'yuv420p'), { name: 'yuv420p', bitsPerPixel: 12, hardware: false });
  assert.equal(named(pixelFormats, 'cuda'), { name: 'cuda', hardware: true });
  assert.ok(sampleFormats.includes('fltp'));
});

test('the version, how FFmpeg was built, and the same answer again', () => {
  assert.match(all.ffmpeg.version, /^\d+\.\d/);
  assert.match(all.ffmpeg.configuration, /--enable-libx264/);
  assert.match(all.ffmpeg.libraries.avcodec!, /^\d+\.\d+\.\d+$/);
  assert.is(probe.capabilities(), all);
});

test('devices are listed with what opens them; what cannot be listed says why', async () => {
  const list = await devices();
  const { input } = list.find(({ format }) => format === 'lavfi')!;
  assert.equal(input, { input_path: 'testsrc2', dec_params: { f: 'lavfi' } });
  for (const device of list) {
    assert.ok(['camera', 'microphone', 'screen', 'virtual'].includes(device.kind));
    assert.ok(device.name === undefined ? device.note : device.input, device.format);
  }
});

test.run();

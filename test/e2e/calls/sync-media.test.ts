/** Media in sync mode: files are read, filtered and written one call at a time, as graphs do it. */
import { createHash } from 'node:crypto';
import { AudioFrame, Graph, Packet, type SyncParameters, sendEof, syncModule, VideoFrame } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ledger } from '../../../src/media/index.js';
import { crossed } from '../../kit/long.js';
import { type Contents, contentsOf, makeSmallClip, media, pictures, scratch } from '../../kit/media.js';
import { loop } from '../../kit/sync-loop.js';

const at = scratch();
const CLIP = await makeSmallClip(at('clip.mp4'));
// x264 with mbtree is not deterministic on every machine.
const VIDEO = { codec: 'h264', width: 80, height: 62, preset: 'ultrafast', threads: 1, 'x264-params': 'mbtree=0' };
const SHARED = { thread: 'shared' };
const PLACES: Record<string, SyncParameters> = {
  inline: { thread: 'inline' },
  'one shared thread': SHARED,
  'a thread each': {},
};

const media320 = suite('sync calls: media');

/** What a graph makes of the clip, with the container's own times. */
let reference: Contents | undefined;
async function ofGraph(): Promise<Contents> {
  const graph = new Graph({ threads: 0 });
  const input = graph.decode({ input_path: CLIP });
  input.video.vflip().encode(input.audio, { output_path: at('graph.mp4'), video_params: VIDEO });
  await graph.run();
  return contentsOf(at('graph.mp4'), { copyts: true });
}

const FORMS: Record<string, (name: string, parameters: SyncParameters) => Promise<void>> = {
  'one image becomes a 320x240 JPEG': async (name, parameters) => {
    const before = ledger.snapshot();
    const output = at(`${name}.jpg`);
    const decoder = syncModule('c_ffmpeg_decoder', { input_path: media('still.jpg') }, [], [0], parameters);
    const scale = syncModule('c_ffmpeg_filter', { name: 'scale', para: '320:240' }, [0], [0], parameters);
    const options = { output_path: output, format: 'mjpeg', video_params: { codec: 'jpg' } } as const;
    const encoder = syncModule('c_ffmpeg_encoder', options, [0], [], parameters);
    decoder.init();
    decoder.init();
    const { outputs, timestamp } = decoder.process();
    assert.is(outputs[0].length, 1);
    assert.is(timestamp, outputs[0][0]?.timestamp);
    encoder.process({ 0: scale.process({ 0: outputs[0] }).outputs[0] });
    encoder.sendEof();
    for (const part of [encoder, scale, decoder]) part.close();
    const [frame] = (await contentsOf(output)).video;
    assert.equal([frame?.width, frame?.height], [320, 240]);
    assert.equal(ledger.snapshot(), before);
  },

  'video and sound of a file, decoder driven to its end, as a graph does it': async (name, parameters) => {
    const output = at(`${name}.mp4`);
    const decoder = syncModule('c_ffmpeg_decoder', { input_path: CLIP }, [], [0, 1], parameters);
    const flip = syncModule('c_ffmpeg_filter', { name: 'vflip' }, [0], [0], parameters);
    const encoder = syncModule(
      'c_ffmpeg_encoder',
      { output_path: output, video_params: VIDEO },
      [0, 1],
      [],
      parameters,
    );
    loop({ decoder, filters: [flip], encoder });

    reference ??= await ofGraph();
    const ours = await contentsOf(output, { copyts: true });
    assert.equal(pictures(ours.video), pictures(reference.video));
    assert.is(ours.video.length, 25);
    assert.is(ours.samples, reference.samples);
  },
};

for (const [[what, test], places] of crossed(Object.entries(FORMS), Object.entries(PLACES), 2)) {
  for (const [place, parameters] of places)
    media320(`${place}: ${what}`, () => test(place.replaceAll(' ', '-'), parameters));
}

media320('video only and sound only', async () => {
  for (const [id, inputs] of [
    [0, [0]],
    [1, [1]],
  ] as const) {
    const output = at(`only-${id}.mp4`);
    const decoder = syncModule('c_ffmpeg_decoder', { input_path: CLIP }, [], [id], { thread: 'inline' });
    const encoder = syncModule('c_ffmpeg_encoder', { output_path: output, video_params: VIDEO }, inputs, [], {
      thread: 'inline',
    });
    loop({ decoder, filters: [], encoder });
    const { video, samples } = await contentsOf(output);
    assert.is(video.length > 0, id === 0);
    assert.is(samples > 0, id === 1);
  }
});

media320('one audio frame through volume=3 into a one-frame mp4', async () => {
  const output = at('volume.mp4');
  const decoder = syncModule('c_ffmpeg_decoder', { input_path: CLIP }, [], [1], SHARED);
  const volume = syncModule('c_ffmpeg_filter', { name: 'volume', para: 'volume=3' }, [0], [0], SHARED);
  const encoder = syncModule('c_ffmpeg_encoder', { output_path: output }, [1], [], SHARED);
  let frame: Packet | undefined;
  while (frame === undefined) frame = decoder.process().outputs[1].shift();
  assert.instance(frame.payload, AudioFrame);
  const before = (frame.payload as AudioFrame).samples;
  const { outputs } = volume.process({ 0: [frame] });
  encoder.process({ 1: outputs[0] });
  encoder.sendEof();
  for (const part of [decoder, volume, encoder]) part.close();
  const { samples } = await contentsOf(output);
  assert.ok(samples >= before && samples <= before + 2048, `${samples} of ${before} samples`);
});

media320('sendEof on a decoder stops reading and returns the frames its codec held back, then the end', () => {
  const before = ledger.snapshot();
  const decoder = syncModule('c_ffmpeg_decoder', { input_path: media('clip-4s.mp4') }, [], [0], SHARED);
  const first = decoder.process().outputs[0];
  const { outputs, done } = sendEof(decoder);
  assert.ok(done);
  assert.ok(outputs[0].at(-1)?.isEof);
  const frames = outputs[0].length - 1;
  assert.ok(frames > 0 && frames < 60, `${frames} delayed frames`);
  assert.equal(decoder.process().outputs[0], []);
  assert.equal(decoder.sendEof().outputs[0], []);
  decoder.close();
  for (const packet of [...first, ...outputs[0]]) packet.close();
  assert.equal(ledger.snapshot(), before);
});

media320('a source gives its frames, then the ends of its outputs, then nothing; nothing it was not asked for', () => {
  const options = { input_path: CLIP, vframes: 3, dec_params: { threads: 1 } };
  const decoder = syncModule('c_ffmpeg_decoder', options, [], [0], SHARED);
  const seen: string[] = [];
  for (let i = 0; i < 6; i++) {
    const { outputs, done } = decoder.process();
    assert.equal(Object.keys(outputs), ['0']);
    seen.push(`${outputs[0].map((packet) => (packet.isEof ? 'end' : 'frame')).join('+')}${done ? '!' : ''}`);
    for (const packet of outputs[0]) packet.close();
  }
  assert.match(seen.join(' '), /^frame frame frame(\+end!| end!)( !)+ ?/);
  decoder.close();
});

media320('through getModule: the same object each time, and the same frames as the graph', async () => {
  const graph = new Graph({ threads: 0 });
  const flipped = graph.decode({ input_path: CLIP, vframes: 5 }, { alias: 'in' }).video.vflip({ alias: 'flip' });
  flipped.module('null_sink');
  const decoder = graph.getModule('in');
  assert.is(graph.getModule('in'), decoder);
  const flip = graph.getModule('flip');
  const frames: Packet[] = [];
  for (let done = false; !done; ) {
    const step = decoder.process();
    done = step.done;
    frames.push(...(flip.process({ 0: step.outputs[0] ?? [] }).outputs[0] ?? []));
    for (const packet of step.outputs[1] ?? []) packet.close();
  }
  const hash = ({ payload }: Packet): string =>
    createHash('md5')
      .update((payload as VideoFrame).toBuffer())
      .digest('hex');
  const hashes = frames.filter((packet) => !packet.isEof).map(hash);
  for (const packet of frames) packet.close();
  decoder.close();
  flip.close();
  const other = new Graph({ threads: 0 });
  const seen: Packet[] = [];
  for await (const packet of other.decode({ input_path: CLIP, vframes: 5 }).video.vflip().packets()) seen.push(packet);
  assert.is(hashes.length, 5);
  assert.equal(hashes, seen.map(hash));
  for (const packet of seen) packet.close();
});

media320('a frame crosses by reference: what the caller writes into its own copy does not show in the actor', () => {
  const before = ledger.snapshot();
  const pass = syncModule('pass_through', {}, [0], [0], SHARED);
  const frame = VideoFrame.alloc({ width: 64, height: 64, format: 'gray' });
  for (const plane of frame.planes()) plane.data.fill(9);
  const { outputs } = pass.process({ 0: [new Packet(frame)] });
  const back = outputs[0][0]?.payload as VideoFrame;
  assert.ok(frame.closed, 'what was given is consumed');
  assert.is(back.planes()[0]?.data[0], 9);
  back.close();
  pass.close();
  assert.equal(ledger.snapshot(), before);
});

media320.run();

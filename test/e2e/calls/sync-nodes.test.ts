/** Sync mode through `getModule`: the nodes of a graph that was built and not run, called one by one. */
import { encode, Graph, type GraphOptionsInput, type Packet } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crossed } from '../../kit/long.js';
import { type Contents, contentsOf, makeSmallClip, media, pictures, scratch } from '../../kit/media.js';
import { loop } from '../../kit/sync-loop.js';

const nodes = suite('sync calls of a graph’s nodes');
const at = scratch();
const CLIP = await makeSmallClip(at('clip.mp4'));
// x264 with mbtree is not deterministic on every machine.
const VIDEO = { codec: 'h264', preset: 'ultrafast', threads: 1, 'x264-params': 'mbtree=0' };
const PLACES: Record<string, GraphOptionsInput> = { inline: { threads: 0 }, 'a thread each': {} };

function transcode(options: GraphOptionsInput, output: string): Graph {
  const graph = new Graph(options);
  const input = graph.decode({ input_path: CLIP }, { alias: 'decoder' });
  const video = input.video.scale(80, 62, { alias: 'scale' });
  video.encode(input.audio, { output_path: output, video_params: VIDEO }, { alias: 'encoder' });
  return graph;
}

/** What the graph itself makes of the clip, with the container's own times. */
let reference: Contents | undefined;
async function ofGraph(): Promise<Contents> {
  await transcode({ threads: 0 }, at('graph.mp4')).run();
  return contentsOf(at('graph.mp4'), { copyts: true });
}

const FORMS: Record<string, (place: string, options: GraphOptionsInput) => Promise<void>> = {
  'one image becomes a 320x240 JPEG': async (place, options) => {
    const output = at(`${place}.jpg`);
    const graph = new Graph(options);
    const image = graph.decode({ input_path: media('still.jpg') }, { alias: 'decoder' }).video;
    const jpeg = { output_path: output, format: 'mjpeg', video_params: { codec: 'jpg' } };
    image.scale(320, 240, { alias: 'scale' }).encode(null, jpeg, { alias: 'encoder' });
    const [decoder, scale, encoder] = ['decoder', 'scale', 'encoder'].map((alias) => graph.getModule(alias));
    const frames = decoder!.process().outputs[0] ?? [];
    encoder!.process({ 0: scale!.process({ 0: frames }).outputs[0] });
    assert.equal(encoder!.sendEof(), { outputs: {}, done: true, timestamp: undefined });
    for (const module of [decoder, scale, encoder]) module!.close();
    const [frame] = (await contentsOf(output)).video;
    assert.equal([frame?.width, frame?.height], [320, 240]);
  },

  'video and sound of a file, as the graph does it': async (place, options) => {
    const output = at(`${place}.mp4`);
    const graph = transcode(options, output);
    const [decoder, scale, encoder] = ['decoder', 'scale', 'encoder'].map((alias) => graph.getModule(alias));
    assert.equal([encoder!.inputs, encoder!.outputs], [[0, 1], []]);
    loop({ decoder: decoder!, filters: [scale!], encoder: encoder! });
    reference ??= await ofGraph();
    const ours = await contentsOf(output, { copyts: true });
    assert.equal(pictures(ours.video), pictures(reference.video));
    assert.is(ours.video.length, 25);
    assert.is(ours.samples, reference.samples);
  },
};

for (const [[what, test], places] of crossed(Object.entries(FORMS), Object.entries(PLACES), 1)) {
  for (const [place, options] of places) nodes(`${place}: ${what}`, () => test(place, options));
}

nodes('one audio frame through volume=3 into a one-frame mp4', async () => {
  const output = at('volume.mp4');
  const graph = new Graph({ threads: 0 });
  const input = graph.decode({ input_path: CLIP }, { alias: 'decoder' });
  const volume = input.audio.volume(3, { alias: 'volume' });
  encode(null, volume, { output_path: output }, { alias: 'encoder' });
  const [decoder, louder, encoder] = ['decoder', 'volume', 'encoder'].map((alias) => graph.getModule(alias));
  let frame: Packet | undefined;
  while (frame === undefined) {
    const { outputs } = decoder!.process();
    frame = outputs[1]?.shift();
    for (const packet of [...(outputs[0] ?? []), ...(outputs[1] ?? [])]) packet.close();
  }
  encoder!.process({ 1: louder!.process({ 0: [frame] }).outputs[0] });
  encoder!.sendEof();
  for (const module of [decoder, louder, encoder]) module!.close();
  const { samples, video } = await contentsOf(output);
  assert.ok(samples > 0 && samples < 8192, `${samples} samples`);
  assert.is(video.length, 0);
});

nodes('of a decoder only what is connected comes, so that a loop until nothing comes reads it to its end', () => {
  const counts = [0, 1].map((output) => {
    const graph = new Graph({ threads: 0 });
    graph.decode({ input_path: CLIP }, { alias: 'decoder' })[output]!.module('null_sink');
    const decoder = graph.getModule('decoder');
    assert.equal(decoder.outputs, [output]);
    let count = 0;
    for (;;) {
      const packets = decoder.process().outputs[output] ?? [];
      if (packets.length === 0) break;
      for (const packet of packets) {
        if (!packet.isEof) count++;
        packet.close();
      }
    }
    decoder.close();
    return count;
  });
  const alone = new Graph();
  alone.decode({ input_path: CLIP }, { alias: 'decoder' });
  assert.equal(alone.getModule('decoder').outputs, [0, 1]);
  assert.ok(counts[0] === 25 && counts[1]! > 40, `${counts}`);
});

nodes('an encoder has the outputs that push_output gives it', () => {
  const graph = new Graph();
  const { video, audio } = graph.decode({ input_path: CLIP });
  for (const push_output of [0, 1, 2, 3]) {
    const options = push_output === 0 ? { output_path: at('x.mp4') } : { push_output };
    video.encode(audio, options as never, { alias: `encoder ${push_output}` });
  }
  const outputs = [0, 1, 2, 3].map((kind) => graph.getModule(`encoder ${kind}`).outputs);
  assert.equal(outputs, [[], [0], [0, 1], [0, 1]]);
});

nodes.run();

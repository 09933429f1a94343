import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeHandle, Stream } from '../../../src/graph/build/stream.js';
import { Graph } from '../../../src/graph/graph.js';
import { refused } from '../kit.js';

interface Case {
  method: string;
  make: (video: Stream, other: Stream) => NodeHandle | readonly Stream[];
  name: string;
  para?: string;
  /** Inputs of the filter; 1 if absent. */
  inputs?: number;
}

const cases: Case[] = [
  { method: 'scale', make: (s) => s.scale(640, 360), name: 'scale', para: '640:360' },
  { method: 'scale', make: (s) => s.scale(320, -2, { flags: 'lanczos' }), name: 'scale', para: '320:-2:flags=lanczos' },
  { method: 'scale', make: (s) => s.scale({ w: 'iw/2', h: 'ih/2' }), name: 'scale', para: 'w=iw/2:h=ih/2' },
  { method: 'fps', make: (s) => s.fps('30000/1001'), name: 'fps', para: '30000/1001' },
  { method: 'vflip', make: (s) => s.vflip(), name: 'vflip' },
  { method: 'hflip', make: (s) => s.hflip(), name: 'hflip' },
  { method: 'trim', make: (s) => s.trim({ start: 1, duration: 2.5 }), name: 'trim', para: 'start=1:duration=2.5' },
  { method: 'trim', make: (s) => s.trim(1, 3), name: 'trim', para: '1:3' },
  { method: 'setpts', make: (s) => s.setpts('PTS-STARTPTS'), name: 'setpts', para: 'PTS-STARTPTS' },
  {
    method: 'pad',
    make: (s) => s.pad(800, 600, '(ow-iw)/2', 0, { color: 'red' }),
    name: 'pad',
    para: '800:600:(ow-iw)/2:0:color=red',
  },
  { method: 'crop', make: (s) => s.crop(100, 50, 10, 20), name: 'crop', para: '100:50:10:20' },
  {
    method: 'overlay',
    make: (s, o) => s.overlay(o, { x: 5, repeatlast: false }),
    name: 'overlay',
    para: 'x=5:repeatlast=0',
    inputs: 2,
  },
  { method: 'split', make: (s) => s.split(3), name: 'split', para: '3' },
  { method: 'split', make: (s) => s.split(), name: 'split', para: '2' },
  { method: 'loop', make: (s) => s.loop(-1, 25, 0), name: 'loop', para: '-1:25:0' },
  { method: 'concat', make: (s, o) => s.concat(o), name: 'concat', para: 'n=2:v=1:a=0', inputs: 2 },
  {
    method: 'fade',
    make: (s) => s.fade('out', { start_time: 3, duration: 1 }),
    name: 'fade',
    para: 'out:start_time=3:duration=1',
  },
  {
    method: 'drawtext',
    make: (s) => s.drawtext({ text: "it's 10:30", x: 4 }),
    name: 'drawtext',
    para: "text=it\\'s 10\\:30:x=4",
  },
  {
    method: 'drawbox',
    make: (s) => s.drawbox({ x: 1, y: 2, w: 3, h: 4, t: 'fill' }),
    name: 'drawbox',
    para: 'x=1:y=2:w=3:h=4:t=fill',
  },
  {
    method: 'rotate',
    make: (s) => s.rotate('PI/6', { fillcolor: 'none' }),
    name: 'rotate',
    para: 'PI/6:fillcolor=none',
  },
  { method: 'transpose', make: (s) => s.transpose('clock'), name: 'transpose', para: 'clock' },
  { method: 'format', make: (s) => s.format(['yuv420p', 'nv12']), name: 'format', para: 'yuv420p|nv12' },
  { method: 'setsar', make: (s) => s.setsar('1/1'), name: 'setsar', para: '1/1' },
  { method: 'setdar', make: (s) => s.setdar(1.5), name: 'setdar', para: '1.5' },
  { method: 'hstack', make: (s, o) => s.hstack(o), name: 'hstack', para: 'inputs=2', inputs: 2 },
  {
    method: 'vstack',
    make: (s, o) => s.vstack([o, o], { shortest: true }),
    name: 'vstack',
    para: 'inputs=3:shortest=1',
    inputs: 3,
  },
  { method: 'select', make: (s) => s.select('not(mod(n,10))'), name: 'select', para: 'not(mod(n,10))' },
  {
    method: 'tpad',
    make: (s) => s.tpad({ stop_mode: 'clone', stop_duration: 2 }),
    name: 'tpad',
    para: 'stop_mode=clone:stop_duration=2',
  },
  { method: 'yadif', make: (s) => s.yadif({ mode: 1 }), name: 'yadif', para: 'mode=1' },
  { method: 'eq', make: (s) => s.eq({ brightness: 0.1 }), name: 'eq', para: 'brightness=0.1' },
  { method: 'volume', make: (s) => s.volume('-6dB'), name: 'volume', para: '-6dB' },
  { method: 'volume', make: (s) => s.volume({ volume: 0.5 }), name: 'volume', para: 'volume=0.5' },
  { method: 'atrim', make: (s) => s.atrim({ start_sample: 100 }), name: 'atrim', para: 'start_sample=100' },
  { method: 'asetpts', make: (s) => s.asetpts('N/SR/TB'), name: 'asetpts', para: 'N/SR/TB' },
  { method: 'adelay', make: (s) => s.adelay([500, 250]), name: 'adelay', para: '500|250' },
  { method: 'adelay', make: (s) => s.adelay('2s', { all: true }), name: 'adelay', para: '2s:all=1' },
  { method: 'afade', make: (s) => s.afade('in', { duration: 2 }), name: 'afade', para: 'in:duration=2' },
  { method: 'amix', make: (s, o) => s.amix(o), name: 'amix', para: 'inputs=2', inputs: 2 },
  {
    method: 'amix',
    make: (s, o) => s.amix([o, o], { duration: 'first' }),
    name: 'amix',
    para: 'inputs=3:duration=first',
    inputs: 3,
  },
  { method: 'amerge', make: (s, o) => s.amerge(o), name: 'amerge', para: 'inputs=2', inputs: 2 },
  { method: 'asplit', make: (s) => s.asplit(2), name: 'asplit', para: '2' },
  { method: 'aloop', make: (s) => s.aloop(2, 48000), name: 'aloop', para: '2:48000' },
  { method: 'aresample', make: (s) => s.aresample(44100), name: 'aresample', para: '44100' },
  {
    method: 'aformat',
    make: (s) => s.aformat({ sample_fmts: ['s16', 'flt'], channel_layouts: 'mono' }),
    name: 'aformat',
    para: 'sample_fmts=s16|flt:channel_layouts=mono',
  },
  { method: 'atempo', make: (s) => s.atempo(1.5), name: 'atempo', para: '1.5' },
  { method: 'apad', make: (s) => s.apad({ whole_dur: 3 }), name: 'apad', para: 'whole_dur=3' },
  { method: 'pan', make: (s) => s.pan('stereo|c0=FL|c1=FR'), name: 'pan', para: 'stereo|c0=FL|c1=FR' },
  { method: 'loudnorm', make: (s) => s.loudnorm({ I: -16 }), name: 'loudnorm', para: 'I=-16' },
];

const methods = suite('filter methods');

for (const { method, make, name, para, inputs = 1 } of cases) {
  methods(`${method} makes the filter node ${name}${para === undefined ? '' : ` ${para}`}`, () => {
    const graph = new Graph();
    const source = graph.decode({ input_path: 'a.mp4' });
    const other = graph.decode({ input_path: 'b.mp4' });
    make(source.video, other.video);
    const { nodes } = graph.toConfig();
    assert.is(nodes.length, 3);
    const node = nodes[2]!;
    assert.is(node.module_info.name, 'c_ffmpeg_filter');
    assert.equal(node.option, para === undefined ? { name } : { name, para });
    assert.equal(
      node.input_streams.map((stream) => stream.identifier),
      ['c_ffmpeg_decoder_0_0', ...Array.from({ length: inputs - 1 }, () => 'c_ffmpeg_decoder_1_0')],
    );
  });
}

methods('every filter method has a case here', () => {
  const own = (prototype: object): string[] =>
    Object.getOwnPropertyNames(prototype).filter((key) => key !== 'constructor' && key !== 'joined');
  const stream = Object.getPrototypeOf(new Graph().decode({ input_path: 'a' }).video) as object;
  const video = Object.getPrototypeOf(stream) as object;
  const audio = Object.getPrototypeOf(video) as object;
  const tested = new Set(cases.map(({ method }) => method));
  const missing = [...own(video), ...own(audio)].filter((key) => !tested.has(key));
  assert.equal(missing, []);
  assert.ok(own(video).includes('scale') && own(audio).includes('volume'));
});

methods('split hands out its outputs as a list', () => {
  const [a, b, c] = new Graph().decode({ input_path: 'a.mp4' }).video.split(3);
  assert.equal([a.index, b.index, c.index], [0, 1, 2]);
  assert.is(a.nodeId, c.nodeId);
});

methods('an alias among the named arguments names the node and is no argument', () => {
  const graph = new Graph();
  graph.decode({ input_path: 'a.mp4' }).video.scale(1, 2, { alias: 'small' });
  const node = graph.toConfig().nodes[1]!;
  assert.is(node.alias, 'small');
  assert.is(node.option.para, '1:2');
});

methods('a name that is no filter name, and arguments without a text form, are refused', () => {
  const { video } = new Graph().decode({ input_path: 'a.mp4' });
  assert.match(refused(() => video.filter('scale=1:2')).message, /cannot be the name of a filter/);
  assert.match(
    refused(() => video.filter('scale', null as never)).message,
    /argument 1 of filter 'scale' cannot be null/,
  );
  assert.match(refused(() => video.scale(Number.NaN, 1)).message, /argument 1 of filter 'scale' cannot be NaN/);
  assert.match(
    refused(() => video.filter('scale', { w: {} as never })).message,
    /argument 'w' of filter 'scale' cannot be \{\}/,
  );
  assert.match(refused(() => video.filter('scale', { 'w:h': 1 })).message, /'w:h' cannot be an argument/);
  assert.match(
    refused(() => video.filter('scale', { w: 1 }, 2)).message,
    /argument 1 of filter 'scale' cannot be \{"w":1\}/,
  );
});

methods.run();

/** Graph files: BMF's form, what toConfig writes and what dump_graph leaves run to the frames of the built graph. */
import { readFileSync, writeFileSync } from 'node:fs';
import { type EncoderOptions, encode, Graph, type GraphConfig, type GraphOptionsInput } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  assertSame,
  contentsOf,
  expectedPictures,
  media,
  pictures,
  picturesOf,
  run,
  scratch,
} from '../../kit/media.js';

const at = scratch();
const clip = media('clip-4s.mp4');
const test = suite('graph files that run');

/** A graph with a fan-out, two inputs into one filter, list and graph forms of a filter, and two outputs. */
function built(name: string, options: GraphOptionsInput): Graph {
  const graph = new Graph({ threads: 1, ...options });
  const source = graph.decode({ input_path: clip, end_time: 1 }, { alias: 'clip' });
  const logo = graph.decode({ input_path: media('logo-alpha.png') });
  const small = source.video.scale(160, -2, { alias: 'small' });
  const marked = small.overlay(logo.video, { x: 'W-w-4', y: 4 });
  const turned = small.module(
    'c_ffmpeg_filter',
    { graph: '[0]split[a][b];[b]vflip[c];[a][c]vstack[0]' },
    { scheduler: 0 },
  );
  const file = (part: string, more: Partial<EncoderOptions> = {}): EncoderOptions => ({
    output_path: at(`${name}-${part}.mkv`),
    video_params: { codec: 'ffv1', threads: 1 },
    audio_params: { codec: 'flac' },
    ...more,
  });
  encode(marked, source.audio.volume(0.5), file('marked'), { queueLimit: 3 });
  encode(turned, null, file('turned', { metadata: { title: 'äöü "1:2"' } }), { thread: 'last' });
  return graph;
}

async function results(name: string) {
  const [marked, turned] = [await contentsOf(at(`${name}-marked.mkv`)), await contentsOf(at(`${name}-turned.mkv`))];
  return [marked.video, marked.audio, turned.video].map(pictures);
}

/** The same graph that writes to other files. */
function renamed(text: string, from: string, to: string): string {
  return text.replaceAll(`${from}-marked`, `${to}-marked`).replaceAll(`${from}-turned`, `${to}-turned`);
}

test('a built graph, its toConfig read back, and the file of dump_graph give the same frames', async () => {
  const graph = built('built', { graph_name: 'files', dump_graph: at('dump.json') });
  await run(graph);
  const reference = await results('built');
  assert.equal(
    reference.map((list) => list.length > 9),
    [true, true, true],
  );

  const config = graph.toConfig();
  config.option!.threads = 0;
  const text = renamed(JSON.stringify(config), 'built', 'again').replace(at('dump.json'), at('dump2.json'));
  await run(Graph.fromConfig(text));
  (await results('again')).forEach((list, i) => {
    assertSame(list, reference[i]!, `list ${i} of toConfig`);
  });

  writeFileSync(at('dumped.json'), renamed(readFileSync(at('dump.json'), 'utf8'), 'built', 'dumped'));
  await run(Graph.fromConfig(at('dumped.json')));
  (await results('dumped')).forEach((list, i) => {
    assertSame(list, reference[i]!, `list ${i} of dump_graph`);
  });
});

/** As BMF's builder writes it: streams by name, kinds as prefixes, numbers as strings, aliases among the options. */
function bmf(output_path: string, scheduler_count = 2): GraphConfig {
  const node = (id: number, name: string, option: object, inputs: string[], outputs: string[]) => ({
    module_info: { name, type: '', path: '', entry: '' },
    meta_info: { premodule_id: -1, callback_binding: [] },
    option,
    input_streams: inputs.map((identifier) => ({ identifier, stream_alias: '' })),
    output_streams: outputs.map((identifier) => ({ identifier, stream_alias: '' })),
    input_manager: 'immediate',
    scheduler: id % scheduler_count,
    alias: '',
    id,
  });
  const encoder = {
    output_path,
    video_params: { codec: 'h264', threads: '1', preset: 'veryfast', mbtree: '0', crf: '23' },
    audio_params: { codec: 'aac', aac_coder: 'fast' },
  };
  const nodes = [
    node(0, 'c_ffmpeg_decoder', { input_path: clip, alias: 'in' }, [], ['video:decoder_0_1', 'audio:decoder_0_2']),
    node(1, 'c_ffmpeg_filter', { name: 'scale', para: '160:90' }, ['decoder_0_1'], ['filter_1_0']),
    node(2, 'c_ffmpeg_encoder', encoder, ['filter_1_0', 'decoder_0_2'], []),
  ];
  const option = { dump_graph: 0, scheduler_count };
  return { input_streams: [], output_streams: [], nodes, option, mode: 'Normal' } as unknown as GraphConfig;
}

test("a file in BMF's form makes the pictures of the ffmpeg command", async () => {
  const path = at('bmf.json');
  writeFileSync(path, JSON.stringify(bmf(at('bmf.mp4')), null, 4));
  const graph = Graph.fromConfig(path);
  const report = await run(graph);
  assert.is(report.threads, 2);
  assert.equal(
    report.nodes.map(({ alias, thread }) => [alias, thread]),
    [
      ['in', 0],
      ['c_ffmpeg_filter_1', 1],
      ['c_ffmpeg_encoder_2', 0],
    ],
  );
  assertSame(await picturesOf(at('bmf.mp4')), expectedPictures('e2e-crf'));
});

test('a filter in the list form with links, two inputs and two outputs', async () => {
  const config = bmf(at('list.mkv'), 1);
  const [decoder, filter, encoder] = config.nodes;
  const second = { vframes: 25, aframes: 47 };
  Object.assign(decoder!.option!, second);
  Object.assign(filter!, {
    option: {
      filters: [
        {
          inputs: [{ stream: 0, pin: 0 }],
          name: 'scale',
          para: '160:90',
          links: [{ input_pin: 0, output_pin: 0, output_filter: 1 }],
        },
        { name: 'vflip', outputs: [{ stream: 0, pin: 0 }] },
        { inputs: [{ stream: 1, pin: 0 }], name: 'volume', para: '0.5', outputs: [{ stream: 1, pin: 0 }] },
      ],
    },
    input_streams: ['decoder_0_1', 'decoder_0_2'].map((identifier) => ({ identifier, stream_alias: '' })),
    output_streams: ['filter_1_0', 'filter_1_1'].map((identifier) => ({ identifier, stream_alias: '' })),
  });
  Object.assign(encoder!, {
    option: {
      output_path: at('list.mkv'),
      video_params: { codec: 'ffv1', threads: 1 },
      audio_params: { codec: 'flac' },
    },
    input_streams: ['filter_1_0', 'filter_1_1'].map((identifier) => ({ identifier, stream_alias: '' })),
  });
  await run(Graph.fromConfig(config));

  const graph = new Graph({ threads: 0 });
  const source = graph.decode({ input_path: clip, ...second });
  encode(source.video.scale(160, 90).vflip(), source.audio.volume(0.5), {
    output_path: at('chain.mkv'),
    video_params: { codec: 'ffv1', threads: 1 },
    audio_params: { codec: 'flac' },
  });
  await run(graph);
  const [list, chain] = [await contentsOf(at('list.mkv')), await contentsOf(at('chain.mkv'))];
  assert.is(list.video.length, 25);
  assertSame(pictures(list.video), pictures(chain.video));
  assertSame(pictures(list.audio), pictures(chain.audio), 'frames of sound');
});

test.run();

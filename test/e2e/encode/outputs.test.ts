/** One encoding and several outputs: `encode(streams, { outputs })`. */
import { readFileSync } from 'node:fs';
import { type EncodeStreams, encode, Graph, probe, type SharedEncoding } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, quickAac, run, scratch } from '../../kit/media.js';
import { freePort, quietTcp } from '../../kit/quiet-peers.js';

const test = suite('outputs');
const path = scratch();

// How threads are used is not the point here.
process.env.MILLRACE_THREADS ??= '0';
const COMMON = {
  video_params: { codec: 'mpeg4', threads: 1, vsync: 'vfr' },
  audio_params: { ...quickAac, bit_rate: '64k' },
  streams: { audio: [{}, { language: 'deu' }] },
  metadata: { title: 'All of it' },
} as const;

function streams(graph: Graph): EncodeStreams {
  const input = graph.decode({ input_path: media('two-audio-tracks.mp4'), end_time: 0.6 });
  return { video: input.video.scale(64, 48), audio: [input.audios[0]!, input.audios[1]!] };
}

test('each output is what it would be alone, whatever its format, and what one of them has to say is its own', async () => {
  const graph = new Graph({ threads: 0 });
  const all = streams(graph);
  encode(all, {
    ...COMMON,
    outputs: [
      { output_path: path('shared.mp4'), alias: 'mp4' },
      { output_path: path("it's [a|b].mkv"), metadata: { title: 'Its own' } },
      { output_path: path('raw'), format: 'mpegts', mux_params: { mpegts_service_id: 7 } },
    ],
  });
  encode(all, { ...COMMON, output_path: path('alone.mp4') });
  const { warnings } = await run(graph);
  assert.match(
    warnings.join('\n'),
    /^c_ffmpeg_encoder_\d+: \S+raw does not say what its source says: .* the tags title$/,
  );
  assert.equal(readFileSync(path('shared.mp4')), readFileSync(path('alone.mp4')));
  const other = await probe(path("it's [a|b].mkv"));
  assert.is(other.format.tags.title, 'Its own');
  assert.is(other.streams[2]?.language, 'deu');
  assert.equal(
    (await probe(path('raw'))).format.programs?.map(({ id }) => id),
    [7],
  );
});

test('an output that fails leaves the others alone if it may, and the report says which, and why', async () => {
  const graph = new Graph();
  const port = await freePort();
  const optional = { format: 'mpegts', on_error: 'drop-branch' } as const;
  encode(streams(graph), {
    ...COMMON,
    outputs: [
      { output_path: path('good.mp4') },
      { output_path: path('no/folder/bad.ts'), alias: 'nowhere', ...optional },
      { output_path: `tcp://127.0.0.1:${port}`, alias: 'nobody', ...optional },
    ],
  });
  const { dropped, warnings } = await run(graph);
  const told = new Map(dropped.map(({ alias, error }) => [alias, error.message]));
  assert.is(told.size, 2);
  assert.match(told.get('nowhere')!, /there is no directory/);
  assert.match(told.get('nobody')!, /Connection refused/);
  assert.is(warnings.filter((text) => text.includes('Its branch was dropped')).length, 2);
  assert.is((await probe(path('good.mp4'))).streams.length, 3);

  const strict = new Graph({ threads: 0 });
  encode(streams(strict), { ...COMMON, outputs: [{ output_path: path('x.mp4') }, { output_path: path('no/y.mp4') }] });
  assert.match((await failureOf(strict)).message, /Cannot write .*no\/y\.mp4/);
});

test('an output whose peer is too slow is given up instead of holding back the others', async () => {
  const peer = await quietTcp(undefined, false);
  const graph = new Graph();
  encode(streams(graph), {
    ...COMMON,
    outputs: [
      { output_path: path('kept.mp4') },
      {
        ...{ output_path: `tcp://127.0.0.1:${peer.port}`, format: 'mpegts', alias: 'slow' },
        ...{ queue_bytes: 1024, when_full: 'fail', on_error: 'drop-branch' },
      },
    ],
  });
  const { dropped } = await run(graph);
  peer.close();
  assert.equal(
    dropped.map(({ alias }) => alias),
    ['slow'],
  );
  assert.match(dropped[0]!.error.message, /takes less than comes: \d+ bytes wait for its peer, and 1024 may/);
  assert.is((await probe(path('kept.mp4'))).streams.length, 3);
});

test('a queue of an output that nobody takes from is a warning', async () => {
  const graph = new Graph({ threads: 0 });
  encode(graph.filter('testsrc2', { size: '64x48', duration: 0.1 }), {
    output_path: path('file.mp4'),
    video_params: { codec: 'mpeg4', threads: 1 },
    when_full: 'fail',
  });
  assert.match(
    (await run(graph)).warnings.join('\n'),
    /when_full has no effect: \S+file\.mp4 is no output of the network/,
  );
});

test('a graph file has the encoder and its outputs, and may be run as it is', async () => {
  const graph = new Graph();
  encode(
    { video: graph.filter('testsrc2', { size: '64x48', duration: 0.2 }) },
    {
      video_params: { codec: 'mpeg4', threads: 1 },
      outputs: [
        { output_path: path('filed.mp4') },
        { output_path: path('no/folder.mkv'), on_error: 'drop-branch', alias: 'second' },
      ],
    },
  );
  const { dropped } = await run(Graph.fromConfig(graph.toConfig()));
  assert.equal(
    dropped.map(({ alias }) => alias),
    ['second'],
  );
  assert.is((await probe(path('filed.mp4'))).streams[0]?.frames, 5);
});

test('what is wrong with outputs is refused at once', () => {
  const graph = new Graph({ threads: 0 });
  const video = graph.filter('testsrc2');
  const refused = (options: object, expected: RegExp): void => {
    assert.throws(() => encode({ video }, options as SharedEncoding), expected);
  };
  refused({ outputs: [] }, /outputs cannot be/);
  for (const handle of [
    encode(video, { outputs: [{ output_path: 'a.mp4' }] }),
    encode(video, null, { outputs: [{ output_path: 'a.mp4' }] }),
  ]) {
    assert.ok(handle.graph.toConfig().nodes.some(({ id }) => id === handle.nodeId));
  }
  refused({ outputs: [5] }, /outputs\[0\] of encode cannot be 5/);
  refused({ outputs: [{ output_path: '' }] }, /outputs\[0\].output_path cannot be ""/);
  refused({ outputs: [{ output_path: 'a.mp4', video_params: {} }] }, /outputs\[0\] has no 'video_params'/);
  refused({ outputs: [{ output_path: 'a.mp4' }], output_path: 'b.mp4' }, /output_path has no place beside outputs/);
});

test.run();

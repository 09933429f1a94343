/** A list of protocols in FFmpeg's own words: taken as it is meant or refused, in whatever letters, and never the end of the process. */
import { Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scratch } from '../../kit/media.js';
import { failureOf } from '../../kit/soon.js';

const test = suite('lists of protocols');
const at = scratch();
const clip = new URL('../../fixtures/media/clip.mpegts', import.meta.url).pathname;

interface Parts {
  decoder?: object;
  encoder?: object;
}

const file = ({ decoder, encoder }: Parts): object => ({
  nodes: [
    {
      id: 0,
      module_info: { name: 'c_ffmpeg_decoder' },
      option: { input_path: clip, video_codec: 'copy', ...decoder },
      output_streams: [{ identifier: 'v' }],
    },
    {
      id: 1,
      module_info: { name: 'c_ffmpeg_encoder' },
      option: { output_path: at('out.ts'), video_params: { codec: 'copy' }, ...encoder },
      input_streams: [{ identifier: 'v' }],
    },
  ],
  option: { threads: 0 },
});

const run = async (parts: Parts, allow = {}): Promise<unknown> => Graph.fromConfig(file(parts), { allow }).run();

test('a graph file of unknown origin has no list of its own, in no letters', async () => {
  for (const name of ['protocol_whitelist', 'Protocol_Whitelist', 'PROTOCOL_BLACKLIST']) {
    for (const [parts, words] of [
      [{ encoder: { output_path: at('a.mpd'), mux_params: { http_opts: `${name}=file` } } }, /http_opts/],
      [{ encoder: { output_path: at('a%d.jpg'), mux_params: { protocol_opts: `x=y:${name} =tcp` } } }, /protocol_opts/],
      [
        { encoder: { output_path: at('a.m3u8'), mux_params: { hls_segment_options: `${name}=tcp` } } },
        /hls_segment_opt/,
      ],
    ] as const) {
      const error = await failureOf('a graph', run(parts));
      assert.match(error.message, words);
      assert.match(error.message, /may not set such options/);
    }
  }
});

test('a list in other letters is no option of FFmpeg', async () => {
  for (const [parts, words] of [
    [
      { decoder: { dec_params: { PROTOCOL_WHITELIST: 'tcp,file' } } },
      /dec_params: .*'PROTOCOL_WHITELIST'.*written 'pr/,
    ],
    [
      { encoder: { mux_params: { Protocol_blacklist: 'tcp' } } },
      /mux_params: .*'Protocol_blacklist'.*written 'protocol_b/,
    ],
  ] as const) {
    for (const protocols of [[], ['*']]) {
      assert.match((await failureOf('a graph', run(parts, { protocols }))).message, words);
    }
  }
  const both = { dec_params: { protocol_whitelist: 'file', Protocol_Whitelist: 'tcp' } };
  assert.match(
    (await failureOf('a graph', run({ decoder: both }, { protocols: ['*'] }))).message,
    /Protocol_Whitelist/,
  );
});

test('a list that the code of the application gives is followed', async () => {
  const encoder = { output_path: at('b.mpd'), mux_params: { http_opts: 'protocol_whitelist=tcp' } };
  const error = await failureOf('a graph', run({ encoder }, { protocols: ['*'] }));
  assert.match(error.message, /Protocol 'file' not on whitelist 'tcp'/);
});

test.run();

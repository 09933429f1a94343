/** Any number of streams, chosen from an input and written into a file: docs/streams.md. */
import {
  AudioFrame,
  type DecoderOptions,
  EncodedPacket,
  encode,
  Graph,
  type MediaStream,
  type NodeHandle,
  probe,
  type Stream,
  StreamInfo,
} from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, run, scratch } from '../../kit/media.js';

const test = suite('many streams');
const path = scratch();
const EVERYTHING = media('everything.mkv');

function open(options: DecoderOptions = {}): NodeHandle {
  return new Graph({ threads: 0 }).decode({ input_path: EVERYTHING, ...options });
}

interface Seen {
  readonly info: StreamInfo | undefined;
  readonly packets: EncodedPacket['data'][];
  readonly frames: number;
}

/** What comes on several outputs of one graph. */
async function seen(streams: readonly Stream[]): Promise<Seen[]> {
  const readers = streams.map((stream) => stream.packets());
  return Promise.all(
    readers.map(async (reader) => {
      let info: StreamInfo | undefined;
      let frames = 0;
      const packets: EncodedPacket['data'][] = [];
      for await (const packet of reader) {
        const { payload } = packet;
        if (payload instanceof StreamInfo) info = payload;
        else if (payload instanceof EncodedPacket) packets.push(Uint8Array.from(payload.data));
        else if (payload instanceof AudioFrame) frames++;
        packet.close();
      }
      return { info, packets, frames };
    }),
  );
}

test('streams are chosen by number, language, use and index, decoded or as their packets', async () => {
  const input = open();
  const [second, again, subtitle, attachment, none] = await seen([
    input.audios[1]!,
    input.select({ kind: 'audio', index: 2, codec: 'copy' }),
    input.select({ kind: 'subtitle', codec: 'copy' }),
    input.select({ kind: 'attachment' }),
    input.select({ kind: 'audio', language: 'xxx', optional: true }),
  ]);
  assert.ok(second!.frames > 0);
  // One stream on two outputs, decoded on one of them.
  assert.ok(again!.packets.length > 0);
  assert.is(again!.info?.codec, 'mp3');
  assert.is(subtitle!.info?.kind, 'subtitle');
  assert.ok(subtitle!.packets.length > 0);
  assert.is(attachment!.info?.kind, 'attachment');
  assert.is(attachment!.packets.length, 0);
  assert.ok(attachment!.info!.extradata.length > 0);
  assert.equal(none, { info: undefined, packets: [], frames: 0 });
});

test('the same stream is one output however often it is asked for', () => {
  const input = open();
  assert.is(input.audios[1]!.index, 2);
  assert.is(input.select({ kind: 'audio', number: 1 }).index, 2);
  assert.is(input.subtitles[0]!.index, 3);
  assert.equal(input.graph.toConfig().nodes[0]!.option!.streams, [{ kind: 'audio', number: 1 }, { kind: 'subtitle' }]);
});

test('a stream that the input does not have is an error that names what it has', async () => {
  const input = open();
  input.audios[7]!.module('null_sink');
  const error = await failureOf(input.graph);
  assert.match(error.message, /streams\[0\]: .*everything\.mkv has no audio stream number 7/);
  assert.match(error.message, /1: audio \(mp3, .*3: subtitle \(subrip/);
});

test('an output beyond those that are described is an error before the start', async () => {
  const input = open();
  input.output(2).module('null_sink');
  assert.match((await failureOf(input.graph)).message, /describes no outputs, and output 2 is connected/);
});

const brief = ({ kind, codec, language, title, disposition }: MediaStream): unknown => ({
  ...{ kind, codec, language, title },
  disposition: disposition.filter((name) => name !== 'default'),
});

test('encoded and copied streams of all kinds go into one file in the order of their kinds', async () => {
  const input = open();
  const output = path('all.mkv');
  encode(
    {
      subtitle: input.subtitles[0],
      audio: [input.audios[1]!, input.select({ kind: 'audio', codec: 'copy' })],
      video: input.videos[0]!.scale(32, 32),
      attachment: input.select({ kind: 'attachment' }),
    },
    {
      output_path: output,
      video_params: { codec: 'mpeg4', threads: 1 },
      audio_params: [{ codec: 'flac' }, { codec: 'copy' }],
      streams: { audio: [{ language: 'ita', title: 'Prova', disposition: ['comment'] }], subtitle: [{ title: 'S' }] },
    },
  );
  await run(input.graph);
  const source = await probe(EVERYTHING);
  const { streams } = await probe(output);
  const subtitle = source.streams.find(({ kind }) => kind === 'subtitle')!;
  assert.equal(
    streams.map((stream) => stream.kind),
    ['video', 'audio', 'audio', 'subtitle', 'attachment'],
  );
  assert.equal(brief(streams[1]!), {
    ...{ kind: 'audio', codec: 'flac', language: 'ita', title: 'Prova' },
    disposition: ['comment'],
  });
  assert.equal(brief(streams[2]!), brief(source.streams[1]!));
  assert.equal(brief(streams[3]!), { ...(brief(subtitle) as object), title: 'S' });
  const [before, after] = [open(), new Graph({ threads: 0 }).decode({ input_path: output })];
  const of = (handle: NodeHandle) =>
    seen([
      handle.select({ kind: 'subtitle', codec: 'copy' }),
      handle.select({ kind: 'audio', number: handle === after ? 1 : 0, codec: 'copy' }),
    ]);
  const [then, now] = [await of(before), await of(after)];
  assert.equal(
    now.map(({ packets }) => packets),
    then.map(({ packets }) => packets),
  );
});

test('a graph with further streams is written to a file that runs', async () => {
  const input = open();
  const output = path('from-file.mkv');
  const streams = { audio: [input.audios[1]!, input.audios[0]!], subtitle: input.subtitles[0] };
  encode(streams, { output_path: output, audio_params: { codec: 'flac' } });
  const config = input.graph.toConfig();
  assert.equal(
    config.nodes[0]!.output_streams!.map(({ identifier }) => identifier),
    ['video:c_ffmpeg_decoder_0_0', 'audio:c_ffmpeg_decoder_0_1', 2, 3, 4].map((name) =>
      typeof name === 'string' ? name : `c_ffmpeg_decoder_0_${name}`,
    ),
  );
  await run(Graph.fromConfig(JSON.stringify({ ...config, option: { threads: 0 } })));
  assert.equal(
    (await probe(output)).streams.map(({ language }) => language),
    ['eng', 'deu', 'fra'],
  );
});

test('parameters as a list have one entry for each stream', async () => {
  const input = open();
  const streams = { audio: [input.audios[0]!, input.audios[1]!] };
  encode(streams, { output_path: path('x.mka'), audio_params: [{ codec: 'flac' }] });
  assert.match((await failureOf(input.graph)).message, /audio_params: has 1 entries, and there are 2 streams of audio/);
});

test('what is said of a stream that there is not is an error', async () => {
  const input = open();
  encode({ audio: input.audio }, { output_path: path('x.mka'), streams: { audio: [{}, { title: 'x' }] } });
  assert.match(
    (await failureOf(input.graph)).message,
    /streams\.audio: says something of 2 streams of audio, and there is 1/,
  );
});

test('a cover that is encoded as a film is a film', async () => {
  const input = new Graph({ threads: 0 }).decode({ input_path: media('cover.mp3') });
  const options = { output_path: path('film.mp4'), video_params: { codec: 'mpeg4', threads: 1 } };
  encode(input.video, null, options);
  await run(input.graph);
  assert.equal(
    (await probe(path('film.mp4'))).streams.map(({ kind, codec }) => [kind, codec]),
    [['video', 'mpeg4']],
  );
});

test('a cover is attached to Matroska, and is a picture of its own elsewhere', async () => {
  for (const name of ['cover.mka', 'cover.mp4']) {
    const input = new Graph({ threads: 0 }).decode({ input_path: media('cover.mp3'), audio_codec: 'copy' });
    const cover = input.select({ kind: 'video', disposition: 'attached_pic', codec: 'copy' });
    encode({ audio: input.audio, video: cover }, { output_path: path(name) });
    await run(input.graph);
    const { streams } = await probe(path(name));
    assert.ok(
      streams.some(({ kind, disposition }) => kind === 'video' && disposition.includes('attached_pic')),
      name,
    );
    assert.ok(
      streams.some(({ kind, codec }) => kind === 'audio' && codec === 'mp3'),
      name,
    );
  }
});

test('sound files hold a cover that is copied, and no other pictures', async () => {
  const input = new Graph({ threads: 0 }).decode({ input_path: media('cover.mp3') });
  const cover = input.select({ kind: 'video', disposition: 'attached_pic', codec: 'copy' });
  encode({ audio: input.audio, video: cover }, { output_path: path('cover.flac') });
  await run(input.graph);
  const info = await probe(path('cover.flac'));
  assert.equal(
    info.streams.map(({ kind, disposition }) => [kind, disposition.includes('attached_pic')]),
    [
      ['audio', false],
      ['video', true],
    ],
  );
  const moving = open();
  encode(moving.video, moving.audio, { output_path: path('moving.mp3') });
  assert.match((await failureOf(moving.graph)).message, /The format 'mp3' carries no video but a cover/);
});

test('a picture becomes the cover of a sound file', async () => {
  const graph = new Graph({ threads: 0 });
  const picture = graph.decode({ input_path: media('still.jpg'), video_codec: 'copy' });
  const sound = graph.filter('sine', { duration: 1 });
  const streams = { video: [{ disposition: 'attached_pic' }] };
  encode(picture, sound, { output_path: path('sine.m4a'), streams });
  await run(graph);
  const info = await probe(path('sine.m4a'));
  const cover = info.streams.find(({ kind }) => kind === 'video')!;
  assert.equal(cover.disposition.includes('attached_pic'), true);
  assert.is(cover.codec, 'mjpeg');
});

test.run();

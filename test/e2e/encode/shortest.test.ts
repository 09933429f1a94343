/** The option `shortest`. What is expected was compared with the ffmpeg command 7.1. */
import { type EncoderOptions, type EncodeStreams, encode, Graph, probe, type Report } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, run, scratch } from '../../kit/media.js';

const test = suite('shortest');
const path = scratch();

const picture = (graph: Graph, duration?: number) =>
  graph.filter('testsrc2', { size: '64x48', rate: 25, ...(duration !== undefined && { duration }) });
const tone = (graph: Graph, duration: number) => graph.filter('sine', { sample_rate: 48000, duration });

interface Written {
  readonly report: Report;
  /** Packets of each stream, and seconds. */
  readonly counts: (number | undefined)[];
  readonly ends: number[];
}

let files = 0;
async function write(
  streams: (graph: Graph) => EncodeStreams,
  options: EncoderOptions = {},
  threads: number | 'auto' = 0,
): Promise<Written> {
  const graph = new Graph({ threads });
  const output = path(`${files++}.mkv`);
  encode(streams(graph), {
    output_path: output,
    video_params: { codec: 'mpeg4', threads: 1 },
    shortest: true,
    ...options,
  });
  const report = await run(graph);
  const { streams: found } = await probe(output);
  const counts = await Promise.all(found.map(({ index, kind }) => packetsOf(output, kind, index)));
  const ends = counts.map(({ end }) => end);
  return { report, counts: counts.map(({ count }) => count), ends };
}

async function packetsOf(
  file: string,
  kind: 'video' | 'audio' | 'subtitle' | 'data' | 'attachment',
  index: number,
): Promise<{ count: number; end: number }> {
  const graph = new Graph({ threads: 0 });
  const reader = graph.decode({ input_path: file, copyts: true }).select({ kind, index, codec: 'copy' }).packets();
  let count = -1;
  let end = 0;
  for await (const packet of reader) {
    count++;
    end = Math.max(end, packet.timestamp ?? 0);
    packet.close();
  }
  return { count, end };
}

test('an output ends with the shortest of its streams, whichever that is, as the ffmpeg command has it', async () => {
  const short = await write((graph) => ({ video: picture(graph, 1), audio: tone(graph, 0.5) }));
  assert.equal(short.counts, [12, 25]);
  assert.is(short.report.nodes.find(({ alias }) => alias.includes('encoder'))!.frames, 12);
  assert.equal(short.report.warnings, []);
  const shortVideo = await write((graph) => ({ video: picture(graph, 0.5), audio: tone(graph, 1) }));
  assert.equal(shortVideo.counts, [13, 25]);
  const three = await write((graph) => ({
    video: picture(graph, 0.3),
    audio: [tone(graph, 2), tone(graph, 0.9)],
  }));
  assert.equal(three.counts, [8, 16, 16]);
});

test('an endless stream ends with a finite one, on threads of their own as well', async () => {
  const { counts } = await write((graph) => ({ video: picture(graph), audio: tone(graph, 0.5) }), {}, 'auto');
  assert.equal(counts, [12, 25]);
});

test('copied streams and encoded ones end together', async () => {
  const copied = (graph: Graph) => graph.decode({ input_path: media('clip-4s.mp4'), video_codec: 'copy' }).video;
  const { ends, counts } = await write((graph) => ({ video: copied(graph), audio: tone(graph, 0.5) }), {
    video_params: { codec: 'copy' },
  });
  assert.ok(counts[0]! > 5 && ends[0]! < 500_000, `${counts} ${ends}`);
  assert.is(counts[1], 25);
});

test('subtitles end an output too, a cover and what never came do not', async () => {
  const subtitle = await write((graph) => ({
    video: picture(graph, 2),
    audio: tone(graph, 3),
    subtitle: graph.decode({ input_path: media('text.srt') }).subtitles[0],
  }));
  // The subtitle is over at 0.9 s.
  assert.equal([subtitle.counts[0], subtitle.counts[2]], [22, 1]);

  const cover = { kind: 'video', disposition: 'attached_pic', codec: 'copy' } as const;
  const others = await write(
    (graph) => ({
      video: [picture(graph, 0.4), graph.decode({ input_path: media('cover.mp3') }).select(cover)],
      audio: [tone(graph, 1), graph.decode({ input_path: media('one-frame.mp4') }).audio],
    }),
    { video_params: [{ codec: 'mpeg4', threads: 1 }, { codec: 'copy' }] },
  );
  assert.is(others.counts[0], 10);
  assert.ok(others.counts[1]! >= 18, `${others.counts}`);
});

test('what would be coded behind the end is neither counted nor missed', async () => {
  const { report, counts } = await write((graph) => ({ video: picture(graph, 1), audio: tone(graph, 0.5) }), {
    force_key_frames: '0,0.2,0.6,0.8',
  });
  assert.is(counts[0], 12);
  assert.equal(report.warnings, []);
});

test('frames that are handed on as they are have no shortest stream', async () => {
  const graph = new Graph({ threads: 0 });
  encode(picture(graph, 1), tone(graph, 1), { push_output: 3, shortest: true });
  assert.match((await failureOf(graph)).message, /shortest.*has no effect with push_output 3/s);
});

test.run();

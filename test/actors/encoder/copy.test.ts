/** Encoded packets on an input go into the file as they are. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EncodedPacket, Packet, StreamInfo } from '../../../src/media/index.js';
import {
  encode,
  type FrameHashes,
  failure,
  fixture,
  frames,
  inspect,
  media,
  out,
  packetLines,
  packets,
  pictures,
} from './kit.js';

const test = suite('encoder: copying streams');

interface Line {
  readonly seconds: number;
  readonly hash: string;
}

/** Lines by stream, times in seconds from the file's first: where zero lies differs between FFmpeg's versions. */
function byStream(lines: readonly string[], timeBases: FrameHashes['timeBases']): Line[][] {
  const rows = lines.map((line) => {
    const [stream, pts, hash = ''] = line.split(' ');
    const { num, den } = timeBases[Number(stream)]!;
    return { stream: Number(stream), seconds: Number(pts) * (num / den), hash };
  });
  const start = Math.min(...rows.map((row) => row.seconds));
  return timeBases.map((_, i) =>
    rows.filter((row) => row.stream === i).map(({ seconds, hash }) => ({ seconds: seconds - start, hash })),
  );
}

for (const [name, source, extension] of [
  ['copy-mkv', 'clip-4s.mp4', 'mkv'],
  ['copy-mp4-from-ts', 'clip.mpegts', 'mp4'],
  ['copy-ts', 'clip-4s.mp4', 'ts'],
] as const) {
  test(`${source} to ${extension}: the packets and times of ffmpeg -c copy`, async () => {
    const output_path = out(`${name}.${extension}`);
    const { meter, warnings } = await encode({ output_path }, packets(media(source)));
    const expected = fixture(name);
    const ours = byStream(
      packetLines(output_path),
      inspect(output_path).streams.map((stream) => stream.timeBase),
    );
    const theirs = byStream(expected.lines, expected.timeBases);
    assert.is(ours.length, theirs.length);
    theirs.forEach((lines, stream) => {
      assert.equal(
        ours[stream]!.map((line) => line.hash),
        lines.map((line) => line.hash),
        `stream ${stream}`,
      );
      lines.forEach((line, i) => {
        const difference = Math.abs(ours[stream]![i]!.seconds - line.seconds);
        assert.ok(difference < 0.0011, `stream ${stream} packet ${i}: ${difference} s off`);
      });
    });
    assert.is(meter.frames, 100);
    assert.equal(warnings, []);
  });
}

test('the picture can be copied while the sound is encoded', async () => {
  const output_path = out('mixed.mkv');
  const feed = [...packets(media('clip-4s.mp4'), [0]), ...frames(media('clip-4s.mp4'), [1])];
  await encode({ output_path, audio_params: { codec: 'flac' } }, feed);
  assert.equal(inspect(output_path).streams.map((stream) => [stream.codec, stream.packets])[0], ['h264', 100]);
  assert.is(inspect(output_path).streams[1]!.codec, 'flac');
});

test('limits count packets', async () => {
  const output_path = out('limited.mkv');
  await encode({ output_path, vframes: 10, aframes: 20 }, packets(media('clip-4s.mp4')));
  assert.equal(
    inspect(output_path).streams.map((stream) => stream.packets),
    [10, 20],
  );
});

test('a picture starts with a key frame: what comes before is left out', async () => {
  const feed = packets(media('clip-4s.mp4'), [0]);
  const keys = feed.map(([, { payload }]) => payload instanceof EncodedPacket && payload.isKey);
  const second = keys.indexOf(true, keys.indexOf(true) + 1);
  const [info, ...rest] = feed;
  rest[0]![1].close();
  const { meter } = await encode({ output_path: out('late.mkv') }, [info!, ...rest.slice(1)]);
  const expected = second < 0 ? 0 : 100 - (second - 1);
  assert.is(meter.frames, expected);
  assert.is(meter.dropped, 99 - expected);
});

test('a tag given for a copied stream is written', async () => {
  await encode({ output_path: out('tag.mov'), video_params: { vtag: 'avc3' } }, packets(media('clip-4s.mp4'), [0]));
  assert.is(inspect(out('tag.mov')).streams[0]!.tag, 'avc3');
});

test('encoder options for a stream that is copied are warned of', async () => {
  const options = { output_path: out('warned.mkv'), video_params: { codec: 'h264', crf: 20, vtag: 'avc1' } };
  const { warnings } = await encode(options, packets(media('clip-4s.mp4'), [0]));
  assert.is(warnings.length, 1);
  assert.match(warnings[0]!, /video_params\.codec, crf not used: input 0 delivers encoded packets/);
});

test('packets without their StreamInfo are refused', async () => {
  const feed = packets(media('clip-4s.mp4'), [0]);
  const error = await failure({ output_path: out('x.mkv') }, feed.slice(1));
  assert.is(error.code, 'ERR_MILLRACE_PAYLOAD');
  assert.match(error.message, /Input 0 delivered an EncodedPacket before a StreamInfo/);
  feed[0]![1].close();
});

test('a StreamInfo of the other kind, or after frames, is refused', async () => {
  const sound = packets(media('clip-4s.mp4'), [1]);
  for (const [, packet] of sound) packet.close();
  const info = sound.map(([, packet]) => packet.payload).find((payload) => payload instanceof StreamInfo);
  assert.match(
    (await failure({ output_path: out('x.mkv') }, [[0, new Packet(info)]])).message,
    /Encoder input 0 \(video\) received the StreamInfo of a audio stream/,
  );
  const feed = pictures();
  feed.push([0, new Packet(info)]);
  assert.match((await failure({ output_path: out('x.mkv') }, feed)).message, /received a StreamInfo after frames/);
});

test("frames for a stream that is declared as 'copy' are refused", async () => {
  const error = await failure({ output_path: out('x.mkv'), video_params: { codec: 'copy' } }, pictures());
  assert.match(error.message, /Input 0 delivered a decoded frame, but video_params.codec is 'copy'/);
});
test.run();

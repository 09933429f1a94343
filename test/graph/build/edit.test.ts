/** Edit helpers: clips in a row with transitions, pictures over pictures, sounds at the same time. */
import {
  AudioFrame,
  type Clip,
  type ConcatClipsOptions,
  concatClips,
  Graph,
  mixAudio,
  overlayImages,
  type PacketReader,
  type Stream,
  VideoFrame,
} from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, run } from '../../kit/media.js';

const edit = suite('edit helpers');
const newGraph = (): Graph => new Graph({ threads: 0, time_out: 10 });

/** A picture of one colour, by its luma, and a tone. */
const grey = (graph: Graph, luma: number, duration: number, size = '32x24', rate = 25): Stream =>
  graph
    .filter('color', { color: `0x${luma.toString(16).padStart(2, '0').repeat(3)}`, size, rate, duration })
    .filter('format', 'yuv420p');
const tone = (graph: Graph, volume: number, duration: number): Stream =>
  graph.filter('aevalsrc', String(volume), { s: 48_000, d: duration });

/** Luma at the middle of every picture; its time in milliseconds. */
async function lumas(pictures: PacketReader<VideoFrame>, at = { x: 16, y: 12 }): Promise<[number, number][]> {
  const seen: [number, number][] = [];
  for await (const packet of pictures) {
    if (packet.payload instanceof VideoFrame) {
      const [plane] = packet.payload.planes();
      seen.push([Math.round(packet.timestamp! / 1000), plane!.data[at.y * plane!.stride + at.x]!]);
    }
    packet.close();
  }
  return seen;
}

/** All samples of the first channel. */
async function samples(sound: PacketReader<AudioFrame>): Promise<number[]> {
  const heard: number[] = [];
  for await (const packet of sound) {
    if (packet.payload instanceof AudioFrame) {
      const { data } = packet.payload.copyPlanes()[0]!;
      heard.push(...new Float32Array(data.buffer, data.byteOffset, packet.payload.samples));
    }
    packet.close();
  }
  return heard;
}

const near = (value: number | undefined, wanted: number, by: number): boolean => Math.abs(value! - wanted) <= by;

edit('clips follow each other, cut and brought to one shape', async () => {
  const graph = newGraph();
  const film = concatClips(
    [
      { video: grey(graph, 0x40, 3), audio: tone(graph, 0.5, 3), start: 1, duration: 1 },
      { video: grey(graph, 0xc0, 0.4, '64x24', 50), duration: 1 },
      { audio: tone(graph, -0.25, 0.2), duration: 0.4 },
    ],
    { width: 32, height: 24, fps: 25, channelLayout: 'mono' },
  );
  const readers = [film.video.packets<VideoFrame>(), film.audio.packets<AudioFrame>()] as const;
  const [pictures, sound] = await Promise.all([lumas(readers[0]), samples(readers[1])]);
  await graph.close();
  assert.equal(
    pictures.map(([time]) => time),
    Array.from({ length: 60 }, (_, n) => n * 40),
  );
  const [first, second, third] = [pictures.slice(0, 25), pictures.slice(25, 50), pictures.slice(50)];
  assert.ok(
    first.every(([, luma]) => near(luma, 71, 3)),
    String(first[0]),
  );
  assert.ok(
    second.every(([, luma]) => near(luma, 181, 3)),
    'the last picture stands',
  );
  assert.ok(
    third.every(([, luma]) => luma === 16),
    'black',
  );
  assert.is(sound.length, 2.4 * 48_000);
  assert.equal([sound[100], sound[48_100], sound[97_000], sound[110_000]], [0.5, 0, -0.25, 0]);
});

edit('between clips there may be transitions, each in its own way', async () => {
  const graph = newGraph();
  const film = concatClips(
    [
      { video: grey(graph, 0x20, 1), audio: tone(graph, 0.8, 1), duration: 1 },
      {
        video: grey(graph, 0xe0, 1),
        audio: tone(graph, 0.2, 1),
        duration: 1,
        transition: { duration: 0.4, name: 'wipeleft' },
      },
      { video: grey(graph, 0x20, 1), audio: tone(graph, 0.8, 1), duration: 1, transition: 0 },
      { video: grey(graph, 0x80, 1), audio: tone(graph, 0, 1) },
    ],
    { fps: 25, transition: 0.2, channelLayout: 'mono' },
  );
  const readers = [film.video.packets<VideoFrame>(), film.audio.packets<AudioFrame>()] as const;
  const [pictures, sound] = await Promise.all([lumas(readers[0]), samples(readers[1])]);
  await graph.close();
  assert.is(pictures.length, (4 - 0.2 - 0.4) * 25);
  const at = (seconds: number): number => pictures[Math.round(seconds * 25)]![1];
  assert.ok(
    near(at(0.5), 43, 3) && near(at(1.2), 208, 3) && near(at(2), 43, 3) && near(at(3), 126, 3),
    pictures.join(' '),
  );
  const middle = at(0.88);
  assert.ok(middle > 80 && middle < 180, `a fade: ${middle}`);
  const wiped = pictures.slice(36, 44).map(([, luma]) => luma);
  assert.ok(
    wiped.every((luma) => luma < 60 || luma > 190),
    `a wipe: ${wiped.join()}`,
  );
  assert.ok(near(sound.length, 3.4 * 48_000, 1024), `${sound.length} samples`);
  assert.ok(near(sound[Math.round(0.9 * 48_000)], 0.5, 0.05), 'both at once');
  assert.ok(near(sound[Math.round(1.2 * 48_000)], 0.2, 0.001));
});

edit('a transition is that of one FFmpeg graph, picture for picture', async () => {
  const graph = newGraph();
  const clip = (start: number): Clip => ({
    video: graph.decode({ input_path: media('clip-4s.mp4') }).video,
    start,
    duration: 1,
  });
  const film = concatClips([clip(0), clip(2)], {
    width: 64,
    height: 48,
    fps: 25,
    transition: { duration: 0.4, name: 'dissolve' },
  });
  const shape =
    'setpts=PTS-STARTPTS,scale=w=64:h=48:force_original_aspect_ratio=decrease,pad=w=64:h=48:x=(ow-iw)/2:y=(oh-ih)/2,setsar=1,fps=25,' +
    'tpad=stop_mode=clone:stop_duration=1,trim=duration=1,format=yuv420p,settb=AVTB';
  const other = newGraph();
  const inputs = [0, 1].map(() => other.decode({ input_path: media('clip-4s.mp4') }).video);
  const text = `[0]trim=duration=1,${shape}[a];[1]trim=start=2:duration=1,${shape}[b];[a][b]xfade=transition=dissolve:duration=0.4:offset=0.6[0]`;
  const expected = other.module('c_ffmpeg_filter', { graph: text }, { inputs });
  const [made, wanted] = await Promise.all([lumas(film.video.packets()), lumas(expected.packets())]);
  assert.equal(made, wanted);
  assert.is(made.length, 40);
});

edit('what clips lack is refused at once', async () => {
  const graph = newGraph();
  const video = grey(graph, 0x20, 1);
  const refused = (clips: Clip[], options?: ConcatClipsOptions): string => {
    try {
      concatClips(clips, options);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was refused';
  };
  assert.match(refused([]), 'is empty');
  assert.match(refused([{ start: 1 }]), /\[0\]: has neither video nor audio/);
  assert.match(
    refused([{ video }, { video }], { transition: 1 }),
    /fps: is needed with transitions.*\n.*\[0\]\.duration: is needed/,
  );
  assert.match(
    refused([{ video, duration: 1 }, { video, duration: 1 }, { video }], { transition: 0.6, fps: 25 }),
    /\[1\]\.duration: is 1, and the transitions .* take 0.6 and 0.6/,
  );
  assert.match(
    refused([{ video }, { audio: tone(graph, 0, 1) }]),
    /width: and height are needed.*\n.*\[0\]\.duration: is needed of a clip without audio/,
  );
  assert.match(refused([{ video, transition: 1, duration: 2 }]), /\[0\]\.transition: goes into no clip/);
  assert.match(refused([{ video, strat: 1 } as Clip]), /strat: is not an option here/);
  assert.match(refused([{ video: 7 as never }]), /\[0\]\.video: must be a stream/);
  assert.is(graph.toMermaid().includes('subgraph'), false, 'nothing is left of what was refused');
  const wrong = newGraph();
  concatClips([{ video: grey(wrong, 1, 1), duration: 1 }, { video: grey(wrong, 1, 1) }], {
    fps: 25,
    transition: { duration: 0.5, name: 'explode' },
  }).video.module('null_sink');
  assert.match((await failureOf(wrong)).message, /explode/);
});

edit('pictures lie over the base, at their place, in their time, and it stays as long as it is', async () => {
  const graph = newGraph();
  const base = grey(graph, 0x20, 1);
  const still = grey(graph, 0xe0, 0.04, '8x8');
  const clip = grey(graph, 0x80, 5, '8x8');
  const film = overlayImages(base, [
    { stream: clip, x: 'W-w', y: 'H-h', width: 4 },
    { stream: still, x: 14, y: 10, start: 0.4, duration: 0.4, fadeIn: 0.2, opacity: 0.5 },
  ]);
  const again = overlayImages(base, [{ stream: clip, x: 'W-w', y: 'H-h', width: 4 }], { alias: 'corner' });
  const readers = [film.packets<VideoFrame>(), again.packets<VideoFrame>()] as const;
  const [middle, corner] = await Promise.all([lumas(readers[0]), lumas(readers[1], { x: 30, y: 22 })]);
  await graph.close();
  assert.is(middle.length, 25);
  assert.is(corner.length, 25);
  assert.ok(corner.every(([, luma]) => near(luma, 126, 3)));
  const at = (seconds: number): number => middle[Math.round(seconds * 25)]![1];
  assert.ok(near(at(0.2), 43, 3) && near(at(0.96), 43, 3), middle.join(' '));
  assert.ok(near(at(0.72), (43 + 208) / 2, 6), `half of each: ${at(0.72)}`);
  assert.ok(at(0.48) > 46 && at(0.48) < 110, `fading in: ${at(0.48)}`);
  assert.throws(
    () => overlayImages(base, [{ stream: still, fadeOut: 1 }]),
    (error: Error) => /fadeOut needs a duration/.test(error.message),
  );
});

edit('sounds are mixed, each from its moment on', async () => {
  const graph = newGraph();
  const mix = mixAudio(
    [
      { stream: tone(graph, 0.4, 1) },
      { stream: tone(graph, 0.4, 3), at: 0.5, start: 1, duration: 1, volume: 0.5, fadeOut: 0.5 },
    ],
    { channelLayout: 'mono' },
  );
  const heard = await samples(mix.packets());
  const at = (seconds: number): number | undefined => heard[Math.round(seconds * 48_000)];
  assert.ok(near(heard.length, 1.5 * 48_000, 1024), `${heard.length} samples`);
  assert.ok(
    near(at(0.25), 0.4, 0.001) && near(at(0.75), 0.6, 0.001) && near(at(1.25), 0.1, 0.01),
    [at(0.25), at(0.75), at(1.25)].join(),
  );
  const other = newGraph();
  mixAudio([{ stream: tone(other, 0.4, 1) }, { stream: tone(other, 0.4, 3) }], {
    duration: 'first',
    normalize: true,
  }).module('null_sink');
  assert.ok((await run(other)).warnings.length === 0);
});

edit.run();

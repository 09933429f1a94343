/** Jobs that are encoded: a numbered file, or bytes, for each of them. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type EncodedPacket, Graph, Packet, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pieces } from '../../kit/bytes.js';
import { long } from '../../kit/long.js';
import { contentsOf, scratch } from '../../kit/media.js';
import { rejection } from '../../kit/rejection.js';
import { CLIPS } from '../../kit/serving.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const path = scratch();
const serving = suite('serve: files');
const graphOn = await sharedThreads(2);

const CODECS = {
  video_params: { codec: 'h264', preset: 'ultrafast', threads: 1, 'x264-params': 'mbtree=0' },
  audio_params: { codec: 'aac' },
} as const;

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

serving('files are numbered by job, and are those of graphs of their own', async () => {
  const watch = new LeakWatch();
  const graph = graphOn({ threads: 2, time_out: 10 });
  const { video, audio } = graph.inputStream('file').decode();
  video.scale(160, -2).encode(audio, { output_prefix: path('jobs'), ...CODECS });
  const server = await graph.serve();
  assert.not.ok(existsSync(path('jobs'))); // with the first frame
  const files: string[] = [];
  for (const clip of CLIPS) files.push(...(await server.submit(pieces(clip, 50_000))).files);
  watch.check(await server.close());
  assert.equal(
    files,
    [1, 2, 3].map((job) => path(`jobs/${job}/output.mp4`)),
  );
  for (const [i, clip] of CLIPS.entries()) {
    const own = new Graph({ threads: 0 });
    const input = own.inputStream('file');
    const streams = input.decode();
    streams.video.scale(160, -2).encode(streams.audio, { output_path: path(`${i}.mp4`), ...CODECS });
    await own.start();
    await input.pushFrom(pieces(clip, 50_000));
    await own.close();
    assert.is(md5(readFileSync(files[i]!)), md5(readFileSync(path(`${i}.mp4`))), `file ${i + 1}`);
  }
});

serving('bytes of a file per job (push_output)', async () => {
  const watch = new LeakWatch();
  const graph = graphOn({ threads: 2, time_out: 10 });
  const bytes = graph
    .inputStream('file')
    .decode()
    .video.encode(null, { push_output: 1, format: 'mpegts', video_params: CODECS.video_params });
  const server = await graph.serve({ outputs: { bytes } });
  const made: Buffer[] = [];
  for (const clip of [0, 1, 0]) {
    const result = await server.submit(pieces(CLIPS[clip]!, 50_000));
    made.push(Buffer.concat(result.outputs.bytes!.map(({ payload }) => (payload as EncodedPacket).data)));
    result.close();
  }
  watch.check(await server.close());
  assert.equal(made[2], made[0]);
  writeFileSync(path('second.ts'), made[1]!);
  const { video } = await contentsOf(path('second.ts'));
  assert.equal([video.length, video[0]?.width], [31, 480]);
});

serving('an encoder that has enough ends the job, whatever its source still has', async () => {
  const watch = new LeakWatch();
  const graph = graphOn({ threads: 2, time_out: 10 });
  graph
    .inputStream('file')
    // Of what has no end FFmpeg would look at five seconds first.
    .decode({ dec_params: { probesize: 60_000, analyzeduration: 200_000 } })
    .video.encode(null, { output_prefix: path('thumbs'), format: 'mjpeg', vframes: 1, video_params: { codec: 'jpg' } });
  const server = await graph.serve();
  let left = 0;
  async function* endless(clip: Uint8Array) {
    try {
      for (;;) yield* pieces(clip, 10_000);
    } finally {
      left++;
    }
  }
  for (const job of long ? [1, 2, 3, 4] : [1, 2]) {
    const { files } = await server.submit(endless(CLIPS[job % 2]!));
    assert.is(left, job);
    assert.equal(files, [path(`thumbs/${job}/output.mjpeg`)]);
    assert.is((await contentsOf(files[0]!)).video.length, 1);
  }
  watch.check(await server.close());
});

serving('a packet without anything to encode fails its job', async () => {
  const graph = graphOn({ threads: 1, time_out: 10 });
  graph.inputStream('frames').encode(null, { output_prefix: path('none'), video_params: CODECS.video_params });
  const server = await graph.serve();
  const error = await rejection(server.submit([]));
  assert.is(error.code, 'ERR_MILLRACE_OUTPUT');
  assert.match(error.message, /Nothing to write to .*none\/1\/output\.mp4/);
  const frame = VideoFrame.alloc({ width: 64, height: 64, format: 'yuv420p', pts: 0n, timeBase: { num: 1, den: 25 } });
  assert.equal((await server.submit(new Packet(frame))).files, [path('none/2/output.mp4')]);
  await server.close();
});

serving.run();

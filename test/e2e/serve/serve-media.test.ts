/** Media jobs over one warm graph give what a graph of its own gives for each of them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { AudioFrame, type Graph, type Packet, type Stream, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesOfFile, pieces } from '../../kit/bytes.js';
import { long } from '../../kit/long.js';
import { media } from '../../kit/media.js';
import { rejection } from '../../kit/rejection.js';
import { CLIPS } from '../../kit/serving.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const serving = suite('serve: media');
const graphOn = await sharedThreads(3);

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** Time, size and content of every frame. */
function hashes(packets: readonly Packet[]): string[] {
  return packets.map(({ payload, timestamp }) => {
    if (payload instanceof VideoFrame)
      return `${timestamp} ${payload.width}x${payload.height} ${md5(payload.toBuffer())}`;
    if (payload instanceof AudioFrame) return `${timestamp} ${payload.samples} ${md5(payload.toBuffer())}`;
    throw new Error('no frame');
  });
}

interface Ends {
  graph: Graph;
  pictures: Stream;
  sound: Stream;
}

/** A graph that makes frames of the bytes of a file. */
function framing(threads: number): Ends {
  const graph = graphOn({ threads, time_out: 10 });
  const { video, audio } = graph.inputStream('file').decode();
  return { graph, pictures: video.scale('iw/2', -2).vflip(), sound: audio.volume(0.5) };
}

/** What a graph of its own makes of it. */
async function alone(bytes: Uint8Array): Promise<[string[], string[]]> {
  const { graph, pictures, sound } = framing(0);
  const readers = [pictures.packets(), sound.packets()];
  await graph.start();
  const read = readers.map(async (reader) => {
    const seen: string[] = [];
    for await (const packet of reader.closing()) seen.push(...hashes([packet]));
    return seen;
  });
  await graph.inputStream('file').pushFrom(pieces(bytes, 40_000));
  return (await Promise.all(read)) as [string[], string[]];
}

const expected = Promise.all(CLIPS.map(alone));

for (const threads of long ? [0, 1, 3] : [0, 3]) {
  serving(`decoding and filters, containers and sizes that change from job to job, threads ${threads}`, async () => {
    const frames = await expected;
    const watch = new LeakWatch();
    const { graph, pictures, sound } = framing(threads);
    const server = await graph.serve({ outputs: { pictures, sound } });
    const order = [0, 1, 2, 0];
    const jobs = order.map((clip) => server.submit(pieces(CLIPS[clip]!, 40_000)));
    for (const [i, job] of jobs.entries()) {
      const result = await job;
      const [video, audio] = frames[order[i]!]!;
      assert.equal(hashes(result.outputs.pictures!), video, `pictures of job ${i + 1}`);
      assert.equal(hashes(result.outputs.sound!), audio, `sound of job ${i + 1}`);
      result.close();
    }
    watch.check(await server.close());
  });
}

serving('no media and half a file fail their jobs alone', async () => {
  const watch = new LeakWatch();
  const frames = await expected;
  const { graph, pictures } = framing(2);
  const server = await graph.serve({ outputs: { pictures } });
  const garbage = rejection(server.submit(bytesOfFile('garbage.mp4')));
  const first = server.submit(CLIPS[0]!);
  const again = rejection(server.submit(createReadStream(media('garbage.mp4'))));
  const last = server.submit(createReadStream(media('still.jpg')));
  for (const error of [await garbage, await again]) {
    assert.equal([error.code, (error as unknown as { phase: string }).phase], ['ERR_MILLRACE_INPUT', 'process']);
    assert.match(error.message, /no media file/);
  }
  for (const [clip, job] of [
    [0, first],
    [2, last],
  ] as const) {
    const result = await job;
    assert.equal(hashes(result.outputs.pictures!), frames[clip]![0]);
    result.close();
  }
  watch.check(await server.close());
});

serving.run();

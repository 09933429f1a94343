/** Small pieces of a stream of bytes: what waits of them is counted in bytes, and joined. */
import { writeFileSync } from 'node:fs';
import { EncodedPacket, type GraphError, Packet } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesOfFile, END_OF_FILE, hashes, pieces } from '../../kit/bytes.js';
import { contentsOf, scratch, sinkOn } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const test = suite('small pieces');
const SIZE = 188;
/** A transport stream that is broken off. */
const bytes = bytesOfFile('clip.mpegts').subarray(0, SIZE * 600);
const file = scratch()('part.mpegts');
writeFileSync(file, bytes);
const graphOn = await sharedThreads(1);

for (const threads of [0, 1]) {
  test(`tiny pieces reach a decoder joined, and give the frames of the files they are of (threads: ${threads})`, async () => {
    const leaks = new LeakWatch();
    const graph = graphOn({ threads });
    const input = graph.inputStream('bytes');
    const decoder = input.decode();
    const [video, audio] = [sinkOn(decoder.video), sinkOn(decoder.audio)];
    await graph.start();
    await input.pushFrom(pieces(bytes, SIZE), { end: false });
    await input.push(new Packet(END_OF_FILE));
    for (const piece of pieces(bytes, SIZE)) assert.is(await input.push(new Packet(EncodedPacket.from(piece))), true);
    assert.is(await input.end(), true);
    const report = await graph.close();
    leaks.check(report);
    const expected = await contentsOf(file);
    assert.equal(hashes(video.packets), hashes([...expected.video, ...expected.video]));
    assert.is(audio.packets.length, 2 * expected.audio.length);
    const { packetsIn, bytes: taken } = report.nodes.find(({ alias }) => alias.startsWith('c_ffmpeg_decoder'))!;
    assert.is(taken, 2 * bytes.length);
    const pushed = (2 * bytes.length) / SIZE;
    assert.ok(packetsIn < pushed / 4, `${packetsIn} packets of ${pushed} pieces`);
  });
}

test('whoever pushes tiny pieces is held back by the bytes that wait', async () => {
  const graph = graphOn({ threads: 0 });
  const input = graph.inputStream('bytes');
  input.decode().video.packets(); // nobody reads it
  await graph.start();
  let accepted = 0;
  const endless = (function* () {
    for (;;) {
      for (const piece of pieces(bytes, SIZE)) {
        yield piece;
        accepted += piece.length;
      }
    }
  })();
  const pushing = input.pushFrom(endless).catch((error: GraphError) => error.code);
  // It has come to rest when many looks in a row see the same.
  for (let seen = -1, looks = 0; looks < 100; looks++) {
    if (accepted !== seen) [seen, looks] = [accepted, 0];
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await graph.forceClose();
  assert.is(await pushing, 'ERR_MILLRACE_ABORTED');
  // What is demuxed and waits may be 4 MiB.
  assert.ok(accepted > 0 && accepted < 5 * 1024 * 1024, `${accepted} bytes were accepted`);
});

test('a piece is on its way without another one behind it', async () => {
  const graph = graphOn();
  const input = graph.inputStream('bytes');
  input.decode({}, { alias: 'decoder' }).video.packets();
  await graph.start();
  const part = bytes.subarray(0, SIZE * 400);
  for (const piece of pieces(part, SIZE)) await input.push(new Packet(piece));
  const taken = () => graph.stats().nodes.find(({ alias }) => alias === 'decoder')?.bytes;
  while (taken() !== part.length) await new Promise((resolve) => setTimeout(resolve, 5));
  await graph.forceClose();
});

test('pieces for anybody but decoders of bytes stay as they are', async () => {
  const graph = graphOn({ threads: 0 });
  const input = graph.inputStream('bytes');
  const seen: number[] = [];
  input.module({
    process(task) {
      for (const { isEof, payload } of task.inputs.get(0) ?? []) if (!isEof) seen.push((payload as Buffer).length);
    },
  });
  await graph.start();
  for (let size = 1; size <= 40; size++) await input.push(new Packet(Buffer.alloc(size)));
  await graph.close();
  assert.equal(
    seen,
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
});

test.run();

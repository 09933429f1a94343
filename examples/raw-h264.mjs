// Packets of H.264 without a container, whose sizes are in a file beside them, become an mp4.
// Usage: node examples/raw-h264.mjs [raw.h264 [raw.h264.sizes [raw.mp4]]]
import { open, readFile } from 'node:fs/promises';
import { EncodedPacket, Graph, Packet } from 'millrace';

const [input = 'raw.h264', sizes = `${input}.sizes`, output = 'raw.mp4'] = process.argv.slice(2);

const graph = new Graph();
const packets = graph.inputStream('packets');
packets
  .decode({ push_raw_stream: 1, video_codec: 'h264', video_time_base: '1,30000' })
  .encode({ output_path: output, video_params: { preset: 'veryfast' } });
await graph.start({ mode: 'push' });

const file = await open(input);
let pts = 0n;
for (const size of (await readFile(sizes, 'utf8')).trim().split('\n').map(Number)) {
  const { buffer } = await file.read({ buffer: Buffer.alloc(size) });
  await packets.push(new Packet(EncodedPacket.from(buffer, { pts })));
  pts += 1001n; // 30000/1001 frames per second
}
await file.close();

const { frames } = await graph.close();
console.log(`${output}: ${frames} frames`);

// A PNG every n seconds: the encoder hands its packets on instead of writing a file, and each is a picture.
// Usage: node examples/thumbnails.mjs [in.mp4 [seconds [width]]]
import { writeFile } from 'node:fs/promises';
import { EncodedPacket, Graph } from 'millrace';

const [input = 'clip.mp4', seconds = '1', width = '160'] = process.argv.slice(2);

const graph = new Graph();
const pictures = graph
  .decode({ input_path: input })
  .video.fps(1 / Number(seconds))
  .scale(Number(width), -2)
  .encode({ push_output: 2, video_params: { codec: 'png' } });

let n = 0;
for await (const { payload } of pictures.packets().closing()) {
  if (!(payload instanceof EncodedPacket)) continue; // what comes first says what the packets are
  const name = `thumbnail-${String(++n).padStart(3, '0')}.png`;
  await writeFile(name, payload.data);
  console.log(name);
}

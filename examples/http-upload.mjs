// A server that transcodes what is uploaded while it arrives. The socket is read no faster than the encoder works.
// Usage: node examples/http-upload.mjs [FILE]      uploads FILE to itself once; without it, the server stays on port 8080
//        curl --data-binary @clip.ts http://localhost:8080/
import { createReadStream } from 'node:fs';
import { createServer, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Graph } from 'millrace';

const [file] = process.argv.slice(2);
let uploads = 0;

async function transcode(upload) {
  const output_path = `upload-${++uploads}.mp4`;
  const graph = new Graph();
  const input = graph.inputStream('upload');
  const { video, audio } = input.decode();
  video.scale(320, -2).encode(audio, { output_path, video_params: { preset: 'veryfast' } });
  await graph.start({ mode: 'push' });
  try {
    await pipeline(upload, input.writable());
  } catch {
    // Broken off, or no media: close() tells which.
  }
  const { frames } = await graph.close();
  return { output_path, frames };
}

const server = createServer((upload, response) => {
  transcode(upload).then(
    (done) => response.end(`${JSON.stringify(done)}\n`),
    (error) => response.writeHead(422, { connection: 'close' }).end(`${error.code}: ${error.message}\n`),
  );
});

server.listen(file ? 0 : 8080, async () => {
  if (!file) return;
  const upload = request({ port: server.address().port, method: 'POST' });
  upload.on('response', async (response) => {
    console.log(response.statusCode, (await text(response)).trim());
    server.close();
  });
  await pipeline(createReadStream(file), upload);
});

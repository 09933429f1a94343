// User code per frame in a loop over node-av, all on the main thread.
// Usage: node loop-frames.mjs RESULT INPUT OUTPUT|- corner|picture
import { writeFileSync } from 'node:fs';
import { check, Decoder, Input, Output, x264 } from './loop-parts.mjs';
import { touch } from './luma.mjs';

const [result, source, path, mean] = process.argv.slice(2);
const input = new Input(source);
const { width, height, sampleAspectRatio } = input.video.codecpar;
const decoder = new Decoder(input.video);
const encoder = path === '-' ? undefined : x264(input.video, width, height, sampleAspectRatio);
const output = encoder && new Output(path, [encoder]);
const write = (packet) => output.write(packet, 0);

let frames = 0;
let sum = 0;
const touched = (frame) => {
  check(frame.makeWritable());
  sum += touch(mean, frame.data[0], frame.linesize[0], width, height);
  frames++;
  encoder?.encode(frame, write);
};
input.read((packet, stream) => {
  if (stream === input.video.index) decoder.decode(packet, touched);
});
decoder.decode(null, touched);
encoder?.encode(null, write);
output?.close();
encoder?.close();
decoder.close();
input.close();
writeFileSync(result, JSON.stringify({ frames, sum }));

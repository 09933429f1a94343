// The floor: decoding, scaling, x264 and AAC in one loop over node-av, written by hand for this one job. All on the main
// thread, sync calls, the same FFmpeg and its own threads inside the codecs.
// Usage: node loop.mjs INPUT OUTPUT WIDTHxHEIGHT [OUTPUT WIDTHxHEIGHT]...
import { aac, Decoder, Filters, Input, Output, x264 } from './loop-parts.mjs';

const [source, ...targets] = process.argv.slice(2);
const input = new Input(source);
const video = new Decoder(input.video);
const audio = new Decoder(input.audio);
const renditions = [];
for (let i = 0; i < targets.length; i += 2) renditions.push(rendition(targets[i], targets[i + 1]));

const picture = (frame) => {
  for (const { pictures } of renditions) pictures(frame);
};
const sound = (frame) => {
  for (const { samples } of renditions) samples(frame);
};
input.read((packet, stream) => {
  if (stream === input.video.index) video.decode(packet, picture);
  else if (stream === input.audio.index) audio.decode(packet, sound);
});
video.decode(null, picture);
audio.decode(null, sound);
for (const { finish } of renditions) finish();
for (const part of [video, audio, input]) part.close();

/** One output: its pictures scaled and encoded, its sound encoded. */
function rendition(path, size) {
  const [width, height] = size.split('x').map(Number);
  const scale = new Filters(input.video, `scale=${width}:${height}`);
  const pictureEncoder = x264(input.video, width, height, scale.sampleAspectRatio);
  const soundEncoder = aac(input.audio);
  const cut = new Filters(input.audio, `asetnsamples=${soundEncoder.frameSize}:0`);
  const output = new Output(path, [pictureEncoder, soundEncoder]);
  const writePicture = (packet) => output.write(packet, 0);
  const writeSound = (packet) => output.write(packet, 1);
  const encodePicture = (frame) => pictureEncoder.encode(frame, writePicture);
  const encodeSound = (frame) => soundEncoder.encode(frame, writeSound);
  return {
    pictures: (frame) => scale.filter(frame, encodePicture),
    samples: (frame) => cut.filter(frame, encodeSound),
    finish() {
      scale.filter(null, encodePicture);
      cut.filter(null, encodeSound);
      encodePicture(null);
      encodeSound(null);
      output.close();
      for (const part of [scale, cut, pictureEncoder, soundEncoder]) part.close();
    },
  };
}

// Two places side by side, in which live inputs come and go: the pictures in one, the sound mixed, out as HLS. An input that ends
// or fails leaves its place (modules/place.mjs) black and silent, and the mix goes on until none is left.
// Usage: node examples/mixer.mjs [out.m3u8 [left [right]]]
import { setTimeout as sleep } from 'node:timers/promises';
import { Graph } from 'millrace';
import { Place, RATE } from './modules/place.mjs';

const [output = 'mixed.m3u8', left = 'clip.mp4', right = 'clip.mp4'] = process.argv.slice(2);

const mix = new Graph();
const places = [new Place(mix, 'left'), new Place(mix, 'right')];
const [a, b] = places;
const picture = a.video.filter('hstack', b.video);
const sound = a.audio.amix(b.audio, { normalize: 0 });
picture.encode(sound, {
  output_path: output,
  format: 'hls',
  video_params: { preset: 'ultrafast', g: RATE },
  mux_params: { hls_time: 1, hls_list_size: 0 },
});
await mix.start();

// The second one comes half a second later.
let present = 2;
const leave = () => present--;
a.show(left).then(leave);
setTimeout(() => b.show(right).then(leave), 500);

const began = performance.now();
let n = 0;
for (; present > 0; n++) {
  await sleep(Math.max(0, began + (n * 1000) / RATE - performance.now()));
  await Promise.all(places.map((place) => place.tick(n)));
}
const { frames } = await mix.close();
console.log(`${output}: ${frames} frames of ${n} ticks`);

// Pictures of a program's own, as a camera gives them, become a live stream (HLS).
// Usage: node examples/camera.mjs [live.m3u8 [seconds]]
import { setTimeout as sleep } from 'node:timers/promises';
import { Graph, Packet, VideoFrame } from 'millrace';

const [playlist = 'live.m3u8', seconds = '3'] = process.argv.slice(2);
const [width, height, rate] = [320, 180, 25];

const graph = new Graph();
const camera = graph.inputStream('camera');
camera.encode({
  output_path: playlist,
  format: 'hls',
  video_params: { codec: 'h264', preset: 'veryfast', tune: 'zerolatency', g: rate },
  mux_params: { hls_time: 1, hls_list_size: 0 },
});
await graph.start({ mode: 'push' });

/** A bar that wanders over grey. */
function picture(n) {
  const rgba = new Uint8Array(width * height * 4).fill(128);
  for (let y = 0; y < height; y++)
    rgba.fill(255, (y * width + ((n * 4) % width)) * 4, (y * width + ((n * 4) % width) + 4) * 4);
  return VideoFrame.from(rgba, { width, height, format: 'rgba', pts: BigInt(n), timeBase: { num: 1, den: rate } });
}

let late = 0;
const started = performance.now();
for (let n = 0; n < Number(seconds) * rate; n++) {
  // A camera does not wait: what finds no room in time is left out.
  const wait = started + (n * 1000) / rate - performance.now();
  if (wait > 0) await sleep(wait);
  if (graph.stats().links[0].queued < 8) void camera.push(new Packet(picture(n)));
  else late++;
}
const { frames } = await graph.close();
console.log(`${playlist}: ${frames} frames, ${late} left out`);

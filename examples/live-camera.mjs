// A camera that may fall silent and come back becomes a recording and a live stream (HLS) that go on.
// Usage: node examples/live-camera.mjs [URL [recording.mkv [live.m3u8 [seconds]]]]
// Without a URL (rtsp://…, rtmp://…, srt://…, udp://…, http://…) it is a camera of its own that is turned off for a moment.
import { createServer } from 'node:net';
import { Graph } from 'millrace';

const [url, recording = 'camera.mkv', playlist = 'live.m3u8', seconds = '4'] = process.argv.slice(2);
const stop = new AbortController();

/** MPEG-TS for whoever connects. The first one is left alone after a second of pictures, and nobody answers for another. */
async function ownCamera() {
  const encoded = new Graph();
  const options = { push_output: 1, format: 'mpegts', video_params: { codec: 'mpeg2video', g: 12, bf: 0 } };
  const pictures = encoded.filter('testsrc2', { size: '320x180', rate: 25 }).filter('realtime');
  const packets = pictures.encode(null, options).packets();
  let [viewer, turnedOff] = [undefined, false];
  const server = createServer((socket) => {
    viewer = socket.on('error', () => {});
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const { port } = server.address();
  (async () => {
    for await (const packet of packets) {
      if (viewer?.writable) viewer.write(packet.payload.data);
      packet.close();
      if (stop.signal.aborted) break;
      if (turnedOff || graph.stats().nodes[0].frames < 25) continue;
      turnedOff = true;
      server.close();
      viewer.destroy();
      setTimeout(() => server.listen(port, '127.0.0.1'), 1000).unref();
    }
  })();
  return `tcp://127.0.0.1:${port}`;
}

const graph = new Graph({ onLog: ({ level, text }) => level !== 'debug' && console.log(text) });
const camera = graph.decode({
  input_path: url ?? (await ownCamera()),
  live: true,
  reconnect: { attempts: -1, backoff_ms: 200, stall_ms: 2000 },
  drop: 'oldest',
});
const video_params = { codec: 'h264', preset: 'veryfast', tune: 'zerolatency', g: 25 };
camera.video.encode(null, { output_path: recording, video_params });
const mux_params = { hls_time: 1, hls_list_size: 0 };
camera.video.encode(null, { output_path: playlist, format: 'hls', video_params, mux_params });
const run = graph.run();
for await (const { position = 0 } of graph.progress()) if (position > Number(seconds) * 1e6) graph.stop();
const { nodes } = await run;
stop.abort();
const [{ outages }, , { frames, latency }] = nodes;
const behind = `${latency?.mean.toFixed()} ms behind the camera`;
console.log(`${playlist}: ${frames} frames, ${behind}, which was away ${outages.count} times`);

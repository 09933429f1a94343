// A guest joins a show that runs, moves, is turned down and leaves, while the show goes out as HLS.
// Usage: node examples/guests.mjs [out.m3u8 [host [guest]]]
import { setTimeout as sleep } from 'node:timers/promises';
import { encode, Graph } from 'millrace';

const [output = 'show.m3u8', host = 'clip.mp4', visitor = 'clip.mp4'] = process.argv.slice(2);

const graph = new Graph();
const show = graph.decode({ input_path: host, loop: -1, realtime: true });
const alone = { graph: '[0]scale=320:180[0]' };
const together = (guest, x, y) => ({
  graph: `[0]scale=320:180[a];[a][${guest}]overlay@guest=x=${x}:y=${y}:eof_action=pass[0]`,
});
const stage = show.video.module('c_ffmpeg_filter', alone, { alias: 'stage' });
const sound = show.audio.filter('amix', { inputs: 1, normalize: false, duration: 'first', alias: 'sound' });
encode(stage, sound, {
  output_path: output,
  format: 'hls',
  video_params: { preset: 'ultrafast', g: 25 },
  mux_params: { hls_time: 1, hls_list_size: 0 },
});
await graph.start();

const position = () => graph.status().nodes.find(({ alias }) => alias === 'stage').position / 1e6;
const until = async (seconds) => {
  while (position() < seconds) await sleep(20);
};
await until(0.5);
const { guest, volume, place } = await graph.addNode(() => {
  // On the time of the show: a little later than where it is.
  const at = position() + 0.2;
  const guest = graph.decode({ input_path: visitor, loop: -1 });
  const picture = guest.video.scale(96, 54).setpts(`PTS+${at}/TB`);
  const volume = guest.audio.volume(0.8);
  graph.connect(volume.asetpts(`PTS+${at}/TB`), sound);
  // It is given the number that it gets: 1 for the first guest, 2 for the next one.
  return { guest, volume, place: graph.connect(picture, stage, 1, together(1, 8, 8)) };
});
await until(1.2);
await stage.reset(together(place, 216, 118));
await volume.reset({ volume: 0.2 });
await until(2);
await graph.removeNode(guest);
// `eof_action=pass`: the stage goes on with the host alone.
await until(2.8);
graph.stop();
const { frames } = await graph.close();
console.log(`${output}: ${frames} frames`);

// A film of the beginning and the end of a clip with a transition between them, a picture in the corner, and a tone under it.
// Usage: node examples/film.mjs [in.mp4 [out.mp4]]
import { concatClips, Graph, mixAudio, overlayImages, probe } from 'millrace';

const [path = 'clip.mp4', output = 'film.mp4'] = process.argv.slice(2);
const { format } = await probe(path);

const graph = new Graph();
const part = Math.min(2, format.duration / 2);
const clip = (start) => {
  const { video, audio } = graph.decode({ input_path: path });
  return { video, audio, start, duration: part };
};
const film = concatClips([clip(0), clip(format.duration - part)], {
  width: 640,
  height: 360,
  fps: 25,
  transition: { duration: part / 4, name: 'dissolve' },
});
const corner = graph.filter('testsrc', { size: '96x72', duration: 0.04 });
const picture = overlayImages(film.video, [{ stream: corner, x: 'W-w-16', y: 16, opacity: 0.8, fadeIn: 0.5 }]);
const sound = mixAudio([{ stream: film.audio }, { stream: graph.filter('sine', { duration: 60 }), volume: 0.1 }], {
  duration: 'first',
});
picture.encode(sound, { output_path: output, video_params: { preset: 'veryfast' } });

const report = await graph.run();
console.log(`${output}: ${report.frames} frames`);

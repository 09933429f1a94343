// Every sound of a file, each quieter and with its language, beside the picture as it is; the file says what the other one said.
// Usage: node examples/languages.mjs [in.mp4] [out.mkv]
import { encode, Graph, probe } from 'millrace';

const [input_path = 'clip.mp4', output_path = 'languages.mkv'] = process.argv.slice(2);
const { streams } = await probe(input_path);
const sounds = streams.filter(({ kind }) => kind === 'audio');

const graph = new Graph();
const input = graph.decode({ input_path, video_codec: 'copy' });
encode(
  {
    video: input.video,
    audio: sounds.map((_, n) => input.audios[n].volume(0.5)),
    subtitle: streams.filter(({ kind }) => kind === 'subtitle').map((_, n) => input.subtitles[n]),
  },
  {
    output_path,
    streams: { audio: sounds.map(({ language = 'und' }) => ({ language, title: `${language}, quieter` })) },
  },
);
const { warnings } = await graph.run();
for (const warning of warnings) console.log(warning);
for (const { kind, codec, title = '' } of (await probe(output_path)).streams) console.log(kind, codec, title);

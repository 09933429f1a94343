/** FFmpeg's short names of sizes and rates. */
import { Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decoderOptions } from '../../actors/decoder/options.js';
import { encoderOptions } from '../../actors/encoder/options.js';
import { validated } from '../kit/drive.js';
import { scratch } from '../kit/media.js';
import { failureOf } from '../kit/soon.js';

const test = suite('names of sizes and rates');
const at = scratch();

test('sizes and rates are taken by name wherever they are taken', () => {
  const { video_params } = validated(encoderOptions, {
    output_path: 'a.mp4',
    video_params: { s: 'hd720', r: 'ntsc', max_fr: 'film' },
  });
  const video = Array.isArray(video_params) ? video_params[0] : video_params;
  assert.equal([video?.width, video?.height], [1280, 720]);
  assert.equal(
    [video?.r, video?.max_fr],
    [
      { num: 30000, den: 1001 },
      { num: 24, den: 1 },
    ],
  );
  const decoder = validated(decoderOptions, {
    input_path: 'a.yuv',
    s: 'qcif',
    fps: 'pal',
    video_params: { extract_frames: { fps: 'ntsc-film' } },
  });
  assert.is(decoder.s, '176x144');
  assert.equal(decoder.fps, { num: 25, den: 1 });
  assert.is(decoder.video_params?.extract_frames?.fps, 24000 / 1001);
});

test('what is no name is refused with one as an example', async () => {
  const graph = new Graph();
  const video_params = { s: 'hd721' };
  graph.inputStream('in').encode(null, { output_path: at('a.mp4'), video_params });
  const error = await failureOf('a graph', graph.validate());
  assert.match(error.message, /must be a size such as "640x360" or "hd720", not "hd721"/);
});

test.run();

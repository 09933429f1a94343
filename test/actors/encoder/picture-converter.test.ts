/** What becomes of the properties of pictures that are brought to the form an encoder takes. */
import { AV_PIX_FMT_YUVA420P, AVALPHA_MODE_PREMULTIPLIED } from 'node-av/constants';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findEncoder } from '../../../actors/encoder/codec/codec.js';
import { PictureConverter } from '../../../actors/encoder/stream/picture-converter.js';
import { VideoFrame } from '../../../src/media/index.js';
import { encode, out, pictures } from './kit.js';

const test = suite('encoder: pictures');

test('what the alpha of a picture means goes with it', () => {
  const codec = findEncoder('ffv1', 'video');
  const settings = { codec, globalHeader: false, av: {}, path: 'video_params', wishes: {} };
  const converter = new PictureConverter({ av: {}, width: 32, height: 32 }, settings, 'out.mkv');
  const frame = VideoFrame.alloc({ width: 64, height: 64, format: 'yuva420p' });
  try {
    frame.av.alphaMode = AVALPHA_MODE_PREMULTIPLIED;
    let seen = 0;
    converter.convert(frame, (converted) => {
      seen++;
      assert.is(converted.width, 32);
      assert.is(converted.format, AV_PIX_FMT_YUVA420P);
      assert.is(converted.alphaMode, AVALPHA_MODE_PREMULTIPLIED);
    });
    assert.is(seen, 1);
  } finally {
    frame.close();
    converter.close();
  }
});

test('a matrix is for luma and chroma, and rgb for RGB', async () => {
  for (const [options, words] of [
    [
      { codec: 'libx264', pix_fmt: 'yuv420p', colorspace: 'rgb' },
      /video_params\.colorspace: 'rgb' does not suit yuv420p/,
    ],
    [{ codec: 'ffv1', pix_fmt: 'bgr0', colorspace: 'bt709' }, /video_params\.colorspace: 'bt709' does not suit bgr0/],
  ] as const) {
    try {
      await encode({ output_path: out('matrix.mkv'), video_params: options }, pictures());
      assert.unreachable();
    } catch (error) {
      assert.match((error as Error).message, words);
    }
  }
  await encode(
    { output_path: out('rgb.mkv'), video_params: { codec: 'ffv1', pix_fmt: 'bgr0', colorspace: 'rgb' } },
    pictures(),
  );
});

test.run();

/** What pictures are like that go through filters: others need filters of their own. */
import type { VideoFrame } from '../../src/media/index.js';

/** Arguments of FFmpeg's `buffer` for pictures such as this one. */
export function sourceFor({ av, sampleAspectRatio: aspect, timeBase }: VideoFrame): string {
  return [
    `video_size=${av.width}x${av.height}`,
    `pix_fmt=${av.format}`,
    `time_base=${timeBase.num}/${Math.max(1, timeBase.den)}`,
    `pixel_aspect=${aspect.num}/${Math.max(1, aspect.den)}`,
    `colorspace=${av.colorSpace}`,
    `range=${av.colorRange}`,
    `alpha_mode=${av.alphaMode}`,
  ].join(':');
}

/** How many bytes a row of each plane of a picture holds and how many rows there are, asked of FFmpeg itself. */
import type { AVPixelFormat } from 'node-av/constants';
import { AV_PIX_FMT_PAL8 } from 'node-av/constants';
import { avImageGetBufferSize, Frame } from 'node-av/lib';
import { check, pixelFormatName } from '../ffmpeg.js';
import { remember } from '../known.js';

export interface PlaneShape {
  /** Bytes of pixels in a row, without padding. */
  readonly rowBytes: number;
  readonly rows: number;
}

export interface PictureLayout {
  readonly planes: readonly PlaneShape[];
  /** Bytes of the whole picture without any padding, planes one after another (av_image_get_buffer_size, align 1). */
  readonly packedBytes: number;
}

const known = new Map<string, PictureLayout>();

/** @throws FFmpegError if FFmpeg cannot lay out such a picture (size zero or too large, hardware format). */
export function pictureLayout(format: AVPixelFormat, width: number, height: number): PictureLayout {
  const key = `${format}:${width}x${height}`;
  return known.get(key) ?? remember(known, key, measure(format, width, height));
}

function measure(format: AVPixelFormat, width: number, height: number): PictureLayout {
  const what = `Cannot lay out a picture of ${width}x${height} in ${pixelFormatName(format)}`;
  const packedBytes = check(avImageGetBufferSize(format, width, height, 1), what);
  // node-av does not show pixel format descriptors. A frame laid over a tightly packed buffer has the row sizes as line
  // sizes; it points at the buffer, does not own it, and is gone before the buffer.
  const frame = new Frame();
  frame.alloc();
  try {
    frame.format = format;
    frame.width = width;
    frame.height = height;
    check(frame.fromBuffer(Buffer.allocUnsafeSlow(packedBytes)), what);
    const linesize = frame.linesize;
    const planes = (frame.data ?? []).map((data, i) => {
      const rowBytes = linesize[i] ?? 0;
      return { rowBytes, rows: data.length / rowBytes };
    });
    // FFmpeg gives the palette no line size, so node-av leaves it out: 256 entries of 4 bytes.
    if (format === AV_PIX_FMT_PAL8) planes.push({ rowBytes: 1024, rows: 1 });
    return { planes, packedBytes };
  } finally {
    frame.free();
  }
}

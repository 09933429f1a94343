/** Graphs that fail for a reason which only FFmpeg's log tells. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Graph, Stream } from 'millrace';
import { media, scratch } from './media.js';

const at = scratch();

/** A box of its own and nothing else that an mp4 file has. */
writeFileSync(at('cut.mp4'), readFileSync(media('clip-4s.mp4')).subarray(0, 40));

export interface Reason {
  /** What must be at the end of the message. */
  readonly words: RegExp;
  build(graph: Graph): void;
}

const picture = (graph: Graph, size = '320x240'): Stream =>
  graph.module('c_ffmpeg_filter', { name: 'testsrc2', para: `s=${size}:d=0.2` }, { inputs: [] });
const encoded = (stream: Stream, name: string, options = {}): void => {
  stream.encode(null, { output_path: at(name), ...options });
};

export const REASONS = {
  'an odd size': {
    words: /FFmpeg says: width not divisible by 2 \(853x480\)$/,
    build: (graph) =>
      encoded(picture(graph).scale(853, 480), 'odd.mp4', { video_params: { codec: 'h264', pix_fmt: 'yuv420p' } }),
  },
  'an encoder without that pixel format': {
    words: /use 'yuva420p' pixel format instead\.$/,
    build: (graph) => encoded(picture(graph), 'a.webm', { video_params: { codec: 'vp9', pix_fmt: 'yuva444p10le' } }),
  },
  'a profile that does not suit': {
    words: /FFmpeg says: Error setting profile baseline\.$/,
    build: (graph) => encoded(picture(graph), 'p.mp4', { video_params: { profile: 'baseline', pix_fmt: 'yuv444p' } }),
  },
  'a point outside of a curve': {
    words:
      /FFmpeg says: Invalid key point coordinates \(0\.000000;2\.000000\), x and y must be in the \[0;1\] range\.$/,
    build: (graph) => encoded(picture(graph).filter('curves', { master: '0/2' }), 'curve.mp4'),
  },
  'an output that cannot seek': {
    words: /FFmpeg says: muxer does not support non seekable output$/,
    build: (graph) => picture(graph).encode(null, { output_path: `md5:${at('sum')}`, format: 'mp4' }),
  },
  'a codec that the container does not carry': {
    words: /FFmpeg says: Video codec ffv1 not compatible with flv$/,
    build: (graph) => encoded(picture(graph), 'x.flv', { video_params: { codec: 'ffv1' } }),
  },
  'a size that the frames do not allow': {
    words: /FFmpeg says: Invalid too big or non positive size for width '1000'/,
    build: (graph) => encoded(picture(graph).crop(1000, 1000), 'crop.mp4'),
  },
  'a pad around what is larger': {
    // What FFmpeg says after it ("Failed to configure input pad") is no reason.
    words: /FFmpeg says: Padded dimensions cannot be smaller than input dimensions\.$/,
    build: (graph) => encoded(picture(graph).pad(10, 10), 'pad.mp4'),
  },
  'an expression with an unknown name': {
    words: /FFmpeg says: Undefined constant or missing '\(' in 'foo'; Cannot parse expression for width: 'iw\/foo'$/,
    build: (graph) => encoded(picture(graph).scale('iw/foo', 100), 'expr.mp4'),
  },
  'a file that is cut off': {
    words: /FFmpeg says: .*moov atom not found$/,
    build: (graph) => encoded(graph.decode({ input_path: at('cut.mp4') }).video, 'm.mp4'),
  },
  'an address that nobody listens at': {
    words: /FFmpeg says: Connection to tcp:\/\/127\.0\.0\.1:9 failed: Connection refused$/,
    build: (graph) => encoded(graph.decode({ input_path: 'tcp://127.0.0.1:9' }).video, 'n.mp4'),
  },
} satisfies Record<string, Reason>;

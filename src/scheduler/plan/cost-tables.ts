/** Milliseconds per 1280x720 frame on one core, as measured or, for relatives of what was measured, guessed. */

/** By name of FFmpeg's encoder, at its default preset. */
export const ENCODERS: Readonly<Record<string, number>> = {
  libx264: 42,
  libx264rgb: 60,
  libopenh264: 20,
  libx265: 55,
  libsvtav1: 12,
  'libaom-av1': 150,
  librav1e: 150,
  libvpx: 25,
  'libvpx-vp9': 60,
  mpeg4: 2,
  mpeg2video: 2,
  mjpeg: 3.5,
  libwebp: 20,
  png: 15,
  ffv1: 8,
  prores: 8,
  prores_ks: 15,
  dnxhd: 6,
  gif: 5,
  rawvideo: 0.3,
  wrapped_avframe: 0.02,
};

/** How presets change that: x264's names, which x265 shares. */
export const PRESETS: Readonly<Record<string, number>> = {
  ultrafast: 0.15,
  superfast: 0.25,
  veryfast: 0.4,
  faster: 0.65,
  fast: 0.85,
  medium: 1,
  slow: 1.5,
  slower: 2.5,
  veryslow: 4.5,
  placebo: 12,
};

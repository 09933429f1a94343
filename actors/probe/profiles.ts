/** FFmpeg's names of codec profiles (avcodec_profile_name), which node-av does not tell. */

const inOrder = (...names: string[]): Record<number, string> => ({ ...names });

const AAC = {
  ...inOrder('Main', 'LC', 'SSR', 'LTP', 'HE-AAC'),
  ...{ 22: 'LD', 28: 'HE-AACv2', 38: 'ELD', 41: 'xHE-AAC', 128: 'LC', 131: 'HE-AAC' },
};

const DTS = {
  ...{ 20: 'DTS', 30: 'DTS-ES', 40: 'DTS 96/24', 50: 'DTS-HD HRA', 60: 'DTS-HD MA', 61: 'DTS-HD MA + DTS:X' },
  ...{ 62: 'DTS-HD MA + DTS:X IMAX', 70: 'DTS Express' },
};

const CONSTRAINED = 0x200;
const INTRA = 0x800;
const H264 = {
  ...{ 66: 'Baseline', 77: 'Main', 88: 'Extended', 100: 'High', 110: 'High 10', 118: 'Multiview High' },
  ...{ 122: 'High 4:2:2', 128: 'Stereo High', 144: 'High 4:4:4', 244: 'High 4:4:4 Predictive', 44: 'CAVLC 4:4:4' },
  [66 | CONSTRAINED]: 'Constrained Baseline',
  [110 | INTRA]: 'High 10 Intra',
  [122 | INTRA]: 'High 4:2:2 Intra',
  [244 | INTRA]: 'High 4:4:4 Intra',
};

const MPEG4 = inOrder(
  ...['Simple', 'Simple Scalable', 'Core', 'Main', 'N-bit', 'Scalable Texture', 'Simple Face Animation'],
  ...['Basic Animated Texture', 'Hybrid', 'Advanced Real Time Simple', 'Code Scalable', 'Advanced Coding'],
  ...['Advanced Core', 'Advanced Scalable Texture', 'Simple Studio', 'Advanced Simple'],
);

const PROFILES: Readonly<Record<string, Readonly<Record<number, string>> | undefined>> = {
  aac: AAC,
  aac_latm: AAC,
  dts: DTS,
  h264: H264,
  mpeg4: Object.fromEntries(Object.entries(MPEG4).map(([number, name]) => [number, `${name} Profile`])),
  hevc: {
    ...{ 1: 'Main', 2: 'Main 10', 3: 'Main Still Picture', 4: 'Rext', 6: 'Multiview Main', 9: 'Scc' },
  },
  vvc: { 1: 'Main 10', 33: 'Main 10 4:4:4' },
  mpeg2video: inOrder('4:2:2', 'High', 'Spatially Scalable', 'SNR Scalable', 'Main', 'Simple'),
  vc1: inOrder('Simple', 'Main', 'Complex', 'Advanced'),
  vp9: inOrder('Profile 0', 'Profile 1', 'Profile 2', 'Profile 3'),
  av1: inOrder('Main', 'High', 'Professional'),
  prores: inOrder('Proxy', 'LT', 'Standard', 'HQ', '4444', 'XQ'),
  dnxhd: inOrder('DNXHD', 'DNXHR LB', 'DNXHR SQ', 'DNXHR HQ', 'DNXHR HQX', 'DNXHR 444'),
  eac3: { 30: 'Dolby Digital Plus + Dolby Atmos' },
  truehd: { 30: 'Dolby TrueHD + Dolby Atmos' },
  mjpeg: { 192: 'Baseline', 193: 'Sequential', 194: 'Progressive', 195: 'Lossless', 247: 'JPEG-LS' },
};

/** @param profile As libavcodec counts them; undefined for one that is not known, or has no name. */
export function profileName(codec: string, profile: number): string | undefined {
  return PROFILES[codec]?.[profile];
}

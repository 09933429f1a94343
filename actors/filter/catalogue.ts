/**
 * What is known of FFmpeg's filters beside what FFmpeg tells itself (their pads and options): one row for each filter of
 * which there is something to say. test/actors/filter/catalogue.test.ts holds the rows against the FFmpeg that is used.
 *
 * What a filter opens was read from libavfilter's sources: in none of these does the graph's `protocol_whitelist` reach the
 * place where it is opened. A filter or option that is missing here may open nothing but files: see src/graph/file/trust.ts.
 */
import { AVFILTER_FLAG_DYNAMIC_INPUTS, AVMEDIA_TYPE_AUDIO } from 'node-av/constants';
import type { Filter } from 'node-av/lib';

export interface Opens {
  /** Options that FFmpeg opens with whatever protocol their value names. */
  readonly url?: string;
  /** Options that name a file, a folder or a pattern of files, whatever they look like. */
  readonly file?: string;
  /** Options that name a program: plug-ins, GPU kernels, models that are programs. '*': the filter is nothing else. */
  readonly code?: string;
  /** Values without a name that are certain not to be one of `code`. */
  readonly plain?: number;
  /** The filter connects to something, or takes pictures of the screen, with any arguments. */
  readonly connects?: true;
  /** Options that say how a `url` is opened. */
  readonly how?: string;
  /** Options whose text is shown or written: it may hold anything. */
  readonly text?: string;
}

export interface FilterFacts {
  /** Milliseconds per 1280x720 frame on one core, as measured or, for relatives of what was measured, guessed. */
  readonly cost?: number;
  /**
   * 'frame': what comes out depends on nothing but the one frame that came in and the arguments. 'picture': and it is one
   * picture for one picture, at the same time and as long. A filter without it may be as free of memory, and is only not
   * made quicker; one that should not have it is wrong.
   */
  readonly stateless?: 'frame' | 'picture';
  /**
   * Of a filter with several inputs: how it puts them together, picture by picture at their times or sample by sample, each
   * only once. Such a filter can go on where another one has stopped. Absent: it cannot, or it is not known.
   */
  readonly joins?: 'times' | 'samples';
  /** What it opens by itself. */
  readonly opens?: Opens;
  /** FFmpeg has it and this build may lack it, because a library was not built in: what stands in for it, '' if nothing. */
  readonly instead?: string;
}

/** It only looks at a frame, or hands it on with other times or properties. */
const FREE = 0.02;

const STATS: Opens = { file: 'stats_file f' };
const PROGRAM: Opens = { code: '*' };
const CONNECTS: Opens = { connects: true };
const MOVIE: Opens = { url: 'filename', how: 'format_name f format_opts' };
const METADATA: Opens = { url: 'file', text: 'key value' };
const COMMANDS: Opens = { file: 'filename f' };

/** By name of the filter. */
export const FILTERS: Readonly<Record<string, FilterFacts>> = {
  alphamerge: { joins: 'times' },
  ametadata: { opens: METADATA },
  amerge: { joins: 'samples' },
  amix: { joins: 'samples' },
  amovie: { opens: MOVIE },
  anull: { cost: FREE, stateless: 'frame' },
  anullsink: { cost: FREE },
  anullsrc: { cost: FREE },
  arnndn: { opens: { file: 'model m' } },
  aselect: { cost: FREE },
  asendcmd: { opens: COMMANDS },
  asetpts: { cost: FREE },
  asettb: { cost: FREE },
  ashowinfo: { cost: FREE },
  asplit: { cost: FREE },
  asr: { opens: { file: 'hmm dict lm lmctl lmname logfn' }, instead: "'whisper' recognises speech" },
  ass: { opens: { file: 'filename f fontsdir' } },
  atrim: { cost: FREE },
  avgblur: { cost: 3, stateless: 'picture' },
  azmq: { opens: CONNECTS, instead: "'asendcmd' has commands at given times" },
  bilateral: { stateless: 'frame' },
  blend: { cost: 1.5, joins: 'times' },
  bm3d: { cost: 200 },
  boxblur: { cost: 5, stateless: 'picture' },
  bs2b: { instead: "'crossfeed' does the same for headphones" },
  bwdif: { cost: 2.5 },
  cas: { stateless: 'frame' },
  cellauto: { opens: { file: 'filename f' } },
  color: { cost: 0.1 },
  colorbalance: { stateless: 'picture' },
  colorchannelmixer: { stateless: 'picture' },
  colorcorrect: { stateless: 'frame' },
  colorlevels: { stateless: 'picture' },
  colormatrix: { stateless: 'frame' },
  colorspace: { cost: 7, stateless: 'frame' },
  concat: { cost: FREE },
  convolution: { stateless: 'picture' },
  copy: { stateless: 'picture' },
  cover_rect: { opens: { url: 'cover' } },
  crop: { cost: FREE, stateless: 'picture' },
  curves: { cost: 1.4, stateless: 'picture', opens: { file: 'psfile plot' } },
  ddagrab: { opens: CONNECTS },
  derain: { opens: PROGRAM },
  deshake: { cost: 15, opens: { file: 'filename' } },
  dnn_classify: { opens: PROGRAM, instead: 'A module of your own can run a model on frames' },
  dnn_detect: { opens: PROGRAM, instead: 'A module of your own can run a model on frames' },
  dnn_processing: { opens: PROGRAM, instead: 'A module of your own can run a model on frames' },
  drawbox: { cost: 0.5, stateless: 'picture' },
  drawgrid: { stateless: 'picture' },
  drawtext: { cost: 1, opens: { file: 'fontfile textfile', text: 'text' } },
  drawvg: { opens: { file: 'file' } },
  edgedetect: { stateless: 'frame' },
  eq: { cost: 0.3, stateless: 'picture' },
  extractplanes: { stateless: 'frame' },
  fade: { cost: 0.5 },
  fieldhint: { opens: { file: 'hint' } },
  fifo: { cost: FREE },
  find_rect: { opens: { url: 'object' } },
  firequalizer: { opens: { file: 'dumpfile' } },
  flite: { opens: { file: 'textfile', text: 'text' }, instead: '' },
  format: { cost: 0.5, stateless: 'picture' },
  fps: { cost: FREE },
  framestep: { cost: FREE },
  frei0r: { opens: PROGRAM, instead: '' },
  frei0r_src: { opens: PROGRAM, instead: '' },
  fsync: { opens: { url: 'file f' } },
  gblur: { cost: 2, stateless: 'picture' },
  gfxcapture: { opens: CONNECTS },
  hflip: { cost: 0.2, stateless: 'picture' },
  hqdn3d: { cost: 4.7 },
  hstack: { cost: 0.3, joins: 'times' },
  hue: { cost: 0.4, stateless: 'picture' },
  interleave: { cost: FREE },
  ladspa: { opens: PROGRAM, instead: '' },
  lenscorrection: { stateless: 'frame' },
  lensfun: { opens: { file: 'db_path' }, instead: "'lenscorrection' corrects a lens by its coefficients" },
  libplacebo: { opens: { file: 'lut shader_cache', code: 'custom_shader_path custom_shader_bin', plain: 20 } },
  libvmaf: { opens: { file: 'log_path model model_path' }, instead: "'psnr', 'ssim' and 'xpsnr' measure quality" },
  libvmaf_cuda: { opens: { file: 'log_path model model_path' }, instead: "'psnr', 'ssim' and 'xpsnr' measure quality" },
  life: { opens: { file: 'filename f' } },
  loop: { cost: FREE },
  loudnorm: { cost: 0.5, opens: STATS },
  lut: { cost: 0.6, stateless: 'picture' },
  lut1d: { opens: { file: 'file' } },
  lut3d: { opens: { file: 'file' } },
  lutrgb: { stateless: 'picture' },
  lutyuv: { cost: 0.6, stateless: 'picture' },
  lv2: { opens: PROGRAM, instead: '' },
  maskedmerge: { joins: 'times' },
  median: { stateless: 'frame' },
  metadata: { cost: FREE, opens: METADATA },
  minterpolate: { cost: 80 },
  mix: { joins: 'times' },
  movie: { opens: MOVIE },
  negate: { cost: 0.25, stateless: 'picture' },
  nlmeans: { cost: 90, stateless: 'frame' },
  nnedi: { opens: { file: 'weights' } },
  noise: { cost: 1 },
  null: { cost: FREE, stateless: 'picture' },
  nullsink: { cost: FREE },
  nullsrc: { cost: FREE },
  ocr: { opens: { file: 'datapath' }, instead: '' },
  ocv: { opens: { file: 'filter_params' } },
  openclsrc: { opens: PROGRAM },
  overlay: { cost: 0.5, joins: 'times' },
  pad: { cost: 0.25, stateless: 'picture' },
  paletteuse: { opens: { file: 'debug_kdtree' } },
  perspective: { cost: 10, stateless: 'picture' },
  pixelize: { stateless: 'picture' },
  prewitt: { stateless: 'frame' },
  program_opencl: { opens: PROGRAM },
  psnr: { opens: STATS },
  qrencode: { opens: { file: 'fontfile textfile', text: 'text' }, instead: '' },
  qrencodesrc: { opens: { file: 'fontfile textfile', text: 'text' }, instead: '' },
  quirc: { instead: '' },
  removelogo: { opens: { url: 'filename f' } },
  rotate: { cost: 10, stateless: 'picture' },
  rubberband: { instead: "'atempo' changes the speed of sound, 'asetrate' its pitch" },
  sab: { stateless: 'frame' },
  scale: { cost: 0.8, stateless: 'picture' },
  select: { cost: FREE },
  selectivecolor: { opens: { file: 'psfile' } },
  sendcmd: { opens: COMMANDS },
  setdar: { cost: FREE, stateless: 'picture' },
  setfield: { cost: FREE },
  setparams: { cost: FREE, stateless: 'frame' },
  setpts: { cost: FREE },
  setrange: { cost: FREE },
  setsar: { cost: FREE, stateless: 'picture' },
  settb: { cost: FREE },
  showcqt: { opens: { url: 'axisfile', file: 'fontfile' } },
  showinfo: { cost: FREE },
  showspectrum: { cost: 3 },
  showwaves: { cost: 1 },
  shuffleplanes: { stateless: 'picture' },
  sidechaincompress: { joins: 'samples' },
  sidechaingate: { joins: 'samples' },
  sidedata: { cost: FREE },
  signature: { opens: { file: 'filename' } },
  smartblur: { stateless: 'picture' },
  smptebars: { cost: 0.1 },
  smptehdbars: { cost: 0.1 },
  sobel: { stateless: 'picture' },
  sofalizer: { opens: { file: 'sofa' }, instead: "'headphone' takes impulse responses as sound" },
  split: { cost: FREE },
  sr: { opens: PROGRAM },
  ssim: { opens: STATS },
  ssim360: { opens: STATS },
  subtitles: { opens: { url: 'filename f', file: 'fontsdir' } },
  testsrc: { cost: 1 },
  testsrc2: { cost: 0.7 },
  tonemap: { cost: 10, stateless: 'frame' },
  tpad: { cost: FREE },
  transpose: { cost: 0.4, stateless: 'picture' },
  trim: { cost: FREE },
  unsharp: { cost: 4, stateless: 'picture' },
  v360: { stateless: 'frame' },
  vaguedenoiser: { cost: 40 },
  vflip: { cost: FREE, stateless: 'picture' },
  vidstabdetect: { opens: { file: 'result' }, instead: "'deshake' steadies a picture" },
  vidstabtransform: { opens: { file: 'input' }, instead: "'deshake' steadies a picture" },
  vmafmotion: { opens: STATS, instead: "'psnr', 'ssim' and 'xpsnr' measure quality" },
  volume: { stateless: 'frame' },
  vstack: { cost: 0.3, joins: 'times' },
  whisper: { opens: { url: 'destination', file: 'model vad_model' } },
  xfade: { cost: 1 },
  xfade_opencl: { opens: { code: 'source kernel', plain: 1 } },
  xpsnr: { opens: STATS },
  xstack: { cost: 0.5, joins: 'times' },
  yadif: { cost: 1.6 },
  zmq: { opens: CONNECTS, instead: "'sendcmd' has commands at given times" },
  zscale: { cost: 1.5, stateless: 'frame' },
};

const NOTHING: FilterFacts = {};

export function factsOf(name: string): FilterFacts {
  return Object.hasOwn(FILTERS, name) ? FILTERS[name]! : NOTHING;
}

/** Whether it works on sound: by its first input, or by its output if it has none. */
export function isOfSound(filter: Filter | null): boolean {
  return (filter?.inputs[0] ?? filter?.outputs[0])?.type === AVMEDIA_TYPE_AUDIO;
}

/** Whether it takes nothing (`testsrc2`, `anullsrc`). */
export function takesNothing(filter: Filter): boolean {
  return filter.inputs.length === 0 && !filter.hasFlags(AVFILTER_FLAG_DYNAMIC_INPUTS);
}

/** Why this FFmpeg lacks a filter. @returns undefined for a name that is no filter of FFmpeg's at all. */
export function whyAbsent(name: string): string | undefined {
  const { instead } = factsOf(name);
  if (instead === undefined) return undefined;
  const why = 'The FFmpeg inside was built without it, and one installed beside it does not change that';
  return instead === '' ? why : `${why}: ${instead}`;
}

/** Variables and functions of FFmpeg's expressions by which a frame depends on the ones before it. */
export const COUNTING = /(?:^|[^\w.])(?:n|random|randomi|st|ld)(?![\w=])/;

/**
 * What FFmpeg's filters open by themselves: in none of these does the graph's `protocol_whitelist` reach the place where
 * it is opened. Read from libavfilter's sources; test/actors/filter/opens.test.ts holds it against the options of the
 * FFmpeg that is used. A filter or option that is missing here may open nothing but files: see src/graph/file/trust.ts.
 */

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

const STATS: Opens = { file: 'stats_file f' };
const PROGRAM: Opens = { code: '*' };
const CONNECTS: Opens = { connects: true };
const MOVIE: Opens = { url: 'filename', how: 'format_name f format_opts' };
const METADATA: Opens = { url: 'file', text: 'key value' };
const COMMANDS: Opens = { file: 'filename f' };

/** By name of the filter. */
export const OPENS: Readonly<Record<string, Opens>> = {
  ametadata: METADATA,
  amovie: MOVIE,
  arnndn: { file: 'model m' },
  asendcmd: COMMANDS,
  asr: { file: 'hmm dict lm lmctl lmname logfn' },
  ass: { file: 'filename f fontsdir' },
  azmq: CONNECTS,
  cellauto: { file: 'filename f' },
  cover_rect: { url: 'cover' },
  curves: { file: 'psfile plot' },
  ddagrab: CONNECTS,
  derain: PROGRAM,
  deshake: { file: 'filename' },
  dnn_classify: PROGRAM,
  dnn_detect: PROGRAM,
  dnn_processing: PROGRAM,
  drawtext: { file: 'fontfile textfile', text: 'text' },
  drawvg: { file: 'file' },
  fieldhint: { file: 'hint' },
  find_rect: { url: 'object' },
  firequalizer: { file: 'dumpfile' },
  flite: { file: 'textfile', text: 'text' },
  frei0r: PROGRAM,
  frei0r_src: PROGRAM,
  fsync: { url: 'file f' },
  gfxcapture: CONNECTS,
  ladspa: PROGRAM,
  lensfun: { file: 'db_path' },
  libplacebo: { file: 'lut shader_cache', code: 'custom_shader_path custom_shader_bin', plain: 20 },
  libvmaf: { file: 'log_path model model_path' },
  libvmaf_cuda: { file: 'log_path model model_path' },
  life: { file: 'filename f' },
  loudnorm: STATS,
  lut1d: { file: 'file' },
  lut3d: { file: 'file' },
  lv2: PROGRAM,
  metadata: METADATA,
  movie: MOVIE,
  nnedi: { file: 'weights' },
  ocr: { file: 'datapath' },
  ocv: { file: 'filter_params' },
  openclsrc: PROGRAM,
  paletteuse: { file: 'debug_kdtree' },
  program_opencl: PROGRAM,
  psnr: STATS,
  qrencode: { file: 'fontfile textfile', text: 'text' },
  qrencodesrc: { file: 'fontfile textfile', text: 'text' },
  removelogo: { url: 'filename f' },
  selectivecolor: { file: 'psfile' },
  sendcmd: COMMANDS,
  showcqt: { url: 'axisfile', file: 'fontfile' },
  signature: { file: 'filename' },
  sofalizer: { file: 'sofa' },
  sr: PROGRAM,
  ssim: STATS,
  ssim360: STATS,
  subtitles: { url: 'filename f', file: 'fontsdir' },
  vidstabdetect: { file: 'result' },
  vidstabtransform: { file: 'input' },
  vmafmotion: STATS,
  whisper: { url: 'destination', file: 'model vad_model' },
  xfade_opencl: { code: 'source kernel', plain: 1 },
  xpsnr: STATS,
  zmq: CONNECTS,
};

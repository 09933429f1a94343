/** Filters that FFmpeg has and this build of it lacks, because a library was not built in: what stands in for them. */

const INSTEAD: Readonly<Record<string, string>> = {
  libvmaf: "'psnr', 'ssim' and 'xpsnr' measure quality",
  libvmaf_cuda: "'psnr', 'ssim' and 'xpsnr' measure quality",
  vmafmotion: "'psnr', 'ssim' and 'xpsnr' measure quality",
  vidstabdetect: "'deshake' steadies a picture",
  vidstabtransform: "'deshake' steadies a picture",
  rubberband: "'atempo' changes the speed of sound, 'asetrate' its pitch",
  frei0r: '',
  frei0r_src: '',
  ladspa: '',
  lv2: '',
  flite: '',
  ocr: '',
  qrencode: '',
  qrencodesrc: '',
  quirc: '',
  bs2b: "'crossfeed' does the same for headphones",
  sofalizer: "'headphone' takes impulse responses as sound",
  lensfun: "'lenscorrection' corrects a lens by its coefficients",
  zmq: "'sendcmd' has commands at given times",
  azmq: "'asendcmd' has commands at given times",
  asr: "'whisper' recognises speech",
  dnn_processing: 'A module of your own can run a model on frames',
  dnn_detect: 'A module of your own can run a model on frames',
  dnn_classify: 'A module of your own can run a model on frames',
};

/** @returns undefined for a name that is no filter of FFmpeg's at all. */
export function absentFilter(name: string): string | undefined {
  if (!Object.hasOwn(INSTEAD, name)) return undefined;
  const instead = INSTEAD[name];
  return (
    'The FFmpeg inside was built without it, and one installed beside it does not change that' +
    (instead ? `: ${instead}` : '')
  );
}

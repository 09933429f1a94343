/** What to say where an option of one encoder was given to another one: crf is the name everybody knows. */
import type { Codec } from 'node-av/lib';

/** How well or how small: options of encoders that mean the same to their users. */
const QUALITY = ['crf', 'cq', 'qp', 'global_quality', 'qscale', 'quality', 'q'];
const SPEED = ['preset', 'speed', 'cpu-used', 'deadline', 'compression_level'];

/** FFmpeg's encoders that take AV_CODEC_FLAG_QSCALE, with the range that makes sense. */
const QSCALE: readonly [names: RegExp, range: string][] = [
  [/^(mjpeg|ljpeg|amv)$/, '1 (best) to 31'],
  [/^(mpeg[124].*|msmpeg4.*|h26[13].*|flv|wmv[12]|libxvid|snow|svq1)$/, '1 (best) to 31'],
  [/^(libtheora|libvorbis|vorbis)$/, '0 to 10 (best)'],
  [/^libmp3lame$/, '0 (best) to 9'],
  [/^(aac|libfdk_aac|aac_at)$/, '0.1 to 2'],
  [/^prores_ks.*$/, 'from 1 (best) on'],
];

/** Encoders that are given it and do not look at it. Lossless ones have no quality either. */
const WITHOUT_QSCALE =
  /^(libx26[45](rgb)?|libsvtav1|libaom-av1|librav1e|libvpx.*|prores(_aw)?|dnxhd|cfhd|e?ac3.*|mp2|dca|wmav[12]|(lib)?opus)$/;

/** What to say where a quality was asked for by `qscale` of an encoder that takes none; undefined: it may have an effect. */
export function adviceForQscale(codec: Codec): string | undefined {
  return isLossless(codec) || WITHOUT_QSCALE.test(codec.name ?? '') ? adviceFor(codec, 'qscale') : undefined;
}

/** Where the option of that name belongs to, for those of the ffmpeg command that are no codec's. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  vf: 'Filters are nodes of their own: stream.filter(…) before encode()',
  af: 'Filters are nodes of their own: stream.filter(…) before encode()',
  filter: 'Filters are nodes of their own: stream.filter(…) before encode()',
  f: "It is the encoder node's option 'format'",
  vframes: "It is the encoder node's option 'vframes', beside video_params",
  aframes: "It is the encoder node's option 'aframes', beside audio_params",
  frames: "It is the encoder node's option 'vframes' or 'aframes', beside the params",
  movflags: 'It is an option of the muxer: mux_params',
  metadata: "It is the encoder node's option 'metadata', beside the params",
  ss: "It is the decoder's option 'start_time'",
  to: "It is the decoder's option 'end_time'",
  t: "The decoder's option 'end_time' says where to stop",
};

/** @returns undefined where the nearest name is all that can be said. */
export function adviceFor(codec: Codec, name: string): string | undefined {
  if (Object.hasOwn(ELSEWHERE, name)) return ELSEWHERE[name];
  const own = codec.getOptions().map((option) => option.name ?? '');
  const what = `Encoder ${codec.name} has no '${name}'`;
  if (QUALITY.includes(name)) {
    const range = QSCALE.find(([names]) => names.test(codec.name ?? ''))?.[1];
    const ways = [
      ...QUALITY.filter((option) => own.includes(option)),
      ...(range ? [`qscale (${range})`] : []),
      ...(isLossless(codec) ? [] : ['bit_rate']),
    ];
    return `${what}: ${ways.length > 0 ? `its quality is set by ${ways.join(' or ')}` : 'it is lossless'}`;
  }
  if (SPEED.includes(name)) {
    const ways = SPEED.filter((option) => own.includes(option));
    return ways.length > 0 ? `${what}: its speed is set by ${ways.join(' or ')}` : undefined;
  }
  return undefined;
}

function isLossless({ name }: Codec): boolean {
  return /^(png|apng|bmp|tiff|targa|gif|ffv1|huffyuv|ffvhuff|utvideo|rawvideo|qtrle|flac|alac|wavpack|tta|pcm_.*)$/.test(
    name ?? '',
  );
}

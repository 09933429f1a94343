/** Which muxer writes the output, with which codecs when none are named, and whether the path can be written at all. */
import { accessSync, constants, mkdirSync, type Stats, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { distance } from 'fastest-levenshtein';
import {
  AV_CODEC_ID_NONE,
  AVFMT_GLOBALHEADER,
  AVFMT_NOFILE,
  AVFMT_NOTIMESTAMPS,
  AVFMT_TS_NONSTRICT,
  AVFMT_VARIABLE_FPS,
} from 'node-av/constants';
import { avGetCodecName, Codec, OutputFormat } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { refusalOf } from '../../../src/errors/file-error.js';
import { messageOf } from '../../../src/errors/wire.js';
import { localPath, nameForFFmpeg } from '../../shared/location.js';
import { encoderNames } from '../codec/codec.js';
import type { EncoderOptions } from '../options.js';
import type { VsyncMethod } from '../stream/video-sync.js';

/** What the options say about the output as a whole. */
export interface Target {
  /** As the user wrote it; `null output` without a path. */
  readonly name: string;
  readonly path: string;
  /** The muxer that the codecs are chosen for. */
  readonly format: OutputFormat;
  /** The muxer that writes; FFmpeg's `null` for `null_output`. */
  readonly muxer: OutputFormat;
}

/**
 * The format by option, else by the path; mp4 for a file whose name has no extension, and where there is no file.
 * @param job Number of the job, which `output_prefix` numbers files by.
 * @throws MillraceError ERR_MILLRACE_OPTION for a format FFmpeg does not have.
 */
export function chooseTarget(options: EncoderOptions, job = 0): Target {
  // The ffmpeg command's name of its standard output.
  const given = options.output_path === '-' ? 'pipe:1' : nameForFFmpeg(options.output_path ?? '');
  const format = options.format === undefined ? guessed(given) : named(options.format);
  const path = options.output_prefix === undefined ? given : pathOfJob(options.output_prefix, job, format);
  const muxer = options.null_output ? named('null') : format;
  const file = path === '' ? `a ${format.name} stream` : path;
  return { name: options.null_output ? 'null output' : file, path, format, muxer };
}

/** Where FFmpeg has no name. */
const MIME_TYPES: Readonly<Record<string, string>> = { mov: 'video/quicktime', ipod: 'audio/mp4', '3gp': 'video/3gpp' };

/** What the web calls the bytes of a format. @throws MillraceError ERR_MILLRACE_OPTION for one FFmpeg does not have. */
export function mimeTypeOf(format = 'mp4'): string {
  const { name, mimeType } = named(format);
  return mimeType || MIME_TYPES[name ?? ''] || 'application/octet-stream';
}

/** As BMF has it: a folder per job. The suffix is the muxer's name if that is one, else the first one it has. */
function pathOfJob(prefix: string, job: number, format: OutputFormat): string {
  const name = format.name ?? '';
  const suffixes = (format.extensions ?? '').split(',');
  return join(prefix, String(job), `output.${suffixes.includes(name) ? name : suffixes[0] || name}`);
}

/** Extensions to suggest; FFmpeg guesses by many more. */
const EXTENSIONS = (
  'mp4 m4a m4v mov mkv mka webm avi ts m2ts mts mpg mpeg vob flv wmv wma asf ogg ogv oga opus mp3 wav flac aac ac3 ' +
  'gif apng png jpg jpeg webp avif tiff bmp ivf nut mxf y4m yuv m3u8 mpd 3gp 264 265 h264 hevc obu mjpeg aiff caf'
).split(' ');

/** What is usual where a URL names no file. */
const USUAL: Readonly<Record<string, string>> = {
  rtmp: 'flv',
  rtmps: 'flv',
  srt: 'mpegts',
  udp: 'mpegts',
  tcp: 'mpegts',
  rtp: 'rtp_mpegts',
  rtsp: 'rtsp',
  pipe: 'matroska',
};

function guessed(path: string): OutputFormat {
  const format = OutputFormat.guessFormat(null, path, null);
  if (format) return format;
  const isFile = localPath(path) !== undefined;
  const extension = extname(path).slice(1);
  if (isFile && extension === '') return named('mp4');
  const scheme = /^[a-z\d]+/i.exec(path)?.[0].toLowerCase() ?? '';
  const stdout = path === 'pipe:1' ? 'the standard output has no name that tells the format' : undefined;
  const what = stdout ?? (isFile ? `no format is known by the extension '.${extension}'` : `${path} tells no format`);
  throw new MillraceError('ERR_MILLRACE_OPTION', `output_path: ${what}`, {
    hint: isFile
      ? nearExtensions(extension)
      : `Name the muxer in 'format'${USUAL[scheme] ? `: '${USUAL[scheme]}', for instance` : ''}`,
  });
}

/** Several, because an extension is short: two letters of three are as near to one as to another. */
function nearExtensions(extension: string): string {
  const letters = (text: string): string => [...text].sort().join('');
  const rank = (known: string): number =>
    letters(known) === letters(extension) ? 0.5 : distance(known, extension.toLowerCase());
  const near = EXTENSIONS.filter((known) => rank(known) <= 1 && known.length > 2);
  const names = near.sort((a, b) => rank(a) - rank(b)).slice(0, 3);
  const others = "name the muxer in 'format'";
  if (names.length > 0) return `Did you mean ${names.map((name) => `'.${name}'`).join(', ')}? Else ${others}`;
  return `Use one such as mp4, mkv, webm, ts, mp3 or wav, or ${others}`;
}

function named(name: string): OutputFormat {
  const format = OutputFormat.guessFormat(name, null, null);
  if (format) return format;
  throw new MillraceError('ERR_MILLRACE_OPTION', `format: this FFmpeg cannot write '${name}'`, {
    hint: "Use a muxer's name such as mp4, mov, matroska, webm, mpegts, hls, wav, mp3 or image2",
  });
}

export function has(format: OutputFormat, flag: 'global-header' | 'no-file' | 'no-timestamps' | 'non-strict'): boolean {
  const flags = {
    'global-header': AVFMT_GLOBALHEADER,
    'no-file': AVFMT_NOFILE,
    'no-timestamps': AVFMT_NOTIMESTAMPS,
    'non-strict': AVFMT_TS_NONSTRICT,
  };
  return format.hasFlags(flags[flag]);
}

/** Muxers that carry H.264 and AAC although their own default is another codec, or none. */
const generalMuxers = new Set([
  'matroska',
  'mpegts',
  'flv',
  'segment',
  'stream_segment',
  'ssegment',
  'null',
  'tee',
  'rtp_mpegts',
]);

/** Image file suffixes whose codec goes by another name (as FFmpeg's img2 muxer has them). */
const imageCodecs: Readonly<Record<string, string>> = {
  jpg: 'mjpeg',
  jpeg: 'mjpeg',
  tif: 'tiff',
  tga: 'targa',
  jp2: 'jpeg2000',
  j2k: 'jpeg2000',
  jxl: 'libjxl',
  webp: 'libwebp',
};

/**
 * The encoder when the options name none: h264 and aac as BMF has it, where the container carries them; else the one of
 * the codec that FFmpeg's muxer prefers, for instance mjpeg, vp9 in webm, pcm_s16le in wav, msmpeg4v3 in wmv.
 * @returns undefined if the container carries no such stream at all.
 * @throws MillraceError ERR_MILLRACE_OPTION where this FFmpeg has no encoder for what the muxer prefers.
 */
export function defaultCodec(target: Target, kind: 'video' | 'audio'): string | undefined {
  const { format, path } = target;
  const name = format.name ?? '';
  if (kind === 'video' && (name === 'image2' || name === 'image2pipe')) {
    const suffix = extname(path).slice(1).toLowerCase();
    const candidate = imageCodecs[suffix] ?? suffix;
    return candidate !== '' && Codec.findEncoderByName(candidate as never) ? candidate : 'mjpeg';
  }
  if (generalMuxers.has(name)) return kind === 'video' ? 'h264' : 'aac';
  const id = kind === 'video' ? format.videoCodec : format.audioCodec;
  if (id === AV_CODEC_ID_NONE) return undefined;
  const codec = avGetCodecName(id);
  if (codec === null || (kind === 'video' && hasCoversOnly(format))) return undefined;
  if (encoderNames(codec).some((known) => Codec.findEncoderByName(known as never))) return codec;
  // Encoders have names of their own: that of msmpeg4v3 is msmpeg4.
  const encoder = Codec.findEncoder(id)?.name;
  if (encoder) return encoder;
  throw new MillraceError('ERR_MILLRACE_OPTION', `This FFmpeg has no encoder for ${codec}, the ${kind} of '${name}'`, {
    hint: `Name one that the format carries as well in ${kind}_params.codec, or choose another format`,
  });
}

/** Cover art is what the audio containers mean by a video codec. */
export function hasCoversOnly({ name }: OutputFormat): boolean {
  return ['flac', 'mp3', 'aiff'].includes(name ?? '');
}

/**
 * How frames are placed in time when the options do not say: the rule of the ffmpeg command for -fps_mode auto.
 * @param kept Times stay as they come (-copyts).
 */
export function defaultVsync(format: OutputFormat, ratesGiven: boolean, kept: boolean): VsyncMethod {
  // A muxer without timestamps has no time before the first frame that could be filled.
  const cfr = kept || has(format, 'no-timestamps') ? 'vscfr' : 'cfr';
  if (ratesGiven) return cfr;
  if (format.name === 'avi') return 'vfr';
  if (!format.hasFlags(AVFMT_VARIABLE_FPS)) return cfr;
  return has(format, 'no-timestamps') ? 'passthrough' : 'vfr';
}

/**
 * Refuses a path that cannot be written before anything has run. Nothing is created or emptied here: that happens with
 * the header, so that a graph which fails early leaves an older file as it was.
 * @param folders Its folder, and those around it, will be made.
 * @throws MillraceError ERR_MILLRACE_OUTPUT.
 */
export function checkWritable(path: string, folders = false): void {
  const file = localPath(path);
  if (file === undefined) return;
  const fail: Fail = (why, hint, cause) => {
    throw new MillraceError('ERR_MILLRACE_OUTPUT', `Cannot write ${path}: ${why}`, { hint, cause });
  };
  const entry = look(file, fail);
  if (entry?.isDirectory()) fail('it is a directory', 'Give the name of a file in it');
  if (entry?.isFIFO()) fail('it is a FIFO, and opening one blocks the thread until somebody reads', 'Write to a file');
  const folder = dirname(file);
  let parent = look(folder, fail);
  let touched = entry === undefined ? folder : file;
  while (folders && parent === undefined && dirname(touched) !== touched) {
    touched = dirname(touched);
    parent = look(touched, fail);
  }
  if (parent === undefined) fail(`there is no directory ${folder}`, 'Create it first');
  else if (!parent.isDirectory()) fail(`${entry ? folder : touched} is no directory`, 'Choose another place');
  try {
    accessSync(touched, constants.W_OK);
  } catch (cause) {
    const { why = messageOf(cause), hint = `Check ${touched}` } = refusalOf(cause) ?? {};
    fail(why, hint, cause);
  }
}

/** Makes the folder of a file, and those around it. @throws MillraceError ERR_MILLRACE_OUTPUT. */
export function makeFolder(path: string): void {
  const file = localPath(path);
  if (file === undefined) return;
  try {
    mkdirSync(dirname(file), { recursive: true });
  } catch (cause) {
    const { why = messageOf(cause), hint } = refusalOf(cause) ?? {};
    throw new MillraceError('ERR_MILLRACE_OUTPUT', `Cannot write ${path}: its folder cannot be made: ${why}`, {
      cause,
      hint,
    });
  }
}

type Fail = (why: string, hint: string, cause?: unknown) => never;

function look(path: string, fail: Fail): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    // A part of the way there is a file: Node.js 20 calls that a failure, later ones nothing at all.
    if ((cause as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    const { why = messageOf(cause), hint = 'Check the path' } = refusalOf(cause) ?? {};
    return fail(why, hint, cause);
  }
}

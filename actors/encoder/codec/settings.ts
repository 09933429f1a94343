/** From the options of the node to the settings of each stream's encoder, checked before anything is opened. */
import { AV_PIX_FMT_NONE, AV_SAMPLE_FMT_NONE } from 'node-av/constants';
import { avGetPixFmtFromName, avGetSampleFmtFromName } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { describeLayout, parseLayout } from '../../../src/media/frame/channel-layout.js';
import { pixelFormatName, sampleFormatName } from '../../../src/media/index.js';
import type { StreamKind } from '../../../src/media/packet/stream-info.js';
import type { Log } from '../../../src/module/contract.js';
import { type AudioParams, type EncoderOptions, optionsOfStream, type VideoParams } from '../options.js';
import { defaultCodec, has, hasCoversOnly, type Target } from '../output/format.js';
import { outputFiles } from '../output/output-files.js';
import { checkSubtitleCodec } from '../output/subtitle-codecs.js';
import { checkKeyFrames } from '../stream/key-frames.js';
import type { StreamContext } from '../stream/stream.js';
import type { StreamPlace } from '../stream-options.js';
import { checkSettings, type EncoderSettings, findEncoder } from './codec.js';
import { refuseWithoutDevice } from './device.js';
import { adviceForQscale } from './quality-advice.js';

/** What can be encoded. */
export type Kind = 'video' | 'audio';

/**
 * The encoder of a stream; undefined for subtitles, and when it is to be copied, as everything else is.
 * @throws MillraceError ERR_MILLRACE_OPTION for an encoder or option FFmpeg does not have.
 */
export function settingsFor(
  { kind, number, input }: StreamPlace,
  target: Target,
  all: EncoderOptions,
  log: Log,
): EncoderSettings | undefined {
  const options = optionsOfStream(all, number);
  if (kind === 'subtitle') {
    const at = Array.isArray(all.subtitle_params) ? `subtitle_params[${number}]` : 'subtitle_params';
    checkSubtitleCodec(target.format, options.subtitle_params?.codec, at);
  }
  if (kind !== 'video' && kind !== 'audio') return undefined;
  const where = Array.isArray(all[`${kind}_params`]) ? `${kind}_params[${number}]` : `${kind}_params`;
  const { video_params: video, audio_params: audio } = options;
  const params = kind === 'video' ? video : audio;
  if (params?.codec === 'copy') return undefined;
  const name = params?.codec ?? defaultCodec(target, kind);
  // Frames are refused when they come.
  if (name === undefined && kind === 'video' && hasCoversOnly(target.format)) return undefined;
  if (name === undefined) {
    throw new MillraceError('ERR_MILLRACE_OPTION', `The format '${target.format.name}' carries no ${kind}`, {
      hint: `Leave input ${input} unconnected or choose another format; ${kind}_params.codec names an encoder all the same`,
    });
  }
  const codec = findEncoder(name, kind);
  refuseWithoutDevice(codec, where);
  const settings = checkSettings({
    codec,
    globalHeader: outputFiles(target.path, target.format).some(
      ({ format }) => format !== undefined && has(format, 'global-header'),
    ),
    bitRate: params?.bit_rate,
    qscale: params?.qscale,
    av: params?.av ?? {},
    skip: options.strict === false ? (message) => log.warn(`ignored: ${message}`) : undefined,
    path: where,
    ...(kind === 'video' ? { threads: video?.threads, psnr: video?.psnr, tag: video?.vtag } : { tag: audio?.atag }),
  });
  const idle = params?.qscale === undefined ? undefined : adviceForQscale(codec);
  if (idle !== undefined) log.warn(`${where}.qscale has no effect. ${idle}`);
  if (kind === 'video') {
    const order = video?.force_key_frames ?? options.force_key_frames;
    if (order !== undefined) checkKeyFrames(order);
    if (video) checkPixelFormat(video, settings, where);
  }
  if (audio && kind === 'audio') {
    checkSampleRate(audio, settings, where);
    checkSampleFormat(audio, settings, where);
    checkChannels(audio, settings, where);
  }
  return settings;
}

function checkPixelFormat({ pix_fmt: wanted }: VideoParams, { codec }: EncoderSettings, where: string): void {
  if (wanted === undefined) return;
  const known = codec.pixelFormats?.map(pixelFormatName);
  if (known ? known.includes(wanted) : avGetPixFmtFromName(wanted) !== AV_PIX_FMT_NONE) return;
  throw new MillraceError('ERR_MILLRACE_OPTION', `${where}.pix_fmt: encoder ${codec.name} takes no '${wanted}'`, {
    hint: known ? `It takes ${known.join(', ')}` : "Use a pixel format's name such as yuv420p or rgb24",
  });
}

function checkSampleRate({ sample_rate: wanted }: AudioParams, { codec }: EncoderSettings, where: string): void {
  const known = codec.supportedSamplerates;
  if (wanted === undefined || !known?.length || known.includes(wanted)) return;
  throw new MillraceError('ERR_MILLRACE_OPTION', `${where}.sample_rate: encoder ${codec.name} takes no ${wanted} Hz`, {
    hint: `It takes ${known.join(', ')}`,
  });
}

function checkSampleFormat({ sample_fmt: wanted }: AudioParams, { codec }: EncoderSettings, where: string): void {
  if (wanted === undefined) return;
  const known = codec.sampleFormats?.map(sampleFormatName);
  if (known?.length ? known.includes(wanted) : avGetSampleFmtFromName(wanted) !== AV_SAMPLE_FMT_NONE) return;
  throw new MillraceError('ERR_MILLRACE_OPTION', `${where}.sample_fmt: encoder ${codec.name} takes no '${wanted}'`, {
    hint: known?.length ? `It takes ${known.join(', ')}` : "Use a sample format's name such as s16 or fltp",
  });
}

function checkChannels({ channels }: AudioParams, { codec, wishes: { layout } }: EncoderSettings, where: string): void {
  if (layout === undefined) return;
  const fail = (message: string, hint: string): never => {
    throw new MillraceError('ERR_MILLRACE_OPTION', `${where}.ch_layout: ${message}`, { hint });
  };
  const count = parseLayout(layout).nbChannels;
  if (channels !== undefined && channels !== count) {
    fail(`'${layout}' has ${count} channels, but channels is ${channels}`, 'Give one of them');
  }
  const known = codec.channelLayouts?.map(describeLayout) ?? [];
  if (known.length > 0 && !known.includes(layout)) {
    fail(`encoder ${codec.name} takes no '${layout}'`, `It takes ${known.join(', ')}`);
  }
}

/** Encoder options are of no use for a stream that is copied; a tag is. */
export function warnOfUnused(context: StreamContext, kind: StreamKind): void {
  if (kind !== 'video' && kind !== 'audio') return;
  const { video_params, audio_params } = context.options;
  const params: VideoParams | AudioParams | undefined = kind === 'video' ? video_params : audio_params;
  const keys = params ? [...Object.keys(params), ...Object.keys(params.av)] : [];
  const useful = new Set(['av', 'vtag', 'atag', 'aspect', ...(params?.codec === 'copy' ? ['codec'] : [])]);
  const unused = keys.filter((key) => !useful.has(key));
  if (unused.length === 0) return;
  context.log.warn(
    `${kind}_params.${unused.join(', ')} not used: input ${context.input} delivers encoded packets, which are copied`,
  );
}

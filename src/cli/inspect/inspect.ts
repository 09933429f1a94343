/** `millrace inspect FILE` */
import { stripVTControlCharacters } from 'node:util';
import colors from 'picocolors';
import type { MediaInfo, MediaStream } from '../../catalog/ffmpeg.js';
import { withoutSecrets } from '../../errors/secrets.js';
import { isCover } from '../../graph/tasks/mapping.js';
import type { Rational } from '../../media/time.js';
import { UsageError } from '../errors.js';
import { lookInto } from '../look.js';
import { clock, columns } from '../text.js';
import { printFrames } from './frames.js';
import { type PacketFlags, printPackets } from './packets.js';

export async function inspect(file: string, flags: PacketFlags): Promise<number> {
  const lists = (['packets', 'keyframes', 'frames'] as const).filter((name) => flags[name]);
  if (flags.frames && lists.length > 1) throw new UsageError(`--frames and --${lists[0]} are two lists: ask for one`);
  if (flags.frames) return printFrames(file, flags);
  if (lists.length > 0) return printPackets(file, flags);
  if (flags.stream !== undefined) {
    throw new UsageError('--stream has no effect without --packets, --keyframes or --frames');
  }
  const info = await lookInto(file);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(info)}\n`);
    return 0;
  }
  const { name, duration } = info.format;
  const length = duration === undefined ? 'unknown length' : clock(duration, 2);
  process.stdout.write(`${colors.bold(withoutSecrets(info.path))}: ${name}, ${length}\n`);
  process.stdout.write(columns(info.streams.map(row)));
  process.stdout.write(columns([...chapters(info), ...programs(info)]));
  return 0;
}

/** Titles come from the file: only what can be printed of them is. */
function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}+/gu, ' ');
}

function chapters({ format }: MediaInfo): string[][] {
  return (format.chapters ?? []).map(({ start, end, tags }, i) => {
    return [`  chapter ${i + 1}`, `${clock(start, 2)} - ${clock(end, 2)}`, printable(tags.title ?? '')];
  });
}

function programs({ format }: MediaInfo): string[][] {
  return (format.programs ?? []).map(({ id, tags, streams }) => {
    return [`  program ${id}`, `streams ${streams.join(', ')}`, printable(tags.service_name ?? '')];
  });
}

function row(stream: MediaStream): string[] {
  const { index, kind, codec, bitRate, language, duration } = stream;
  const details = [
    ...(kind === 'video' ? picture(stream) : kind === 'audio' ? sound(stream) : []),
    ...(bitRate ? [`${Math.round(bitRate / 1000)} kb/s`] : []),
    ...(duration ? [clock(duration, 2)] : []),
    ...(language && language !== 'und' ? [language] : []),
    ...(isCover(stream) ? ['cover picture'] : []),
    ...stream.disposition.filter((name) => name !== 'default' && name !== 'attached_pic'),
    ...(stream.title ? [printable(stream.title)] : []),
  ];
  return [`  ${index}`, kind, codec, details.join(', ')];
}

function picture(stream: MediaStream): string[] {
  const { width, height, pixelFormat, frameRate, sampleAspectRatio: aspect, rotation, frames } = stream;
  return [
    ...(width && height ? [`${width}x${height}`] : []),
    ...(aspect && aspect.num !== aspect.den ? [`pixels ${aspect.num}:${aspect.den}`] : []),
    ...(rotation ? [`turned by ${rotation}°`] : []),
    ...(pixelFormat ? [pixelFormat] : []),
    ...(frameRate ? [`${decimal(frameRate)} fps`] : []),
    ...(frames ? [`${frames} frames`] : []),
  ];
}

function sound({ sampleRate, channelLayout, channels, sampleFormat }: MediaStream): string[] {
  return [
    ...(sampleRate ? [`${sampleRate} Hz`] : []),
    ...(channelLayout || channels ? [channelLayout || `${channels} channels`] : []),
    ...(sampleFormat ? [sampleFormat] : []),
  ];
}

function decimal({ num, den }: Rational): string {
  return String(Number((num / den).toFixed(3)));
}

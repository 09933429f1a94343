/** `millrace inspect FILE` */
import colors from 'picocolors';
import { type MediaStream, probe } from '../catalog/ffmpeg.js';
import { withoutSecrets } from '../errors/secrets.js';
import type { Rational } from '../media/time.js';
import { clock, columns } from './text.js';

export async function inspect(file: string, { json }: { json?: boolean }): Promise<number> {
  const info = await probe(file);
  if (json) {
    process.stdout.write(`${JSON.stringify(info)}\n`);
    return 0;
  }
  const length = info.duration === undefined ? 'unknown length' : clock(info.duration, 2);
  process.stdout.write(`${colors.bold(withoutSecrets(info.path))}: ${info.format}, ${length}\n`);
  process.stdout.write(columns(info.streams.map(row)));
  return 0;
}

function row(stream: MediaStream): string[] {
  const { index, kind, codec, bitRate, language, duration } = stream;
  const details = [
    ...(kind === 'video' ? picture(stream) : kind === 'audio' ? sound(stream) : []),
    ...(bitRate ? [`${Math.round(bitRate / 1000)} kb/s`] : []),
    ...(duration ? [clock(duration, 2)] : []),
    ...(language && language !== 'und' ? [language] : []),
    ...(stream.cover ? ['cover picture'] : []),
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

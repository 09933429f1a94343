/**
 * Two passes: the first writes statistics of every picture, the second spends the bits by them. Only encoders that read
 * and write the file themselves can do so here: all others hand their statistics through AVCodecContext (stats_out,
 * stats_in), and the binding gives nobody these.
 */
import { accessSync } from 'node:fs';
import { AV_CODEC_FLAG_PASS1, AV_CODEC_FLAG_PASS2 } from 'node-av/constants';
import type { Codec } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { messageOf } from '../../../src/errors/wire.js';
import type { EncoderOptions } from '../options.js';

/** Of one stream. */
export interface Pass {
  readonly flag: typeof AV_CODEC_FLAG_PASS1 | typeof AV_CODEC_FLAG_PASS2;
  /** The encoder's option that names the file. */
  readonly option: string;
  readonly file: string;
}

const OPTIONS: Readonly<Record<string, string>> = {
  libx264: 'passlogfile',
  libx264rgb: 'passlogfile',
  libx265: 'x265-stats',
};

/** As the ffmpeg command has it. */
const PREFIX = 'ffmpeg2pass';

/**
 * @param number Of the stream among the videos.
 * @param hasRate A bit rate is given.
 * @returns undefined without `pass`.
 * @throws MillraceError ERR_MILLRACE_OPTION for an encoder that cannot, without a bit rate, or without the first pass.
 */
export function passOf(
  codec: Codec,
  { pass, passlogfile = PREFIX }: EncoderOptions,
  number: number,
  hasRate: boolean,
): Pass | undefined {
  if (pass === undefined) return undefined;
  const refuse = (what: string, hint: string, cause?: unknown): never => {
    throw new MillraceError('ERR_MILLRACE_OPTION', `pass ${pass}: ${what}`, { hint, cause });
  };
  const option = OPTIONS[codec.name ?? ''];
  if (option === undefined) {
    const able = Object.keys(OPTIONS).join(', ');
    return refuse(
      `encoder ${codec.name} has no statistics in a file of its own`,
      `Two passes are possible with ${able}`,
    );
  }
  if (!hasRate) refuse('there is no bit rate to be reached', 'Give bit_rate; with crf one pass is all there is');
  const file = `${passlogfile}-${number}.log`;
  if (pass === 1) return { flag: AV_CODEC_FLAG_PASS1, option, file };
  try {
    accessSync(file);
  } catch (cause) {
    const why = messageOf(cause);
    refuse(`the statistics of the first pass cannot be read: ${why}`, 'Run the same graph with pass: 1 before', cause);
  }
  return { flag: AV_CODEC_FLAG_PASS2, option, file };
}

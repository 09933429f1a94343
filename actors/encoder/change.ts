/**
 * What of an encoder can be changed while it encodes: the rate control of those that libavcodec reconfigures between two
 * pictures, and which pictures are to be key frames.
 */
import * as v from 'valibot';
import { MillraceError } from '../../src/errors/errors.js';
import { problemsFrom } from '../../src/schema/problems.js';
import { type AVOptionValues, didYouMean } from '../../src/schema/schema.js';
import type { EncoderSettings } from './codec/codec.js';
import { videoParams } from './options.js';
import { checkKeyFrames } from './stream/key-frames.js';

/** In the place of an order: the next picture. */
export const NOW = 'now';

/** For one stream of video. */
export interface VideoChange {
  /** FFmpeg's options of the encoder with their new values. */
  readonly rates: AVOptionValues;
  /** As `force_key_frames`, or `now`. */
  readonly keyFrames: string | undefined;
}

/** By number of the stream among those of its kind; `everywhere` for all. */
export interface EncoderChange {
  readonly everywhere: VideoChange;
  readonly streams: readonly VideoChange[];
}

const CHANGEABLE = ['video_params', 'force_key_frames'];

/** Of libavcodec's encoders, what each looks at before every picture (libx264.c, nvenc.c). */
const RECONFIGURED: readonly (readonly [encoder: RegExp, options: readonly string[]])[] = [
  [/^libx264(rgb)?$/, ['b', 'maxrate', 'bufsize', 'crf']],
  [/_nvenc$/, ['b', 'maxrate', 'bufsize']],
];

/** @throws MillraceError ERR_MILLRACE_OPTION naming what cannot be changed. */
export function changeOf(given: Readonly<Record<string, unknown>>): EncoderChange {
  const { video_params: params, force_key_frames: order } = given;
  const other = Object.keys(given).find((key) => !CHANGEABLE.includes(key));
  if (other !== undefined) {
    throw refused(
      `${other} cannot be changed while it encodes`,
      `${CHANGEABLE.join(' and ')} can; for another output add a node (graph.addOutput) and remove this one`,
    );
  }
  const list = Array.isArray(params) ? (params as unknown[]) : [];
  const all = params === undefined || Array.isArray(params) ? {} : params;
  return {
    everywhere: videoChange(
      { ...(order !== undefined && { force_key_frames: order }), ...(all as object) },
      'video_params',
    ),
    streams: list.map((entry, number) => videoChange(entry ?? {}, `video_params[${number}]`)),
  };
}

function videoChange(given: unknown, path: string): VideoChange {
  const result = v.safeParse(videoParams, given);
  if (!result.success) {
    const problems = problemsFrom(path, result.issues);
    throw refused(problems.map((problem) => `${problem.path}: ${problem.message}`).join('; '));
  }
  const { av, bit_rate, force_key_frames: keyFrames, ...others } = result.output;
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (other !== undefined) throw refused(`${path}.${other} cannot be changed while it encodes`);
  if (keyFrames !== undefined && keyFrames !== NOW) checkKeyFrames(keyFrames);
  return { rates: { ...(bit_rate !== undefined && { b: bit_rate }), ...av }, keyFrames };
}

/** @throws MillraceError ERR_MILLRACE_OPTION for what this encoder does not take while it runs. */
export function checkRates(rates: AVOptionValues, { codec, av, bitRate, path }: EncoderSettings): void {
  const names = Object.keys(rates);
  if (names.length === 0) return;
  const encoder = codec.name ?? '';
  const known = RECONFIGURED.find(([pattern]) => pattern.test(encoder))?.[1];
  if (known === undefined) {
    throw refused(
      `${path}: encoder ${encoder} cannot be given other values while it encodes (${names.join(', ')})`,
      'libx264 and the NVENC encoders can; else add an encoder with the new values and remove this one',
    );
  }
  const other = names.find((name) => !known.includes(name));
  if (other !== undefined) {
    throw refused(
      `${path}.${other} cannot be changed while encoder ${encoder} runs`,
      didYouMean(other, known, `It takes ${known.join(', ')}`),
    );
  }
  if (!encoder.startsWith('libx264')) return;
  const hasBuffer = av.maxrate !== undefined && av.bufsize !== undefined;
  if (!hasBuffer && names.some((name) => name !== 'crf')) {
    throw refused(
      `${path}: x264 changes its bit rate only if it was begun with a buffer model`,
      'Give maxrate and bufsize from the start',
    );
  }
  if (names.includes('crf') && bitRate !== undefined) {
    throw refused(`${path}.crf: this encoder goes by its bit rate`, 'Give another bit_rate');
  }
  if (names.includes('b') && bitRate === undefined && av.b === undefined) {
    throw refused(`${path}.bit_rate: this encoder goes by its quality (crf)`, 'Give another crf');
  }
}

function refused(message: string, hint?: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_OPTION', message, hint === undefined ? {} : { hint });
}

/** A file of a given size: the bit rate follows from how long it lasts, and what comes out is looked at. */
import { statSync } from 'node:fs';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { Report } from '../../scheduler/run/report.js';
import { requireObject } from '../../schema/argument.js';
import { type EncodeStreams, encode } from '../build/encode.js';
import type { AudioParams, EncoderOptions, VideoParams } from '../build/module-options.js';
import type { NodeHandle } from '../build/stream.js';
import { Graph } from '../graph.js';
import { pathOf } from '../options/urls.js';
import { probe } from '../probe.js';
import { amountOf } from './amounts.js';
import { type Pass, type TwoPassOptions, withStatistics } from './two-pass.js';

/** Options of the encoder beside these; its bit rate of the pictures is found. */
export interface ToSizeOptions
  extends Omit<
    EncoderOptions,
    'output_path' | 'video_params' | 'audio_params' | 'pass' | 'passlogfile' | 'push_output'
  > {
  output_path: string | URL;
  /** Bytes at most: a number, or '8M', '8MiB', '700k'. */
  size: number | string;
  /** Seconds that the output lasts. Default: those of the input. */
  duration?: number | undefined;
  video_params?: VideoParams | undefined;
  /** Without a `bit_rate` every sound gets a seventh of the whole, 32 to 128 kbit/s. */
  audio_params?: AudioParams | undefined;
  /** What is encoded of the input. Default: its best picture and sound. */
  choose?: ((input: NodeHandle) => EncodeStreams) | undefined;
}

export interface ToSizeResult {
  report: Report;
  /** Bytes of the file. */
  size: number;
  /** Bits per second that the encoders were told. */
  videoBitRate: number;
  audioBitRate: number;
  /** How often the output was made: again, with less, when it was too large. */
  attempts: number;
}

/** Encoders that have two passes, by all of their names. */
const TWO_PASSES = /^(h264|avc|libx264|libx264rgb|hevc|h265|libx265)$/;

/** Of the bytes, for the container. */
const OVERHEAD = 0.015;

const ATTEMPTS = 3;

/**
 * Encodes a file that is no larger than so many bytes, in two passes where the encoder has them. One that becomes larger
 * nevertheless is made again with less, twice at most; after that a warning in the report says by how much it is larger.
 *
 *     const { size, report } = await toSize('in.mp4', { output_path: 'small.mp4', size: '8M', video_params: { preset: 'slow' } });
 *
 * @throws as `probe` and `Graph.run`; ERR_MILLRACE_CONFIG for a size that is none, or that leaves nothing for the pictures,
 *   and for an input whose duration is not known.
 */
export async function toSize(
  input: string | URL,
  options: ToSizeOptions,
  runOptions: TwoPassOptions = {},
): Promise<ToSizeResult> {
  requireObject(options, 'options of toSize');
  requireObject(runOptions, 'run options of toSize');
  const { size, duration, video_params = {}, audio_params = {}, choose, ...rest } = options;
  const bytes = amountOf(size);
  if (bytes === undefined) {
    throw wrong(`size cannot be ${describeValue(size)}`, "It is a number of bytes, or '8M', '8MiB', '700k'");
  }
  const path = outputOf(rest.output_path);
  const { signal } = runOptions;
  const info = await probe(input, { ...(signal !== undefined && { signal }) });
  const seconds = duration ?? info.format.duration;
  if (seconds === undefined || !(seconds > 0)) {
    throw wrong('nobody knows how long the input lasts', 'Give duration, in seconds');
  }
  const hasSound = info.streams.some(({ kind }) => kind === 'audio');
  const streams = (handle: NodeHandle): EncodeStreams =>
    choose?.(handle) ?? { video: handle.video, ...(hasSound && { audio: handle.audio }) };
  const sounds = [streams(new Graph().decode({ input_path: input })).audio ?? []].flat().length;

  const whole = (bytes * 8 * (1 - OVERHEAD)) / seconds;
  const given = amountOf(audio_params.bit_rate ?? audio_params.bitrate ?? audio_params['b:a']);
  const audioBitRate = given ?? Math.round(Math.min(128_000, Math.max(32_000, whole / 7)));
  let videoBitRate = Math.floor(whole - sounds * audioBitRate);
  if (videoBitRate < 1000) {
    throw wrong(
      `${bytes} bytes for ${seconds.toFixed(1)} s leave ${Math.max(0, videoBitRate)} bit/s for the picture`,
      'Allow more, cut the input, or give the sound less (audio_params.bit_rate)',
    );
  }
  const build = (pass?: Pass): NodeHandle => {
    const { bit_rate: _rate, ...video } = video_params;
    return encode(streams(new Graph().decode({ input_path: input })), {
      ...rest,
      ...pass?.(),
      video_params: { ...video, bit_rate: videoBitRate },
      ...(sounds > 0 && {
        audio_params: given === undefined ? { ...audio_params, bit_rate: audioBitRate } : audio_params,
      }),
    });
  };
  return withStatistics(runOptions, async (run) => {
    const isDouble = TWO_PASSES.test(video_params.codec ?? 'h264');
    const warnings = isDouble ? (await run(1, build)).warnings : [];
    for (let attempts = 1; ; attempts++) {
      const report = await run(2, isDouble ? build : single(build));
      const made = statSync(path).size;
      const isLast = attempts === ATTEMPTS || made <= bytes;
      if (isLast) {
        const told = new Set([...warnings, ...report.warnings]);
        if (made > bytes)
          told.add(`${path} has ${made} bytes, ${made - bytes} more than wanted: ${attempts} attempts were made`);
        return { report: { ...report, warnings: [...told] }, size: made, videoBitRate, audioBitRate, attempts };
      }
      // What is too much is the picture's, and a little less is asked for than would be right.
      const sound = (sounds * audioBitRate * seconds) / 8;
      const share = Math.max(0.05, (bytes - sound) / Math.max(1, made - sound));
      videoBitRate = Math.max(1000, Math.floor(videoBitRate * share * 0.98));
    }
  });
}

/** It is looked at when it is complete. */
function outputOf(output: unknown): string {
  const path = typeof output === 'string' || output instanceof URL ? pathOf(output) : '';
  if (path !== '' && !/^(?!file:)[a-z][a-z\d+.-]+:/i.test(path)) return path.replace(/^file:/i, '');
  throw wrong(
    `output_path cannot be ${describeValue(output)}`,
    'It is the name of a file, which is looked at afterwards',
  );
}

/** One pass is all that the encoder has. */
function single(build: (pass?: Pass) => NodeHandle): (pass: Pass) => NodeHandle {
  return (pass) => {
    pass();
    return build();
  };
}

function wrong(what: string, hint: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_CONFIG', `toSize: ${what}`, { hint });
}

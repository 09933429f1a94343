/** `toSize`: an input into a file that is no larger than so many bytes. */
import { chooseTarget, defaultCodec } from '../../catalog/ffmpeg.js';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { requireObject } from '../../schema/argument.js';
import { type EncodeStreams, encode } from '../build/encode.js';
import type { AudioParams, EncoderOptions, VideoParams } from '../build/module-options.js';
import type { NodeHandle } from '../build/stream.js';
import { Graph } from '../graph.js';
import { pathOf } from '../options/urls.js';
import { probe } from '../probe.js';
import { toldRest } from '../tasks/mapping.js';
import { amountOf } from './amounts.js';
import { fitSize, type Sized } from './fit-size.js';
import type { TwoPassOptions } from './two-pass.js';

/** What would say of the output that it is no file. */
const ELSEWHERE = ['output', 'output_prefix', 'null_output', 'push_output'] as const;

/** Options of the encoder beside these; its bit rate of the pictures is found. */
export interface ToSizeOptions
  extends Omit<
    EncoderOptions,
    (typeof ELSEWHERE)[number] | 'output_path' | 'video_params' | 'audio_params' | 'pass' | 'passlogfile'
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

/** What was made. */
export type ToSizeResult = Sized;

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
  const quality = QUALITIES.find((name) => video_params[name] !== undefined);
  if (quality !== undefined) {
    throw wrong(`video_params.${quality} and a size contradict each other`, 'The quality is what fits into the size');
  }
  const elsewhere = ELSEWHERE.find((key) => key in rest);
  if (elsewhere !== undefined) throw wrong(`${elsewhere} has no place here`, 'Give output_path, the name of a file');
  const path = outputOf(rest.output_path);
  const target = chooseTarget({ output_path: path, format: rest.format });
  const { name } = target.format;
  if (SEVERAL.test(name ?? ''))
    throw wrong(`'${name}' is not one file`, 'Give the bit rates: that is what players go by');
  const { signal } = runOptions;
  const info = await probe(input, { ...(signal !== undefined && { signal }) });
  const seconds = duration ?? info.format.duration;
  if (seconds === undefined || !(seconds > 0)) {
    throw wrong('nobody knows how long the input lasts', 'Give duration, in seconds');
  }
  const hasSound = info.streams.some(({ kind }) => kind === 'audio');
  const streams = (handle: NodeHandle): EncodeStreams =>
    choose?.(handle) ?? { video: handle.video, ...(hasSound && { audio: handle.audio }) };
  const chosen = streams(new Graph().decode({ input_path: input }));
  const count = (of: EncodeStreams['video']): number => (Array.isArray(of) ? of.length : of ? 1 : 0);
  const sounds = count(chosen.audio);
  const given = amountOf(audio_params.bit_rate ?? audio_params.bitrate ?? audio_params['b:a']);
  const codec = video_params.codec ?? defaultCodec(target, 'video');
  const made = await fitSize(
    {
      ...{ what: 'toSize', path, bytes, seconds, codec },
      ...{ videos: count(chosen.video), sounds, soundRate: given, lessSound: 'audio_params.bit_rate' },
      build: (rates, pass) => {
        const { bit_rate: _rate, ...video } = video_params;
        return encode(streams(new Graph().decode({ input_path: input })), {
          ...rest,
          ...pass?.(),
          video_params: { ...video, bit_rate: rates.video },
          ...(sounds > 0 && {
            audio_params: given === undefined ? { ...audio_params, bit_rate: rates.audio } : audio_params,
          }),
        });
      },
    },
    runOptions,
  );
  if (choose !== undefined) return made;
  const taken = { video: 1, audio: 1, cover: 0, subtitle: 0, attachment: 0, data: 0 };
  const left = toldRest(info, taken, '`choose` says what is encoded beside the best picture and sound');
  return { ...made, report: { ...made.report, warnings: [...left, ...made.report.warnings] } };
}

/** Formats of several files. */
const SEVERAL = /^(hls|dash|hds|smoothstreaming|segment|stream_segment|ssegment|image2|tee)$/;

/** What says how good the pictures are to be, whatever comes of it. */
const QUALITIES = ['crf', 'qp', 'qscale', 'global_quality'] as const;

/** It is looked at when it is complete. */
function outputOf(output: unknown): string {
  const path = typeof output === 'string' || output instanceof URL ? pathOf(output) : '';
  if (path !== '' && !/^(?!file:)[a-z][a-z\d+.-]+:/i.test(path)) return path.replace(/^file:/i, '');
  throw wrong(
    `output_path cannot be ${describeValue(output)}`,
    'It is the name of a file, which is looked at afterwards',
  );
}

function wrong(what: string, hint: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_CONFIG', `toSize: ${what}`, { hint });
}

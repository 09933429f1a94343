/** Several outputs of one encoding: an encoder that hands on packets, and behind it a node for each output. */
import { MUXING } from '../../catalog/ffmpeg.js';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { requireObject } from '../../schema/argument.js';
import { didYouMean } from '../../schema/schema.js';
import { pathOf } from '../options/urls.js';
import type { EncoderOptions } from './module-options.js';
import type { NodeParameters } from './node.js';
import type { NodeHandle, Stream } from './stream.js';

/** What concerns the container, and not what is in it: of each output, or of all of them. */
const OF_OUTPUTS = [...MUXING, 'strict', 'on_error'] as const satisfies readonly (keyof EncoderOptions)[];

/** One of the outputs: where it goes, and what `encode` says of containers; the rest is said once for all. */
export interface OutputOptions extends Pick<EncoderOptions, (typeof OF_OUTPUTS)[number]> {
  output_path: string | URL;
  /** Default: by the path. */
  format?: string | undefined;
  /** Name of its node. */
  alias?: string | undefined;
  /** `'drop-branch'`: if it fails, the others go on, and `report.dropped` says why. Default: the graph fails. */
  on_error?: EncoderOptions['on_error'];
}

/** Options of `encode` with several outputs. What is said here of containers holds for all that do not say it themselves. */
export interface SharedEncoding
  extends Omit<
    EncoderOptions,
    'output_path' | 'output_prefix' | 'null_output' | 'push_output' | 'format' | 'on_error'
  > {
  outputs: readonly OutputOptions[];
}

export function isShared(options: EncoderOptions | SharedEncoding): options is SharedEncoding {
  return typeof options === 'object' && options !== null && 'outputs' in options;
}

/**
 * @param inputs Of the encoder, by their ids.
 * @returns the encoder, whose outputs are the packets.
 * @throws MillraceError ERR_MILLRACE_CONFIG for outputs that are none.
 */
export function encodeShared(
  inputs: readonly (Stream | null)[],
  { outputs, ...rest }: SharedEncoding,
  parameters: NodeParameters,
): NodeHandle {
  const { graph } = inputs.find((stream) => stream !== null)!;
  checkOutputs(outputs, rest);
  const shared = pick(rest, true);
  const encoder = graph.module(
    'c_ffmpeg_encoder',
    // What FFmpeg's tee does, for its way of finding out what the encoders must know of all containers.
    { ...pick(rest, false), push_output: 2, format: 'tee', output_path: outputs.map(slave).join('|') },
    { ...parameters, inputs },
  );
  // The first of two passes makes nothing that could be handed on.
  if (rest.pass === 1) return encoder;
  for (const { alias, on_error, ...own } of outputs) {
    const copied = { video_params: { codec: 'copy' }, audio_params: { codec: 'copy' } };
    graph.module(
      'c_ffmpeg_encoder',
      { ...copied, ...(rest.input_kinds && { input_kinds: rest.input_kinds }), ...shared, ...own },
      {
        inputs: inputs.map((stream, id) => (stream === null ? null : encoder.output(id))),
        ...{ alias, on_error },
      },
    );
  }
  return encoder;
}

/** Those of the outputs, or the others. */
function pick(options: Omit<SharedEncoding, 'outputs'>, ofOutputs: boolean): EncoderOptions {
  const isOf = (key: string): boolean => OF_OUTPUTS.some((name) => name === key);
  return Object.fromEntries(Object.entries(options).filter(([key]) => isOf(key) === ofOutputs));
}

function checkOutputs(outputs: unknown, rest: object): asserts outputs is readonly OutputOptions[] {
  const wrong = (what: string, hint: string): never => {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `encode: ${what}`, { hint });
  };
  if (!Array.isArray(outputs) || outputs.length === 0) {
    wrong(`outputs cannot be ${describeValue(outputs)}`, 'Give a list: [{ output_path: "a.mp4" }, …]');
  }
  const idle = ['output_path', 'output_prefix', 'null_output', 'push_output', 'format', 'on_error'].find(
    (key) => key in rest,
  );
  if (idle !== undefined) wrong(`${idle} has no place beside outputs`, 'Each of the outputs has its own');
  const known = ['output_path', 'format', 'alias', ...OF_OUTPUTS];
  for (const [at, output] of (outputs as unknown[]).entries()) {
    requireObject(output, `outputs[${at}] of encode`);
    const unknown = Object.keys(output as object).find((key) => !known.includes(key));
    if (unknown !== undefined) {
      const hint = didYouMean(unknown, known, 'What is encoded, and how, is the same for all outputs');
      wrong(`outputs[${at}] has no '${unknown}'`, hint);
    }
    const { output_path: path } = output as OutputOptions;
    if (!(path instanceof URL) && (typeof path !== 'string' || path === '')) {
      wrong(`outputs[${at}].output_path cannot be ${describeValue(path)}`, 'It is a file name or URL');
    }
  }
}

function slave({ output_path, format }: OutputOptions): string {
  const path = pathOf(output_path).replace(/[\\|[\]']/g, '\\$&');
  return format === undefined ? path : `[f=${format}]${path}`;
}

/** A sink of the program's among the options of an encoder: it becomes a node of its own behind it. */
import { builtinOf } from '../../../catalog/builtin.js';
import { ConfigError, type Problem } from '../../../errors/errors.js';
import { describeValue } from '../../../errors/naming.js';
import type { ModuleRef } from '../../../module/ref.js';
import { type OpenSink, openSink } from '../../output/open-sink.js';
import { SINK_PIECE } from '../../output/sink.js';

/** What else would say where the file goes. */
const PLACES = ['output_path', 'output_prefix', 'null_output', 'push_output'] as const;

/** mp4 and its kin, of which the index can be moved. */
const MP4 = new Set(['mp4', 'mov', 'ipod', '3gp', '3g2', 'psp', 'f4v']);

export interface ProgramOutput {
  readonly sink: OpenSink;
  /** The index of the file is to stand at its beginning. */
  readonly indexFirst: boolean;
}

/**
 * @returns the options of an encoder that hands on its bytes, and what takes them; as they are if there is no sink.
 * @throws ConfigError for what is no sink, or not the only place for the file.
 */
export function splitOutput(options: object, module: ModuleRef): { rest: object; output?: ProgramOutput } {
  const { output, ...rest } = options as Record<string, unknown>;
  if (output === undefined || builtinOf(module)?.work !== 'encoding') return { rest: options };
  const problems: Problem[] = PLACES.filter((key) => rest[key] !== undefined).map((key) => {
    return { path: `${module.name}.${key}`, message: 'contradicts output: the file goes to one place' };
  });
  const sink = openSink(output);
  if (sink?.inOrder && rest.streamed !== undefined && !rest.streamed) {
    problems.push({
      path: `${module.name}.streamed`,
      message: 'contradicts output: a stream cannot go back',
      hint: 'Leave it out, or give { write(bytes, offset) }',
    });
  }
  if (!sink) {
    const hint =
      typeof output === 'string' || output instanceof URL
        ? 'A path or URL is output_path'
        : 'Give { write(bytes, offset), close?() } or a writable stream, or use toBuffer(), toBlob() or toResponse()';
    problems.push({ path: `${module.name}.output`, message: `cannot be ${describeValue(output)}`, hint });
  }
  if (problems.length > 0 || !sink) throw new ConfigError(`wrong options of ${module.name}`, problems);
  const { mux_params: given, ...others } = rest;
  const { params, indexFirst } = withoutFaststart(given, String(rest.format ?? 'mp4'));
  const isWhole = indexFirst && !rest.streamed;
  return {
    rest: {
      avio_buffer_size: SINK_PIECE,
      ...others,
      ...(params !== undefined && { mux_params: params }),
      // What is kept until its end goes to the stream from front to back by itself.
      ...(sink.inOrder && !isWhole && { streamed: true }),
      push_output: 1,
    },
    output: { sink, indexFirst: isWhole },
  };
}

/** FFmpeg reads the finished file again for it; here that is done behind FFmpeg. */
function withoutFaststart(params: unknown, format: string): { params: unknown; indexFirst: boolean } {
  if (typeof params !== 'object' || params === null || !MP4.has(format)) return { params, indexFirst: false };
  const { movflags, ...rest } = params as Record<string, unknown>;
  if (typeof movflags !== 'string' || !/\bfaststart\b/.test(movflags)) return { params, indexFirst: false };
  const left = movflags.replace(/\+?\bfaststart\b/, '').replace(/^\+/, '');
  return { params: left === '' ? rest : { ...rest, movflags: left }, indexFirst: true };
}

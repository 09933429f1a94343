/**
 * The built-in modules by name. Used where modules are loaded (inside the threads) and where graphs are checked (before
 * any thread exists), so it knows nothing of either. All of them are imported at once: every file that a thread has to
 * find costs it more than what is in it.
 */
import { assembleOptions } from '../../actors/assemble-options.js';
import decoder from '../../actors/decoder/index.js';
import { decoderOptions, decoderPortProblems } from '../../actors/decoder/options.js';
import encoder from '../../actors/encoder/index.js';
import { encoderOptions, encoderPortProblems } from '../../actors/encoder/options.js';
import filter from '../../actors/filter/index.js';
import { filterOptions } from '../../actors/filter/options.js';
import assemble from '../../actors/flow/assemble.js';
import nullSink from '../../actors/flow/null-sink.js';
import passThrough from '../../actors/flow/pass-through.js';
import split from '../../actors/flow/split.js';
import clock, { clockOptions } from '../../actors/join/clock.js';
import merge, { mergeOptions } from '../../actors/join/merge.js';
import mux, { muxOptions } from '../../actors/join/mux.js';
import timestamper, { timestamperOptions } from '../../actors/join/timestamper.js';
import { MillraceError } from '../errors/errors.js';
import type { ModuleClass, OptionSchema } from '../module/contract.js';
import { didYouMean, type PortProblem, type Ports, strictOptions } from '../schema/schema.js';

export interface BuiltinModule {
  readonly name: string;
  /** One line for listings. */
  readonly summary: string;
  /** Checks the options without loading the module. */
  readonly schema: OptionSchema<unknown>;
  /** Numbers of inputs it works with. */
  readonly inputs: { readonly min: number; readonly max: number };
  /** Numbers of outputs it has. */
  readonly outputs: { readonly max: number };
  /** Options that do not go with what is connected to the node. */
  readonly portProblems?: (options: Record<string, unknown>, ports: Ports) => PortProblem[];
  /** The module itself. */
  readonly module: unknown;
}

const noOptions = strictOptions({});
const ANY = Number.POSITIVE_INFINITY;

export const builtinModules: readonly BuiltinModule[] = [
  {
    name: 'c_ffmpeg_decoder',
    summary: 'Demuxes and decodes a file, a URL or what comes on input 0: output 0 is video, 1 is audio.',
    schema: decoderOptions,
    inputs: { min: 0, max: 1 },
    outputs: { max: 2 },
    portProblems: decoderPortProblems,
    module: decoder,
  },
  {
    name: 'c_ffmpeg_filter',
    summary: 'Runs an FFmpeg filter, or a whole filter graph.',
    schema: filterOptions,
    inputs: { min: 0, max: ANY },
    outputs: { max: ANY },
    module: filter,
  },
  {
    name: 'c_ffmpeg_encoder',
    summary: 'Encodes and multiplexes into a file, a URL or its outputs: input 0 is video, 1 is audio.',
    schema: encoderOptions,
    inputs: { min: 1, max: 2 },
    outputs: { max: 2 },
    portProblems: encoderPortProblems,
    module: encoder,
  },
  {
    name: 'pass_through',
    summary: 'Hands input i on to output i.',
    schema: noOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: ANY },
    module: passThrough,
  },
  {
    name: 'null_sink',
    summary: 'Takes everything and discards it.',
    schema: noOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: 0 },
    module: nullSink,
  },
  {
    name: 'clock',
    summary: 'Ticks at a fixed rate, in real time or as fast as they are taken.',
    schema: clockOptions,
    inputs: { min: 0, max: 0 },
    outputs: { max: ANY },
    module: clock,
  },
  {
    name: 'timestamper',
    summary: 'Gives packets that have no time one: by a frame rate, or by when they come.',
    schema: timestamperOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: ANY },
    module: timestamper,
  },
  {
    name: 'mux',
    summary: 'Packets of several inputs that belong together by time become one that carries them all.',
    schema: muxOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: 1 },
    module: mux,
  },
  {
    name: 'merge',
    summary: 'Joins tensors, pictures or sound of several inputs that belong together by time.',
    schema: mergeOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: 1 },
    module: merge,
  },
  {
    name: 'split',
    summary: 'Deals its packets out to its outputs in turn.',
    schema: noOptions,
    inputs: { min: 1, max: 1 },
    outputs: { max: ANY },
    module: split,
  },
  {
    name: 'assemble',
    summary: 'Takes the packets of its inputs in turn: restores the order behind split.',
    schema: assembleOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: 1 },
    module: assemble,
  },
];

const byName = new Map<string, BuiltinModule>();
for (const builtin of builtinModules) {
  byName.set(builtin.name, builtin);
  byName.set(builtin.name.replace(/^c_/, ''), builtin);
}

/** The built-in module of this name, which may lack its `c_`. */
export function findBuiltin(name: string): BuiltinModule | undefined {
  return byName.get(name);
}

/** Why `name` is no built-in module: what is wrong and what would be right. `others` are further names that exist. */
export function unknownModule(name: string, others: Iterable<string> = []): { message: string; hint: string } {
  return {
    message: `there is no module '${name}'`,
    hint: didYouMean(name, [...byName.keys(), ...others], `There are ${listNames(others)}`),
  };
}

function listNames(others: Iterable<string>): string {
  return `${[...builtinModules.map((builtin) => builtin.name), ...others].join(', ')}, and module files by their path`;
}

/** @throws MillraceError ERR_MILLRACE_MODULE_LOAD if there is none of that name. */
export async function loadBuiltin(name: string): Promise<ModuleClass> {
  const builtin = byName.get(name);
  if (!builtin) {
    const { message, hint } = unknownModule(name);
    throw new MillraceError('ERR_MILLRACE_MODULE_LOAD', message, { hint });
  }
  return builtin.module as ModuleClass;
}

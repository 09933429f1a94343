/**
 * The built-in modules by name. Used where modules are loaded (inside the threads) and where graphs are checked (before
 * any thread exists), so it knows nothing of either.
 */
import { assembleOptions } from '../../actors/assemble-options.js';
import { decoderOptions, decoderPortProblems } from '../../actors/decoder/options.js';
import { encoderOptions, encoderPortProblems } from '../../actors/encoder/options.js';
import { filterOptions } from '../../actors/filter/options.js';
import { clockOptions } from '../../actors/join/clock.js';
import { mergeOptions } from '../../actors/join/merge.js';
import { muxOptions } from '../../actors/join/mux.js';
import { timestamperOptions } from '../../actors/join/timestamper.js';
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
  /** Imports the module. The specifier is literal so that bundlers find it. */
  load(): Promise<{ readonly default: unknown }>;
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
    load: () => import('../../actors/decoder/index.js'),
  },
  {
    name: 'c_ffmpeg_filter',
    summary: 'Runs an FFmpeg filter, or a whole filter graph.',
    schema: filterOptions,
    inputs: { min: 0, max: ANY },
    outputs: { max: ANY },
    load: () => import('../../actors/filter/index.js'),
  },
  {
    name: 'c_ffmpeg_encoder',
    summary: 'Encodes and multiplexes into a file, a URL or its outputs: input 0 is video, 1 is audio.',
    schema: encoderOptions,
    inputs: { min: 1, max: 2 },
    outputs: { max: 2 },
    portProblems: encoderPortProblems,
    load: () => import('../../actors/encoder/index.js'),
  },
  {
    name: 'pass_through',
    summary: 'Hands input i on to output i.',
    schema: noOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: ANY },
    load: () => import('../../actors/flow/pass-through.js'),
  },
  {
    name: 'null_sink',
    summary: 'Takes everything and discards it.',
    schema: noOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: 0 },
    load: () => import('../../actors/flow/null-sink.js'),
  },
  {
    name: 'clock',
    summary: 'Ticks at a fixed rate, in real time or as fast as they are taken.',
    schema: clockOptions,
    inputs: { min: 0, max: 0 },
    outputs: { max: ANY },
    load: () => import('../../actors/join/clock.js'),
  },
  {
    name: 'timestamper',
    summary: 'Gives packets that have no time one: by a frame rate, or by when they come.',
    schema: timestamperOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: ANY },
    load: () => import('../../actors/join/timestamper.js'),
  },
  {
    name: 'mux',
    summary: 'Packets of several inputs that belong together by time become one that carries them all.',
    schema: muxOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: 1 },
    load: () => import('../../actors/join/mux.js'),
  },
  {
    name: 'merge',
    summary: 'Joins tensors, pictures or sound of several inputs that belong together by time.',
    schema: mergeOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: 1 },
    load: () => import('../../actors/join/merge.js'),
  },
  {
    name: 'split',
    summary: 'Deals its packets out to its outputs in turn.',
    schema: noOptions,
    inputs: { min: 1, max: 1 },
    outputs: { max: ANY },
    load: () => import('../../actors/flow/split.js'),
  },
  {
    name: 'assemble',
    summary: 'Takes the packets of its inputs in turn: restores the order behind split.',
    schema: assembleOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: 1 },
    load: () => import('../../actors/flow/assemble.js'),
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

/**
 * Imports a built-in module.
 * @throws MillraceError ERR_MILLRACE_MODULE_LOAD if there is none of that name.
 */
export async function loadBuiltin(name: string): Promise<ModuleClass> {
  const builtin = byName.get(name);
  if (!builtin) {
    const { message, hint } = unknownModule(name);
    throw new MillraceError('ERR_MILLRACE_MODULE_LOAD', message, { hint });
  }
  const { default: module } = await builtin.load();
  return module as ModuleClass;
}

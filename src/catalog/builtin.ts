/**
 * The built-in modules by name. Used where modules are loaded (inside the threads) and where graphs are checked (before
 * any thread exists), so it knows nothing of either. All of them are imported at once: every file that a thread has to
 * find costs it more than what is in it.
 */
import Burn from '../../actors/burn/index.js';
import { burnOptions } from '../../actors/burn/options.js';
import Decoder from '../../actors/decoder/index.js';
import { decoderOptions, decoderPortProblems } from '../../actors/decoder/options.js';
import Encoder from '../../actors/encoder/index.js';
import { encoderOptions, encoderPortProblems } from '../../actors/encoder/options.js';
import Filter from '../../actors/filter/index.js';
import { filterOptions } from '../../actors/filter/options.js';
import { beginsStream, whyStateful } from '../../actors/filter/plan/named-filters.js';
import Assemble, { assembleOptions } from '../../actors/flow/assemble.js';
import NullSink from '../../actors/flow/null-sink.js';
import PassThrough from '../../actors/flow/pass-through.js';
import Split from '../../actors/flow/split.js';
import Clock, { clockOptions } from '../../actors/join/clock.js';
import Merge, { mergeOptions } from '../../actors/join/merge.js';
import Mux, { muxOptions } from '../../actors/join/mux.js';
import Timestamper, { timestamperOptions } from '../../actors/join/timestamper.js';
import { MillraceError } from '../errors/errors.js';
import { isSourceRef } from '../media/bytes/ref.js';
import type { ModuleClass } from '../module/contract.js';
import type { ModuleRef } from '../module/ref.js';
import { PACKET_KEYS } from '../module/written-packet.js';
import { didYouMean, isOff, type PortProblem, type Ports, strictOptions } from '../schema/schema.js';
import type { OptionSchema } from '../schema/standard.js';

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
  readonly module: ModuleClass;
  /** What its work is, for the guess of what it costs; absent: it hands packets on. */
  readonly work?: 'decoding' | 'encoding' | 'filtering';
  /** Whether its options hold names that FFmpeg opens, or `filters` in which such names may stand. */
  readonly opens: 'nothing' | 'urls' | 'filters';
  /** Whether a node into which nothing leads begins streams; absent: if it has no inputs at all. */
  readonly isSource?: (options: Options) => boolean;
  /** Whether what comes in is a stream of bytes, which are the same in whatever pieces they come; absent: it is not. */
  readonly takesBytes?: (options: Options) => boolean;
  /** Whether its option `input` takes what the program has in memory or reads itself. */
  readonly readsProgram?: boolean;
  /** The outputs it has when nothing is connected to them; absent: output 0, if it has outputs. */
  readonly outputsOf?: (options: Options, inputs: readonly number[]) => readonly number[];
  /** Why it cannot have parallel copies; absent: its packets depend on the ones before. */
  readonly whyStateful?: (options: Options) => string | undefined;
  /** The input whose stream goes on on its output; absent: what comes out is made of all. */
  readonly continues?: number;
  /** Whether it takes further inputs while it runs; absent: it does not. What each of its nodes takes, that says. */
  readonly takesFurther?: boolean;
  /** What tells its nodes apart in drawings; absent: nothing does. */
  readonly label?: (options: Options) => string;
  /** What its outputs are called in graph files and drawings. */
  readonly outputNames?: (options: Options) => readonly string[];
  /** Keys of the callbacks that it calls; absent: none. */
  readonly callbacks?: readonly (string | number)[];
  /** Options that nodes of graph files have unless they say otherwise. */
  readonly inFiles?: Options;
}

type Options = Readonly<Record<string, unknown>>;

const noOptions = strictOptions({});
const ANY = Number.POSITIVE_INFINITY;

/** The name of the module and one of its options, if that is there. */
function labelled(name: string, key: string): (options: Options) => string {
  return ({ [key]: value }) => (isLabel(value) ? `${name} ${value}` : name);
}

function isLabel(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function filterLabel({ name, graph, para }: Options): string {
  const filter = [name, graph].find(isLabel);
  return filter === undefined ? 'c_ffmpeg_filter' : [filter, para].filter(isLabel).join(' ');
}

function encoderOutputs({ push_output = 0 }: Options, inputs: readonly number[]): readonly number[] {
  const kind = Number(push_output);
  return kind === 0 ? [] : kind === 1 ? [0] : inputs;
}

/** Of the streams that a decoder's options describe, which may be wrong. */
function kindsOf(streams: unknown): string[] {
  if (!Array.isArray(streams)) return [];
  return streams.map((stream: { kind?: unknown } | null) => String(stream?.kind));
}

export const builtinModules: readonly BuiltinModule[] = [
  {
    name: 'c_ffmpeg_decoder',
    summary:
      'Demuxes and decodes a file, a URL or what comes on input 0: output 0 is video, 1 is audio, and further ones are what `streams` says.',
    schema: decoderOptions,
    inputs: { min: 0, max: 1 },
    outputs: { max: ANY },
    portProblems: decoderPortProblems,
    module: Decoder as ModuleClass,
    work: 'decoding',
    opens: 'urls',
    readsProgram: true,
    isSource: ({ input, input_path }) => (input ?? input_path) !== undefined,
    outputsOf: ({ streams }) => [0, 1, ...kindsOf(streams).map((_, i) => i + 2)],
    takesBytes: ({ push_raw_stream = false }) => isOff(push_raw_stream),
    label: (options) => {
      const { input, input_path } = options;
      const name = isSourceRef(input) ? input.name : input_path;
      return isLabel(name) ? `c_ffmpeg_decoder ${name}` : 'c_ffmpeg_decoder';
    },
    outputNames: ({ streams }) => ['video', 'audio', ...kindsOf(streams)],
  },
  {
    name: 'c_ffmpeg_filter',
    summary: 'Runs an FFmpeg filter, or a whole filter graph.',
    schema: filterOptions,
    inputs: { min: 0, max: ANY },
    outputs: { max: ANY },
    module: Filter as unknown as ModuleClass,
    work: 'filtering',
    opens: 'filters',
    isSource: beginsStream,
    whyStateful,
    takesFurther: true,
    label: filterLabel,
  },
  {
    name: 'c_ffmpeg_encoder',
    summary:
      'Encodes and multiplexes into a file, a URL or its outputs: input 0 is video, 1 is audio, and further ones are what `input_kinds` says.',
    schema: encoderOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: ANY },
    portProblems: encoderPortProblems,
    module: Encoder as ModuleClass,
    work: 'encoding',
    opens: 'urls',
    outputsOf: encoderOutputs,
    label: labelled('c_ffmpeg_encoder', 'output_path'),
    callbacks: PACKET_KEYS,
    // BMF goes on with options that an encoder or muxer does not know, and its files count on it.
    inFiles: { strict: false },
  },
  {
    name: 'burn_subtitles',
    summary: 'Draws the subtitles of input 1, all of which it takes first, into the pictures of input 0.',
    schema: burnOptions,
    inputs: { min: 2, max: 2 },
    outputs: { max: 1 },
    module: Burn as unknown as ModuleClass,
    opens: 'urls',
    continues: 0,
  },
  {
    name: 'pass_through',
    summary: 'Hands input i on to output i.',
    schema: noOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: ANY },
    module: PassThrough as ModuleClass,
    opens: 'nothing',
    takesFurther: true,
    outputsOf: (_, inputs) => inputs,
    whyStateful: () => undefined,
  },
  {
    name: 'null_sink',
    summary: 'Takes everything and discards it.',
    schema: noOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: 0 },
    module: NullSink as ModuleClass,
    opens: 'nothing',
  },
  {
    name: 'clock',
    summary: 'Ticks at a fixed rate, in real time or as fast as they are taken.',
    schema: clockOptions,
    inputs: { min: 0, max: 0 },
    outputs: { max: ANY },
    module: Clock as ModuleClass,
    opens: 'nothing',
  },
  {
    name: 'timestamper',
    summary: 'Gives packets that have no time one: by a frame rate, or by when they come.',
    schema: timestamperOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: ANY },
    module: Timestamper as ModuleClass,
    opens: 'nothing',
  },
  {
    name: 'mux',
    summary: 'Packets of several inputs that belong together by time become one that carries them all.',
    schema: muxOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: 1 },
    module: Mux as ModuleClass,
    opens: 'nothing',
  },
  {
    name: 'merge',
    summary: 'Joins tensors, pictures or sound of several inputs that belong together by time.',
    schema: mergeOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: 1 },
    module: Merge as ModuleClass,
    opens: 'nothing',
  },
  {
    name: 'split',
    summary: 'Deals its packets out to its outputs in turn.',
    schema: noOptions,
    inputs: { min: 1, max: 1 },
    outputs: { max: ANY },
    module: Split as ModuleClass,
    opens: 'nothing',
  },
  {
    name: 'assemble',
    summary: 'Takes the packets of its inputs in turn: restores the order behind split.',
    schema: assembleOptions,
    inputs: { min: 1, max: ANY },
    outputs: { max: 1 },
    module: Assemble as ModuleClass,
    opens: 'nothing',
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

/** The built-in module that a reference stands for; undefined for files, objects of this process and unknown names. */
export function builtinOf({ name, path, definition, graph }: ModuleRef): BuiltinModule | undefined {
  return path === undefined && definition === undefined && graph === undefined ? findBuiltin(name) : undefined;
}

export function isDecoder(module: ModuleRef): boolean {
  return builtinOf(module)?.work === 'decoding';
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

/** @throws MillraceError ERR_MILLRACE_MODULE_LOAD if there is no built-in module of that name. */
export function loadBuiltin(name: string): ModuleClass {
  const builtin = byName.get(name);
  if (builtin) return builtin.module;
  const { message, hint } = unknownModule(name);
  throw new MillraceError('ERR_MILLRACE_MODULE_LOAD', message, { hint });
}

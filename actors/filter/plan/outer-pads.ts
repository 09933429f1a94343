/** The pads of a filtergraph that nothing inside is joined to, and the same graph with all of its ends named by numbers. */
import { AVFILTER_FLAG_DYNAMIC_INPUTS, AVFILTER_FLAG_DYNAMIC_OUTPUTS, AVMEDIA_TYPE_AUDIO } from 'node-av/constants';
import { Filter } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { parseArguments } from './arguments.js';
import { type ParsedFilter, parseGraph } from './syntax.js';

export type PadKind = 'video' | 'audio';

export interface OuterPad {
  /** Undefined for a pad that has none in the text. */
  readonly label: string | undefined;
  readonly kind: PadKind;
}

export interface OuterPads {
  /** In the order of their numbers in `graph`. */
  readonly inputs: readonly OuterPad[];
  readonly outputs: readonly OuterPad[];
  /** The graph as option `graph` of the module `c_ffmpeg_filter` takes it. */
  readonly graph: string;
}

/**
 * @throws MillraceError ERR_MILLRACE_OPTION for what cannot be read, a filter that this FFmpeg does not have, and ends of
 * filters whose number only their arguments tell and which have no labels.
 */
export function outerPads(description: string): OuterPads {
  const { chains, scaleOptions } = parseGraph(description);
  const filters = chains.flat();
  const made = new Set(filters.flatMap(({ outputs }) => outputs));
  const taken = new Set(filters.flatMap(({ inputs }) => inputs));
  const inputs: OuterPad[] = [];
  const outputs: OuterPad[] = [];
  const written = chains.map((chain) =>
    chain.map((parsed, place) => {
      const filter = find(parsed);
      const before: string[] = parsed.inputs.map((label, pad) => {
        if (made.has(label)) return inner(label);
        return String(inputs.push({ label, kind: kindOf(filter, 'inputs', pad, parsed) }) - 1);
      });
      if (place === 0) {
        for (let pad = before.length; pad < countOf(filter, 'inputs', parsed, before.length); pad++) {
          before.push(String(inputs.push({ label: undefined, kind: kindOf(filter, 'inputs', pad, parsed) }) - 1));
        }
      }
      const after: string[] = parsed.outputs.map((label, pad) => {
        if (taken.has(label)) return inner(label);
        return String(outputs.push({ label, kind: kindOf(filter, 'outputs', pad, parsed) }) - 1);
      });
      if (place === chain.length - 1) {
        for (let pad = after.length; pad < countOf(filter, 'outputs', parsed, after.length); pad++) {
          after.push(String(outputs.push({ label: undefined, kind: kindOf(filter, 'outputs', pad, parsed) }) - 1));
        }
      }
      return write(parsed, before, after);
    }),
  );
  const graph = written.map((chain) => chain.join(',')).join(';');
  return { inputs, outputs, graph: scaleOptions === undefined ? graph : `sws_${scaleOptions};${graph}` };
}

/** A label that cannot be taken for the number of an end. */
function inner(label: string): string {
  return `in_${label}`;
}

function write({ name, instance, args }: ParsedFilter, before: readonly string[], after: readonly string[]): string {
  const labels = (names: readonly string[]): string => names.map((label) => `[${escaped(label)}]`).join('');
  const called = instance === undefined ? name : `${name}@${instance}`;
  return `${labels(before)}${called}${args === undefined ? '' : `=${escaped(args)}`}${labels(after)}`;
}

/** What the parser takes as it is: the one level of quoting that it removes. */
function escaped(text: string): string {
  return text.replace(/[\\'[\],;]|^\s|\s$/g, (char) => `\\${char}`);
}

function find({ name }: ParsedFilter): Filter {
  const filter = Filter.getByName(name);
  if (filter) return filter;
  throw new MillraceError('ERR_MILLRACE_OPTION', `this FFmpeg has no filter '${name}'`, {
    hint: '`millrace list filters` shows those that it has',
  });
}

type Side = 'inputs' | 'outputs';

function isDynamic(filter: Filter, side: Side): boolean {
  return filter.hasFlags(side === 'inputs' ? AVFILTER_FLAG_DYNAMIC_INPUTS : AVFILTER_FLAG_DYNAMIC_OUTPUTS);
}

/** Filters whose arguments say how many pads they have: by which name, or as which value without one, and else how many. */
const COUNTED: Readonly<Record<Side, Readonly<Record<string, { names: string; place?: number; otherwise: number }>>>> =
  {
    inputs: {
      ainterleave: { names: 'nb_inputs n', place: 0, otherwise: 2 },
      amerge: { names: 'inputs', place: 0, otherwise: 2 },
      amix: { names: 'inputs', place: 0, otherwise: 2 },
      hstack: { names: 'inputs', place: 0, otherwise: 2 },
      interleave: { names: 'nb_inputs n', place: 0, otherwise: 2 },
      mix: { names: 'inputs', place: 0, otherwise: 2 },
      vstack: { names: 'inputs', place: 0, otherwise: 2 },
      xstack: { names: 'inputs', place: 0, otherwise: 2 },
    },
    outputs: {
      amovie: { names: '', otherwise: 1 },
      aselect: { names: 'outputs n', place: 1, otherwise: 1 },
      asplit: { names: 'outputs', place: 0, otherwise: 2 },
      movie: { names: '', otherwise: 1 },
      select: { names: 'outputs n', place: 1, otherwise: 1 },
      split: { names: 'outputs', place: 0, otherwise: 2 },
    },
  };

/** The argument by which a filter is told how many inputs it has; undefined for one that is not told. */
export function countArgument(filter: string): string | undefined {
  return COUNTED.inputs[filter]?.names.split(' ')[0];
}

/** How many pads a filter has there. */
function countOf(filter: Filter, side: Side, { name, args }: ParsedFilter, labelled: number): number {
  if (!isDynamic(filter, side)) return filter[side].length;
  if (name === 'concat') {
    const { n, v, a } = concatCounts(args);
    return side === 'inputs' ? n * (v + a) : v + a;
  }
  if (name === 'ebur128') return hasPictures(args) ? 2 : 1;
  const counted = COUNTED[side][name];
  if (counted) {
    const { names, place, otherwise } = counted;
    return Number(argument(args, names, place) ?? otherwise) || otherwise;
  }
  // As many as have labels.
  if (labelled > 0) return labelled;
  throw new MillraceError('ERR_MILLRACE_OPTION', `how many ${side} the filter '${name}' has, its arguments decide`, {
    hint: `Give each a label, such as ${side === 'inputs' ? `[0:v][1:v]${name}` : `${name}[a][b]`}`,
  });
}

/** Filters with a number of pads have them of one kind, but those that join or measure pictures and sound. */
function kindOf(filter: Filter, side: Side, pad: number, { name, args }: ParsedFilter): PadKind {
  if (name === 'concat') {
    const { v, a } = concatCounts(args);
    return pad % (v + a) < v ? 'video' : 'audio';
  }
  if (name === 'ebur128' && side === 'outputs') return pad === 0 && hasPictures(args) ? 'video' : 'audio';
  const fixed = filter[side][pad] ?? filter.inputs[0] ?? filter.outputs[0];
  if (fixed !== undefined) return fixed.type === AVMEDIA_TYPE_AUDIO ? 'audio' : 'video';
  return filter.isAudio() || AUDIO.test(name) ? 'audio' : 'video';
}

/** Filters without a pad that would tell their kind. */
const AUDIO = /^(a(concat|interleave|merge|mix|movie|streamselect)|amix|join|headphone|ladspa|lv2)$/;

function hasPictures(args: string | undefined): boolean {
  return argument(args, 'video', 0) === '1';
}

function concatCounts(args: string | undefined): { n: number; v: number; a: number } {
  const count = (name: string, place: number, otherwise: number): number =>
    Number(argument(args, name, place) ?? otherwise);
  return { n: count('n', 0, 2), v: count('v', 1, 1), a: count('a', 2, 0) };
}

/** The argument with one of these names, or without a name at that place. */
function argument(args: string | undefined, names: string, place?: number): string | undefined {
  const list = parseArguments(args ?? '');
  const byName = list.find(({ name }) => name !== undefined && names.split(' ').includes(name));
  const byPlace = place === undefined ? undefined : list[place];
  return byName?.value ?? (byPlace?.name === undefined ? byPlace?.value : undefined);
}

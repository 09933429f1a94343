/** From options to a checked plan, before any frame: filters exist, their arguments parse, pads and ports agree. */
import {
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AVERROR_OPTION_NOT_FOUND,
  AVFILTER_FLAG_DYNAMIC_INPUTS,
  AVFILTER_FLAG_DYNAMIC_OUTPUTS,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
} from 'node-av/constants';
import { Filter, type FilterContext, FilterGraph, type FilterPad, type HardwareDeviceContext } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { alone, check, failure, ledger, linesOf, NO_CODEC } from '../../../src/media/index.js';
import { didYouMean } from '../../../src/schema/schema.js';
import { whitelistFor } from '../../shared/protocols/protocols.js';
import { whyAbsent } from '../catalogue.js';
import type { FilterOptions } from '../options.js';
import { parseArguments } from './arguments.js';
import type { FilterSpec } from './filter-spec.js';
import { onlyMoves } from './places.js';
import { parseGraph } from './syntax.js';
import { describe, type PadCounts, type Ports, type Wiring, wireChains, wireList, wireOne } from './wiring.js';

export type MediaKind = 'video' | 'audio';

/** The pads of an initialised filter. */
export interface FilterPads {
  readonly inputs: readonly MediaKind[];
  readonly outputs: readonly MediaKind[];
  readonly dynamicInputs: boolean;
  readonly dynamicOutputs: boolean;
}

export interface Plan extends Wiring {
  readonly filters: readonly FilterSpec[];
  /** Of each filter. */
  readonly pads: readonly FilterPads[];
  /** How errors call the whole: `filter 'scale=320:240'` or `filtergraph '…'`. */
  readonly title: string;
  /** Some filter makes frames of its own, so that the end of all inputs need not be the end of the graph. */
  readonly hasSources: boolean;
  /** Options of automatically inserted scalers. */
  readonly scaleOptions: string | undefined;
  readonly threads: number;
}

/**
 * @throws MillraceError ERR_MILLRACE_OPTION for an unknown filter, arguments that FFmpeg refuses, or a number of pads
 * that differs from the connected inputs and outputs.
 * @param protocolWhitelist FFmpeg's list of what the node may open; absent: anything.
 */
export function makePlan(options: FilterOptions, ports: Ports, protocolWhitelist?: string): Plan {
  const form = readForm(options);
  const filters = form.specs.map((spec) => restricted(spec, protocolWhitelist));
  const pads = alone(() => inspect(filters));
  return {
    ...form.wire(pads.map(countOf), ports),
    filters,
    title: form.title,
    pads,
    hasSources: pads.some(({ inputs }) => inputs.length === 0),
    scaleOptions: form.scaleOptions,
    threads: options.threads,
  };
}

function countOf({ inputs, outputs, ...flags }: FilterPads): PadCounts {
  return { inputs: inputs.length, outputs: outputs.length, ...flags };
}

interface Form {
  readonly specs: readonly FilterSpec[];
  readonly title: string;
  readonly scaleOptions?: string | undefined;
  wire(counts: readonly PadCounts[], ports: Ports): Wiring;
}

function readForm({ name, para, filters, graph }: FilterOptions): Form {
  if (name !== undefined) {
    const spec = toSpec(name, para);
    return { specs: [spec], title: describe(spec), wire: (counts, ports) => wireOne(spec, counts[0]!, ports) };
  }
  if (filters !== undefined) {
    const specs = filters.map((entry) => toSpec(entry.name, entry.para));
    const title = specs.length === 1 ? describe(specs[0]!) : `filters ${specs.map((s) => s.name).join(', ')}`;
    return { specs, title, wire: (counts, ports) => wireList(filters, specs, counts, ports) };
  }
  const { chains, scaleOptions } = parseGraph(graph ?? '');
  return {
    specs: chains.flat(),
    title: `filtergraph '${graph}'`,
    scaleOptions,
    wire: (counts, ports) => wireChains(chains, counts, ports),
  };
}

function toSpec(name: string, para: string | undefined): FilterSpec {
  const [filter, instance] = name.split('@', 2);
  return { name: filter ?? name, instance, args: para || undefined };
}

/** The filters that open an input and pass a list on to it get the node's; what the others open is looked at before. */
function restricted(spec: FilterSpec, whitelist: string | undefined): FilterSpec {
  if (whitelist === undefined || (spec.name !== 'movie' && spec.name !== 'amovie')) return spec;
  const given = parseArguments(spec.args ?? '');
  const file = given.find(({ name }, index) => name === 'filename' || (name === undefined && index === 0))?.value ?? '';
  return { ...spec, own: `format_opts=protocol_whitelist=${whitelistFor(file, whitelist)}` };
}

/** Of a filter of pictures with one pad on each side. */
export const ONE_PICTURE: FilterPads = {
  inputs: ['video'],
  outputs: ['video'],
  dynamicInputs: false,
  dynamicOutputs: false,
};

/** Initialises every filter once, in a graph that is thrown away, and asks for its pads. */
function inspect(specs: readonly FilterSpec[]): FilterPads[] {
  const graph = new FilterGraph();
  graph.alloc();
  // Nothing goes through it: threads would be started and ended for nothing.
  graph.nbThreads = 1;
  ledger.opened('filter-graph');
  try {
    return specs.map((spec, i) => {
      const filter = findFilter(spec.name);
      if (onlyMoves(spec.name)) return ONE_PICTURE;
      const context = addFilter(graph, spec, i);
      const pads = (side: 'input' | 'output', count: number, fixed: readonly FilterPad[]) =>
        Array.from({ length: count }, (_, pad) => kindOf(fixed[pad]) ?? askKind(graph, context, side, pad, spec));
      return {
        inputs: pads('input', context.nbInputs, filter.inputs),
        outputs: pads('output', context.nbOutputs, filter.outputs),
        dynamicInputs: filter.hasFlags(AVFILTER_FLAG_DYNAMIC_INPUTS),
        dynamicOutputs: filter.hasFlags(AVFILTER_FLAG_DYNAMIC_OUTPUTS),
      };
    });
  } finally {
    graph.free();
    ledger.closed('filter-graph');
  }
}

function kindOf(pad: FilterPad | undefined): MediaKind | undefined {
  if (pad?.type === AVMEDIA_TYPE_VIDEO) return 'video';
  return pad?.type === AVMEDIA_TYPE_AUDIO ? 'audio' : undefined;
}

/** Pads made from arguments do not show their kind; what can be linked to them does. */
const ends = {
  video: { source: 'buffer', args: 'video_size=16x16:pix_fmt=yuv420p:time_base=1/25', sink: 'buffersink' },
  audio: { source: 'abuffer', args: 'sample_rate=48000:sample_fmt=flt:channel_layout=mono', sink: 'abuffersink' },
};

function askKind(
  graph: FilterGraph,
  context: FilterContext,
  side: 'input' | 'output',
  pad: number,
  spec: FilterSpec,
): MediaKind {
  let ret = 0;
  for (const kind of ['video', 'audio'] as const) {
    const { source, args, sink } = ends[kind];
    const end = allocate(graph, side === 'input' ? source : sink, `probe_${kind}`);
    check(end.initStr(side === 'input' ? args : null), `Cannot initialise a ${kind} end of a filter graph`);
    ret = side === 'input' ? end.link(0, context, pad) : context.link(pad, end, 0);
    if (ret >= 0) return kind;
  }
  throw failure(ret, `The ${side} pad ${pad} of ${describe(spec)} is neither video nor audio`);
}

/** Filters that are the ends of a graph; the node's own inputs and outputs take their place. */
const ENDS = new Set(['buffer', 'abuffer', 'buffersink', 'abuffersink']);

function findFilter(name: string): Filter {
  const filter = Filter.getByName(name);
  if (filter === null) {
    const known = Filter.getList().flatMap((f) => f.name ?? []);
    throw new MillraceError('ERR_MILLRACE_OPTION', `FFmpeg has no such filter '${name}'`, {
      hint: whyAbsent(name) ?? didYouMean(name, known, 'All filters of FFmpeg: https://ffmpeg.org/ffmpeg-filters.html'),
    });
  }
  if (ENDS.has(name)) {
    throw new MillraceError('ERR_MILLRACE_OPTION', `The filter '${name}' cannot be used by name`, {
      hint: "The node's own inputs and outputs are the ends of its graph",
    });
  }
  return filter;
}

/** Adds an initialised filter to a graph. @throws FFmpegError ERR_MILLRACE_OPTION when FFmpeg refuses the arguments. */
export function addFilter(
  graph: FilterGraph,
  spec: FilterSpec,
  index: number,
  device?: HardwareDeviceContext,
): FilterContext {
  const context = allocate(graph, spec.name, instanceOf(spec, index));
  if (device) context.hwDeviceCtx = device;
  const ret = context.initStr([spec.args, spec.own].filter((part) => part !== undefined).join(':') || null);
  if (ret < 0) {
    // Before others are tried: what FFmpeg says of those is not the reason.
    const lines = linesOf(NO_CODEC);
    throw failure(ret, `The ${describe(spec)} was refused`, {
      code: 'ERR_MILLRACE_OPTION',
      lines,
      hint: explain(graph, spec),
    });
  }
  return context;
}

/** Name of a filter in its graph. */
export function instanceOf(spec: FilterSpec, index: number): string {
  return spec.instance ?? `${spec.name}_${index}`;
}

export function allocate(graph: FilterGraph, name: string, instance: string): FilterContext {
  const filter = Filter.getByName(name);
  const context = filter && graph.allocFilter(filter, instance);
  if (context === null) throw new MillraceError('ERR_MILLRACE_FFMPEG', `Cannot allocate the filter '${name}'`);
  return context;
}

/** Tries named arguments one by one, to say which of them FFmpeg does not take. */
function explain(graph: FilterGraph, spec: FilterSpec): string {
  const probe = allocate(graph, spec.name, `probe_${spec.name}`);
  for (const [, key, value] of (spec.args ?? '').matchAll(/(?:^|:)([A-Za-z_][\w-]*)=((?:\\.|'[^']*'|[^:\\'])*)/gs)) {
    const plain = value!.replace(/\\(.)|'([^']*)'/gs, (_, escaped, quoted) => escaped ?? quoted);
    const ret = probe.setOption(key!, plain, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
    if (ret === AVERROR_OPTION_NOT_FOUND)
      return `'${spec.name}' has no option '${key}'; see https://ffmpeg.org/ffmpeg-filters.html#${spec.name}`;
    if (ret < 0) return `'${key}=${value}' is not accepted; see https://ffmpeg.org/ffmpeg-filters.html#${spec.name}`;
  }
  return `Arguments are written as in FFmpeg, name=value joined by ':'; see https://ffmpeg.org/ffmpeg-filters.html#${spec.name}`;
}

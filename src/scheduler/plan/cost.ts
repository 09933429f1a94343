/**
 * What a node costs, guessed from its options before anything is opened.
 *
 * The unit is milliseconds per video frame on one core: measured on 1280x720 pictures (H.264 in, one thread per codec)
 * and scaled by the size of the pictures where the options tell it. Only the proportions matter. Sound is cheap beside
 * pictures. What a module of the user's does is unknown, so it is taken to be as heavy as the heaviest known node.
 *
 * A codec or filter with n threads of its own does its work there; the thread of its node waits for a share of 1/n.
 */
import {
  AV_CODEC_CAP_FRAME_THREADS,
  AV_CODEC_CAP_OTHER_THREADS,
  AV_CODEC_CAP_SLICE_THREADS,
  AVFILTER_FLAG_SLICE_THREADS,
  type FFVideoEncoder,
} from 'node-av/constants';
import { Codec, Filter } from 'node-av/lib';
import { builtinOf } from '../../catalog/builtin.js';
import { encoderNames, factsOf, filtersOf, isOfSound } from '../../catalog/ffmpeg.js';
import { ENCODERS, PRESETS } from './cost-tables.js';
import type { GraphSpec, LinkSpec, NodeSpec } from './spec.js';

export interface Cost {
  /** All of its work: milliseconds per frame on one core. */
  work: number;
  /** Threads that the codec or filter has of its own; 1: it works in the thread of its node. */
  codecThreads: number;
  /** What is left for the thread of the node: `work / codecThreads`. */
  share: number;
  /** What that thread computes itself. Of its share of a codec with threads of its own that is little: it waits. */
  busy: number;
  /** Nobody can know what it costs. */
  unknown: boolean;
  /** What the guess was made from. */
  what: string;
}

interface Size {
  width: number;
  height: number;
}

/** Of streams whose size is not known before they are opened. */
const ASSUMED: Size = { width: 1280, height: 720 };
/** Part of the work of a codec with threads of its own that is done by who calls it: handing over, copying, counting. */
const CALLING = 0.06;
const DECODE = 3.3;
const DECODE_AUDIO = 0.05;
const ENCODE_AUDIO = 0.1;
/** Handing packets on, whatever they are. */
const HANDING_ON = 0.02;
/** A codec or filter that is in no table. */
const OTHER_ENCODER = 10;
const OTHER_FILTER = 2;
const AUDIO_FILTER = 0.05;
/** The least a module of the user's is taken to cost. */
const USER = 2;

/**
 * @param rank position of every node in topological order, in the order of `spec.nodes`.
 * @param cores what a codec that chooses its number of threads itself is taken to use.
 */
export function estimate(spec: Pick<GraphSpec, 'nodes' | 'links'>, rank: readonly number[], cores: number): Cost[] {
  const guess = new Guess(spec, cores);
  const order = spec.nodes.map((_, index) => index).sort((a, b) => rank[a]! - rank[b]!);
  const costs = new Array<Cost | undefined>(spec.nodes.length);
  for (const index of order) costs[index] = guess.node(spec.nodes[index]!);
  const known = costs as Cost[];
  const heaviest = Math.max(USER, ...known.map((cost) => cost.share));
  return known.map((cost) => (cost.unknown ? { ...cost, work: heaviest, share: heaviest, busy: heaviest } : cost));
}

/**
 * The same of the nodes that come to a graph behind those that it has.
 * @param known what those cost.
 */
export function estimateAdded(
  spec: Pick<GraphSpec, 'nodes' | 'links'>,
  known: readonly Cost[],
  rank: readonly number[],
  cores: number,
): Cost[] {
  const guess = new Guess(spec, cores);
  const added = spec.nodes.slice(known.length);
  // Sizes of pictures come down from the nodes in front of them.
  const asked = guess.upstream(added);
  const order = [...spec.nodes.keys()].filter((node) => asked.has(spec.nodes[node]!.id));
  const costs = new Map<number, Cost>();
  for (const node of order.sort((a, b) => rank[a]! - rank[b]!)) costs.set(node, guess.node(spec.nodes[node]!));
  const own = added.map((_, at) => costs.get(known.length + at)!);
  const heaviest = Math.max(USER, ...[...known, ...own].map((cost) => cost.share));
  return own.map((cost) => (cost.unknown ? { ...cost, work: heaviest, share: heaviest, busy: heaviest } : cost));
}

/** Goes through the nodes in the order of the graph and remembers the sizes of the pictures. */
class Guess {
  /** By `<node>:<output>`; absent: sound, or not known. */
  private readonly sizes = new Map<string, Size>();
  private readonly nodes: ReadonlyMap<number, NodeSpec>;
  /** Links by the node that they lead to, and from which they come. */
  private readonly into = new Map<number, LinkSpec[]>();
  private readonly outOf = new Map<number, LinkSpec[]>();

  constructor(
    { nodes, links }: Pick<GraphSpec, 'nodes' | 'links'>,
    private readonly cores: number,
  ) {
    this.nodes = new Map(nodes.map((node) => [node.id, node]));
    for (const { id } of nodes) {
      this.into.set(id, []);
      this.outOf.set(id, []);
    }
    for (const link of links) {
      this.into.get(link.to.node)?.push(link);
      this.outOf.get(link.from.node)?.push(link);
    }
  }

  node(node: NodeSpec): Cost {
    const { module } = node;
    const builtin = builtinOf(module);
    if (!builtin) {
      this.handOn(node);
      return { ...cost(USER, 1, 'a module of yours: work unknown'), unknown: true };
    }
    switch (builtin.work) {
      case 'decoding':
        return this.decoder(node);
      case 'encoding':
        return this.encoder(node);
      case 'filtering':
        return this.filter(node);
      default:
        this.handOn(node);
        return cost(HANDING_ON, 1, 'hands packets on');
    }
  }

  /** Ids of these nodes, and of all from which something comes to them. */
  upstream(nodes: readonly NodeSpec[]): Set<number> {
    const found = new Set(nodes.map(({ id }) => id));
    for (const id of found) for (const { from } of this.into.get(id) ?? []) found.add(from.node);
    return found;
  }

  private decoder(node: NodeSpec): Cost {
    const { options } = node;
    const consumes = (output: number): boolean => this.outOf.get(node.id)!.some((link) => link.from.output === output);
    const size = readSize(options.s);
    if (size) this.sizes.set(`${node.id}:0`, size);
    const copies = options.video_codec === 'copy';
    if (!consumes(0) || copies) {
      return consumes(1) && options.audio_codec !== 'copy'
        ? cost(DECODE_AUDIO, 1, 'decodes sound')
        : cost(HANDING_ON, 1, 'demultiplexes');
    }
    const threads = this.threads((options.dec_params as Record<string, unknown> | undefined)?.threads);
    return cost(DECODE * area(size), threads, `decodes video${sizeText(size)}${threadsText(threads)}`);
  }

  private encoder(node: NodeSpec): Cost {
    const input = this.into.get(node.id)!.find((link) => link.to.input === 0);
    const [params = {}] = [node.options.video_params ?? {}].flat() as Record<string, unknown>[];
    const producer = input && this.nodes.get(input.from.node);
    const isPacket = producer !== undefined && isDecoder(producer) && producer.options.video_codec === 'copy';
    if (!input) return cost(ENCODE_AUDIO, 1, 'encodes sound');
    const name = typeof params.codec === 'string' ? params.codec : 'h264';
    if (isPacket || name === 'copy') return cost(HANDING_ON, 1, 'multiplexes');
    const codec = encoderNames(name)
      .map((candidate) => Codec.findEncoderByName(candidate as FFVideoEncoder))
      .find((candidate) => candidate !== null);
    const codecName = codec?.name ?? name;
    const size =
      readSize(`${params.width}x${params.height}`) ?? this.sizes.get(`${input.from.node}:${input.from.output}`);
    const preset = typeof params.preset === 'string' ? params.preset : undefined;
    const factor = preset === undefined ? 1 : (PRESETS[preset] ?? 1);
    const caps = AV_CODEC_CAP_FRAME_THREADS | AV_CODEC_CAP_SLICE_THREADS | AV_CODEC_CAP_OTHER_THREADS;
    const threads = ((codec?.capabilities ?? 0) & caps) === 0 ? 1 : this.threads(params.threads);
    const named = preset === undefined ? codecName : `${codecName} ${preset}`;
    return cost(
      (ENCODERS[codecName] ?? OTHER_ENCODER) * factor * area(size),
      threads,
      `encodes video (${named})${sizeText(size)}${threadsText(threads)}`,
    );
  }

  private filter(node: NodeSpec): Cost {
    const filters = filtersOf(node.options);
    if (filters.length === 0) return cost(OTHER_FILTER, 1, 'filters');
    let size = this.inputSize(node);
    let work = 0;
    let sliced = 0;
    for (const { name, args } of filters) {
      const filter = Filter.getByName(name);
      const isAudio = isOfSound(filter);
      const own = factsOf(name).cost ?? (isAudio ? AUDIO_FILTER : OTHER_FILTER);
      const after = isAudio ? size : (sizeAfter(name, args, size) ?? size);
      // Of pictures that change their size, the larger: all of them must be read, or written.
      const part = isAudio ? own : own * Math.max(area(size), area(after));
      work += part;
      if (filter?.hasFlags(AVFILTER_FLAG_SLICE_THREADS)) sliced += part;
      size = after;
    }
    if (size) for (const output of this.outputsOf(node)) this.sizes.set(`${node.id}:${output}`, size);
    // Of a list, only what is done in slices is divided; the number is one for the whole.
    const threads = this.threads(node.options.threads);
    const share = sliced === 0 ? work : work - sliced + sliced / threads;
    const codecThreads = sliced > work / 2 ? threads : 1;
    const names = filters.map(({ name }) => name).join(', ');
    return {
      work,
      codecThreads,
      share,
      busy: share,
      unknown: false,
      what: `filters (${names})${sizeText(size)}${threadsText(codecThreads)}`,
    };
  }

  /** A module that has no picture size of its own: what comes in goes out, as far as anybody knows. */
  private handOn(node: NodeSpec): void {
    const size = this.inputSize(node);
    if (size) for (const output of this.outputsOf(node)) this.sizes.set(`${node.id}:${output}`, size);
  }

  private inputSize(node: NodeSpec): Size | undefined {
    for (const { from } of this.into.get(node.id)!) {
      const size = this.sizes.get(`${from.node}:${from.output}`);
      if (size) return size;
    }
    return undefined;
  }

  private outputsOf({ id }: NodeSpec): Set<number> {
    return new Set(this.outOf.get(id)!.map(({ from }) => from.output));
  }

  /** FFmpeg's automatic number of threads is about the number of cores. */
  private threads(option: unknown): number {
    const given = Number(option ?? 0);
    return Number.isInteger(given) && given > 0 ? given : this.cores;
  }
}

function cost(work: number, codecThreads: number, what: string): Cost {
  const busy = codecThreads > 1 ? work * CALLING : work;
  return { work, codecThreads, share: work / codecThreads, busy, unknown: false, what };
}

function isDecoder({ module }: NodeSpec): boolean {
  return builtinOf(module)?.work === 'decoding';
}

/** Size of the pictures a filter puts out, if its arguments say it in plain numbers. */
function sizeAfter(name: string, args: string, before: Size | undefined): Size | undefined {
  if (!['scale', 'crop', 'pad', 'testsrc', 'testsrc2', 'color', 'smptebars', 'smptehdbars'].includes(name)) {
    return undefined;
  }
  const named = new Map([...args.matchAll(/(?:^|:)(\w+)=([^:]*)/g)].map(([, key, value]) => [key!, value!]));
  const whole = readSize(named.get('size') ?? named.get('s'));
  if (whole) return whole;
  const positional = args.split(':').filter((part) => !part.includes('='));
  const side = (long: string, short: string, at: number): number =>
    Number(named.get(long) ?? named.get(short) ?? positional[at] ?? Number.NaN);
  let width = side('width', 'w', 0);
  let height = side('height', 'h', 1);
  const known = before ?? ASSUMED;
  // -1, -2, … keep the aspect.
  if (width < 0 && height > 0) width = (known.width / known.height) * height;
  if (height < 0 && width > 0) height = (known.height / known.width) * width;
  return width > 0 && height > 0 ? { width, height } : undefined;
}

function readSize(value: unknown): Size | undefined {
  const match = typeof value === 'string' ? /^(\d+)x(\d+)$/.exec(value) : null;
  return match ? { width: Number(match[1]), height: Number(match[2]) } : undefined;
}

/** Relative to the size the tables were measured at. */
function area(size: Size | undefined): number {
  return size === undefined ? 1 : (size.width * size.height) / (ASSUMED.width * ASSUMED.height);
}

function sizeText(size: Size | undefined): string {
  return size === undefined ? '' : ` at ${Math.round(size.width)}x${Math.round(size.height)}`;
}

function threadsText(threads: number): string {
  return threads === 1 ? '' : ` in ${threads} threads of its own`;
}

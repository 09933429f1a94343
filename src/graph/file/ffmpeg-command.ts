/**
 * The ffmpeg command that does what a graph does, where there is one (BMF's runFFmpegByConfig): decoders of files, filters,
 * encoders into files. Nothing is left out in silence: what has no counterpart is a problem.
 */

import { Filter } from 'node-av/lib';
import { builtinOf } from '../../catalog/builtin.js';
import type { Problem } from '../../errors/errors.js';
import type { LinkSpec, NodeSpec } from '../../scheduler/plan/spec.js';
import { isOn } from '../../schema/schema.js';

type Options = Readonly<Record<string, unknown>>;
type From = LinkSpec['from'];
type Kind = 'video' | 'audio' | 'subtitle' | 'data' | 'attachment';

/** What becomes of an option: arguments; undefined if there are none. */
type Rule = (value: unknown, options: Options) => readonly string[] | undefined;

const as =
  (flag: string): Rule =>
  (value) => [`-${flag}`, String(value)];
const flag =
  (name: string): Rule =>
  (value) =>
    isOn(value) ? [`-${name}`] : [];
const none: Rule = () => [];

const LETTERS: Record<Kind, string> = { video: 'v', audio: 'a', subtitle: 's', data: 'd', attachment: 't' };

const SKIPPED: Record<number, string> = {
  0: 'default',
  8: 'noref',
  16: 'bidir',
  24: 'nointra',
  32: 'nokey',
  48: 'all',
};

/** Before `-i`. */
const DECODER: Readonly<Record<string, Rule>> = {
  input_path: none,
  start_time: as('ss'),
  end_time: as('to'),
  loop: as('stream_loop'),
  realtime: flag('re'),
  autorotate: (value) => (isOn(value) ? [] : ['-noautorotate']),
  skip_frame: (value) => ['-skip_frame', SKIPPED[Number(value)] ?? String(value)],
  video_codec: (value) => (value === 'copy' ? [] : ['-c:v', String(value)]),
  audio_codec: (value) => (value === 'copy' ? [] : ['-c:a', String(value)]),
  dec_params: (value) => flags(value, ''),
  copyts: none,
  map_v: none,
  map_a: none,
  streams: none,
  s: as('s'),
  pix_fmt: as('pix_fmt'),
  decryption_key: as('decryption_key'),
  loglevel: none,
};

const VIDEO: Readonly<Record<string, Rule>> = {
  codec: (value) => ['-c:v', value === 'jpg' ? 'mjpeg' : String(value)],
  width: (value, { height }) =>
    isPositive(value) && isPositive(height) ? ['-s:v', `${value}x${String(height)}`] : undefined,
  height: (_, { width }) => (width === undefined ? undefined : []),
  pix_fmt: as('pix_fmt'),
  r: as('r'),
  max_fr: as('fpsmax'),
  vsync: (value) => (value === 'auto' ? [] : ['-fps_mode', String(value)]),
  bit_rate: as('b:v'),
  qscale: as('q:v'),
  vtag: as('tag:v'),
  psnr: flag('psnr'),
  aspect: as('aspect'),
  force_key_frames: as('force_key_frames'),
};

const AUDIO: Readonly<Record<string, Rule>> = {
  codec: as('c:a'),
  channels: as('ac'),
  sample_rate: as('ar'),
  bit_rate: as('b:a'),
  qscale: as('q:a'),
  atag: as('tag:a'),
  sample_fmt: as('sample_fmt'),
};

const ENCODER: Readonly<Record<string, Rule>> = {
  output_path: none,
  null_output: none,
  input_kinds: none,
  strict: none,
  loglevel: none,
  format: as('f'),
  video_params: (value) => stream(value, VIDEO, ':v'),
  audio_params: (value) => stream(value, AUDIO, ':a'),
  mux_params: (value) => flags(value, ''),
  metadata: (value) =>
    value === false ? ['-map_metadata', '-1'] : pairs(value).flatMap(([key, text]) => ['-metadata', `${key}=${text}`]),
  chapters: (value) => (value === false ? ['-map_chapters', '-1'] : undefined),
  shortest: flag('shortest'),
  vframes: as('frames:v'),
  aframes: as('frames:a'),
  force_key_frames: as('force_key_frames'),
  max_muxing_queue_size: as('max_muxing_queue_size'),
  muxing_queue_data_threshold: as('muxing_queue_data_threshold'),
};

/** @returns the arguments, or what stands in the way. */
export function ffmpegCommand(
  nodes: readonly NodeSpec[],
  links: readonly LinkSpec[],
  pathOf: (index: number) => string,
): { readonly command: string; readonly problems: Problem[] } {
  const problems: Problem[] = [];
  const translate = (node: NodeSpec, rules: Readonly<Record<string, Rule>>, path: string): string[] =>
    Object.entries(node.options).flatMap(([key, value]): readonly string[] => {
      const args = Object.hasOwn(rules, key) ? rules[key]!(value, node.options) : undefined;
      if (args === undefined)
        problems.push({ path: `${path}.option.${key}`, message: 'has no counterpart in the ffmpeg command' });
      return args ?? [];
    });
  const graph = new Wiring(nodes, links);
  const inputs: string[] = [];
  const filters: string[] = [];
  const outputs: string[] = [];
  nodes.forEach((node, index) => {
    const path = pathOf(index);
    const work = builtinOf(node.module)?.work;
    const { options } = node;
    if (work === 'decoding' && options.input_path !== undefined) {
      inputs.push(...translate(node, DECODER, path), '-i', String(options.input_path));
      if (isOn(options.copyts)) outputs.unshift('-copyts');
    } else if (work === 'filtering' && typeof options.name === 'string') {
      const { name, para = '' } = options as { name: string; para?: unknown };
      const pads = graph.labelsInto(node, '[', ']');
      filters.push(
        `${pads}${name}${para === '' ? '' : `=${String(para)}`}${graph.labelsOf(node)}`,
        ...graph.splits(node),
      );
    } else if (work === 'encoding' && (options.output_path !== undefined || isOn(options.null_output))) {
      const maps = graph.into(node).flatMap((from) => ['-map', graph.label(from, node.id, '[', ']')]);
      const copied = graph.copied(node).flatMap((kind) => [`-c:${LETTERS[kind]}`, 'copy']);
      const file = isOn(options.null_output) ? ['-f', 'null', '-'] : [String(options.output_path)];
      outputs.push(...maps, ...copied, ...translate(node, ENCODER, path), ...file);
    } else {
      const hint = 'Those are decoders of an input_path, filters by name and para, and encoders into an output_path';
      problems.push({ path, message: 'is nothing that the ffmpeg command has', hint });
    }
  });
  const complex = filters.length === 0 ? [] : ['-filter_complex', filters.join(';')];
  return { command: ['ffmpeg', '-y', ...inputs, ...complex, ...outputs].map(quoted).join(' '), problems };
}

/** Which stream goes where, by the labels of the command. */
class Wiring {
  private readonly byId: ReadonlyMap<number, NodeSpec>;
  private readonly decoders: readonly number[];

  constructor(
    nodes: readonly NodeSpec[],
    private readonly links: readonly LinkSpec[],
  ) {
    this.byId = new Map(nodes.map((node) => [node.id, node]));
    this.decoders = nodes.filter(({ module }) => builtinOf(module)?.work === 'decoding').map(({ id }) => id);
  }

  /** What goes into a node, by the numbers of its inputs. */
  into({ id }: NodeSpec): From[] {
    const own = this.links.filter(({ to }) => to.node === id);
    return own.sort((a, b) => a.to.input - b.to.input).map(({ from }) => from);
  }

  private takers({ node, output }: From): LinkSpec[] {
    return this.links.filter(({ from }) => from.node === node && from.output === output);
  }

  labelsInto(node: NodeSpec, open: string, close: string): string {
    return this.into(node)
      .map((from) => this.label(from, node.id, open, close, true))
      .join('');
  }

  /** A stream as one of its takers names it. */
  label(from: From, taker: number, open: string, close: string, inFilter = false): string {
    const file = this.decoders.indexOf(from.node);
    if (file >= 0) {
      const name = `${file}:${this.streamOf(from)}`;
      return inFilter ? `${open}${name}${close}` : name;
    }
    const takers = this.takers(from);
    const place = takers.findIndex(({ to }) => to.node === taker);
    return `${open}${this.name(from)}${takers.length > 1 ? `_${place}` : ''}${close}`;
  }

  private name({ node, output }: From): string {
    return `n${node}_${output}`;
  }

  /** Stream specifier of a decoder's output. */
  private streamOf({ node, output }: From): string {
    const { options } = this.byId.get(node)!;
    const mapped = output === 0 ? options.map_v : output === 1 ? options.map_a : undefined;
    if (mapped !== undefined && Number(mapped) >= 0) return String(mapped);
    if (output < 2) return output === 0 ? 'v:0' : 'a:0';
    const chosen = (options.streams as readonly { kind: Kind; index?: number; number?: number; language?: string }[])[
      output - 2
    ]!;
    if (chosen.index !== undefined) return String(chosen.index);
    const language = chosen.language === undefined ? '' : `:m:language:${chosen.language}`;
    return `${LETTERS[chosen.kind]}${language}${chosen.number === undefined && language !== '' ? '' : `:${chosen.number ?? 0}`}`;
  }

  /** Labels of a filter's outputs, in their order. */
  labelsOf(node: NodeSpec): string {
    const used = this.links.filter(({ from }) => from.node === node.id).map(({ from }) => from.output);
    const count = Math.max(-1, ...used) + 1;
    return Array.from({ length: count }, (_, output) => `[${this.name({ node: node.id, output })}]`).join('');
  }

  /** A label is taken once: what several take is multiplied. */
  splits(node: NodeSpec): string[] {
    const outputs = new Set(this.links.filter(({ from }) => from.node === node.id).map(({ from }) => from.output));
    return [...outputs].flatMap((output) => {
      const from = { node: node.id, output };
      const { length } = this.takers(from);
      if (length < 2) return [];
      const name = this.name(from);
      const copies = Array.from({ length }, (_, place) => `[${name}_${place}]`).join('');
      return `[${name}]${this.kindOf(from) === 'audio' ? 'asplit' : 'split'}=${length}${copies}`;
    });
  }

  private kindOf(from: From): Kind {
    const { module, options } = this.byId.get(from.node)!;
    const known = builtinOf(module)?.outputNames?.(options)[from.output];
    if (known !== undefined) return known as Kind;
    const pad = Filter.getByName(String(options.name))?.outputs?.[0];
    if (pad !== undefined) return /audio/i.test(String(pad.type)) || pad.type === 1 ? 'audio' : 'video';
    // Filters whose outputs depend on their options hand on what comes in.
    const [first] = this.into(this.byId.get(from.node)!);
    return first === undefined ? 'video' : this.kindOf(first);
  }

  /** Kinds of the streams that go into an encoder as packets. */
  copied(node: NodeSpec): Kind[] {
    return this.into(node).flatMap((from) => {
      const decoder = this.byId.get(from.node)!;
      if (!this.decoders.includes(from.node)) return [];
      const kind = this.kindOf(from);
      const codec =
        kind === 'video' ? decoder.options.video_codec : kind === 'audio' ? decoder.options.audio_codec : 'copy';
      return codec === 'copy' ? [kind] : [];
    });
  }
}

function stream(value: unknown, rules: Readonly<Record<string, Rule>>, suffix: string): readonly string[] | undefined {
  if (Array.isArray(value)) return undefined; // one set for each stream
  const options = value as Options;
  const made = pairs(value).map(([key, text]) =>
    Object.hasOwn(rules, key) ? rules[key]!(text, options) : [`-${key}${suffix}`, String(text)],
  );
  return made.some((args) => args === undefined) ? undefined : made.flatMap((args) => args ?? []);
}

function flags(value: unknown, suffix: string): string[] {
  return pairs(value).flatMap(([key, text]) => [`-${key}${suffix}`, String(text)]);
}

function pairs(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function isPositive(value: unknown): boolean {
  return Number(value) > 0;
}

/** As a POSIX shell takes it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}

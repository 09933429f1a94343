/** Reads a graph file (BMF's graph.json): checked as one, every problem with its JSON path. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { builtinOf, findBuiltin } from '../../catalog/builtin.js';
import { fileReference, findModule } from '../../catalog/registry.js';
import { ConfigError, MillraceError, type Problem } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { GraphFileOptions } from '../../scheduler/plan/graph-options.js';
import type { LinkSpec, ModuleRef, NodeSpec } from '../../scheduler/plan/spec.js';
import { warmCalled } from '../../scheduler/warm/warm-module.js';
import { problemsFrom } from '../../schema/problems.js';
import { didYouMean } from '../../schema/schema.js';
import { defaultAlias } from '../build/draw.js';
import { validate } from '../build/validate.js';
import { placeWarm } from '../build/warm.js';
import { nodeOptionRows, takeDistNums } from '../options/node-options.js';
import { resolveGraphOptions } from '../options/resolve.js';
import { pathOf } from '../options/urls.js';
import { fileSchema, nodeSchema, type ParsedNode, type ParsedStream } from './format.js';
import { type Allowed, checkTrust, protocolWhitelist } from './trust.js';
import { streamName } from './write.js';

export interface ReadGraph {
  readonly options: GraphFileOptions;
  readonly nodes: NodeSpec[];
  /** Names of the input streams; in the links they are the nodes -1, -2, … */
  readonly inputs: readonly string[];
  /** Streams to be read. */
  readonly outputs: readonly LinkSpec['from'][];
  readonly links: LinkSpec[];
  /** Aliases of streams, by the name the stream has in the graph. */
  readonly streamAliases: ReadonlyMap<string, string>;
}

/** @param source A path or URL of a file; text if it begins with `{`; or the parsed object. */
export function readConfig(source: unknown, allowed: Allowed): ReadGraph {
  const { value, what } = loadConfig(source);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`${what} cannot be used`, [
      { path: '(file)', message: `must be an object, not ${describeValue(value)}` },
    ]);
  }
  const raw: { nodes?: unknown; option?: unknown } = value;
  const problems: Problem[] = [];
  const whitelist = protocolWhitelist(allowed);
  const file = v.safeParse(fileSchema, raw);
  if (!file.success) problems.push(...problemsFrom('', file.issues));
  const option = raw.option ?? {};
  problems.push(...resolveGraphOptions(option).problems);
  if (typeof option === 'object' && option !== null && 'loader' in option) {
    const hint = 'Give it to fromConfig(file, { loader })';
    problems.push({ path: 'option.loader', message: 'says what code is loaded, and is not in files', hint });
  }

  const rawNodes = Array.isArray(raw.nodes) ? raw.nodes : [];
  const parsed = rawNodes.map((node, index) => {
    const result = v.safeParse(nodeSchema, node);
    if (!result.success) problems.push(...problemsFrom(`nodes[${index}]`, result.issues));
    return result.success ? result.output : undefined;
  });
  const read: { node: NodeSpec; index: number }[] = [];
  parsed.forEach((node, index) => {
    if (!node) return;
    const made = readNode(node, `nodes[${index}]`);
    if (whitelist !== undefined) made.node.protocolWhitelist = whitelist;
    problems.push(...made.problems, ...checkTrust(made.node, `nodes[${index}]`, allowed));
    read.push({ node: made.node, index });
  });
  const ends = readEnds(file.success ? file.output : {});
  const { links, outputs, problems: wrongLinks } = readLinks(parsed, rawNodes, ends);
  problems.push(...ends.problems, ...wrongLinks);
  const inputs = ends.inputs.map(({ name }, index): NodeSpec => inputNode(name, index));
  const nodes = read.map(({ node }) => node);
  // A file without a readable node has been reported; "no nodes" would only repeat it.
  if (nodes.length > 0 || (file.success && rawNodes.length === 0)) {
    const pathOf = (place: number): string => {
      const own = read[place];
      return own ? `nodes[${own.index}]` : `input_streams[${place - read.length}]`;
    };
    problems.push(...validate({ nodes: [...nodes, ...inputs], links, pathOf }).problems);
  }
  if (problems.length > 0) throw new ConfigError(`${what} cannot be used`, inFileOrder(problems));
  const streamAliases = readStreamAliases(parsed, nodes);
  for (const { name, alias } of ends.inputs) if (alias !== undefined) streamAliases.set(name, alias);
  const names = ends.inputs.map(({ name }) => name);
  return { options: option as GraphFileOptions, nodes, inputs: names, outputs, links, streamAliases };
}

function readStreamAliases(
  parsed: readonly (ParsedNode | undefined)[],
  nodes: readonly NodeSpec[],
): Map<string, string> {
  const aliases = new Map<string, string>();
  for (const { id, output_streams = [] } of parsed.filter((node) => node !== undefined)) {
    const node = nodes.find((candidate) => candidate.id === id)!;
    output_streams.forEach((stream, place) => {
      const alias = stream.stream_alias ?? stream.alias;
      if (alias !== undefined)
        aliases.set(streamName(node, outputNumber(splitIdentifier(stream).notify, place)), alias);
    });
  }
  return aliases;
}

/** What a path, a text or an object holds. */
export function loadConfig(source: unknown): { value: unknown; what: string } {
  if (source instanceof URL) return loadConfig(pathOf(source));
  if (typeof source !== 'string') return { value: source, what: 'the graph' };
  const isText = source.trimStart().startsWith('{');
  const what = isText ? 'the graph' : `the graph file ${source}`;
  let text = source;
  if (!isText) {
    try {
      text = readFileSync(pathOf(source), 'utf8');
    } catch (cause) {
      throw new MillraceError('ERR_MILLRACE_CONFIG', `${what} cannot be read: ${(cause as Error).message}`, { cause });
    }
  }
  try {
    return { value: JSON.parse(text.replace(/^\uFEFF/, '')) as unknown, what };
  } catch (cause) {
    throw new ConfigError(`${what} cannot be used`, [
      { path: '(file)', message: `not JSON: ${(cause as Error).message}` },
    ]);
  }
}

/** A node by itself. */
export function readNode(parsed: ParsedNode, path: string): { node: NodeSpec; problems: Problem[] } {
  const { module, problems } = readModule(parsed, path);
  const options = structuredClone(parsed.option ?? {});
  let alias = parsed.alias;
  // BMF's builder writes the alias among the options.
  if (builtinOf(module) && 'alias' in options) {
    if (typeof options.alias !== 'string') problems.push({ path: `${path}.option.alias`, message: 'must be a string' });
    else alias ??= options.alias || undefined;
    delete options.alias;
  }
  let onError = parsed.on_error;
  if (builtinOf(module) && 'on_error' in options) {
    const checked = v.safeParse(nodeOptionRows.on_error.schema, options.on_error);
    if (checked.success) onError ??= checked.output;
    else problems.push(...problemsFrom(`${path}.option.on_error`, checked.issues));
    delete options.on_error;
  }
  if (parsed.scheduler !== undefined && parsed.thread !== undefined) {
    problems.push({ path: `${path}.thread`, message: 'contradicts scheduler', hint: 'Give one of them' });
  }
  const taken = takeDistNums(module, options, `${path}.option`);
  problems.push(...taken.problems);
  const { dist_nums: copies = taken.distNums } = parsed;
  const { callback_binding, callback_bindings: bindings = callback_binding } = parsed.meta_info ?? {};
  const node: NodeSpec = {
    id: parsed.id,
    alias: alias ?? defaultAlias({ id: parsed.id, module }),
    module,
    options,
    // BMF writes 'immediate' for every node, also for those whose module brings a manager of its own.
    ...(parsed.input_manager !== undefined &&
      parsed.input_manager !== 'immediate' && { inputManager: parsed.input_manager }),
    ...(parsed.scheduler !== undefined && { scheduler: parsed.scheduler }),
    ...(parsed.thread !== undefined && { thread: parsed.thread }),
    ...(onError !== undefined && { onError }),
    ...(copies !== undefined && copies > 1 && { distNums: copies }),
    ...(bindings !== undefined && bindings.size > 0 && { callbacks: bindings }),
    ...(parsed.meta_info?.queue_length_limit !== undefined && { queueLimit: parsed.meta_info.queue_length_limit }),
  };
  const { premodule_id: premodule = -1 } = parsed.meta_info ?? {};
  if (premodule > 0) problems.push(...takeWarm(node, premodule, path));
  return { node, problems };
}

/** Makes the node that of a module of this process which is there already (BMF: ids from 1 on; others say that there is none). */
function takeWarm(node: NodeSpec, id: number, path: string): Problem[] {
  const warm = warmCalled(id);
  const at = `${path}.meta_info.premodule_id`;
  if (warm === undefined) {
    return [
      {
        path: at,
        message: `there is no warm module ${id} in this process`,
        hint: 'createModule() makes them, and each has its `id`',
      },
    ];
  }
  const { module, options } = warm.spec;
  const { name, path: file = module.path } = node.module;
  if (module.name !== name || module.path !== file) {
    return [{ path: at, message: `is ${warm.alias}, a ${module.name}, and the node is a ${node.module.name}` }];
  }
  if (Object.keys(node.options).length > 0 && !isDeepStrictEqual(node.options, options)) {
    return [{ path: `${path}.option`, message: `are not those of the warm module ${id}`, hint: 'Leave them out' }];
  }
  Object.assign(node, { module, options });
  placeWarm(node, warm);
  return [];
}

const FOREIGN_TYPES = ['python', 'go', 'c++'];

function readModule({ module_info: info }: ParsedNode, path: string): { module: ModuleRef; problems: Problem[] } {
  const problems: Problem[] = [];
  const { name, type, path: file, entry } = info;
  const known = name === undefined ? undefined : findModule(name);
  const isBuiltin = file === undefined && name !== undefined && findBuiltin(name) !== undefined;
  if (type !== undefined && type !== 'js' && !(isBuiltin && type === 'c++')) {
    problems.push({
      path: `${path}.module_info.type`,
      message: FOREIGN_TYPES.includes(type)
        ? `modules written in ${type} cannot run here`
        : `there is no module type '${type}'`,
      hint: "Modules are JavaScript: type 'js' or none",
    });
  }
  if (file === undefined && entry !== undefined) {
    problems.push({ path: `${path}.module_info.entry`, message: 'needs the path of the file that exports it' });
  }
  const module = file !== undefined ? fileReference({ path: file, entry }, name) : (known ?? { name: name ?? '' });
  return { module, problems };
}

interface Ends {
  readonly inputs: readonly { readonly name: string; readonly alias: string | undefined }[];
  readonly outputs: readonly ParsedStream[];
  readonly problems: readonly Problem[];
}

/** The streams of the graph itself, those its user feeds and reads. */
function readEnds(file: Partial<v.InferOutput<typeof fileSchema>>): Ends {
  const { mode, input_streams = [], output_streams = [] } = file;
  const problems: Problem[] = [];
  if ((mode === 'Pushdata' || mode === 'Server') && input_streams.length === 0) {
    problems.push({ path: 'input_streams', message: `are missing: the mode is '${mode}'` });
  }
  if (mode === 'Normal' && input_streams.length > 0) {
    problems.push({ path: 'mode', message: "'Normal' feeds no input_streams", hint: "'Pushdata' does" });
  }
  const seen = new Set<string>();
  const inputs = input_streams.flatMap((stream, index) => {
    const { name } = splitIdentifier(stream);
    if (seen.has(name)) {
      problems.push({ path: `input_streams[${index}].identifier`, message: `'${name}' is there twice` });
      return [];
    }
    seen.add(name);
    return { name, alias: stream.stream_alias ?? stream.alias };
  });
  return { inputs, outputs: output_streams, problems };
}

/** Stands for an input stream while the file is checked. */
function inputNode(name: string, index: number): NodeSpec {
  return { id: -1 - index, alias: name, module: { name: 'input_stream' }, options: {}, outside: 'input' };
}

interface Producer {
  /** JSON path of what has the stream. */
  readonly path: string;
  /** Node id and output; undefined for a node that could not be read. */
  readonly from: LinkSpec['from'] | undefined;
}

/** `video:x` names the stream x and says that it is output 0. */
export function splitIdentifier({ identifier, notify }: Pick<ParsedStream, 'identifier' | 'notify'>): {
  name: string;
  notify: string | undefined;
} {
  const colon = identifier.indexOf(':');
  return colon < 0
    ? { name: identifier, notify }
    : { name: identifier.slice(colon + 1), notify: identifier.slice(0, colon) };
}

/** Output number of a stream: by `video:` (0) and `audio:` (1), else by its place (BMF's OutputStreamManager). */
export function outputNumber(notify: string | undefined, place: number): number {
  return notify === 'video' ? 0 : notify === 'audio' ? 1 : place;
}

function readLinks(
  nodes: readonly (ParsedNode | undefined)[],
  rawNodes: readonly unknown[],
  ends: Ends,
): { links: LinkSpec[]; outputs: LinkSpec['from'][]; problems: Problem[] } {
  const problems: Problem[] = [];
  const producers = new Map<string, Producer>();
  ends.inputs.forEach(({ name }, index) => {
    producers.set(name, { path: `input_streams[${index}]`, from: { node: -1 - index, output: 0 } });
  });
  nodes.forEach((node, place) => {
    const outputs = new Map<number, number>();
    const streams = node?.output_streams ?? rawStreams(rawNodes[place]);
    streams.forEach((stream, index) => {
      const path = `nodes[${place}].output_streams[${index}].identifier`;
      const { name, notify } = splitIdentifier(stream);
      const output = outputNumber(notify, index);
      const other = producers.get(name);
      if (other) {
        problems.push({
          path,
          message: `'${name}' is a stream of ${other.path} already`,
          hint: 'Stream names are unique',
        });
        return;
      }
      const sameOutput = outputs.get(output);
      if (sameOutput !== undefined) {
        problems.push({ path, message: `is output ${output}, as output_streams[${sameOutput}] is` });
      }
      outputs.set(output, index);
      producers.set(name, { path: `nodes[${place}]`, from: node && { node: node.id, output } });
    });
  });
  const links: LinkSpec[] = [];
  const unknown = (path: string, name: string): void => {
    problems.push({
      path,
      message: `there is no stream '${name}'`,
      hint: didYouMean(name, producers.keys(), `Streams are ${[...producers.keys()].join(', ') || 'none'}`),
    });
  };
  nodes.forEach((node, place) => {
    node?.input_streams?.forEach((stream, input) => {
      const { name } = splitIdentifier(stream);
      const producer = producers.get(name);
      if (producer?.from) links.push({ from: { ...producer.from }, to: { node: node.id, input } });
      if (!producer && !isPlaceholder(name, node)) unknown(`nodes[${place}].input_streams[${input}].identifier`, name);
    });
  });
  const outputs = ends.outputs.flatMap((stream, index): LinkSpec['from'][] => {
    const { name } = splitIdentifier(stream);
    const producer = producers.get(name);
    if (!producer) unknown(`output_streams[${index}].identifier`, name);
    return producer?.from ? [{ ...producer.from }] : [];
  });
  return { links, outputs, problems };
}

/** BMF marks an input that nobody feeds by a stream name of the consuming node itself: `<module>_<id>_<n>`. */
function isPlaceholder(name: string, { id }: ParsedNode): boolean {
  return new RegExp(`^.+_${id}_\\d+$`).test(name);
}

/** Streams of a node that was refused, so that links to them are not reported as well. */
function rawStreams(node: unknown): { identifier: string; notify: string | undefined }[] {
  const streams = (node as { output_streams?: unknown } | null)?.output_streams;
  if (!Array.isArray(streams)) return [];
  return streams.flatMap((stream: { identifier?: unknown } | null) =>
    typeof stream?.identifier === 'string' ? [{ identifier: stream.identifier, notify: undefined }] : [],
  );
}

/** Problems of the file itself first, then node by node. */
function inFileOrder(problems: readonly Problem[]): Problem[] {
  const place = ({ path }: Problem): number => Number(/^nodes\[(\d+)\]/.exec(path)?.[1] ?? -1);
  return [...problems].sort((a, b) => place(a) - place(b));
}

/**
 * The form of BMF's graph files: what keys there are and what they may hold. Reading and writing them:
 * read.ts and write.ts; docs/graph-files.md describes them.
 */
import * as v from 'valibot';
import { describeValue } from '../../errors/naming.js';
import { didYouMean, integer, parsed, type Schema, strictOptions, text } from '../../schema/schema.js';
import { nodeOptionRows } from '../options/node-options.js';

/** One stream of a node. `video:` or `audio:` before the identifier of an output says which output it is. */
export interface StreamConfig {
  identifier: string;
  stream_alias: string;
}

export interface NodeConfig {
  id: number;
  alias: string;
  module_info: { name: string; type: string; path: string; entry: string };
  meta_info: { premodule_id: number; callback_binding: string[]; queue_length_limit?: number };
  option: Record<string, unknown>;
  input_streams: StreamConfig[];
  output_streams: StreamConfig[];
  input_manager: string | Record<string, unknown>;
  on_error?: string;
  dist_nums?: number;
  scheduler?: number;
  thread?: string;
}

/**
 * Pushdata: the graph has input streams, which its user feeds. Generator: its user reads its output streams. Subgraph: it is
 * meant to be a part of another graph, and can be used as those two.
 */
export type FileMode = 'Normal' | 'Pushdata' | 'Generator' | 'Server' | 'Subgraph';

/** A graph file. */
export interface GraphConfig {
  mode: string;
  option: Record<string, unknown>;
  input_streams: StreamConfig[];
  output_streams: StreamConfig[];
  nodes: NodeConfig[];
}

/** BMF writes "" or null for what is not set. */
function orEmpty<T>(schema: Schema<T>): Schema<T | undefined> {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T | undefined>(({ dataset, addIssue, NEVER }) => {
      if (dataset.value === '' || dataset.value === null || dataset.value === undefined) return undefined;
      const result = v.safeParse(schema, dataset.value);
      if (result.success) return result.output;
      for (const issue of result.issues) addIssue({ message: issue.message, ...(issue.path && { path: issue.path }) });
      return NEVER;
    }),
  );
}

function anyObject(what: string): Schema<Record<string, unknown>> {
  return parsed(what, (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined,
  );
}

/** Refuses anything but nothing, by name. */
function absent(what: string): Schema<undefined> {
  return v.pipe(
    v.unknown(),
    v.check(
      (value) => value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0),
      `${what} not in this version`,
    ),
    v.transform(() => undefined),
  );
}

const stream = strictOptions({
  identifier: text('a stream name such as "c_ffmpeg_decoder_0_0"'),
  alias: v.optional(orEmpty(text())),
  stream_alias: v.optional(orEmpty(text())),
  notify: v.optional(orEmpty(text())),
});

const moduleInfo = strictOptions({
  name: v.optional(orEmpty(text('the name of a module'))),
  type: v.optional(orEmpty(text())),
  path: v.optional(orEmpty(text('the path of a module file'))),
  entry: v.optional(orEmpty(text('the name of an export'))),
});

/** A list whose items are checked one by one; `null` and "" count as empty. */
function listOf<T>(item: Schema<T>): Schema<readonly T[]> {
  return v.pipe(
    v.unknown(),
    v.transform((value) => (value === null || value === '' ? [] : value)),
    v.array(item, (issue) => `must be a list, not ${describeValue(issue.input)}`),
  );
}

/** `key:name`: the callback of the node for that key is the one of the graph that has this name. */
const callbacks = v.pipe(
  listOf(text('a binding such as "packet:progress"')),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    dataset.value.forEach((binding, index) => {
      if (/^[^:]+:./.test(binding)) return;
      addIssue({
        message: `must be a key of the module's, a colon and the key of a callback of the graph's, not "${binding}"`,
        path: [{ type: 'array', origin: 'value', input: [...dataset.value], key: index, value: binding }],
      });
    });
  }),
  v.transform((list) => new Map(list.map((binding) => splitAt(binding, binding.indexOf(':'))))),
);

function splitAt(value: string, place: number): [string, string] {
  return [value.slice(0, place), value.slice(place + 1)];
}

const metaInfo = strictOptions({
  premodule_id: v.optional(integer()),
  callback_binding: v.optional(callbacks),
  callback_bindings: v.optional(callbacks),
  queue_length_limit: v.optional(nodeOptionRows.queueLimit.schema),
});

/** One entry of `nodes`. */
export const nodeSchema = strictOptions({
  id: integer({ min: 0, max: 2 ** 31 - 1 }),
  alias: v.optional(orEmpty(text('a name'))),
  module_info: moduleInfo,
  meta_info: v.optional(orEmpty(metaInfo)),
  option: v.optional(orEmpty(anyObject('an object of options'))),
  input_streams: v.optional(listOf(stream)),
  output_streams: v.optional(listOf(stream)),
  input_manager: v.optional(orEmpty(nodeOptionRows.inputManager.schema)),
  scheduler: v.optional(orEmpty(nodeOptionRows.scheduler.schema)),
  thread: v.optional(orEmpty(nodeOptionRows.thread.schema)),
  dist_nums: v.optional(orEmpty(nodeOptionRows.distNums.schema)),
  on_error: v.optional(orEmpty(nodeOptionRows.on_error.schema)),
  action: v.optional(absent('an action is for graph.update(): here it is')),
});

export type ParsedNode = v.InferOutput<typeof nodeSchema>;
export type ParsedStream = v.InferOutput<typeof stream>;

const MODES: Readonly<Record<string, FileMode>> = {
  normal: 'Normal',
  pushdata: 'Pushdata',
  push: 'Pushdata',
  generator: 'Generator',
  server: 'Server',
  subgraph: 'Subgraph',
};
const LATER_MODES = ['sync', 'update', 'ffmpeg', 'c_engine'];
const MODE_LIST = "'Normal', 'Pushdata', 'Generator', 'Server' and 'Subgraph'";

const mode: Schema<FileMode | undefined> = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, FileMode | undefined>(({ dataset, addIssue, NEVER }) => {
    const { value } = dataset;
    if (value === null || value === '') return undefined;
    const name = typeof value === 'string' ? value.toLowerCase() : '';
    const known = MODES[name];
    if (known !== undefined) return known;
    addIssue({
      message: LATER_MODES.includes(name)
        ? `the mode ${describeValue(value)} is not in this version; ${MODE_LIST} are`
        : `must be one of ${MODE_LIST}, not ${describeValue(value)}. ${didYouMean(name, [...Object.keys(MODES), ...LATER_MODES])}`.trim(),
    });
    return NEVER;
  }),
);

/** The keys of the file around its nodes. The nodes are checked one by one, the option by the table of options. */
export const fileSchema = strictOptions({
  // For editors: docs/graph.schema.json.
  $schema: v.optional(v.unknown()),
  mode: v.optional(mode),
  option: v.optional(v.unknown()),
  input_streams: v.optional(listOf(stream)),
  output_streams: v.optional(listOf(stream)),
  nodes: parsed<readonly unknown[]>('the list of nodes', (value) => (Array.isArray(value) ? value : undefined)),
});

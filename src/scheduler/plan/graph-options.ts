/**
 * The options of a graph in one table: what is accepted, what is assumed, which environment variable stands in, the text from
 * which docs/options.md is made, and what the scheduler is told. Those of nodes and runs are in src/graph/options.
 */
import * as v from 'valibot';
import { nameForFFmpeg } from '../../catalog/ffmpeg.js';
import { LOG_LEVELS, type LogLevel } from '../../media/ffmpeg.js';
import type { OptionRow } from '../../schema/option-row.js';
import { boolean, choice, integer, isOff, number, parsed, type Schema, strictOptions } from '../../schema/schema.js';
import { automaticSpin } from '../threads/prestart.js';

/** Options of `new Graph(options)` that the `option` object of a graph file has as well. */
export interface GraphFileOptions {
  /**
   * Threads for the graph's nodes; 0 runs all of them on the calling thread, 'auto' (default) gives the heavy nodes a
   * thread each as far as there are cores. Codec threads are a codec's own option.
   */
  threads?: number | 'auto' | undefined;
  /** BMF's name for `threads`. */
  scheduler_count?: number | undefined;
  /**
   * How frames, pictures and sound, cross threads. 'auto' (default): by reference, or by copy should that not be possible here;
   * 'reference': the same, with a warning in the report when they had to be copied; 'copy': always by copy.
   */
  transport?: 'auto' | 'reference' | 'copy' | undefined;
  /** `spin`: rounds in which a thread looks for work before it parks (default: by the cores at hand). */
  wait?: { spin?: number | 'auto' | undefined } | undefined;
  /** Name in reports and file names. Default 'graph'. */
  graph_name?: string | undefined;
  /** 1 or true: write the graph file when the run starts, as `original_<graph_name>.json`; or the path to write. */
  dump_graph?: 0 | 1 | boolean | string | URL | undefined;
  /** Run filters that follow one another in one thread as one actor: quicker, with the same results. Default true. */
  optimize_graph?: 0 | 1 | boolean | undefined;
  /** Packets that may wait on a link before its producer is held back. Default 8. */
  queue_length_limit?: number | undefined;
  /** Bytes of packets that may wait on a link in shared memory, where frames by reference are not. Default 64 MiB. */
  queue_bytes_limit?: number | undefined;
  /** Bytes a link may hold beyond its limit when a starving consumer forces it to be lifted. Default 1 GiB. */
  hard_cap?: number | undefined;
  /** Milliseconds a thread may ignore a stop before it is terminated. Default 5000. */
  stop_grace?: number | undefined;
  /** FFmpeg messages of this level and above go to stderr. Default: none. */
  loglevel?: LogLevel | undefined;
  /** Seconds without any progress after which the graph fails (ERR_MILLRACE_STALLED). Default 0: never. */
  time_out?: number | undefined;
  /** Path of the trace file to write, for Perfetto. Default 0: none. */
  trace?: 0 | false | string | URL | undefined;
}

/** Options that no file has. */
export interface LoaderOption {
  /**
   * What every thread imports before the first module file: `'tsx'` for TypeScript, packages and files as `node --import` takes
   * them. Default: none.
   */
  readonly loader?: readonly string[] | undefined;
}

/** More threads than this is a mistake in the configuration, not a machine. */
export const MAX_THREADS = 256;

function auto(range: { min: number; max?: number }, what: string): Schema<number | 'auto'> {
  return parsed(`'auto' or ${what}`, (value) => {
    if (value === 'auto') return value;
    const result = v.safeParse(integer(range), value);
    return result.success ? result.output : undefined;
  });
}

const dumpGraph: Schema<boolean | string> = parsed('0, 1 or the path of the file to write', (value) => {
  const flag = v.safeParse(boolean(), value);
  if (flag.success) return flag.output;
  return filePath(value);
});

const loaders: Schema<readonly string[]> = parsed(
  "a list of packages or files, such as ['tsx']",
  (value): readonly string[] | undefined => {
    const list: unknown = typeof value === 'string' ? value.split(',').map((name) => name.trim()) : value;
    return Array.isArray(list) && list.every((name) => typeof name === 'string' && name !== '') ? list : undefined;
  },
);

export const traceFile: Schema<false | string> = parsed('0 or the path of the file to write', (value) => {
  if (isOff(value)) return false;
  return filePath(value);
});

/** Of a path, or of a URL of a file as text or as an object. */
function filePath(value: unknown): string | undefined {
  return (typeof value === 'string' && value !== '') || value instanceof URL ? nameForFFmpeg(String(value)) : undefined;
}

/** @template F name it has for the scheduler. @template T what its schema makes of it. @template R what the scheduler has. */
interface GraphOptionRow<F extends string, T, R> extends OptionRow<T> {
  /** What is assumed when nobody says it. */
  readonly value?: NoInfer<T>;
  /** Its name among the scheduler's options; absent: the graph itself goes by it. */
  readonly field?: F;
  /** What the scheduler is told; absent: the value as it is. */
  readonly told?: (value: NoInfer<T>) => R;
}

/** A row whose default is a value, which the documentation shows, or is said in words. */
function option<T, F extends string = never, R = T>(
  row: Omit<GraphOptionRow<F, T, R>, 'default'> & { readonly default?: string },
): GraphOptionRow<F, T, R> {
  const { value, default: words } = row;
  return {
    ...row,
    default: words ?? (typeof value === 'string' ? `'${value}'` : value === undefined ? '' : String(value)),
  };
}

/** Of an option that is no data. */
function notInFiles(message: string): Schema<undefined> {
  return v.pipe(
    v.unknown(),
    v.check(() => false, message),
    v.transform(() => undefined),
  );
}

/** Options of a graph, in the order of the documentation. */
export const graphOptionRows = {
  threads: option({
    type: "'auto' or whole number",
    env: 'MILLRACE_THREADS',
    meaning:
      'Threads for the nodes; 0 runs everything on the calling thread. Nodes placed by `scheduler` raise an automatic number; with a given number an index out of range runs on thread 0, with a warning.',
    schema: auto({ min: 0, max: MAX_THREADS }, `a whole number from 0 to ${MAX_THREADS}`),
    value: 'auto',
    field: 'threads',
  }),
  scheduler_count: option({
    type: 'whole number',
    meaning: "BMF's name for `threads`.",
    schema: integer({ min: 1, max: MAX_THREADS }),
  }),
  transport: option({
    type: "'auto', 'reference', 'copy'",
    env: 'MILLRACE_TRANSPORT',
    meaning:
      "How frames, pictures and sound, cross threads. `'auto'`: by reference, without copying a pixel or a sample, or by copy should the self-test of references fail. `'reference'`: the same, and the report warns if it failed. `'copy'`: the planes are copied.",
    schema: choice('auto', 'reference', 'copy'),
    value: 'auto',
    field: 'transport',
  }),
  'wait.spin': option({
    type: "'auto' or whole number",
    env: 'MILLRACE_WAIT_SPIN',
    meaning:
      'Rounds in which a thread looks for work before it parks, of 64 looks at its doorbell or a tenth of a microsecond each, whichever is over first: quicker wake-ups for processor time. Automatic: 2000 with more than four cores, else 200.',
    schema: auto({ min: 0, max: 1e9 }, 'a whole number of at least 0'),
    value: 'auto',
    field: 'spin',
    told: (spin) => (spin === 'auto' ? automaticSpin() : spin),
  }),
  graph_name: option({
    type: 'string',
    meaning: 'Name in reports, drawings and file names.',
    schema: parsed('a name without / and \\', (value) =>
      typeof value === 'string' && /^[^/\\]+$/.test(value) ? value : undefined,
    ),
    value: 'graph',
  }),
  dump_graph: option({
    type: '0, 1 or path',
    default: '0',
    env: 'MILLRACE_DUMP_GRAPH',
    meaning:
      'Writes the graph file when the run starts: to the path, or with 1 to `original_<graph_name>.json` (`original_graph.json` without a name) in the current directory.',
    schema: dumpGraph,
    value: false,
  }),
  optimize_graph: option({
    type: 'boolean',
    env: 'MILLRACE_OPTIMIZE_GRAPH',
    meaning:
      'Filters that follow one another in one thread are run as one actor, and as one FFmpeg graph where they work on single pictures (docs/tuning.md). No result depends on it.',
    schema: boolean(),
    value: true,
    field: 'optimizeGraph',
  }),
  queue_length_limit: option({
    type: 'packets',
    env: 'MILLRACE_QUEUE_LENGTH_LIMIT',
    meaning:
      "Packets that may wait on a link before its producer is held back. A node's own value wins for its inputs.",
    schema: integer({ min: 1, max: 1e6 }),
    value: 8,
    field: 'queueLengthLimit',
  }),
  queue_bytes_limit: option({
    type: 'bytes',
    default: '67108864 (64 MiB)',
    env: 'MILLRACE_QUEUE_BYTES_LIMIT',
    meaning:
      'Bytes of packets that may wait on a link in shared memory. Frames by reference are not there: `queue_length_limit` alone counts them.',
    schema: integer({ min: 4096, max: 2 ** 40 }),
    value: 64 * 2 ** 20,
    field: 'queueBytesLimit',
  }),
  hard_cap: option({
    type: 'bytes',
    default: '1073741824 (1 GiB)',
    env: 'MILLRACE_HARD_CAP',
    meaning:
      'Bytes a link may hold beyond its limits when a consumer that starves on another input forces them to be lifted; past it the graph fails and names the link.',
    schema: integer({ min: 0, max: 2 ** 40 }),
    value: 2 ** 30,
    field: 'hardCap',
  }),
  stop_grace: option({
    type: 'milliseconds',
    env: 'MILLRACE_STOP_GRACE',
    meaning:
      'How long calls under way may go on after a failure or an abort, and then their thread is terminated; and those of sources after a stop, and then the graph fails.',
    schema: number({ min: 0, max: 1e9 }),
    value: 5000,
    field: 'stopGrace',
  }),
  hungry_check: option({
    type: 'boolean',
    meaning:
      "BMF's: sources are asked only when somebody wants their packets. It is always so here (docs/back-pressure.md); 0 is a warning.",
    schema: boolean(),
    value: true,
  }),
  no_output_stream: option({
    type: 'boolean',
    meaning: "BMF's: 1 leaves out the `output_streams` of the graph file.",
    schema: boolean(),
    value: false,
  }),
  loglevel: option({
    type: LOG_LEVELS.map((level) => `'${level}'`).join(', '),
    default: 'none',
    env: 'MILLRACE_LOGLEVEL',
    meaning: 'FFmpeg messages of this level and above go to stderr. One level for the process: the most verbose wins.',
    schema: choice(...LOG_LEVELS),
  }),
  time_out: option({
    type: 'seconds',
    env: 'MILLRACE_TIME_OUT',
    meaning:
      'A graph in which nothing at all moves for so long fails with ERR_MILLRACE_STALLED and says who waits for whom; waiting for the user does not count. 0: never.',
    schema: number({ min: 0, max: 1e6 }),
    value: 0,
    field: 'timeOut',
    told: (seconds) => seconds * 1000,
  }),
  trace: option({
    type: '0 or path',
    default: '0',
    env: 'MILLRACE_TRACE',
    meaning:
      'Writes what every thread does and how full every link is into a file for https://ui.perfetto.dev (Chrome trace-event JSON).',
    schema: traceFile,
    value: false,
  }),
  loader: option({
    type: 'names or paths',
    default: 'none',
    env: 'MILLRACE_LOADER',
    meaning:
      "What every thread imports before the first module file, a list: `'tsx'` for TypeScript, packages and files as `node --import` takes them ([modules.md](modules.md#typescript)). The variable has them with commas between. Also of `new Runtime`. Not in files.",
    schema: loaders,
    value: [],
    field: 'loader',
  }),
  runtime: option({
    type: 'Runtime',
    default: 'threads of its own',
    meaning:
      'Runs the graph on the threads of this runtime, which also gives `threads`, `transport` and `wait.spin` where the graph does not. Not in files.',
    schema: notInFiles('a runtime cannot be in a graph file; give it to `new Graph({ runtime })`'),
  }),
  onLog: option({
    type: 'function',
    default: "the runtime's",
    meaning:
      'Called with `{ level, node, context, text }` for what modules say through `ctx.log`, and FFmpeg of failures ([observing.md](observing.md)). Also of `new Runtime`. Not in files.',
    schema: notInFiles('a function cannot be in a graph file; give it to `new Graph({ onLog })`'),
  }),
};

type Rows = typeof graphOptionRows;

/** Values by name in the table, as their schemas make them. */
export type GraphOptionValues = { [K in keyof Rows]?: v.InferOutput<Rows[K]['schema']> | undefined };

/** What the scheduler goes by, as the table gives it: defaults and environment variables are applied before. */
export type GraphOptions = {
  [K in keyof Rows as Rows[K] extends GraphOptionRow<infer F, infer _T, infer _R>
    ? F
    : never]: Rows[K] extends GraphOptionRow<string, infer _T, infer R> ? R : never;
};

/** Validates the `option` object of a graph; names with a dot in the table are nested. The result is flat again. */
export const graphOptionsSchema: Schema<GraphOptionValues> = v.pipe(
  strictOptions(schemasOf(graphOptionRows)),
  v.transform((options) => flat(options)),
);

function schemasOf(rows: Readonly<Record<string, { readonly schema: Schema<unknown> }>>): v.ObjectEntries {
  const entries: v.ObjectEntries = {};
  const groups = new Map<string, v.ObjectEntries>();
  for (const [name, { schema }] of Object.entries(rows)) {
    const [key, inner] = name.split('.') as [string, string?];
    if (inner === undefined) entries[key] = v.optional(schema);
    else groups.set(key, { ...groups.get(key), [inner]: v.optional(schema) });
  }
  for (const [key, group] of groups) entries[key] = v.optional(strictOptions(group));
  return entries;
}

function flat(options: Readonly<Record<string, unknown>>): GraphOptionValues {
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    if (Object.hasOwn(graphOptionRows, key)) values[key] = value;
    else for (const [inner, own] of Object.entries(value ?? {})) values[`${key}.${inner}`] = own;
  }
  return values;
}

/** What the scheduler is told of the values. @param valueFor what holds for an option, its default included. */
export function toldOf(valueFor: (name: keyof Rows) => unknown): GraphOptions {
  const rows = Object.entries(graphOptionRows) as [keyof Rows, GraphOptionRow<string, unknown, unknown>][];
  const told = rows.flatMap(([name, { field, told }]) => {
    if (field === undefined) return [];
    const value = valueFor(name);
    return [[field, told ? told(value) : value] as const];
  });
  return Object.fromEntries(told) as GraphOptions;
}

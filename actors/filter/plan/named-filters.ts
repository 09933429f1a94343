/** Which filters a `c_ffmpeg_filter` node runs, read from its options before anything is initialised. */
import { Filter } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { COUNTING, factsOf, takesNothing } from '../catalogue.js';
import { parseGraph } from './syntax.js';

type Options = Readonly<Record<string, unknown>>;

/** Names and arguments in the order written; none for options that cannot be read. */
export function filtersOf(options: Options): { name: string; args: string }[] {
  const entry = (name: unknown, para: unknown) => ({ name: textOf(name).split('@')[0]!, args: textOf(para) });
  if (options.name !== undefined) return [entry(options.name, options.para)];
  if (Array.isArray(options.filters)) {
    return options.filters.map((filter: { name?: unknown; para?: unknown } | null) =>
      entry(filter?.name, filter?.para),
    );
  }
  if (typeof options.graph !== 'string') return [];
  try {
    return parseGraph(options.graph)
      .chains.flat()
      .map(({ name, args }) => entry(name, args));
  } catch (error) {
    // What is wrong with it is told by the node itself, with its name and place, when it is initialised.
    if (error instanceof MillraceError) return [];
    throw error;
  }
}

/** Of what the schema of the options accepts; the schema refuses everything else by its place. */
function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** Whether the first of a node's filters is one that takes nothing (`testsrc2`, `anullsrc`). */
export function beginsStream(options: Options): boolean {
  const [first] = filtersOf(options);
  const filter = first && Filter.getByName(first.name);
  return !!filter && takesNothing(filter);
}

/** Why a packet of a node depends on the ones before it, or may; undefined if it does not. */
export function whyStateful(options: Options): string | undefined {
  const filters = filtersOf(options);
  // What FFmpeg does not know is told as such.
  const stateful = filters.find(({ name }) => Filter.getByName(name) !== null && factsOf(name).stateless === undefined);
  if (stateful) {
    return `the filter '${stateful.name}' cannot have parallel copies: its frames depend on the ones before, or may`;
  }
  const counting = filters.find(({ args }) => COUNTING.test(args));
  return counting && `the filter '${counting.name}=${counting.args}' counts frames: it cannot have parallel copies`;
}

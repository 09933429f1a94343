/** Which filters a `c_ffmpeg_filter` node runs, read from its options before anything is initialised. */
import { AVFILTER_FLAG_DYNAMIC_INPUTS } from 'node-av/constants';
import { Filter } from 'node-av/lib';
import { parseGraph } from '../../../actors/filter/plan/syntax.js';
import { MillraceError } from '../../errors/errors.js';
import type { NodeSpec } from './spec.js';

/** Names and arguments in the order written; none for options that cannot be read. */
export function filtersOf({ options }: Pick<NodeSpec, 'options'>): { name: string; args: string }[] {
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
export function beginsStream(node: NodeSpec): boolean {
  const [first] = filtersOf(node);
  const filter = first && Filter.getByName(first.name);
  return !!filter && filter.inputs.length === 0 && !filter.hasFlags(AVFILTER_FLAG_DYNAMIC_INPUTS);
}

/** A part of a graph that stands where a module does: the graph of the node is built in its place. */
import { brand } from '../errors/brand.js';
import type { OptionSchema } from '../schema/standard.js';

/** What `defineGraph` returns. */
export class GraphTemplate<Options = Record<string, unknown>> {
  /** Carries the type of its options. */
  declare readonly options?: Options;

  /** @internal Made by `defineGraph`, and of graph files. */
  constructor(
    /** What it is called where nobody gave it a name. */
    readonly name: string,
    /** Adds its nodes to a graph. @returns its outputs, in whatever form. */
    readonly build: (graph: never, inputs: never, options: never) => unknown,
    /** How many inputs it has; undefined: as many as are connected. */
    readonly inputs: number | undefined,
    readonly schema: OptionSchema<Options> | undefined,
  ) {}
}

brand(GraphTemplate, 'GraphTemplate');

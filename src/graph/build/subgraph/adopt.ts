/** Takes the nodes of a graph file into a graph, and builds its sub-graphs in their places. */
import type { LinkSpec, NodeSpec } from '../../../scheduler/plan/spec.js';
import type { ReadGraph } from '../../file/read.js';
import { outputNamed, streamName } from '../../file/write.js';

export type From = LinkSpec['from'];

/** Output `n` of a sub-graph. @throws MillraceError ERR_MILLRACE_CONFIG if it has none. */
export type OutputsOf = (output: number) => From;

/** What a file is taken into. */
export interface FileHost {
  add(node: NodeSpec): void;
  link(link: LinkSpec): void;
  /** Whether the node stands for a sub-graph. */
  isSubgraph(node: NodeSpec): boolean;
  /** The name of a stream in files. */
  nameOf(from: From): string;
  /** Builds it. @param inputs null for those that are not connected. */
  build(node: NodeSpec, inputs: readonly (From | null)[]): OutputsOf;
}

/** How what is in the file is called outside of it. */
export interface FilePlace {
  /** Ids of nodes; those of the streams that are fed into the file are -1, -2, … and stay out of it. */
  id(id: number): number;
  alias(alias: string): string;
  /** What is fed into the file; undefined for nothing. */
  input(index: number): From | undefined;
}

export interface Adopted {
  /** What the file gives out; undefined for an input of its own that is not fed. */
  readonly outputs: readonly (From | undefined)[];
  /** Aliases of streams, by the names the streams have now. */
  readonly streamAliases: ReadonlyMap<string, string>;
}

export function adoptFile(
  { nodes, links, outputs, streamAliases }: Pick<ReadGraph, 'nodes' | 'links' | 'outputs' | 'streamAliases'>,
  host: FileHost,
  place: FilePlace,
): Adopted {
  const subgraphs = new Map(nodes.filter((node) => host.isSubgraph(node)).map((node) => [node.id, node]));
  const built = new Map<number, OutputsOf>();
  /** Where a stream of the file comes from now. The file has no circles, so this ends. */
  const resolve = ({ node, output }: From): From | undefined => {
    if (node < 0) return place.input(-1 - node);
    const subgraph = subgraphs.get(node);
    return subgraph === undefined ? { node: place.id(node), output } : buildOnce(subgraph)(output);
  };
  const buildOnce = (node: NodeSpec): OutputsOf => {
    const known = built.get(node.id);
    if (known !== undefined) return known;
    const own = links.filter(({ to }) => to.node === node.id);
    const count = Math.max(-1, ...own.map(({ to }) => to.input)) + 1;
    const inputs = Array.from({ length: count }, (_, input) => {
      const link = own.find(({ to }) => to.input === input);
      return (link && resolve(link.from)) ?? null;
    });
    const outputsOf = host.build(node, inputs);
    built.set(node.id, outputsOf);
    return outputsOf;
  };
  // The others first: ids of nodes that are built follow those of the file.
  for (const node of nodes) {
    if (!subgraphs.has(node.id)) host.add({ ...node, id: place.id(node.id), alias: place.alias(node.alias) });
  }
  for (const node of subgraphs.values()) buildOnce(node);
  for (const { from, to } of links) {
    if (subgraphs.has(to.node)) continue;
    const source = resolve(from);
    if (source !== undefined) host.link({ from: source, to: { ...to, node: place.id(to.node) } });
  }
  const aliases = new Map<string, string>();
  for (const [name, alias] of streamAliases) {
    const from = streamOf(name, nodes);
    const source = from && resolve(from);
    if (from === undefined) aliases.set(name, alias);
    else if (source !== undefined) aliases.set(host.nameOf(source), place.alias(alias));
  }
  return { outputs: outputs.map(resolve), streamAliases: aliases };
}

/** The stream of that name; undefined for those that are fed into the file. */
function streamOf(name: string, nodes: readonly NodeSpec[]): From | undefined {
  const from = outputNamed(name);
  const node = nodes.find((candidate) => candidate.id === from?.node);
  return node !== undefined && streamName(node, from!.output) === name ? from : undefined;
}

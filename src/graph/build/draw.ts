/** Pictures of a graph, as Mermaid and as Graphviz source. */

import { attribute as _, Digraph, Edge, Node, toDot } from 'ts-graphviz';
import { builtinOf } from '../../catalog/builtin.js';
import type { LinkSpec, NodeSpec } from '../../scheduler/plan/spec.js';

export interface Drawn {
  readonly name: string;
  readonly nodes: readonly NodeSpec[];
  readonly links: readonly LinkSpec[];
}

/** Name of a node in the drawing; the ends that belong to the user have negative ids. */
function key(id: number): string {
  return id < 0 ? `user${-id}` : `n${id}`;
}

/** Module and, where it says so, what tells its nodes apart. */
function describe({ module, options }: NodeSpec): string {
  return builtinOf(module)?.label?.(options) ?? module.name;
}

/** Lines of a node's label: the alias if the user gave one, what it is, and where it runs if that is fixed. */
function label(node: NodeSpec): string[] {
  const lines = [describe(node)];
  if (node.alias !== defaultAlias(node)) lines.unshift(node.alias);
  if (node.scheduler !== undefined) lines.push(`thread ${node.scheduler}`);
  if (node.thread !== undefined) lines.push(`thread ${node.thread}`);
  return lines;
}

/** The alias of a node that was given none. */
export function defaultAlias({ id, module }: Pick<NodeSpec, 'id' | 'module'>): string {
  return `${module.name}_${id}`;
}

function edgeLabel({ from, to }: LinkSpec, nodes: ReadonlyMap<number, NodeSpec>): string {
  const { module, options } = nodes.get(from.node)!;
  const kind = builtinOf(module)?.outputNames?.(options)[from.output];
  if (kind !== undefined) return kind;
  return from.output === 0 && to.input === 0 ? '' : `${from.output}:${to.input}`;
}

function byId(nodes: readonly NodeSpec[]): Map<number, NodeSpec> {
  return new Map(nodes.map((node) => [node.id, node]));
}

// In a quoted Mermaid label only these would end it or be taken for markup.
function mermaidText(text: string): string {
  return text.replace(/[&"<>#`]/g, (character) => `#${character.charCodeAt(0)};`).replace(/\s+/g, ' ');
}

/** The graph as a Mermaid flowchart, left to right. Links are labelled `video`, `audio` or `output:input`. */
export function toMermaid({ nodes, links }: Drawn): string {
  const known = byId(nodes);
  const lines = ['flowchart LR'];
  for (const node of nodes) lines.push(`  ${key(node.id)}["${label(node).map(mermaidText).join('<br/>')}"]`);
  for (const link of links) {
    const text = edgeLabel(link, known);
    lines.push(`  ${key(link.from.node)} -->${text === '' ? '' : `|${text}|`} ${key(link.to.node)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The graph as Graphviz source (`dot -Tsvg`), left to right. */
export function toGraphviz({ name, nodes, links }: Drawn): string {
  const known = byId(nodes);
  const graph = new Digraph(name, { [_.rankdir]: 'LR' });
  const drawn = new Map(
    nodes.map((node) => [node.id, new Node(key(node.id), { [_.label]: dotText(label(node)), [_.shape]: 'box' })]),
  );
  for (const node of drawn.values()) graph.addNode(node);
  for (const link of links) {
    const text = edgeLabel(link, known);
    const ends: [Node, Node] = [drawn.get(link.from.node)!, drawn.get(link.to.node)!];
    graph.addEdge(new Edge(ends, text === '' ? {} : { [_.label]: text }));
  }
  return `${toDot(graph)}\n`;
}

// ts-graphviz quotes the string but leaves Graphviz's own escapes (\n, \N, …) as they are.
function dotText(lines: readonly string[]): string {
  return lines.map((line) => line.replaceAll('\\', '\\\\')).join('\\n');
}

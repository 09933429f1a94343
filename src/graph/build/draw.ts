/** Pictures of a graph, as Mermaid and as Graphviz source. */

import { attribute as _, Digraph, Edge, Node, Subgraph, toDot } from 'ts-graphviz';
import { builtinOf } from '../../catalog/builtin.js';
import type { LinkSpec, NodeSpec } from '../../scheduler/plan/spec.js';
import { scopesOf } from './subgraph/scope.js';

export interface Drawn {
  readonly name: string;
  readonly nodes: readonly NodeSpec[];
  readonly links: readonly LinkSpec[];
}

/** A box of the drawing: a sub-graph, with the nodes and sub-graphs in it. The outermost one is the graph itself. */
interface Box {
  readonly alias: string;
  readonly nodes: NodeSpec[];
  readonly boxes: Box[];
}

function boxesOf(nodes: readonly NodeSpec[]): Box {
  const outermost: Box = { alias: '', nodes: [], boxes: [] };
  const known = new Map([['', outermost]]);
  for (const node of nodes) {
    let box = outermost;
    // The user's ends have names of their own.
    for (const alias of node.id < 0 ? [] : scopesOf(node.alias).around) {
      const inner = known.get(alias) ?? { alias, nodes: [], boxes: [] };
      if (!known.has(alias)) box.boxes.push(inner);
      known.set(alias, inner);
      box = inner;
    }
    box.nodes.push(node);
  }
  return outermost;
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
  const alias = node.id < 0 ? node.alias : scopesOf(node.alias).name;
  if (alias !== defaultAlias(node)) lines.unshift(alias);
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
  let boxes = 0;
  const draw = (box: Box, indent: string): void => {
    for (const node of box.nodes)
      lines.push(`${indent}${key(node.id)}["${label(node).map(mermaidText).join('<br/>')}"]`);
    for (const inner of box.boxes) {
      lines.push(`${indent}subgraph box${boxes++}["${mermaidText(scopesOf(inner.alias).name)}"]`);
      draw(inner, `${indent}  `);
      lines.push(`${indent}end`);
    }
  };
  draw(boxesOf(nodes), '  ');
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
  const draw = (into: Digraph | Subgraph, box: Box): void => {
    for (const { id } of box.nodes) into.addNode(drawn.get(id)!);
    for (const inner of box.boxes) {
      // Graphviz makes boxes of those whose names begin so.
      const cluster = new Subgraph(`cluster_${inner.alias}`, { [_.label]: dotText([scopesOf(inner.alias).name]) });
      into.addSubgraph(cluster);
      draw(cluster, inner);
    }
  };
  draw(graph, boxesOf(nodes));
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

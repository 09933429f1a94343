/** Nodes that an update adds to a graph (file/update.ts): they get new ids, and what they name is found in it. */
import type { LinkSpec, NodeSpec } from '../../../scheduler/plan/spec.js';
import type { AddedNode } from '../../file/update.js';
import { defaultAlias } from '../draw.js';

/** The graph to which they come. */
export interface Updated {
  readonly links: LinkSpec[];
  nextId(): number;
  addFiled(node: NodeSpec): void;
  find(alias: string): NodeSpec;
  /** Feeds a further input of a node. */
  feed(from: LinkSpec['from'], node: number): void;
  /** The output of a stream by its name. */
  outputCalled(name: string): LinkSpec['from'];
}

/** @throws MillraceError ERR_MILLRACE_CONFIG for streams and nodes that there are not. */
export function addUpdateNodes(added: readonly AddedNode[], graph: Updated): void {
  const ids = added.map(({ spec }) => {
    const id = graph.nextId();
    const alias = spec.alias === defaultAlias(spec) ? defaultAlias({ ...spec, id }) : spec.alias;
    graph.addFiled({ ...spec, id, alias });
    return id;
  });
  const outputOf = (named: { alias: string; output: number } | { name: string }): LinkSpec['from'] =>
    'alias' in named ? { node: graph.find(named.alias).id, output: named.output } : graph.outputCalled(named.name);
  for (const [at, { inputs, into }] of added.entries()) {
    const node = ids[at]!;
    inputs.forEach((named, input) => {
      if (named === undefined) return;
      const from = 'added' in named ? { node: ids[named.added]!, output: named.output } : outputOf(named);
      graph.links.push({ from, to: { node, input } });
    });
    for (const { output, alias } of into) graph.feed({ node, output }, graph.find(alias).id);
  }
}

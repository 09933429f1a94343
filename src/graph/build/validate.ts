/** A graph is checked whole before any thread starts; everything that is wrong is reported at once. */

import { builtinOf } from '../../catalog/builtin.js';
import { checkModule } from '../../catalog/registry.js';
import type { Problem } from '../../errors/errors.js';
import { checkCopies } from '../../scheduler/plan/parallel-copies.js';
import type { LinkSpec, NodeSpec } from '../../scheduler/plan/spec.js';
import { topologicalRanks } from '../../scheduler/plan/topology.js';
import { checkSchema } from '../../schema/problems.js';
import type { Ports } from '../../schema/schema.js';
import { sharedFiles } from '../output/same-file.js';

/** The part of a graph that is checked; `pathOf` gives the JSON path of a node by its place in `nodes`. */
export interface Checked {
  readonly nodes: readonly NodeSpec[];
  readonly links: readonly LinkSpec[];
  readonly pathOf: (index: number) => string;
}

/**
 * What is wrong with a graph. `later` are the checks of modules whose schema is asynchronous.
 * @param only Ids of the nodes of which each is looked at, beside what is wrong between them; absent: all. In a graph that
 *   runs the others may have lost what fed them.
 */
export function validate(
  graph: Checked,
  only?: ReadonlySet<number>,
): { problems: Problem[]; later: Promise<readonly Problem[]>[] } {
  const problems: Problem[] = [];
  const later: Promise<readonly Problem[]>[] = [];
  if (graph.nodes.length === 0) {
    problems.push({ path: 'nodes', message: 'the graph has no nodes', hint: 'Begin with graph.decode(…)' });
  }
  problems.push(...duplicates(graph));
  graph.nodes.forEach((node, index) => {
    if (node.outside !== undefined) return; // made by the graph itself
    if (only !== undefined && !only.has(node.id)) return;
    const path = graph.pathOf(index);
    problems.push(...checkModule(node.module, `${path}.module_info`));
    problems.push(...checkPorts(node, path, graph.links));
    problems.push(...checkCopies(node, graph.links).map((message) => ({ path: `${path}.dist_nums`, message })));
    const checked = checkOptions(node, `${path}.option`);
    if (checked instanceof Promise) later.push(checked);
    else problems.push(...checked);
  });
  // Of a graph that runs, what is there may have been written to its end.
  if (only === undefined) problems.push(...sharedFiles(graph.nodes, graph.pathOf));
  problems.push(...cycles(graph));
  return { problems, later };
}

function duplicates({ nodes, pathOf }: Checked): Problem[] {
  const problems: Problem[] = [];
  const ids = new Map<number, number>();
  const aliases = new Map<string, number>();
  nodes.forEach(({ id, alias }, index) => {
    const sameId = ids.get(id);
    const sameAlias = aliases.get(alias);
    if (sameId !== undefined) {
      problems.push({ path: `${pathOf(index)}.id`, message: `${id} is the id of ${pathOf(sameId)} too` });
    } else ids.set(id, index);
    if (sameAlias !== undefined && sameId === undefined) {
      problems.push({
        path: `${pathOf(index)}.alias`,
        message: `'${alias}' is the alias of ${pathOf(sameAlias)} too`,
        hint: 'Aliases are unique in their graph',
      });
    } else aliases.set(alias, index);
  });
  return problems;
}

function checkPorts(node: NodeSpec, path: string, links: readonly LinkSpec[]): Problem[] {
  const builtin = builtinOf(node.module);
  if (!builtin) return [];
  const { name, inputs, outputs } = builtin;
  const problems: Problem[] = [];
  const used = links.filter((link) => link.to.node === node.id).map((link) => link.to.input);
  const consumed = links.filter((link) => link.from.node === node.id).map((link) => link.from.output);
  const highestInput = Math.max(-1, ...used);
  const highestOutput = Math.max(-1, ...consumed);
  if (used.length < inputs.min) {
    problems.push({
      path: `${path}.input_streams`,
      message: `${name} needs at least ${inputs.min} input; none is connected`,
    });
  }
  if (highestInput >= inputs.max) {
    const hint =
      inputs.max === 0
        ? 'It makes its packets itself'
        : `It has ${inputs.max === 1 ? 'input 0 only' : `${inputs.max} inputs`}`;
    problems.push({ path: `${path}.input_streams`, message: `${name} has no input ${highestInput}`, hint });
  }
  if (highestOutput >= outputs.max) {
    problems.push({
      path: `${path}.output_streams`,
      message: `${name} has no output ${highestOutput}`,
      hint: outputs.max === 0 ? 'It has no outputs at all' : `It has outputs 0 to ${outputs.max - 1}`,
    });
  }
  const ports = { inputs: used, outputs: consumed };
  for (const { key, ...problem } of builtin.portProblems?.(node.options, ports) ?? [])
    problems.push({ path: `${path}.option.${key}`, ...problem });
  return problems;
}

function checkOptions(node: NodeSpec, path: string): readonly Problem[] | Promise<readonly Problem[]> {
  const { module, options } = node;
  // A module file is imported in its thread; its schema is checked there, before the first module starts.
  if (module.path !== undefined) return [];
  const schema = module.definition ? module.definition.schema : builtinOf(module)?.schema;
  return schema ? checkSchema(schema, options, path) : [];
}

/**
 * What is wrong with the options of a built-in module, before it is loaded. Other modules check theirs in their thread.
 * @param ports its inputs and outputs.
 */
export function moduleOptionProblems(
  module: NodeSpec['module'],
  options: Record<string, unknown>,
  path: string,
  ports: Ports,
): readonly Problem[] {
  const builtin = builtinOf(module);
  if (!builtin) return [];
  const found = checkSchema(builtin.schema, options, path);
  const problems = found instanceof Promise ? [] : [...found];
  for (const { key, ...problem } of builtin.portProblems?.(options, ports) ?? []) {
    problems.push({ path: `${path}.${key}`, ...problem });
  }
  return problems;
}

function cycles({ nodes, links, pathOf }: Checked): Problem[] {
  if (new Set(nodes.map((node) => node.id)).size < nodes.length) return []; // ids are reported, links are ambiguous
  const { cycle } = topologicalRanks({ nodes: [...nodes], links: [...links] });
  if (!cycle) return [];
  const first = nodes.findIndex((node) => node.alias === cycle[0]);
  return [
    {
      path: `${pathOf(Math.max(0, first))}.input_streams`,
      message: `the streams form a cycle: ${cycle.join(' -> ')}`,
      hint: 'No node may feed itself, not through others either',
    },
  ];
}

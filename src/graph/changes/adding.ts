/** `graph.addNode()`: what a builder makes of a running graph is collected, checked as a whole, and handed to the run. */
import { builtinOf } from '../../catalog/builtin.js';
import { ConfigError, type Problem } from '../../errors/errors.js';
import { stateError } from '../../errors/make.js';
import type { LinkSpec, NodeSpec } from '../../scheduler/plan/spec.js';
import type { GraphRun } from '../../scheduler/run/run.js';

/** What a graph consists of, as far as it is needed here. */
interface Blueprint {
  readonly nodes: readonly NodeSpec[];
  readonly links: readonly LinkSpec[];
  /** With its readers. */
  spec(): { readonly links: readonly LinkSpec[] };
  /** Ids up to this one are not given again. */
  startAbove(id: number): void;
  remove(id: number): void;
  drop(links: readonly LinkSpec[]): void;
  asRun(node: NodeSpec): NodeSpec;
  check(): { problems: Problem[]; later: Promise<readonly Problem[]>[] };
  readonly pathOf: (index: number) => string;
}

export class Adding {
  /** A builder is at work: nodes may be added. */
  active = false;

  constructor(private readonly blueprint: Blueprint) {}

  /**
   * Adds to the run what `build` adds to the graph.
   * @returns what `build` returns.
   * @throws what `build` throws, ConfigError with everything that is wrong, and what `GraphRun.add` throws: nothing has come then.
   */
  async add<T>(run: GraphRun, build: () => T): Promise<T> {
    const { blueprint } = this;
    // Readers take streams as nodes do.
    const before = { nodes: new Set(blueprint.nodes), links: new Set(blueprint.spec().links) };
    let built: T;
    blueprint.startAbove(run.highestId);
    this.active = true;
    try {
      built = build();
      if (built instanceof Promise) {
        built.catch(() => {});
        throw stateError('addNode() was given an asynchronous builder', 'Return the handle, without await');
      }
    } catch (error) {
      this.takeBack(before);
      throw error;
    } finally {
      this.active = false;
    }
    const nodes = blueprint.nodes.filter((node) => !before.nodes.has(node));
    const links = blueprint.links.filter((link) => !before.links.has(link));
    try {
      await this.check(nodes, links, before.links);
      await run.add(
        nodes.map((node) => blueprint.asRun(node)),
        links,
      );
    } catch (error) {
      for (const { id } of nodes) blueprint.remove(id);
      blueprint.drop(links);
      throw error;
    }
    return built;
  }

  private takeBack({ nodes, links }: { nodes: ReadonlySet<NodeSpec>; links: ReadonlySet<LinkSpec> }): void {
    const { blueprint } = this;
    for (const { id } of blueprint.nodes.filter((node) => !nodes.has(node))) blueprint.remove(id);
    blueprint.drop(blueprint.links.filter((link) => !links.has(link)));
  }

  private async check(
    nodes: readonly NodeSpec[],
    links: readonly LinkSpec[],
    before: ReadonlySet<LinkSpec>,
  ): Promise<void> {
    const { blueprint } = this;
    if (nodes.length === 0) {
      throw stateError('addNode() was given a builder that adds no node', 'Call methods of streams, or of the graph');
    }
    const { problems, later } = blueprint.check();
    for (const found of await Promise.all(later)) problems.push(...found);
    problems.push(...nodes.flatMap((node) => copiesOf(node, blueprint)));
    problems.push(...links.flatMap((link) => unopened(link, nodes, before, blueprint)));
    if (problems.length > 0) throw new ConfigError('nothing was added to the graph', problems);
  }
}

function pathOf(node: NodeSpec, { nodes, pathOf: path }: Blueprint): string {
  return path(nodes.indexOf(node));
}

function copiesOf(node: NodeSpec, blueprint: Blueprint): Problem[] {
  if (node.distNums === undefined) return [];
  const hint = 'Leave out distNums (dist_nums), or build the node from the start';
  return [
    { path: `${pathOf(node, blueprint)}.dist_nums`, message: 'a node that comes later has no parallel copies', hint },
  ];
}

/** Built-in modules that read, filter and write find out at their start who takes what. */
function unopened(
  { from, to }: LinkSpec,
  added: readonly NodeSpec[],
  before: ReadonlySet<LinkSpec>,
  blueprint: Blueprint,
): Problem[] {
  const producer = blueprint.nodes.find(({ id }) => id === from.node);
  const consumer = blueprint.nodes.find(({ id }) => id === to.node)!;
  const isFixed = (node: NodeSpec): boolean => {
    const builtin = builtinOf(node.module);
    return builtin !== undefined && builtin.name !== 'pass_through';
  };
  const problems: Problem[] = [];
  if (producer && !added.includes(producer) && isFixed(producer)) {
    const known = [...before].some((link) => link.from.node === from.node && link.from.output === from.output);
    if (!known) {
      problems.push({
        path: `${pathOf(producer, blueprint)}.output_streams`,
        message: `output ${from.output} cannot be joined: nobody took it when the graph was started`,
        hint: 'Connect it to a null_sink from the start',
      });
    }
  }
  if (!added.includes(consumer) && isFixed(consumer)) {
    problems.push({
      path: `${pathOf(consumer, blueprint)}.input_streams`,
      message: `${consumer.module.name} takes no further inputs while it runs`,
      hint: 'pass_through and modules of your own do',
    });
  }
  return problems;
}

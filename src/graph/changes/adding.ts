/** `graph.addNode()`: what a builder makes of a running graph is collected, checked as a whole, and handed to the run. */
import { builtinOf } from '../../catalog/builtin.js';
import { ConfigError, type Problem } from '../../errors/errors.js';
import { stateError } from '../../errors/make.js';
import type { LinkSpec, NodeSpec } from '../../scheduler/plan/spec.js';
import type { GraphRun } from '../../scheduler/run/run.js';

/** What a graph consists of, as far as it is needed here. */
interface Blueprint {
  /** With its readers and input streams, and with what a file assumes of its nodes. */
  spec(): { readonly nodes: readonly NodeSpec[]; readonly links: readonly LinkSpec[] };
  /** Ids up to this one are not given again. */
  startAbove(id: number): void;
  remove(id: number): void;
  drop(links: readonly LinkSpec[]): void;
  check(spec: undefined, only: ReadonlySet<number>): { problems: Problem[]; later: Promise<readonly Problem[]>[] };
  /** What the ports of the program have to know of who is connected to them. */
  lookAtPorts(): void;
  /** Of a node, by its place in `spec()`. */
  readonly pathOf: (index: number) => string;
}

/** What a builder has added. */
interface Came {
  readonly nodes: NodeSpec[];
  readonly links: LinkSpec[];
}

export class Adding {
  /** Nodes that were there before the builder that is at work. */
  private before: ReadonlySet<number> | undefined;

  constructor(private readonly blueprint: Blueprint) {}

  /** A builder is at work: nodes may be added. */
  get active(): boolean {
    return this.before !== undefined;
  }

  /** The node is one that the builder has added: everything can still be said of it. */
  comes(id: number): boolean {
    return this.before !== undefined && !this.before.has(id);
  }

  /**
   * Adds to the run what `build` adds to the graph.
   * @returns what `build` returns.
   * @throws what `build` throws, ConfigError with everything that is wrong, and what `GraphRun.add` throws: nothing has come then.
   */
  async add<T>(run: GraphRun, build: () => T): Promise<T> {
    const { blueprint } = this;
    const before = blueprint.spec();
    const known = { nodes: new Set(before.nodes.map(({ id }) => id)), links: new Set(before.links) };
    const added = (): Came => {
      const { nodes, links } = blueprint.spec();
      return {
        nodes: nodes.filter(({ id }) => !known.nodes.has(id)),
        links: links.filter((link) => !known.links.has(link)),
      };
    };
    blueprint.startAbove(run.highestId);
    this.before = known.nodes;
    let built: T;
    let came = added();
    try {
      try {
        built = build();
        if (built instanceof Promise) {
          built.catch(() => {});
          throw stateError('addNode() was given an asynchronous builder', 'Return the handle, without await');
        }
      } finally {
        this.before = undefined;
        came = added();
      }
      this.freeAliases(run, came.nodes);
      await this.check(came, known.links);
      blueprint.lookAtPorts();
      await run.add(came.nodes, came.links);
    } catch (error) {
      this.withdraw(came);
      throw error;
    }
    return built;
  }

  /** Once for each: the numbers of its nodes are given to others then. */
  private withdraw(came: Came): void {
    const { blueprint } = this;
    const links = came.links.splice(0);
    const nodes = came.nodes.splice(0);
    // First the links: numbers of inputs that nobody has got can be given again.
    blueprint.drop(links);
    for (const { id } of nodes) blueprint.remove(id);
    blueprint.lookAtPorts();
  }

  /** A node that has ended keeps its alias until another one wants it. */
  private freeAliases(run: GraphRun, nodes: readonly NodeSpec[]): void {
    const wanted = new Map(nodes.map(({ id, alias }) => [alias, id]));
    for (const { id, alias } of this.blueprint.spec().nodes) {
      if (wanted.has(alias) && wanted.get(alias) !== id && run.hasEnded(id)) this.blueprint.remove(id);
    }
  }

  private async check(came: Came, before: ReadonlySet<LinkSpec>): Promise<void> {
    const { blueprint } = this;
    const { nodes, links } = came;
    if (nodes.length === 0 && links.length === 0) {
      throw stateError('addNode() was given a builder that adds no node', 'Call methods of streams, or of the graph');
    }
    const changed = new Set([...nodes.map(({ id }) => id), ...links.map(({ to }) => to.node)]);
    const { problems, later } = blueprint.check(undefined, changed);
    problems.push(...nodes.flatMap((node) => copiesOf(node, blueprint)));
    problems.push(...links.flatMap((link) => unopened(link, nodes, before, blueprint)));
    problems.push(...nodes.flatMap((node) => changedAtOnce(node, links, blueprint)));
    // At once: another addition that begins meanwhile is not to be blamed for what is wrong with this one.
    if (problems.length > 0) this.withdraw(came);
    for (const found of await Promise.all(later)) problems.push(...found);
    if (problems.length > 0) throw new ConfigError('nothing was added to the graph', problems);
  }
}

function pathOf({ id }: NodeSpec, blueprint: Blueprint): string {
  return blueprint.pathOf(blueprint.spec().nodes.findIndex((node) => node.id === id));
}

/** Options that come with an input are for a node that runs. */
function changedAtOnce(node: NodeSpec, links: readonly LinkSpec[], blueprint: Blueprint): Problem[] {
  if (!links.some(({ to, change }) => to.node === node.id && change !== undefined)) return [];
  const hint = 'Give them to the node where it is made';
  return [
    {
      path: `${pathOf(node, blueprint)}.option`,
      message: 'connect() was given options of a node that comes as well',
      hint,
    },
  ];
}

function copiesOf(node: NodeSpec, blueprint: Blueprint): Problem[] {
  if (node.distNums === undefined) return [];
  const hint = 'Leave out distNums (dist_nums), or build the node from the start';
  return [
    { path: `${pathOf(node, blueprint)}.dist_nums`, message: 'a node that comes later has no parallel copies', hint },
  ];
}

/** Built-in modules that read, filter and write find out at their start who takes what, and most of them what they take. */
function unopened(
  { from, to }: LinkSpec,
  added: readonly NodeSpec[],
  before: ReadonlySet<LinkSpec>,
  blueprint: Blueprint,
): Problem[] {
  const { nodes } = blueprint.spec();
  const producer = nodes.find(({ id }) => id === from.node);
  const consumer = nodes.find(({ id }) => id === to.node)!;
  const problems: Problem[] = [];
  const builtin = producer && builtinOf(producer.module);
  const isNew = (node: NodeSpec): boolean => added.some(({ id }) => id === node.id);
  if (producer && !isNew(producer) && builtin !== undefined && builtin.name !== 'pass_through') {
    const known = [...before].some((link) => link.from.node === from.node && link.from.output === from.output);
    if (!known) {
      problems.push({
        path: `${pathOf(producer, blueprint)}.output_streams`,
        message: `output ${from.output} cannot be joined: nobody took it when the graph was started`,
        hint: 'Connect it to a null_sink from the start',
      });
    }
  }
  if (!isNew(consumer)) problems.push(...closedInputs(consumer, pathOf(consumer, blueprint)));
  return problems;
}

/** Why a running node takes no further inputs. */
function closedInputs({ module }: NodeSpec, path: string): Problem[] {
  const builtin = builtinOf(module);
  if (builtin === undefined || builtin.takesFurther === true) return [];
  const { name, work } = builtin;
  const why = work === 'encoding' ? ': the tracks of a file are written down in front of its first packet' : '';
  const hint =
    work === 'encoding'
      ? 'No container of FFmpeg gets a track later. Join the stream by a filter in front of the encoder (overlay, amix), or give it a file of its own: addOutput()'
      : 'Filters that mix (overlay, amix, hstack), pass_through and modules of your own do';
  return [{ path: `${path}.input_streams`, message: `${name} takes no further inputs while it runs${why}`, hint }];
}

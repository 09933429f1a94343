/**
 * What the nodes and sub-graphs of a graph are called: by alias, as it is from outside or where something is being built, and
 * nodes by their id. Aliases are unique.
 */
import { MillraceError } from '../../../errors/errors.js';
import type { NodeSpec } from '../../../scheduler/plan/spec.js';
import { didYouMean } from '../../../schema/schema.js';
import { isInside, type Scopes, scopesOf } from '../subgraph/scope.js';

/** @typeParam Handle what stands for a sub-graph. */
export class Names<Handle> {
  /** By their aliases. */
  private readonly subgraphs = new Map<string, Handle>();

  /** @param outside the nodes that stand for the program, which have negative ids. */
  constructor(
    private readonly nodes: readonly NodeSpec[],
    private readonly outside: () => readonly NodeSpec[],
    private readonly scopes: Scopes,
  ) {}

  /** Of sub-graphs. */
  get paths(): string[] {
    return [...this.subgraphs.keys()];
  }

  /**
   * An alias for what is called so here.
   * @throws MillraceError ERR_MILLRACE_CONFIG if it is asked for and taken.
   */
  free(name: string, isAsked: boolean): string {
    const alias = this.scopes.qualified(name);
    const isTaken = (candidate: string): boolean =>
      this.subgraphs.has(candidate) || this.nodes.some((node) => node.alias === candidate);
    if (!isTaken(alias)) return alias;
    if (isAsked) {
      throw new MillraceError('ERR_MILLRACE_CONFIG', `the graph has '${alias}' already`, {
        hint: 'Aliases of nodes and sub-graphs are unique in their graph, or in the sub-graph around them',
      });
    }
    let number = 2;
    while (isTaken(`${alias}_${number}`)) number++;
    return `${alias}_${number}`;
  }

  note(path: string, handle: Handle): void {
    this.subgraphs.set(path, handle);
  }

  /** Sub-graphs other than these are not there after all. */
  keep(paths: readonly string[]): void {
    for (const path of this.paths) if (!paths.includes(path)) this.subgraphs.delete(path);
  }

  /** A node is gone, and with the last one of a sub-graph that. */
  forget({ alias }: NodeSpec): void {
    for (const path of scopesOf(alias).around) {
      if (!this.nodes.some((node) => isInside(node.alias, path))) this.subgraphs.delete(path);
    }
  }

  /** Alias, from outside, of the sub-graph that is called so, or for which the handle stands. */
  pathOf(called: string | number | object): string | undefined {
    if (typeof called !== 'string' && typeof called !== 'number') {
      return [...this.subgraphs].find(([, handle]) => handle === called)?.[0];
    }
    const names = [this.scopes.qualified(String(called)), String(called)];
    return names.find((name) => this.subgraphs.has(name));
  }

  handleOf(path: string): Handle {
    return this.subgraphs.get(path)!;
  }

  /** The nodes of a sub-graph. */
  within(path: string): NodeSpec[] {
    return this.nodes.filter(({ alias }) => isInside(alias, path));
  }

  /** The node with that alias or id. @throws MillraceError ERR_MILLRACE_CONFIG if there is none. */
  find(alias: string | number): NodeSpec {
    const own = typeof alias === 'string' ? this.scopes.qualified(alias) : alias;
    const outside = typeof alias === 'number' && alias < 0 ? this.outside() : [];
    const node =
      this.nodes.find((candidate) => candidate.alias === own) ??
      [...this.nodes, ...outside].find((candidate) => candidate.alias === alias || candidate.id === alias);
    if (node) return node;
    const aliases = this.nodes.map((candidate) => candidate.alias);
    throw new MillraceError('ERR_MILLRACE_CONFIG', `the graph has no node '${alias}'`, {
      hint: didYouMean(String(alias), aliases, `Nodes are ${aliases.join(', ') || 'none'}`),
    });
  }
}

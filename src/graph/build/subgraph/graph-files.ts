/** Graph files in a graph: the one it was read from, and those that stand for sub-graphs. */
import { builtinOf } from '../../../catalog/builtin.js';
import { templateIn } from '../../../catalog/load.js';
import { ConfigError, MillraceError } from '../../../errors/errors.js';
import { GraphTemplate } from '../../../module/graph-template.js';
import type { ModuleRef } from '../../../module/ref.js';
import type { KeyCallback, LinkSpec, NodeSpec } from '../../../scheduler/plan/spec.js';
import { type ReadGraph, readConfig } from '../../file/read.js';
import { type Allowed, checkTrust, type FileSettings } from '../../file/trust.js';
import type { Graph } from '../../graph.js';
import { Stream } from '../stream.js';
import { adoptFile, type FileHost, type From, type OutputsOf } from './adopt.js';
import { addSubgraph, type SubgraphHost } from './define.js';

/** The definition of the graph. */
interface Definition extends SubgraphHost {
  readonly nodes: readonly NodeSpec[];
  readonly links: LinkSpec[];
  readonly nextId: number;
  addFiled(node: NodeSpec): void;
  addCallback(key: string, callback: KeyCallback | string, node: string): void;
  qualified(alias: string): string;
  streamName(node: number, output: number): string;
}

export class GraphFiles implements FileHost {
  /** What the nodes of files may do. */
  private allowed: Allowed = {};
  /** Files that stand for sub-graphs are loaded. */
  private loads = true;
  /** Files that are being taken in, each a part of the one before. */
  private readonly open: string[] = [];

  constructor(
    private readonly graph: Graph,
    private readonly definition: Definition,
  ) {}

  /**
   * The file that is the graph.
   * @throws ConfigError or MillraceError of a sub-graph that cannot be built.
   */
  adopt(
    read: Omit<ReadGraph, 'options'>,
    { allowed, subgraphs }: FileSettings,
  ): { outputs: From[]; streamAliases: ReadonlyMap<string, string> } {
    this.allowed = allowed;
    this.loads = subgraphs;
    const { outputs, streamAliases } = adoptFile(read, this, {
      id: (id) => id,
      alias: (alias) => alias,
      input: (index) => ({ node: -1 - index, output: 0 }),
    });
    return { outputs: outputs.filter((from) => from !== undefined), streamAliases };
  }

  /** The sub-graph that a reference stands for. @throws MillraceError ERR_MILLRACE_MODULE_LOAD if its file cannot be loaded. */
  templateOf(module: ModuleRef): GraphTemplate<object> | undefined {
    const { name, path } = module;
    if (path !== undefined && !this.loads) return undefined;
    if (path === undefined || !/\.json$/i.test(path)) return templateIn(module);
    const build = (_: Graph, inputs: readonly (Stream | undefined)[], options: object): readonly Stream[] => {
      refuseOptions(path, options);
      return this.within(path, () => this.takeIn(path, inputs));
    };
    return new GraphTemplate<object>(name, build as GraphTemplate['build'], undefined, undefined);
  }

  /** @returns what the file gives out. */
  private takeIn(path: string, inputs: readonly (Stream | undefined)[]): readonly Stream[] {
    const first = this.definition.nextId;
    const { outputs } = adoptFile(readConfig(path, this.allowed), this, {
      id: (id) => first + id,
      alias: (alias) => this.definition.qualified(alias),
      input: (index) => inputs[index] && { node: inputs[index].nodeId, output: inputs[index].index },
    });
    return outputs.map((from, index) => {
      if (from !== undefined) return this.stream(from);
      const what = `output_streams[${index}] of ${path} is an input of it, to which nothing is connected`;
      throw new MillraceError('ERR_MILLRACE_CONFIG', what);
    });
  }

  /** @throws MillraceError ERR_MILLRACE_CONFIG for a file that is a part of itself. */
  private within<T>(path: string, work: () => T): T {
    if (this.open.includes(path)) {
      throw new MillraceError(
        'ERR_MILLRACE_CONFIG',
        `the graph file is a part of itself: ${[...this.open, path].join(' -> ')}`,
      );
    }
    this.open.push(path);
    try {
      return work();
    } finally {
      this.open.pop();
    }
  }

  private stream({ node, output }: From): Stream {
    return new Stream(this.graph, node, output);
  }

  // --- what a file is taken into --------------------------------------------------------------------------------------

  add(node: NodeSpec): void {
    this.definition.addFiled(node);
  }

  link(link: LinkSpec): void {
    this.definition.links.push(link);
  }

  nameOf({ node, output }: From): string {
    return this.definition.streamName(node, output);
  }

  isSubgraph({ module }: NodeSpec): boolean {
    return this.templateOf(module) !== undefined;
  }

  build(node: NodeSpec, inputs: readonly (From | null)[]): OutputsOf {
    const { module, options, alias, callbacks, scheduler, thread, inputManager, queueLimit, distNums } = node;
    const before = this.definition.nodes.length;
    const template = { ...module, graph: this.templateOf(module)! };
    const handle = addSubgraph(this.graph, this.definition, template, options, {
      ...{ alias, scheduler, thread, inputManager, queueLimit, distNums },
      inputs: inputs.map((from) => from && this.stream(from)),
      protocolWhitelist: node.protocolWhitelist,
    });
    for (const [key, callback] of callbacks ?? []) this.definition.addCallback(key, callback, alias);
    this.refuseForeign(alias, this.definition.nodes.slice(before));
    return (output) => {
      const { nodeId, index } = handle.output(output);
      return { node: nodeId, output: index };
    };
  }

  /** What a sub-graph of the program's has built for a file may do no more than the file. */
  private refuseForeign(alias: string, nodes: readonly NodeSpec[]): void {
    const held = nodes.filter((node) => node.protocolWhitelist !== undefined && builtinOf(node.module) !== undefined);
    const problems = held.flatMap((node) => checkTrust(node, `${node.module.name} "${node.alias}"`, this.allowed));
    if (problems.length > 0) throw new ConfigError(`the sub-graph ${alias} does what the graph file may not`, problems);
  }
}

function refuseOptions(path: string, options: object): void {
  const problems = Object.keys(options).map((name) => ({
    path: `option.${name}`,
    message: `is not an option here: ${path} is a graph file, which has none`,
  }));
  if (problems.length > 0) throw new ConfigError('wrong options', problems);
}

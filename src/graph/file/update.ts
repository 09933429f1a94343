/**
 * Changes of a running graph as data: BMF's update of a graph, whose nodes have an `action`. Nodes that are added name the
 * streams they join; BMF's builder writes them as `<alias>.<number>_<place>`: the alias is of a node that runs.
 */
import * as v from 'valibot';
import { builtinOf } from '../../catalog/builtin.js';
import { ConfigError, type Problem } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { NodeSpec } from '../../scheduler/plan/spec.js';
import { problemsFrom } from '../../schema/problems.js';
import { didYouMean } from '../../schema/schema.js';
import { nodeSchema, type ParsedNode, type ParsedStream } from './format.js';
import { loadConfig, outputNumber, readNode, splitIdentifier } from './read.js';
import { type Allowed, checkTrust, protocolWhitelist } from './trust.js';

/** A change of one node. */
export interface UpdateNode {
  action: 'add' | 'remove' | 'reset';
  /** Of `remove` and `reset`: alias of a running node. It may stand in `option`, too, where BMF's builder writes it. */
  alias?: string;
  /** Of `reset`: what changes; of `add`: the options of the node. */
  option?: Record<string, unknown>;
  /** All keys of nodes in graph files, for `add`. */
  [key: string]: unknown;
}

/** What `graph.update()` takes. */
export interface UpdateConfig {
  nodes: readonly UpdateNode[];
}

/** A stream as a node that is added names it: of one that is added as well, or of one that runs. */
export type NamedStream =
  | { readonly added: number; readonly output: number }
  | { readonly alias: string; readonly output: number }
  | { readonly name: string };

export interface AddedNode {
  readonly spec: NodeSpec;
  /** Streams of its inputs; undefined for one that nobody feeds. */
  readonly inputs: readonly (NamedStream | undefined)[];
  /** Aliases of running nodes to which outputs go as further inputs. */
  readonly into: readonly { readonly output: number; readonly alias: string }[];
}

export interface Update {
  readonly add: readonly AddedNode[];
  readonly remove: readonly string[];
  readonly reset: readonly {
    readonly alias: string;
    readonly options: Record<string, unknown>;
    readonly path: string;
  }[];
}

const ACTIONS = ['add', 'remove', 'reset'] as const;
/** BMF's name of a stream that joins a running node. */
const JOIN = /^(.+)\.\d+_(\d+)$/;

/**
 * Reads an update: an object, its text, or the path of a file.
 * @param aliases of the running nodes.
 * @throws ConfigError with everything that is wrong, each problem with its JSON path.
 */
export function readUpdate(source: unknown, allowed: Allowed, aliases: readonly string[]): Update {
  const { value } = loadConfig(source);
  const problems: Problem[] = [];
  const raw = (value as { nodes?: unknown } | null)?.nodes;
  if (!Array.isArray(raw) || raw.length === 0) {
    throw new ConfigError('the update cannot be used', [
      { path: 'nodes', message: 'must be a list of nodes with an action', hint: `Actions are ${ACTIONS.join(', ')}` },
    ]);
  }
  const added: { parsed: ParsedNode; spec: NodeSpec; path: string }[] = [];
  const remove: string[] = [];
  const reset: { alias: string; options: Record<string, unknown>; path: string }[] = [];
  raw.forEach((node: unknown, index) => {
    const path = `nodes[${index}]`;
    const { action, ...rest } = typeof node === 'object' && node !== null ? (node as Record<string, unknown>) : {};
    switch (action) {
      case 'add': {
        const result = v.safeParse(nodeSchema, { id: index, ...rest });
        if (!result.success) {
          problems.push(...problemsFrom(path, result.issues));
          return;
        }
        const made = readNode(result.output, path);
        const whitelist = protocolWhitelist(allowed);
        if (whitelist !== undefined) made.node.protocolWhitelist = whitelist;
        problems.push(...made.problems, ...checkTrust(made.node, path, allowed));
        added.push({ parsed: result.output, spec: made.node, path });
        return;
      }
      case 'remove':
      case 'reset': {
        const { alias, options } = named(rest);
        if (alias === undefined || !aliases.includes(alias)) {
          const hint = didYouMean(String(alias), aliases, `Nodes are ${aliases.join(', ') || 'none'}`);
          problems.push({ path: `${path}.alias`, message: `there is no node ${describeValue(alias)}`, hint });
        } else if (action === 'remove') remove.push(alias);
        else reset.push({ alias, options, path });
        return;
      }
      default: {
        const hint = didYouMean(String(action), ACTIONS, `Actions are ${ACTIONS.join(', ')}`);
        problems.push({ path: `${path}.action`, message: `cannot be ${describeValue(action)}`, hint });
      }
    }
  });
  const add = joined(added, problems);
  if (problems.length > 0) throw new ConfigError('the update cannot be used', problems);
  return { add, remove, reset };
}

/**
 * What an update may not change options to. What the running node was allowed by who built it stays so.
 * @param find a node by its alias.
 */
export function forbiddenResets(
  resets: Update['reset'],
  allowed: Allowed,
  find: (alias: string) => NodeSpec,
): Problem[] {
  return resets.flatMap(({ alias, options, path }) => {
    const node = find(alias);
    const before = new Set(checkTrust(node, path, allowed).map(({ message }) => message));
    return checkTrust(afterReset(node, options), path, allowed).filter(({ message }) => !before.has(message));
  });
}

/** The node as it would be, for what has to be looked at before: arguments of a filter by name are some of its `para`. */
function afterReset(node: NodeSpec, given: Record<string, unknown>): NodeSpec {
  const options = { ...node.options, ...given };
  if (builtinOf(node.module)?.work !== 'filtering' || typeof options.name !== 'string') return { ...node, options };
  const own = ['name', 'para', 'filters', 'graph', 'threads'];
  const further = Object.entries(given).filter(([key]) => !own.includes(key));
  const para = [options.para, ...further.map(([key, value]) => `${key}=${String(value)}`)];
  return { ...node, options: { ...options, para: para.filter((part) => part !== undefined).join(':') } };
}

function named({ alias, option }: Record<string, unknown>): {
  alias: string | undefined;
  options: Record<string, unknown>;
} {
  const { alias: inside, ...options } = (option ?? {}) as Record<string, unknown>;
  const name = alias || inside;
  return { alias: typeof name === 'string' ? name : undefined, options };
}

/** Which streams the nodes that are added name. */
function joined(
  added: readonly { parsed: ParsedNode; spec: NodeSpec; path: string }[],
  problems: Problem[],
): AddedNode[] {
  const own = new Map<string, NamedStream>();
  const outputs = added.map(({ parsed }, at) =>
    (parsed.output_streams ?? []).flatMap((stream: ParsedStream, place) => {
      const { name, notify } = splitIdentifier(stream);
      const output = outputNumber(notify, place);
      const join = JOIN.exec(name);
      if (join === null) own.set(name, { added: at, output });
      return join === null ? [] : [{ output: Number(join[2]), alias: join[1]! }];
    }),
  );
  return added.map(({ parsed, spec, path }, at) => ({
    spec,
    inputs: (parsed.input_streams ?? []).map((stream, input) => {
      const { name } = splitIdentifier(stream);
      const join = JOIN.exec(name);
      const known = own.get(name);
      if (known !== undefined && 'added' in known && known.added === at) {
        problems.push({ path: `${path}.input_streams[${input}]`, message: `'${name}' is a stream of the node itself` });
      }
      return known ?? (join === null ? { name } : { alias: join[1]!, output: Number(join[2]) });
    }),
    // BMF's builder appends them to the outputs that the node has, and counts anew.
    into: outputs[at]!,
  }));
}

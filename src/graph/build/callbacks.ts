/** Callbacks of a graph and of its nodes, by key: what is accepted, and what nobody would ever call. */
import { builtinOf } from '../../catalog/builtin.js';
import { ConfigError, type Problem } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { KeyCallback, NodeSpec } from '../../scheduler/plan/spec.js';
import { didYouMean } from '../../schema/schema.js';

/** @throws ConfigError naming what is wrong. */
export function checkCallback(key: unknown, callback: unknown, ofNode: boolean): void {
  const problems: Problem[] = [];
  if ((typeof key !== 'string' && typeof key !== 'number') || key === '') {
    problems.push({ path: 'key', message: `must be a text or a number, not ${describeValue(key)}` });
  }
  const isName = ofNode && typeof callback === 'string' && callback !== '';
  if (typeof callback !== 'function' && !isName) {
    const right = ofNode ? "a function, or the key of one of the graph's callbacks" : 'a function';
    problems.push({ path: 'callback', message: `must be ${right}, not ${describeValue(callback)}` });
  }
  if (problems.length > 0) throw new ConfigError('wrong arguments of addCallback', problems);
}

/** Whether the node's module calls that callback, as far as that is known. */
export function mayCall({ module }: NodeSpec, key: string): boolean {
  const asks = builtinOf(module);
  return asks === undefined || (asks.callbacks ?? []).some((known) => String(known) === key);
}

/** What is wrong with the callbacks of a node. @param path gives its JSON path. */
export function callbackProblems(
  node: NodeSpec,
  path: () => string,
  common: ReadonlyMap<string, KeyCallback>,
): Problem[] {
  if (node.callbacks === undefined) return [];
  const asks = builtinOf(node.module);
  return [...node.callbacks].flatMap(([key, callback]): Problem[] => {
    const at = `${path()}.meta_info.callback_binding`;
    if (asks && !mayCall(node, key)) {
      const keys = (asks.callbacks ?? []).map(String);
      const has = keys.length === 0 ? 'asks for none' : `asks for ${keys.map((known) => `'${known}'`).join(' and ')}`;
      return [{ path: at, message: `${asks.name} never calls '${key}'`, hint: didYouMean(key, keys, `It ${has}`) }];
    }
    if (typeof callback !== 'string' || common.has(callback)) return [];
    return [
      {
        path: at,
        message: `'${key}:${callback}' needs the callback '${callback}', which the graph does not have`,
        hint: `Give it one before the start: graph.addCallback('${callback}', fn)`,
      },
    ];
  });
}

/** Callbacks of the graph that none of its modules would ever call, as far as that is known. */
export function uncalled(nodes: readonly NodeSpec[], common: ReadonlyMap<string, KeyCallback>): string[] {
  const own = nodes.filter(({ outside }) => outside === undefined);
  const asked = own.flatMap(({ module }) => builtinOf(module)?.callbacks?.map(String) ?? []);
  const named = own.flatMap(({ callbacks }) => [...(callbacks?.values() ?? [])]);
  if (own.some(({ module }) => builtinOf(module) === undefined)) return [];
  return [...common.keys()].filter((key) => !asked.includes(key) && !named.includes(key));
}

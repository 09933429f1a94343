/** What of a value JSON can hold. */

import type { Problem } from '../../errors/errors.js';
import { anObject } from '../../errors/naming.js';
import { joinPath } from '../../schema/problems.js';

/**
 * @param problems takes what is left out, each with its path.
 * @returns a copy: properties that JSON cannot hold are left out, items of arrays become null.
 */
export function jsonPart(value: unknown, path: string, problems: Problem[]): unknown {
  return partOf(value, path, problems, []);
}

/** @param above the objects it is in: one that is among them never ends. */
function partOf(value: unknown, path: string, problems: Problem[], above: readonly object[]): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || value === undefined) return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value !== 'object') return leaveOut(`a ${typeof value} (${String(value)})`, path, problems);
  if (above.includes(value)) return leaveOut('an object inside itself', path, problems);
  const inside = [...above, value];
  if (Array.isArray(value)) {
    return value.map((item, index) => partOf(item, joinPath(path, index), problems, inside) ?? null);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // Plain objects of another realm have another Object.prototype, whose prototype is null as well.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return leaveOut(anObject(value), path, problems);
  }
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [
    key,
    partOf(item, joinPath(path, key), problems, inside),
  ]);
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined));
}

function leaveOut(what: string, path: string, problems: Problem[]): undefined {
  problems.push({ path, message: `is ${what}, which JSON cannot hold` });
  return undefined;
}

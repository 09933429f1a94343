/** What the filters of a graph file must not open or load. */

import {
  type Argument,
  factsOf,
  filtersOf,
  type Opens,
  parseArguments,
  protocolOf,
  protocolsIn,
  unquoted,
} from '../../catalog/ffmpeg.js';
import type { NodeSpec } from '../../scheduler/plan/spec.js';
import { foreign, loosened, loosens, opens, type Permissions, type Reason, runs } from './trust-reasons.js';

const NOTHING: Opens = {};

/** By place in the node's options. */
export function filterReasons(node: NodeSpec, may: Permissions): (Reason & { keys: PropertyKey[] })[] {
  const { options } = node;
  const isList = options.name === undefined && Array.isArray(options.filters);
  return filtersOf(options).flatMap(({ name, args }, index) => {
    const keys: PropertyKey[] = options.name !== undefined ? [] : isList ? ['filters', index] : ['graph'];
    return ofFilter(name, args, may).map(({ about, ...reason }) => ({
      ...reason,
      keys: keys[0] === 'graph' ? keys : [...keys, about === 'name' ? 'name' : 'para'],
    }));
  });
}

function ofFilter(name: string, args: string, may: Permissions): (Reason & { about: 'name' | 'para' })[] {
  const facts = factsOf(name).opens ?? NOTHING;
  const filter = `the filter '${name}'`;
  if (facts.connects && !may.anything) return [{ about: 'name', ...opens(filter) }];
  if (facts.code === '*' && !may.code) return [{ about: 'name', ...runs(filter) }];
  const given = parseArguments(args);
  if (!may.code && given.some((argument, index) => isProgram(facts, argument, index))) {
    return [{ about: 'para', ...runs(`a program into ${filter}`) }];
  }
  if (may.anything) return [];
  return given
    .flatMap((argument, index) => ofArgument(filter, facts, argument, index, may))
    .map((reason) => ({ about: 'para', ...reason }));
}

function isProgram({ code: programs, plain = 0 }: Opens, { name }: Argument, index: number): boolean {
  if (programs === undefined) return false;
  return name === undefined ? index >= plain : has(programs, name);
}

function ofArgument(
  filter: string,
  facts: Opens,
  { name, value }: Argument,
  index: number,
  may: Permissions,
): Reason[] {
  if (name !== undefined && has(facts.text, name)) return [];
  // Without a name only the first one is certain to be the file.
  if (facts.how !== undefined && (name === undefined ? index > 0 : has(facts.how, name))) {
    return [
      opens(`${name === undefined ? `'${value}'` : `'${name}'`} of ${filter}`, 'Read the file in a decoder node'),
    ];
  }
  if (facts.url !== undefined && (name === undefined || has(facts.url, name))) {
    const refused = foreign([protocolOf(value)], may.protocols);
    if (refused.length > 0) return refused;
    // A name without a protocol is the file of that name, whatever stands in it.
    if (name !== undefined && protocolOf(value) === 'file') return [];
  }
  if (loosens(value)) return [loosened(`such options of ${filter}`)];
  return foreign(protocolsIn(value), may.mentions);
}

/**
 * A filter graph that FFmpeg reads by itself (`f: 'lavfi'`): what could be a filter that opens things is one, and no text
 * in it is exempt.
 */
export function filterGraphReasons(text: string, may: Permissions): Reason[] {
  const plain = unquoted(text);
  const named = [...plain.matchAll(/(?:^|[,;\]])\s*([A-Za-z0-9_]+)/g)].map((match) => match[1]!);
  for (const name of named) {
    const facts = factsOf(name).opens ?? NOTHING;
    if (facts.code !== undefined && !may.code) return [runs(`the filter '${name}'`)];
    if (may.anything) continue;
    if (facts.connects || facts.how !== undefined) {
      return [opens(`the filter '${name}'`, 'Read the file in a decoder node')];
    }
  }
  if (may.anything) return [];
  if (loosens(text)) return [loosened('such options of filters')];
  return foreign(protocolsIn(text), may.mentions);
}

function has(list: string | undefined, name: string): boolean {
  return list?.split(' ').includes(name) ?? false;
}

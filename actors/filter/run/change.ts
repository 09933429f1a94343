/**
 * Other options for a filter that runs. Where FFmpeg takes what changes as a command, the running filters are told it and
 * keep what they have in hand. Everything else is a new filter graph, which takes the place of the old one between two frames.
 */
import * as v from 'valibot';
import { MillraceError } from '../../../src/errors/errors.js';
import { describeValue } from '../../../src/errors/naming.js';
import { checkSchema } from '../../../src/schema/problems.js';
import { type FilterOptions, filterOptions } from '../options.js';
import { parseArguments } from '../plan/arguments.js';
import type { FilterSpec } from '../plan/filter-spec.js';
import { instanceOf, type Plan } from '../plan/plan.js';

/** Own keys of the module; all others are arguments of its filter. */
const OWN = new Set(['name', 'para', 'filters', 'graph', 'threads']);
const FORMS = ['name', 'filters', 'graph'] as const;

/** Arguments that change the size of what comes out: the filters behind have to be configured anew. */
const SIZES = new Set(['w', 'h', 'width', 'height', 'out_w', 'ow', 'out_h', 'oh', 'size', 's', 'aspect']);

/**
 * The options after a change.
 * @param given Options of the module, which replace what it had; and of a node with one filter, arguments of the filter by name.
 * @throws MillraceError ERR_MILLRACE_OPTION for what cannot be options.
 */
export function changedOptions(old: FilterOptions, given: Readonly<Record<string, unknown>>): FilterOptions {
  const own = Object.fromEntries(Object.entries(given).filter(([key]) => OWN.has(key)));
  const named = Object.entries(given).filter(([key]) => !OWN.has(key));
  const form = FORMS.find((key) => own[key] !== undefined);
  // The arguments of another filter would say nothing to this one.
  const kept = form === undefined || (form === 'name' && own.name === old.name) ? old : { threads: old.threads };
  const changed: Record<string, unknown> = { ...kept, ...own };
  if (named.length > 0) changed.para = withArguments(changed, named);
  const result = v.safeParse(filterOptions, changed);
  if (result.success) return result.output;
  const problems = checkSchema(filterOptions, changed, 'options');
  const found = problems instanceof Promise ? [] : problems;
  throw new MillraceError(
    'ERR_MILLRACE_OPTION',
    found.map(({ path, message }) => `${path}: ${message}`).join('; ') || 'wrong options of a filter',
  );
}

/** FFmpeg takes the last of several values of an argument. */
function withArguments({ name, para }: Record<string, unknown>, named: readonly [string, unknown][]): string {
  if (typeof name !== 'string') {
    throw new MillraceError('ERR_MILLRACE_OPTION', `'${named[0]![0]}' is no option of a graph of several filters`, {
      hint: "Give the whole: 'graph' or 'filters'",
    });
  }
  const replaced = new Set(named.map(([key]) => key));
  const before = parseArguments(String(para ?? ''))
    .filter((argument) => argument.name === undefined || !replaced.has(argument.name))
    .map((argument) => (argument.name === undefined ? '' : `${argument.name}=`) + escaped(argument.value));
  return [...before, ...named.map(([key, value]) => `${key}=${escaped(textOf(name, key, value))}`)].join(':');
}

function textOf(filter: string, key: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  throw new MillraceError('ERR_MILLRACE_OPTION', `${key} of filter '${filter}' cannot be ${describeValue(value)}`);
}

/** For av_get_token, as the builder does it. */
function escaped(text: string): string {
  return text.replace(/[\\':]/g, '\\$&').replace(/^\s|(?<=[\s\S])\s$/g, '\\$&');
}

/** For a filter of the running graph: its name there, and what it is to be told. */
export interface FilterCommand {
  readonly target: string;
  readonly name: string;
  readonly value: string;
}

/** What turns one plan into the other, if that can be said by commands; whether FFmpeg takes them is found out by trying. */
export function commandsBetween(old: Plan, plan: Plan): FilterCommand[] | undefined {
  if (old.filters.length !== plan.filters.length || old.scaleOptions !== plan.scaleOptions) return undefined;
  if (old.threads !== plan.threads || wiringOf(old) !== wiringOf(plan)) return undefined;
  const commands: FilterCommand[] = [];
  for (const [i, filter] of plan.filters.entries()) {
    const before = old.filters[i]!;
    if (before.name !== filter.name || before.instance !== filter.instance || before.own !== filter.own)
      return undefined;
    const changed = changedArguments(before, filter);
    if (changed === undefined) return undefined;
    for (const [name, value] of changed) commands.push({ target: instanceOf(filter, i), name, value });
  }
  return commands;
}

/** The inputs and outputs of the node go to the same pads. */
function wiringOf({ links, inputs, outputs, unused }: Plan): string {
  return JSON.stringify([links, [...inputs], [...outputs], unused]);
}

function changedArguments(before: FilterSpec, after: FilterSpec): [string, string][] | undefined {
  const [old, now] = [before, after].map(({ args }) => parseArguments(args ?? ''));
  const unnamed = (list: typeof old): string =>
    JSON.stringify(list!.filter(({ name }) => name === undefined).map(({ value }) => value));
  if (unnamed(old) !== unnamed(now)) return undefined;
  const byName = (list: typeof old): Map<string, string> =>
    new Map(list!.flatMap(({ name, value }) => (name === undefined ? [] : [[name, value] as const])));
  const [had, has] = [byName(old), byName(now)];
  // What is left out goes back to its default, which no command says.
  for (const name of had.keys()) if (!has.has(name)) return undefined;
  const changed = [...has].filter(([name, value]) => had.get(name) !== value);
  return changed.some(([name]) => SIZES.has(name)) ? undefined : changed;
}

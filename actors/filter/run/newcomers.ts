/**
 * Inputs that come while the filter runs. Each takes part from its first frame on: then a graph that has it takes the place of
 * the one that runs. Until then that one goes on, and an input that never brings a frame changes nothing.
 */
import { MillraceError } from '../../../src/errors/errors.js';
import { factsOf } from '../catalogue.js';
import type { FilterOptions } from '../options.js';
import { parseArguments } from '../plan/arguments.js';
import { countArgument } from '../plan/outer-pads.js';
import type { Plan } from '../plan/plan.js';
import { changedOptions } from './change.js';
import type { MediaFrame } from './take-frame.js';

export interface Newcomer {
  readonly id: number;
  /** Options that come with it. */
  readonly given: Readonly<Record<string, unknown>> | undefined;
  /** Frames that have come. */
  readonly queue: MediaFrame[];
  ending: boolean;
}

export class Newcomers {
  readonly #waiting: Newcomer[] = [];

  /** In the order in which they came. */
  get all(): readonly Newcomer[] {
    return this.#waiting;
  }

  /** Ids of those of which nothing has come. */
  get wanted(): number[] {
    return this.#waiting.filter(({ queue, ending }) => queue.length === 0 && !ending).map(({ id }) => id);
  }

  /** The one with this number takes the place of another one that never came. */
  add(id: number, given: Newcomer['given']): void {
    const known = this.#waiting.findIndex((newcomer) => newcomer.id === id);
    if (known >= 0) this.remove(this.#waiting[known]!);
    this.#waiting.push({ id, given, queue: [], ending: false });
  }

  /** Its frames are the caller's. */
  remove(newcomer: Newcomer): void {
    this.#waiting.splice(this.#waiting.indexOf(newcomer), 1);
  }

  release(): void {
    for (const { queue } of this.#waiting.splice(0)) for (const frame of queue) frame.close();
  }
}

/**
 * The options of the filter with one input more.
 * @param plan as it is now. @param live of its inputs, those that have not ended.
 * @throws MillraceError ERR_MILLRACE_OPTION for what cannot be options.
 */
export function optionsWith(options: FilterOptions, given: Newcomer['given'], plan: Plan, live: number): FilterOptions {
  if (given !== undefined) return changedOptions(options, given);
  const [filter] = plan.filters;
  const count = options.name !== undefined && filter !== undefined ? countArgument(filter.name) : undefined;
  if (count === undefined) return options;
  return changedOptions(options, { [count]: (forgetsEnded(filter!) ? live : plan.inputs.size) + 1 });
}

/** What has ended has no part in the mix any more; where inputs have weights, those are by their places. */
function forgetsEnded({ name, args }: Plan['filters'][number]): boolean {
  if (name !== 'amix') return false;
  const list = parseArguments(args ?? '');
  return (
    list.every(({ name: key }) => key !== 'weights') && list.filter(({ name: key }) => key === undefined).length < 4
  );
}

/** @throws MillraceError ERR_MILLRACE_OPTION for filters of which another one cannot go on where they stop. */
export function requireJoining({ filters, pads }: Plan): void {
  const unable = filters.find(({ name }, i) => pads[i]!.inputs.length > 1 && factsOf(name).joins === undefined);
  if (unable === undefined) return;
  throw new MillraceError('ERR_MILLRACE_OPTION', `The filter '${unable.name}' takes no further inputs while it runs`, {
    hint: 'What it has done with those that it has would be forgotten. Filters that mix (overlay, amix, hstack, xstack) can',
  });
}

/** The same, with what would have to be said of a filter that was given nothing. */
export function explained(error: unknown, given: Newcomer['given']): unknown {
  if (!(error instanceof MillraceError) || given !== undefined) return error;
  return new MillraceError('ERR_MILLRACE_OPTION', error.message, {
    cause: error,
    hint: "Say what the filter is with it: graph.connect(stream, node, undefined, { graph: '[0][1]overlay=10:20[0]' })",
  });
}

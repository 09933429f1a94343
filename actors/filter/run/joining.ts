/**
 * How an input comes to a filter that runs: it waits until its first frame has come (newcomers.ts), is part of what the filter
 * is to become from then on, and is an input like the others when that has taken the place of what the filter was. Until then
 * it can be turned away, and the filter goes on without it.
 */
import type { Task } from '../../../src/module/contract.js';
import type { FilterOptions } from '../options.js';
import type { Plan } from '../plan/plan.js';
import { type Input, idsOf, inputOf, noteFormats, releaseInput } from './filter-inputs.js';
import type { Demand } from './input-demand.js';
import { explained, type Newcomer, Newcomers, optionsWith, requireJoining } from './newcomers.js';

/** µs: who joins, and begins so long before what the filter is at, is told. */
const LATE = 1_000_000;

/** What the filter is, and the options that say so. */
export interface Setting {
  readonly options: FilterOptions;
  readonly plan: Plan;
}

/** The filter to which they come. */
export interface Joined {
  warn(text: string): void;
  /** What it is, or is about to be. */
  setting(): Setting;
  /** Those that take part. */
  inputs(): readonly Input[];
  makePlan(options: FilterOptions, inputs: readonly number[]): Plan;
  /** It is to become something else, at the next boundary at which nothing is lost. */
  change(next: Setting): void;
}

export class Joining {
  readonly #filter: Joined;
  readonly #newcomers = new Newcomers();
  /** Inputs of the next graph. */
  readonly #arriving: Input[] = [];

  constructor(filter: Joined) {
    this.#filter = filter;
  }

  /** All that do not take part yet; frames come for them too. */
  get all(): readonly (Input | Newcomer)[] {
    return [...this.#arriving, ...this.#newcomers.all];
  }

  /** Nobody is to come. */
  get isEmpty(): boolean {
    return this.#arriving.length === 0 && this.#newcomers.all.length === 0;
  }

  /** Inputs of the next graph. */
  get arriving(): readonly Input[] {
    return this.#arriving;
  }

  /** Ids of those of which nothing has come. */
  get wanted(): number[] {
    return this.#newcomers.wanted;
  }

  /** @throws MillraceError ERR_MILLRACE_OPTION for filters that cannot have it: then everything is as it was. */
  add(id: number, given: Newcomer['given']): void {
    const newcomer = { id, given };
    try {
      this.#settingWith([newcomer]);
    } catch (error) {
      // What it is then may count on one that is still to come.
      const { all } = this.#newcomers;
      if (all.length === 0) throw explained(error, given);
      this.#settingWith([...all, newcomer]);
    }
    this.#newcomers.add(id, given);
  }

  /** Options are to come with the last one. @returns false if they cannot, or nobody is to come. */
  hold(given: Readonly<Record<string, unknown>>): boolean {
    return this.#newcomers.hold(given, (newcomers) => this.#settingWith(newcomers));
  }

  /** What the filter is with these. */
  #settingWith(newcomers: readonly Pick<Newcomer, 'id' | 'given'>[]): Setting {
    const inputs = this.#filter.inputs();
    const before = this.#filter.setting();
    requireJoining(before.plan);
    const ids = idsOf([...inputs, ...this.#arriving]);
    let live = inputs.filter(({ ended }) => !ended).length + this.#arriving.length;
    let setting = before;
    for (const { id, given } of newcomers) {
      const options = optionsWith(setting.options, given, setting.plan, live++);
      ids.push(id);
      setting = { options, plan: this.#filter.makePlan(options, ids) };
    }
    requireJoining(setting.plan);
    return setting;
  }

  /** Those whose first frame has come are inputs of the next graph. */
  admit(task: Task): void {
    for (const newcomer of [...this.#newcomers.all]) {
      const { id, queue, ending } = newcomer;
      if (queue.length === 0) {
        if (ending) this.#newcomers.remove(newcomer);
        continue;
      }
      const isFirst = this.#newcomers.all[0] === newcomer;
      let setting: Setting;
      try {
        setting = this.#settingWith([newcomer]);
      } catch (error) {
        if (!isFirst) continue; // its options may count on one that is still to come
        this.#newcomers.remove(newcomer);
        this.turnAway([inputOf(id, queue)], error, task);
        continue;
      }
      this.#newcomers.remove(newcomer);
      const input = inputOf(id, queue, ending);
      noteFormats([input]);
      this.#arriving.push(input);
      this.#filter.change(setting);
    }
  }

  /** Those that arrive; the caller's to take or to turn away. */
  take(): Input[] {
    return this.#arriving.splice(0);
  }

  /** They cannot be taken after all. */
  turnAway(inputs: readonly Input[], cause: unknown, task: Task): void {
    for (const input of inputs) {
      releaseInput(input);
      task.closeInput(input.id);
      this.#filter.warn(`input ${input.id} cannot be joined, and is not taken: ${(cause as Error).message}`);
    }
  }

  /** From now on these are inputs like the others. */
  arrive(inputs: readonly Input[], demand: Demand): void {
    for (const input of inputs) {
      const [head] = input.queue;
      const { reached } = demand;
      const behind = head?.timestamp === undefined || !Number.isFinite(reached) ? 0 : reached - head.timestamp;
      // Sound is mixed sample by sample, whatever its times say.
      const isSound = input.format?.kind === 'audio';
      demand.add(input.id, isSound ? behind : 0);
      if (isSound || behind < LATE) continue;
      this.#filter.warn(
        `input ${input.id} begins ${(behind / 1e6).toFixed(1)} s before what the filter is at: all of that has to be read before ` +
          'anything is shown. Give it the time of the others, by setpts',
      );
    }
  }

  release(): void {
    this.#newcomers.release();
    for (const input of this.take()) releaseInput(input);
  }
}

/** The option `reconnect` of inputs and outputs of the network: how often, how soon, and when a peer counts as silent. */
import * as v from 'valibot';
import { boolean, choice, number, parsed, type Schema, strictOptions } from '../../../src/schema/schema.js';

export interface Reconnect {
  /** Tries in a row before it is given up; Infinity: for ever. */
  readonly attempts: number;
  /** ms before the first try; each further one waits twice as long, up to LONGEST_WAIT. */
  readonly backoff: number;
  /** ms without a packet after which a peer counts as lost; undefined: however long it is silent. */
  readonly stall: number | undefined;
  /** What becomes of the graph when the tries are used up. */
  readonly giveUp: 'fail' | 'end';
}

/** ms between two tries at most, unless `backoff_ms` itself is longer. */
const LONGEST_WAIT = 30_000;
const LONGEST_TIMER = 2_147_483_647;

const attempts: Schema<number> = parsed('a whole number of at least 1, or -1 for ever', (value) => {
  const count = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (count === -1) return Number.POSITIVE_INFINITY;
  return Number.isSafeInteger(count) && (count as number) >= 1 ? (count as number) : undefined;
});

const settings = strictOptions({
  attempts: v.optional(attempts, 20),
  backoff_ms: v.optional(number({ min: 1, max: LONGEST_TIMER }), 500),
  stall_ms: v.optional(number({ min: 0, max: LONGEST_TIMER }), 5000),
  give_up: v.optional(choice('fail', 'end'), 'fail'),
});

/** The same for an output, whose peers have nothing to say. */
const outputSettings = strictOptions({
  attempts: v.optional(attempts, 20),
  backoff_ms: v.optional(number({ min: 1, max: LONGEST_TIMER }), 500),
});

/** `true` is an object without anything in it: all defaults. */
export const inputReconnect: Schema<Reconnect | false> = v.pipe(
  orFlag(settings),
  v.transform((given): Reconnect | false => {
    if (given === false) return false;
    const { attempts, backoff_ms: backoff, stall_ms: stall, give_up: giveUp } = given;
    return { attempts, backoff, stall: stall === 0 ? undefined : stall, giveUp };
  }),
);

export const outputReconnect: Schema<Reconnect | false> = v.pipe(
  orFlag(outputSettings),
  v.transform(
    (given): Reconnect | false =>
      given && { attempts: given.attempts, backoff: given.backoff_ms, stall: undefined, giveUp: 'fail' },
  ),
);

function orFlag<T>(object: Schema<T>): Schema<T | false> {
  return v.lazy((value) => {
    if (typeof value === 'object' && value !== null) return object as Schema<T | false>;
    return v.pipe(
      boolean(),
      v.transform((flag) => (flag ? v.parse(object, {}) : false)),
    );
  });
}

/** Counts tries in a row. */
export class Tries {
  /** That have failed since it was last there. */
  failed = 0;
  readonly #reconnect: Reconnect;

  constructor(reconnect: Reconnect) {
    this.#reconnect = reconnect;
  }

  /** Of a row. */
  get attempts(): number {
    return this.#reconnect.attempts;
  }

  /** ms until the next one; undefined: none is left. */
  next(): number | undefined {
    const { attempts, backoff } = this.#reconnect;
    if (this.failed >= attempts) return undefined;
    const wait = backoff * 2 ** Math.min(this.failed, 32);
    this.failed++;
    return Math.min(wait, Math.max(backoff, LONGEST_WAIT));
  }

  /** It is there. */
  succeeded(): void {
    this.failed = 0;
  }
}

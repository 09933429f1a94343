/**
 * The times in which a peer of the network is away: told as they happen (the log, `millrace:outage` for those who watch the
 * process), counted in the node's figures, and listed in the report with their lengths.
 */

import { withoutSecrets } from '../../../src/errors/secrets.js';
import type { ModuleContext } from '../../../src/module/contract.js';
import { now } from './clock.js';

/** A try that is made after so many ms. */
export interface NextTry {
  readonly why: string;
  /** Of a row. */
  readonly attempt: number;
  readonly attempts: number;
  /** ms. */
  readonly wait: number;
  /** When that was found, ms on `now` (clock.ts). */
  readonly at: number;
}

type Context = Pick<ModuleContext<unknown>, 'log' | 'meter' | 'elapsed' | 'tell'>;

export class Outages {
  readonly #ctx: Context;
  readonly #name: string;
  /** The outage in progress: why it began, and how often its end was tried. */
  #away: { readonly why: string; tries: number; readonly since: number } | undefined;

  /** @param name Of the input or output. */
  constructor(ctx: Context, name: string) {
    this.#ctx = ctx;
    this.#name = withoutSecrets(name);
  }

  get isAway(): boolean {
    return this.#away !== undefined;
  }

  /** @param wasThere It was connected before; otherwise it is not there yet, which is no outage. */
  lost({ why, attempt, attempts, wait, at }: NextTry, wasThere: boolean): void {
    const { log, meter, elapsed, tell } = this.#ctx;
    const limit = Number.isFinite(attempts) ? ` of ${attempts}` : '';
    const next = `attempt ${attempt}${limit} in ${wait} ms`;
    if (!wasThere) log.info(`${this.#name} is not there yet (${why}): ${next}`);
    else if (this.#away) log.info(`${this.#name} is still away (${why}): ${next}`);
    else log.info(`${this.#name} was lost (${why}): ${next}`);
    if (wasThere && this.#away === undefined) {
      const since = Math.max(Number.MIN_VALUE, elapsed() / 1000 - (now() - at));
      this.#away = { why, tries: 0, since };
      meter.outages = (meter.outages ?? 0) + 1;
      meter.outageSince = since;
    }
    if (this.#away) this.#away.tries = attempt;
    const state = wasThere ? 'lost' : 'absent';
    tell('outage', { path: this.#name, state, why, attempt, attempts, wait });
  }

  /** It is there again. @param milliseconds For how long nothing came or went. */
  back(milliseconds: number): void {
    const away = this.#away;
    if (away === undefined) return;
    const { log, tell } = this.#ctx;
    this.#away = undefined;
    this.#count(milliseconds);
    const tries = `${away.tries} attempt${away.tries === 1 ? '' : 's'}`;
    log.warn(`${this.#name} was away for ${seconds(milliseconds)} s (${away.why}) and came back in ${tries}`);
    tell('outage', { path: this.#name, state: 'back', why: away.why, attempt: away.tries, milliseconds });
  }

  /** The graph ends. */
  end(): void {
    const away = this.#away;
    if (away === undefined) return;
    this.#away = undefined;
    const milliseconds = this.#ctx.elapsed() / 1000 - away.since;
    this.#count(milliseconds);
    this.#ctx.log.warn(`${this.#name} was away at the end, for ${seconds(milliseconds)} s (${away.why})`);
  }

  #count(milliseconds: number): void {
    const { meter } = this.#ctx;
    meter.outageSince = 0;
    meter.outageMilliseconds = (meter.outageMilliseconds ?? 0) + milliseconds;
  }
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(2);
}

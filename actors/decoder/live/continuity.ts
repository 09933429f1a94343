/**
 * The clock of a live input's output over all its connections: never back, and a gap as long as nothing came. The first
 * time of a connection lies as far behind the last one before it as their packets came after one another. Pure arithmetic;
 * stream times in microseconds, arrivals in milliseconds.
 */

interface Arrival {
  /** On the output's clock. */
  readonly time: bigint;
  readonly at: number;
}

export class Continuity {
  /** The last packet that came. */
  #last: Arrival | undefined;
  /** End of what has come out. */
  #end: bigint | undefined;
  /** Last time on each output. */
  readonly #times = new Map<number, bigint>();
  /** Outputs on which nothing has come since the connection began. */
  #fresh = new Set<number>();

  /** A packet came. @param time undefined if it has none. */
  came(time: bigint | undefined, at: number): void {
    // Of two streams the one that is ahead counts.
    if (time === undefined || (this.#last !== undefined && time < this.#last.time)) return;
    this.#last = { time, at };
  }

  /** Anything has come by now. */
  get begun(): boolean {
    return this.#last !== undefined;
  }

  /** ms in which nothing came before a connection that began then. */
  gap(began: number): number {
    return this.#last === undefined ? 0 : Math.max(0, began - this.#last.at);
  }

  /**
   * Where a connection that began then begins on the output's clock.
   * @param lead By how much its decoding times may be before its beginning.
   */
  beginning(began: number, lead: bigint): bigint {
    if (this.#last === undefined) return 0n;
    const time = this.#last.time + BigInt(Math.round(this.gap(began) * 1000));
    const free = (this.#end ?? time) + lead;
    return free > time ? free : time;
  }

  /** Nothing that was there before comes again. */
  get end(): bigint | undefined {
    return this.#end;
  }

  /** Another connection begins. */
  resume(outputs: Iterable<number>): void {
    this.#fresh = new Set(outputs);
  }

  /**
   * Something is about to come out.
   * @param time By which packets follow one another on this output; undefined if it has none.
   * @param end When it has been shown.
   * @param canBegin Its stream can be entered here.
   * @returns whether it does, and whether it is the first of its connection.
   */
  take(output: number, time: bigint | undefined, end: bigint, canBegin: boolean): 'first' | 'next' | 'repeated' {
    const last = this.#times.get(output);
    const first = this.#fresh.has(output);
    if (first && ((time !== undefined && last !== undefined && time <= last) || !canBegin)) return 'repeated';
    this.#fresh.delete(output);
    if (time !== undefined) {
      if (last === undefined || time > last) this.#times.set(output, time);
      if (this.#end === undefined || end > this.#end) this.#end = end;
    }
    return first ? 'first' : 'next';
  }
}

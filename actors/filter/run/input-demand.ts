/**
 * Which input a filter graph wants next, learned from what it does with frames.
 *
 * libavfilter knows it (av_buffersrc_get_nb_failed_requests), but the binding does not tell. Feeding whatever comes
 * would be wrong: `concat` keeps every frame of its second input until the first has ended, `overlay` keeps the
 * frames of an input that runs ahead. The rules, in the manner of ffmpeg's choose-the-oldest-output:
 *
 * 1. The output to be served is the one with the lowest time, as in avfilter_graph_request_oldest.
 * 2. An input whose last frame brought something for that output is wanted again (of several the one with the lowest
 *    time): the running segment of a concat, the moving side of an xfade.
 * 3. Otherwise the input with the lowest time is wanted: overlay, amix, interleave and all others that align by time.
 * 4. When that brings nothing for PATIENCE frames in a row, some inputs are being stored and others consumed (a trim
 *    that skips the beginning of one of them, a palettegen that reads one to its end). Then each frame is watched
 *    (`watching`), and an input whose last frame is still held by the graph comes after those whose frames went away.
 *    (Where libavfilter converts the format in front of the filter that stores, this sees nothing, and rule 3 stays.)
 */
export const PATIENCE = 8;

interface InputState {
  live: boolean;
  /** Time of the last frame fed, µs; -Infinity before the first. */
  time: number;
  /** µs by which its times are behind those of the others. */
  readonly offset: number;
  /** Outputs that gave a frame after the last feed. */
  readonly served: Set<number>;
}

interface OutputState {
  live: boolean;
  time: number;
}

export class Demand {
  readonly #inputs = new Map<number, InputState>();
  readonly #outputs = new Map<number, OutputState>();
  #last: InputState | undefined;
  #fruitless = 0;

  constructor(inputs: readonly number[], outputs: readonly number[]) {
    for (const id of inputs) this.#inputs.set(id, { live: true, time: -Infinity, offset: 0, served: new Set() });
    for (const id of outputs) this.#outputs.set(id, { live: true, time: -Infinity });
  }

  /** A further input. @param offset µs to be added to its times. */
  add(id: number, offset: number): void {
    this.#inputs.set(id, { live: true, time: -Infinity, offset, served: new Set() });
  }

  /** An input is there no more. */
  remove(id: number): void {
    this.#inputs.delete(id);
  }

  /** Time of the last frame of an output that has not ended, the lowest of several. */
  get reached(): number {
    return Math.min(...[...this.#outputs.values()].flatMap(({ live, time }) => (live ? [time] : [])));
  }

  /** A frame went in. @param time µs; undefined if unknown. */
  fed(id: number, time: number | undefined): void {
    const input = this.#inputs.get(id)!;
    input.time = advance(input.time, time === undefined ? undefined : time + input.offset);
    input.served.clear();
    this.#last = input;
    this.#fruitless++;
  }

  /** An input has ended, or the graph takes nothing more on it. */
  ended(id: number): void {
    this.#inputs.get(id)!.live = false;
    // What comes out now is not owed to the frame fed before.
    this.#last = undefined;
    this.#fruitless = 0;
  }

  produced(id: number, time: number | undefined): void {
    if (id === this.#target()) this.#fruitless = 0;
    const output = this.#outputs.get(id)!;
    output.time = advance(output.time, time);
    this.#last?.served.add(id);
  }

  outputEnded(id: number): void {
    this.#outputs.get(id)!.live = false;
  }

  /** Frames should be kept in sight after feeding, so that `held` can be answered. */
  get watching(): boolean {
    return this.#fruitless >= PATIENCE && this.#inputs.size > 1;
  }

  /** @param held Whether the graph still holds the last watched frame of an input. */
  next(held: (id: number) => boolean): number | undefined {
    const live = living(this.#inputs);
    if (live.length < 2) return live[0]?.[0];
    const target = this.#target();
    const serving = live.filter(([, { served }]) => target !== undefined && served.has(target));
    if (serving.length > 0) return lowest(serving);
    if (!this.watching) return lowest(live);
    const hungry = live.filter(([id]) => !held(id));
    return lowest(hungry.length > 0 ? hungry : live);
  }

  #target(): number | undefined {
    const live = living(this.#outputs);
    return live.length > 0 ? lowest(live) : undefined;
  }
}

/** The time of a stream after its next frame, µs. Frames without a time are taken to come 25 times a second. */
export function advance(previous: number, time: number | undefined): number {
  return time ?? (previous === -Infinity ? 0 : previous + 40_000);
}

function living<State extends { readonly live: boolean }>(all: ReadonlyMap<number, State>): [number, State][] {
  const live: [number, State][] = [];
  for (const entry of all) if (entry[1].live) live.push(entry);
  return live;
}

/** The id with the lowest time; of equal ones the first. */
function lowest(entries: readonly (readonly [number, { readonly time: number }])[]): number {
  let best = entries[0]!;
  for (const entry of entries) if (entry[1].time < best[1].time) best = entry;
  return best[0];
}

/**
 * `adjust_pts`: the earliest time of all inputs becomes zero. Until each has shown a time, or its end, nothing can be written:
 * what comes is held, as much of it as may wait.
 */
import { HeaderQueue, type QueueLimits } from './mux/muxing-queue.js';
import { keep, type Payload, release, sizeOf, timestampOf } from './payloads.js';

interface Held {
  readonly payloads: Payload[];
  isOver: boolean;
}

export class CommonStart {
  /** Microseconds taken off every time; undefined until it is known. */
  shift: bigint | undefined;
  readonly #held: ReadonlyMap<number, Held>;
  readonly #queue: HeaderQueue;

  /** @param isAsked otherwise times stay as they are. @param name of the output. */
  constructor(inputs: readonly number[], isAsked: boolean, limits: QueueLimits, name: string) {
    this.#held = new Map(inputs.map((id) => [id, { payloads: [], isOver: false }]));
    this.#queue = new HeaderQueue(limits, name);
    this.shift = isAsked ? undefined : 0n;
  }

  /** Nothing more comes of an input. */
  end(input: number): void {
    this.#held.get(input)!.isOver = true;
    this.#settle();
  }

  /** The payload stays the caller's. @throws MillraceError ERR_MILLRACE_OUTPUT when too much waits. */
  hold(input: number, payload: Payload): void {
    const missing = [...this.#held].filter(([, held]) => !hasBegun(held)).map(([id]) => id);
    if (missing.length > 0) this.#queue.add(input, sizeOf(payload), missing);
    this.#held.get(input)!.payloads.push(keep(payload));
    this.#settle();
  }

  #settle(): void {
    const all = [...this.#held.values()];
    if (this.shift !== undefined || !all.every(hasBegun)) return;
    const firsts = all.flatMap(({ payloads }) => payloads.map(timestampOf).find((time) => time !== undefined) ?? []);
    this.shift = firsts.length > 0 ? BigInt(Math.round(Math.min(...firsts))) : 0n;
  }

  /** What has been held, by input and in its order, and without a payload that the input is over. Each is released behind it. */
  *take(): Generator<{ readonly input: number; readonly payload: Payload | undefined }, void, undefined> {
    for (const [input, { payloads, isOver }] of this.#held) {
      for (let payload = payloads.shift(); payload !== undefined; payload = payloads.shift()) {
        try {
          yield { input, payload };
        } finally {
          release(payload);
        }
      }
      if (isOver) yield { input, payload: undefined };
    }
  }

  close(): void {
    for (const { payloads } of this.#held.values()) for (const payload of payloads.splice(0)) release(payload);
  }
}

/** It has shown a time, or its end. */
function hasBegun({ payloads, isOver }: Held): boolean {
  return isOver || payloads.some((payload) => timestampOf(payload) !== undefined);
}

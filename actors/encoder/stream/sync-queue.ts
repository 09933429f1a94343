/**
 * Streams that end with the shortest of them, as the ffmpeg command's -shortest has it (fftools/sync_queue.c): what a
 * stream sends waits until all others have come as far. Where one ends, the others end with the last of theirs that is
 * over by then; so nothing is encoded, or written, that would have to be taken back.
 *
 * Times are those at which a frame or packet is over, and the head is the lowest of the latest times of all streams.
 */
import { type Rational, rescale, toMicroseconds } from '../../../src/media/index.js';

interface Entry<T> {
  readonly item: T;
  /** In ticks; undefined if unknown: then it waits for nothing but those before it. */
  readonly end: bigint | undefined;
}

interface Time {
  readonly ticks: bigint;
  readonly unit: Rational;
}

interface State<T> {
  readonly id: number;
  /** May say nothing for long: subtitles. The others go on without it when it holds them back for `patience`. */
  readonly sparse: boolean;
  readonly waiting: Entry<T>[];
  unit: Rational;
  /** The latest time. */
  head: bigint | undefined;
  /** Nothing more is taken from it. */
  finished: boolean;
  /** Its end has been told. */
  told: boolean;
}

/** What becomes of the items of one stream. */
export interface Receiver<T> {
  take(item: T): void;
  /** The stream is over before this one. */
  drop(item: T): void;
  /** Nothing more comes. */
  ended(): void;
}

export class SyncQueue<T> {
  readonly #streams = new Map<number, State<T>>();
  readonly #receivers = new Map<number, Receiver<T>>();
  /** Where the shortest of the streams that have ended has its end. */
  #end: Time | undefined;
  #isOpen = false;
  #isDraining = false;

  /** @param patience Microseconds for which sparse streams may hold back the others. */
  constructor(private readonly patience: number) {}

  /** A stream that counts, before anything has come. */
  expect(id: number, sparse: boolean): void {
    const unit = { num: 1, den: 1 };
    this.#streams.set(id, { id, sparse, waiting: [], unit, head: undefined, finished: false, told: false });
  }

  /** What was expected of a stream will not come this way. */
  leave(id: number): void {
    if (this.#streams.delete(id)) this.#drain();
  }

  get size(): number {
    return this.#streams.size;
  }

  has(id: number): boolean {
    return this.#streams.has(id);
  }

  /** There is nothing to wait for after all: everything goes on at once, and streams end by themselves. */
  open(): void {
    this.#isOpen = true;
    this.#drain();
  }

  receive(id: number, receiver: Receiver<T>): void {
    this.#receivers.set(id, receiver);
  }

  /** The item is the queue's. @param end Ticks of `unit`. */
  push(id: number, item: T, end: bigint | undefined, unit: Rational): void {
    const stream = this.#streams.get(id);
    if (!stream) {
      this.#receivers.get(id)?.take(item);
      return;
    }
    if (stream.finished) {
      this.#receivers.get(id)?.drop(item);
      return;
    }
    if (stream.head !== undefined) stream.head = rescale(stream.head, stream.unit, unit);
    stream.unit = unit;
    stream.waiting.push({ item, end });
    if (end !== undefined) this.#advance(stream, end);
    this.#drain();
  }

  /** The stream has come to its own end. */
  finish(id: number): void {
    const stream = this.#streams.get(id);
    if (!stream) {
      this.#receivers.get(id)?.ended();
      return;
    }
    // Nothing has come: there is no such stream, and no end of it.
    if (stream.head === undefined && stream.waiting.length === 0) {
      this.leave(id);
      this.#receivers.get(id)?.ended();
      return;
    }
    this.#finish(stream);
    this.#drain();
  }

  /** Nothing more is taken from that stream. */
  isFinished(id: number): boolean {
    return this.#streams.get(id)?.finished ?? false;
  }

  /** Microseconds of it that wait for other streams. */
  ahead(id: number): number {
    const stream = this.#streams.get(id);
    return stream ? spanOf(stream) : 0;
  }

  close(): void {
    for (const { id, waiting } of this.#streams.values()) {
      for (const { item } of waiting.splice(0)) this.#receivers.get(id)?.drop(item);
    }
  }

  #advance(stream: State<T>, ticks: bigint): void {
    if (stream.head !== undefined && stream.head >= ticks) return;
    stream.head = ticks;
    if (this.#end && !this.#isOpen && compare({ ticks, unit: stream.unit }, this.#end) >= 0) this.#finish(stream);
  }

  #finish(stream: State<T>): void {
    stream.finished = true;
    if (stream.head === undefined || this.#isOpen) return;
    const own = { ticks: stream.head, unit: stream.unit };
    if (!this.#end || compare(own, this.#end) < 0) this.#end = own;
    for (const other of this.#streams.values()) {
      if (other.head !== undefined && compare({ ticks: other.head, unit: other.unit }, this.#end) >= 0) {
        other.finished = true;
      }
    }
  }

  /** As far as every stream has come; undefined while one has not begun. */
  get #head(): Time | undefined {
    let lowest: Time | undefined;
    for (const { head, unit } of this.#streams.values()) {
      if (head === undefined) return undefined;
      const time = { ticks: head, unit };
      if (!lowest || compare(time, lowest) < 0) lowest = time;
    }
    return lowest;
  }

  /** Hands on what may go. What it is handed to may push, finish and leave in turn. */
  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      for (;;) {
        while (this.#step()) {}
        if (!this.#nudge()) break;
      }
    } finally {
      this.#isDraining = false;
    }
  }

  /** @returns whether something has changed. */
  #step(): boolean {
    const head = this.#head;
    const isOver = [...this.#streams.values()].every(({ finished }) => finished);
    for (const stream of this.#streams.values()) {
      const { id, waiting, unit } = stream;
      const receiver = this.#receivers.get(id);
      const [first] = waiting;
      if (first !== undefined) {
        const passes =
          this.#isOpen ||
          first.end === undefined ||
          (head !== undefined && compare({ ticks: first.end, unit }, head) <= 0);
        if (!passes && !isOver) continue;
        if (passes) receiver?.take(waiting.shift()!.item);
        // Also what would be over in time behind it: it may refer to this one.
        else for (const { item } of waiting.splice(0)) receiver?.drop(item);
        return true;
      }
      if (stream.finished && !stream.told) {
        stream.told = true;
        receiver?.ended();
        return true;
      }
    }
    return false;
  }

  /** What has waited for too long goes on without the sparse streams that it waits for. */
  #nudge(): boolean {
    let changed = false;
    for (const stream of this.#streams.values()) {
      const first = firstEnd(stream);
      if (first === undefined || spanOf(stream) < this.patience) continue;
      const time = { ticks: first + 1n, unit: stream.unit };
      for (const other of this.#streams.values()) {
        if (!other.sparse || other.finished) continue;
        if (other.head !== undefined && compare(time, { ticks: other.head, unit: other.unit }) <= 0) continue;
        const reached = rescale(time.ticks, time.unit, other.unit);
        this.#advance(other, other.head !== undefined && reached <= other.head ? other.head + 1n : reached);
        changed = true;
      }
    }
    return changed;
  }
}

function firstEnd({ waiting }: State<unknown>): bigint | undefined {
  return waiting.find(({ end }) => end !== undefined)?.end;
}

/** Microseconds from the end of the first that waits to that of the last. */
function spanOf(stream: State<unknown>): number {
  const first = firstEnd(stream);
  return first === undefined || stream.head === undefined ? 0 : toMicroseconds(stream.head - first, stream.unit);
}

function compare(a: Time, b: Time): number {
  const left = a.ticks * BigInt(a.unit.num) * BigInt(b.unit.den);
  const right = b.ticks * BigInt(b.unit.num) * BigInt(a.unit.den);
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * Brings the buffers of several pads together by their PTS.
 *
 * What happens when: buffers wait on their pads. An attempt begins a round (the policy decides its base time) or goes on
 * with the one in progress (the policy collects). It ends with an output, with the end of the output, or with nothing:
 * then the round goes on at the next attempt. `nosync`, `slowest` and `basepad` make attempts as long as every pad shows
 * a buffer or has ended (or is silent beyond its timeout), so their outputs depend on the sequences on the pads alone.
 * `refresh` makes one attempt for each buffer that gets to the head of its pad and one for each end.
 */
import { MillraceError } from '../errors/errors.js';
import { resolveOptions, type Settings, type SynchronizerOptions } from './options.js';
import { Pad, type Timed } from './pad.js';
import { type Policy, policies, type Round } from './policies.js';
import type { PadCounters, SyncBuffer, SyncInput, SyncMode, SyncOutput } from './types.js';

/** With pads that have a timeout an entry of an output can be null, and the type must say so: `Synchronizer<T, null>`. */
type OptionsFor<T, Gap extends null> = SynchronizerOptions<T> & ([Gap] extends [never] ? { timeout?: never } : unknown);

/**
 * A policy with its pads: a deterministic state machine without threads, clocks or FFmpeg. The same calls give the same
 * outputs.
 *
 * Values belong to the synchroniser from `push` on, the inputs of an output to who gets it. With `clone` and `release`
 * counted references can be used; without them values are handed on as they are, several times if they are reused.
 */
export class Synchronizer<T, Gap extends null = never> {
  readonly mode: SyncMode;
  private readonly settings: Settings<T>;
  private state: State<T>;

  /** @throws ConfigError that lists everything wrong with the options. */
  constructor(options: OptionsFor<T, Gap>) {
    this.settings = resolveOptions<T>(options);
    this.mode = this.settings.mode;
    this.state = new State(this.settings);
  }

  /** True when nothing will ever be output again (until `reset`). */
  get finished(): boolean {
    return this.state.finished;
  }

  /** Per pad, in order. Read-only; the figures move on. */
  get counters(): readonly Readonly<PadCounters>[] {
    return this.state.pads.map((pad) => pad.counters);
  }

  /** Buffers that wait on a pad for those of others. */
  queued(pad: number): number {
    return this.state.queued(pad);
  }

  /**
   * A buffer comes. Returns the outputs that become possible by it. After the end of the output it is dropped.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for a buffer without a PTS; ERR_MILLRACE_STATE for a pad that does not
   * exist or has ended; ERR_MILLRACE_QUEUE_FULL if the pad's queue is full and nothing may be dropped. Then nothing has
   * changed, and the value is still the caller's.
   */
  push(pad: number, buffer: SyncBuffer<T>): SyncOutput<T, Gap>[] {
    return this.state.push(pad, buffer) as SyncOutput<T, Gap>[];
  }

  /**
   * No more buffers come on a pad. Returns the outputs that become possible by it. Once more on the same pad does nothing.
   * @throws MillraceError ERR_MILLRACE_STATE for a pad that does not exist.
   */
  end(pad: number): SyncOutput<T, Gap>[] {
    return this.state.end(pad) as SyncOutput<T, Gap>[];
  }

  /**
   * Tells the time, for the pads' timeouts; nothing else depends on it. A buffer counts as arrived at the time of the
   * tick before it, the first one also for what came earlier. Returns the outputs that become possible.
   * @param nowNs Nanoseconds of any clock that does not go back.
   * @throws MillraceError ERR_MILLRACE_STATE if the time went back.
   */
  tick(nowNs: bigint): SyncOutput<T, Gap>[] {
    return this.state.tick(nowNs) as SyncOutput<T, Gap>[];
  }

  /** Lets go of all buffers and begins anew: as if just made, the counters and the time of the last tick included. */
  reset(): void {
    const { state } = this;
    this.state = new State(this.settings);
    state.clear('reset');
  }
}

type Output<T> = SyncOutput<T, null>;

/** Everything that `reset` makes anew. */
class State<T> implements Round<T> {
  readonly pads: readonly Pad<T>[];
  readonly basePad: number;
  readonly maxWindow: bigint;
  time: bigint | undefined;
  duration: bigint | undefined;
  undecided = 0;
  base: Pad<T>;
  now: bigint | undefined;
  finished = false;
  private readonly policy: Policy;
  private readonly refreshes: boolean;
  /** The next attempt begins a round. */
  private fresh = true;
  /** Number of pads without a head that have not ended. `refresh` does not go by it. */
  private waiting: number;
  /** `refresh`: pads whose head was taken and which have more, a buffer or their end, in the order they were taken. */
  private readonly freed: Pad<T>[] = [];

  constructor(private readonly settings: Settings<T>) {
    this.pads = Array.from({ length: settings.pads }, (_, index) => new Pad(index, settings));
    this.basePad = settings.basePad;
    this.maxWindow = settings.duration;
    this.base = this.pads[settings.basePad]!;
    this.policy = policies[settings.mode];
    this.refreshes = settings.mode === 'refresh';
    this.waiting = settings.pads;
  }

  queued(index: number): number {
    return this.padAt(index).length;
  }

  push(index: number, buffer: SyncBuffer<T>): Output<T>[] {
    const pad = this.padAt(index);
    requirePts(pad.index, buffer);
    if (pad.closed) {
      throw new MillraceError('ERR_MILLRACE_STATE', `Pad ${index}: a buffer came after the end of the pad`, {
        hint: 'Push before end(), or reset() the synchroniser',
      });
    }
    const full = pad.length >= pad.limit;
    if (full && this.settings.dropPolicy === 'fail' && !this.finished) {
      throw new MillraceError(
        'ERR_MILLRACE_QUEUE_FULL',
        `Pad ${index}: ${pad.length} buffers wait for the other pads`,
        {
          hint: "Raise maxQueue, let dropPolicy be 'oldest' or 'newest', or give the pads that hold it a timeout",
        },
      );
    }
    pad.counters.received++;
    pad.since = this.now;
    if (this.finished || (full && this.settings.dropPolicy === 'newest')) {
      pad.discard(buffer, this.finished ? 'end' : 'queue');
      return [];
    }
    pad.enqueue(buffer);
    if (full) pad.dropHead();
    if (pad.head !== undefined) return [];
    if (!full) this.waiting--;
    pad.advance();
    if (index < this.undecided) this.undecided = index;
    return this.refreshes ? this.attemptRefresh() : this.attemptAll();
  }

  end(index: number): Output<T>[] {
    const pad = this.padAt(index);
    if (pad.closed) return [];
    pad.closed = true;
    if (this.finished || pad.head !== undefined) return [];
    this.waiting--;
    if (!this.refreshes) return this.attemptAll();
    this.freed.push(pad);
    return this.attemptFreed([]);
  }

  tick(now: bigint): Output<T>[] {
    if (typeof now !== 'bigint' || (this.now !== undefined && now < this.now)) {
      throw new MillraceError('ERR_MILLRACE_STATE', `tick(${String(now)}) after tick(${String(this.now)})`, {
        hint: 'Give nanoseconds as a bigint, of a clock that does not go back',
      });
    }
    this.now = now;
    for (const pad of this.pads) pad.since ??= now;
    if (this.finished || this.settings.timeouts === undefined) return [];
    if (!this.refreshes) return this.attemptAll();
    return this.fresh ? [] : this.attemptRefresh();
  }

  take(pad: Pad<T>): void {
    pad.take();
    if (this.refreshes) {
      // The next buffer is an event of its own, with an attempt of its own: it must not show in this one.
      this.freed.push(pad);
    } else if (!pad.advance() && !pad.closed) {
      this.waiting++;
    }
  }

  clear(reason: 'end' | 'reset'): void {
    for (const pad of this.pads) pad.clear(reason);
  }

  /** `nosync`, `slowest`, `basepad`. Ends because every attempt takes a head, outputs after one was taken, or ends. */
  private attemptAll(): Output<T>[] {
    const outputs: Output<T>[] = [];
    while (!this.finished && this.mayAttempt()) this.attempt(outputs);
    return outputs;
  }

  private mayAttempt(): boolean {
    if (this.waiting === 0) return true;
    if (this.settings.timeouts === undefined) return false;
    let something = !this.fresh;
    for (const pad of this.pads) {
      if (pad.head !== undefined || pad.closed) something = true;
      else if (!pad.silent(this.now)) return false;
    }
    return something;
  }

  private attemptRefresh(): Output<T>[] {
    const outputs: Output<T>[] = [];
    this.attempt(outputs);
    return this.attemptFreed(outputs);
  }

  /** One attempt for each buffer or end that gets to the head of its pad because the one before it was taken. */
  private attemptFreed(outputs: Output<T>[]): Output<T>[] {
    for (let at = 0; at < this.freed.length && !this.finished; at++) {
      const pad = this.freed[at]!;
      if (pad.advance()) {
        this.attempt(outputs);
      } else if (pad.closed) {
        // Ours: the output needs a buffer of every pad, and this one will never have any.
        if (pad.last === undefined) this.finish();
        else if (this.settings.endsWithAny || this.pads.every(hasEnded)) this.attempt(outputs);
      }
    }
    this.freed.length = 0;
    return outputs;
  }

  private attempt(outputs: Output<T>[]): void {
    if (this.fresh) {
      this.undecided = 0;
      if (!this.policy.decide(this)) {
        this.finish();
        return;
      }
      this.fresh = false;
    }
    if (!this.policy.collect(this)) return;
    this.fresh = true;
    outputs.push(this.output());
  }

  private output(): Output<T> {
    const { duration } = this;
    const pts = this.time!;
    const inputs: (SyncInput<T> | null)[] = [];
    for (const pad of this.pads) inputs.push(this.input(pad, pts));
    return duration === undefined ? { pts, inputs } : { pts, duration, inputs };
  }

  private input(pad: Pad<T>, output: bigint): SyncInput<T> | null {
    const { last, counters, lastUsed: reused } = pad;
    if (last === undefined) {
      counters.absent++;
      return null;
    }
    if (reused) {
      counters.reused++;
      this.settings.trace?.({ kind: 'reuse', pad: pad.index, pts: last.pts, output });
    } else {
      counters.used++;
    }
    if (pad.keepsLast) {
      pad.lastUsed = true;
      const { clone } = this.settings;
      return { pts: last.pts, value: clone === undefined ? last.value : clone(last.value), reused };
    }
    pad.last = undefined;
    return { pts: last.pts, value: last.value, reused };
  }

  private finish(): void {
    this.finished = true;
    this.clear('end');
  }

  private padAt(index: number): Pad<T> {
    const pad = this.pads[index];
    if (pad !== undefined) return pad;
    throw new MillraceError('ERR_MILLRACE_STATE', `There is no pad ${index}`, {
      hint: this.pads.length === 1 ? 'The only pad is 0' : `Pads are 0 to ${this.pads.length - 1}`,
    });
  }
}

function hasEnded<T>(pad: Pad<T>): boolean {
  return pad.closed && pad.length === 0;
}

function requirePts<T>(pad: number, buffer: SyncBuffer<T>): asserts buffer is Timed<T> {
  if (typeof buffer.pts === 'bigint') return;
  const missing = buffer.pts === null || buffer.pts === undefined;
  throw new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    missing ? `Pad ${pad}: a buffer without a PTS` : `Pad ${pad}: the PTS ${String(buffer.pts)} is no bigint`,
    { hint: missing ? 'Put a timestamper before this pad' : 'Give nanoseconds as a bigint' },
  );
}

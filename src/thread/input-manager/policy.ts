import { clearInterval, setInterval } from '../../../ringbuffer/clock.js';
import { closeAll, Packet } from '../../media/packet/packet.js';
import type { InputManagerSettings } from '../../module/contract.js';
import { type PerPad, type SyncEvent, Synchronizer, type SyncMode, type SyncOutput } from '../../sync/index.js';
import { NEVER } from '../board/run-clock.js';
import { LOOK_BY_HAND_MS } from '../board/run-sleep.js';
import { type Group, type InputManager, lengthOf, type ManagerHost, nanoseconds } from './manager.js';

/**
 * Packets that are taken from an input ahead of use. `refresh` goes by the order of arrival, which is lost for what
 * stays in the links: it takes what comes until that many wait for an input that has sent nothing yet.
 */
const MOST_REFRESH = 64;
/** With timeouts the time is looked at that many times within the shortest. */
const TICKS_PER_TIMEOUT = 4;
/**
 * Most that passes from one look to the next, in looks. What is more was taken by calls that kept the thread busy: then
 * inputs may have been silent only because their sources, or the threads they stand for, had no turn.
 */
const LONGEST_GAP = 2n;

/**
 * `nosync`, `slowest`, `basepad`, `refresh`: NNStreamer's policies on the packets' times (src/sync). One group per
 * output, with one packet of every input; one that timed out before it sent anything is absent.
 */
export class PolicyInputs implements InputManager {
  private readonly synchronizer: Synchronizer<Packet, null>;
  private readonly padOf: Map<number, number>;
  private readonly ended: boolean[];
  private readonly groups: Group[] = [];
  /** Packets of each input that are taken ahead of use. */
  private readonly most: readonly number[];
  private readonly ticker: NodeJS.Timeout | undefined;
  /** Nanoseconds: by the node's clock when it was last looked at, and by the synchroniser's, which leaves gaps out. */
  private lastLook = 0n;
  private elapsed = 0n;
  private longestGap = 0n;
  private told = false;

  /** @throws ConfigError that lists what is wrong with the settings. */
  constructor(
    mode: SyncMode,
    { option, end, timeout, maxQueue, dropPolicy }: InputManagerSettings,
    private readonly inputs: readonly number[],
    private readonly node: ManagerHost,
  ) {
    this.padOf = new Map(inputs.map((input, pad) => [input, pad]));
    this.ended = inputs.map(() => false);
    const limits = typeof maxQueue === 'object' ? maxQueue : inputs.map(() => maxQueue ?? null);
    const most = mode === 'refresh' ? MOST_REFRESH : 1;
    // Where a queue has a length of its own packets come as they can: the drop policy decides, not back-pressure.
    this.most = inputs.map((_, pad) => (limits[pad] === null ? most : Number.POSITIVE_INFINITY));
    const { trace } = node;
    this.synchronizer = new Synchronizer<Packet, null>({
      mode,
      pads: inputs.length,
      clone: (packet) => packet.clone(),
      release: (packet) => packet.close(),
      ...(option !== undefined && { option }),
      ...(end !== undefined && { end }),
      ...(timeout !== undefined && {
        timeout: inNanoseconds(timeout),
        pending: (pad: number) => node.available(inputs[pad]!),
      }),
      ...(maxQueue !== undefined && { maxQueue }),
      ...(dropPolicy !== undefined && { dropPolicy }),
      ...(trace !== undefined && {
        trace: (event: SyncEvent) => {
          // The node is over, and so is what it still held.
          if (event.kind !== 'drop' || event.reason !== 'reset') trace(event);
        },
      }),
    });
    const shortest = shortestOf(timeout);
    if (shortest !== undefined) {
      this.lastLook = node.now();
      node.looked?.(this.lastLook);
      this.synchronizer.tick(this.elapsed);
      const interval = (shortest * 1000) / TICKS_PER_TIMEOUT;
      this.longestGap = LONGEST_GAP * BigInt(Math.ceil(interval * 1e6));
      this.ticker = setInterval(() => this.tick(), node.looked ? LOOK_BY_HAND_MS : interval).unref();
    }
  }

  wants(input: number): boolean {
    const pad = this.padOf.get(input)!;
    if (this.synchronizer.finished || this.ended[pad]) return false;
    return this.synchronizer.queued(pad) < this.most[pad]!;
  }

  take(input: number, packet: Packet): void {
    const pad = this.padOf.get(input)!;
    if (packet.isEof) {
      this.ended[pad] = true;
      this.add(this.synchronizer.end(pad));
      return;
    }
    if (packet.control !== undefined) return; // other signals have no time to be aligned by
    try {
      this.add(
        this.synchronizer.push(pad, { pts: nanoseconds(packet) ?? null, duration: lengthOf(packet), value: packet }),
      );
    } catch (error) {
      packet.close(); // what was refused is still ours
      throw error;
    }
  }

  next(): Group | undefined {
    const group = this.groups.shift();
    if (group !== undefined || !this.synchronizer.finished || this.told) return group;
    this.told = true;
    this.stopLooking();
    return { inputs: new Map(this.inputs.map((input) => [input, [Packet.eof()]])) };
  }

  get finished(): boolean {
    return this.told;
  }

  get dropped(): number {
    return this.synchronizer.counters.reduce((sum, pad) => sum + pad.dropped, 0);
  }

  get reused(): number {
    return this.synchronizer.counters.reduce((sum, pad) => sum + pad.reused, 0);
  }

  discard(): number {
    this.stopLooking();
    let held = 0;
    for (const { inputs } of this.groups.splice(0)) {
      for (const packets of inputs.values()) held += packets.length;
      closeAll(inputs.values());
    }
    for (const pad of this.padOf.values()) held += this.synchronizer.queued(pad);
    this.synchronizer.reset();
    return held;
  }

  private stopLooking(): void {
    if (this.ticker === undefined) return;
    clearInterval(this.ticker);
    this.node.looked?.(NEVER);
  }

  private tick(): void {
    const wanted = this.inputs.map((input) => this.wants(input));
    const now = this.node.now();
    let gap = now - this.lastLook;
    if (gap > this.longestGap) gap = this.longestGap;
    // Of what a test moves nothing is left out: the rest of a leap is for the next looks.
    this.lastLook = this.node.looked ? this.lastLook + gap : now;
    this.elapsed += gap;
    this.add(this.synchronizer.tick(this.elapsed));
    // A round that goes on may have used up what an input had: then packets in its link can be taken.
    const changed = this.inputs.some((input, i) => this.wants(input) !== wanted[i]);
    if (changed || this.groups.length > 0 || this.synchronizer.finished) this.node.wake();
    this.node.looked?.(this.lastLook);
  }

  private add(outputs: readonly SyncOutput<Packet, null>[]): void {
    for (const { pts, duration, inputs } of outputs) {
      const packets = new Map<number, Packet[]>();
      inputs.forEach((entry, pad) => {
        if (entry !== null) packets.set(this.inputs[pad]!, [entry.value]);
      });
      this.groups.push({ inputs: packets, pts, duration });
    }
  }
}

function inNanoseconds(timeout: PerPad<number>): PerPad<bigint> {
  const convert = (seconds: number): bigint => BigInt(Math.round(seconds * 1e9));
  return typeof timeout === 'number'
    ? convert(timeout)
    : timeout.map((seconds) => (seconds === null ? null : convert(seconds)));
}

function shortestOf(timeout: PerPad<number> | undefined): number | undefined {
  const timeouts = typeof timeout === 'number' ? [timeout] : (timeout ?? []).filter((seconds) => seconds !== null);
  return timeouts.length === 0 ? undefined : Math.min(...timeouts);
}

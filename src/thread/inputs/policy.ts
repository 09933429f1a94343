import { Packet } from '../../media/packet.js';
import type { InputManagerSettings } from '../../module/contract.js';
import { Synchronizer, type SyncMode, type SyncOutput } from '../../sync/index.js';
import { type Group, type InputManager, lengthOf, nanoseconds } from './manager.js';

/** What a policy needs to know the time, for pads with a timeout. */
export interface Ticking {
  /** Nanoseconds of a clock that does not go back. */
  now(): bigint;
  /** Makes the host ask for the next group. */
  wake(): void;
}

/**
 * Packets that are taken from an input ahead of use. `refresh` goes by the order of arrival, which is lost for what
 * stays in the links: it takes what comes until that many wait for an input that has sent nothing yet.
 */
const MOST_REFRESH = 64;
/** With a timeout the time is looked at that many times within it. */
const TICKS_PER_TIMEOUT = 4;

/**
 * `nosync`, `slowest`, `basepad`, `refresh`: NNStreamer's policies on the packets' times (src/sync). One group per
 * output, with one packet of every input; one that timed out before it sent anything is absent.
 */
export class PolicyInputs implements InputManager {
  private readonly synchronizer: Synchronizer<Packet, null>;
  private readonly padOf: Map<number, number>;
  private readonly ended: boolean[];
  private readonly groups: Group[] = [];
  private readonly bounded: boolean;
  private readonly most: number;
  private ticker: NodeJS.Timeout | undefined;
  private told = false;

  /** @throws ConfigError that lists what is wrong with the settings. */
  constructor(
    mode: SyncMode,
    { option, end, timeout, maxQueue, dropPolicy }: InputManagerSettings,
    private readonly inputs: readonly number[],
    private readonly time: Ticking,
  ) {
    this.padOf = new Map(inputs.map((input, pad) => [input, pad]));
    this.ended = inputs.map(() => false);
    this.bounded = maxQueue !== undefined;
    this.most = mode === 'refresh' ? MOST_REFRESH : 1;
    this.synchronizer = new Synchronizer<Packet, null>({
      mode,
      pads: inputs.length,
      clone: (packet) => packet.clone(),
      release: (packet) => packet.close(),
      ...(option !== undefined && { option }),
      ...(end !== undefined && { end }),
      ...(timeout !== undefined && { timeout: BigInt(Math.round(timeout * 1e9)) }),
      ...(maxQueue !== undefined && { maxQueue }),
      ...(dropPolicy !== undefined && { dropPolicy }),
    });
    if (timeout !== undefined) {
      this.synchronizer.tick(time.now());
      this.ticker = setInterval(() => this.tick(), (timeout * 1000) / TICKS_PER_TIMEOUT).unref();
    }
  }

  /** Where a queue has a length of its own, packets come as they can: the drop policy decides, not back-pressure. */
  wants(input: number): boolean {
    const pad = this.padOf.get(input)!;
    if (this.synchronizer.finished || this.ended[pad]) return false;
    return this.bounded || this.synchronizer.queued(pad) < this.most;
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
    clearInterval(this.ticker);
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

  discard(): void {
    clearInterval(this.ticker);
    for (const { inputs } of this.groups.splice(0)) {
      for (const packets of inputs.values()) for (const packet of packets) packet.close();
    }
    this.synchronizer.reset();
  }

  private tick(): void {
    const wanted = this.inputs.map((input) => this.wants(input));
    this.add(this.synchronizer.tick(this.time.now()));
    // A round that goes on may have used up what an input had: then packets in its link can be taken.
    const changed = this.inputs.some((input, i) => this.wants(input) !== wanted[i]);
    if (changed || this.groups.length > 0 || this.synchronizer.finished) this.time.wake();
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

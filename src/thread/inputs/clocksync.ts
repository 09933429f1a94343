import { Packet } from '../../media/packet.js';
import { type Group, type InputManager, microseconds, restamped } from './manager.js';

/** The clock comes in here. */
const CLOCK = 0;

interface Pad {
  readonly queue: { packet: Packet; timestamp: number }[];
  last: { packet: Packet; timestamp: number } | undefined;
  ended: boolean;
}

/**
 * `clocksync`: input 0 is a clock; at each of its ticks the task has, of every other input, the packet nearest the time
 * of the tick, restamped to it; one that has nothing newer repeats its last (BMF's ClockBasedSyncInputStreamManager).
 * The clock itself is not in the task. It ends when the clock or all others have ended.
 *
 * The first tick waits until one of the others has a packet, and stands for that packet's time. A tick is used when the
 * one after it is there, so that late packets have that long to arrive; no tick waits for an input beyond that.
 */
export class ClockSyncInputs implements InputManager {
  dropped = 0;
  reused = 0;
  finished = false;
  private readonly ticks: number[] = [];
  private clockEnded = false;
  private readonly pads = new Map<number, Pad>();
  private readonly hasClock: boolean;
  /** Time of the others minus time of the clock, in µs. */
  private offset: number | undefined;
  /** Time of the tick that was used last, on the others' clock. */
  private target = Number.NEGATIVE_INFINITY;

  constructor(inputs: readonly number[]) {
    this.hasClock = inputs.includes(CLOCK);
    this.clockEnded = !this.hasClock;
    for (const input of inputs) {
      if (input !== CLOCK) this.pads.set(input, { queue: [], last: undefined, ended: false });
    }
  }

  wants(input: number): boolean {
    if (this.finished) return false;
    if (input === CLOCK) return !this.clockEnded && this.ticks.length < 2;
    const { queue, ended } = this.pads.get(input)!;
    // One beyond the target is enough to know which is the nearest.
    return !ended && (queue.length === 0 || queue.at(-1)!.timestamp <= this.target);
  }

  take(input: number, packet: Packet): void {
    if (input === CLOCK) {
      if (packet.control !== undefined) this.clockEnded ||= packet.isEof;
      else {
        try {
          this.ticks.push(microseconds(packet, input));
        } finally {
          packet.close();
        }
      }
      return;
    }
    const pad = this.pads.get(input)!;
    if (packet.isEof) {
      pad.ended = true;
      return;
    }
    if (packet.control !== undefined) return; // other signals have no time to be aligned by
    const entry = { packet, timestamp: 0 };
    pad.queue.push(entry); // from here on `discard` releases it
    entry.timestamp = microseconds(packet, input);
  }

  next(): Group | undefined {
    if (this.finished) return undefined;
    const pads = [...this.pads.values()];
    if ((this.clockEnded && this.ticks.length === 0) || pads.every((pad) => pad.ended && this.passed(pad))) {
      return this.end();
    }
    if (this.ticks.length < (this.clockEnded ? 1 : 2)) return undefined;
    if (this.offset === undefined) {
      const first = pads.find((pad) => pad.queue.length > 0);
      if (first === undefined) return undefined;
      this.offset = first.queue[0]!.timestamp - this.ticks[0]!;
    }
    this.target = this.ticks.shift()! + this.offset;
    const inputs = new Map<number, Packet[]>();
    for (const [input, pad] of this.pads) {
      const moved = this.move(pad);
      if (pad.last === undefined) continue;
      if (!moved) this.reused++;
      inputs.set(input, [restamped(pad.last.packet, this.target)]);
    }
    return { inputs, pts: BigInt(Math.round(this.target * 1000)) };
  }

  discard(): void {
    for (const pad of this.pads.values()) {
      for (const { packet } of pad.queue.splice(0)) packet.close();
      pad.last?.packet.close();
      pad.last = undefined;
    }
  }

  /** Everything it had has been used at least once. */
  private passed(pad: Pad): boolean {
    return pad.queue.length === 0;
  }

  /** To the packet nearest the target; of two equally near the newer. @returns false if it stays. */
  private move(pad: Pad): boolean {
    let moved = false;
    for (let head = pad.queue[0]; head !== undefined; head = pad.queue[0]) {
      const { last } = pad;
      if (last !== undefined && Math.abs(head.timestamp - this.target) > Math.abs(last.timestamp - this.target)) break;
      if (moved) this.dropped++; // the one before it is passed over unused
      last?.packet.close();
      pad.last = head;
      pad.queue.shift();
      moved = true;
    }
    return moved;
  }

  private end(): Group {
    this.finished = true;
    this.discard();
    const inputs = [...(this.hasClock ? [CLOCK] : []), ...this.pads.keys()];
    return { inputs: new Map(inputs.map((input) => [input, [Packet.eof()]])) };
  }
}

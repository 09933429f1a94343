import { Packet } from '../../media/packet/packet.js';
import type { DropReason, SyncEvent } from '../../sync/index.js';
import { type Group, type InputManager, requireTime, restamped } from './manager.js';

/** The clock comes in here. */
const CLOCK = 0;

interface Entry {
  packet: Packet;
  /** Nanoseconds, as all times here. */
  time: bigint;
}

interface Pad {
  /** Place among the inputs. */
  readonly index: number;
  /** Not used yet: at most one that is not past the tick, and one beyond it. */
  readonly queue: Entry[];
  last: Entry | undefined;
  ended: boolean;
}

/**
 * `clocksync`: input 0 is a clock; at each of its ticks the task has, of every other input, the packet nearest the time
 * of the tick, restamped to it; one that has nothing newer repeats its last (BMF's ClockBasedSyncInputStreamManager).
 * The clock itself is not in the task. It ends when the clock or all others have ended.
 *
 * The first tick waits until one of the others has a packet, and stands for that packet's time. A tick is used when the
 * one after it is there, so that late packets have that long to arrive; no tick waits for an input beyond that. Packets
 * are taken while the tick they are for is still to come, up to the first one beyond it: an input that is faster than the
 * clock keeps up with it, whatever its link holds.
 */
export class ClockSyncInputs implements InputManager {
  readonly greedy = true;
  dropped = 0;
  reused = 0;
  finished = false;
  private readonly ticks: bigint[] = [];
  private clockEnded = false;
  private readonly pads = new Map<number, Pad>();
  private readonly hasClock: boolean;
  /** Time of the others minus time of the clock. */
  private offset: bigint | undefined;
  /** Time of the next tick on the others' clock; of the one that was used last while none waits. */
  private target: bigint | undefined;

  constructor(
    inputs: readonly number[],
    private readonly trace?: (event: SyncEvent) => void,
  ) {
    this.hasClock = inputs.includes(CLOCK);
    this.clockEnded = !this.hasClock;
    inputs.forEach((input, index) => {
      if (input !== CLOCK) this.pads.set(input, { index, queue: [], last: undefined, ended: false });
    });
  }

  wants(input: number): boolean {
    if (this.finished) return false;
    if (input === CLOCK) return !this.clockEnded && this.ticks.length < 2;
    const { queue, ended } = this.pads.get(input)!;
    if (ended) return false;
    const newest = queue.at(-1);
    // One beyond the target is enough to know which is the nearest.
    return newest === undefined || (this.target !== undefined && newest.time <= this.target);
  }

  take(input: number, packet: Packet): void {
    if (input === CLOCK) this.takeTick(packet);
    else this.takeFor(this.pads.get(input)!, packet, input);
    this.aim();
  }

  private takeTick(packet: Packet): void {
    if (packet.control !== undefined) {
      this.clockEnded ||= packet.isEof;
      return;
    }
    try {
      this.ticks.push(requireTime(packet, CLOCK));
    } finally {
      packet.close();
    }
  }

  private takeFor(pad: Pad, packet: Packet, input: number): void {
    if (packet.isEof) {
      pad.ended = true;
      return;
    }
    if (packet.control !== undefined) return; // other signals have no time to be aligned by
    const entry = { packet, time: 0n };
    pad.queue.push(entry); // from here on `discard` releases it
    entry.time = requireTime(packet, input);
    // Ticks rise: what is farther from this one than its successor is the nearest of none to come.
    const [first, second] = pad.queue;
    if (second === undefined || this.target === undefined || this.distance(second) > this.distance(first!)) return;
    pad.queue.shift();
    first!.packet.close();
    this.drop(pad, first!, 'superseded');
  }

  /** Turns to the oldest tick, if the first one's time on the others' clock is known. */
  private aim(): void {
    const [tick] = this.ticks;
    if (tick === undefined) return;
    if (this.offset === undefined) {
      // Not before the tick can be used: the inputs have their order, if they are there by then.
      if (!this.due) return;
      const first = [...this.pads.values()].find((pad) => pad.queue.length > 0);
      if (first === undefined) return;
      this.offset = first.queue[0]!.time - tick;
    }
    this.target = tick + this.offset;
  }

  /** A tick can be used. */
  private get due(): boolean {
    return this.ticks.length >= (this.clockEnded ? 1 : 2);
  }

  next(): Group | undefined {
    if (this.finished) return undefined;
    const pads = [...this.pads.values()];
    if ((this.clockEnded && this.ticks.length === 0) || pads.every((pad) => pad.ended && pad.queue.length === 0)) {
      return this.end();
    }
    if (!this.due || this.target === undefined) return undefined;
    const time = this.target;
    const inputs = new Map<number, Packet[]>();
    for (const [input, pad] of this.pads) {
      const moved = this.move(pad);
      if (pad.last === undefined) continue;
      if (!moved) {
        this.reused++;
        this.trace?.({ kind: 'reuse', pad: pad.index, pts: pad.last.time, output: time });
      }
      inputs.set(input, [restamped(pad.last.packet, time)]);
    }
    this.ticks.shift();
    this.aim();
    return { inputs, pts: time };
  }

  discard(): number {
    let held = 0;
    for (const pad of this.pads.values()) {
      held += pad.queue.length;
      for (const { packet } of pad.queue.splice(0)) packet.close();
      pad.last?.packet.close();
      pad.last = undefined;
    }
    return held;
  }

  private distance({ time }: Entry): bigint {
    const distance = time - this.target!;
    return distance < 0n ? -distance : distance;
  }

  /** To the packet nearest the target; of two equally near the newer. @returns false if it stays. */
  private move(pad: Pad): boolean {
    let moved = false;
    for (let head = pad.queue[0]; head !== undefined; head = pad.queue[0]) {
      const { last } = pad;
      if (last !== undefined && this.distance(head) > this.distance(last)) break;
      if (moved) this.drop(pad, last!, 'superseded'); // passed over unused
      last?.packet.close();
      pad.last = head;
      pad.queue.shift();
      moved = true;
    }
    return moved;
  }

  private drop(pad: Pad, { time }: Entry, reason: DropReason): void {
    this.dropped++;
    this.trace?.({ kind: 'drop', pad: pad.index, pts: time, reason });
  }

  private end(): Group {
    this.finished = true;
    for (const pad of this.pads.values()) for (const entry of pad.queue) this.drop(pad, entry, 'end');
    this.discard();
    const inputs = [...(this.hasClock ? [CLOCK] : []), ...this.pads.keys()];
    return { inputs: new Map(inputs.map((input) => [input, [Packet.eof()]])) };
  }
}

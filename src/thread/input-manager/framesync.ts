import { Packet } from '../../media/packet/packet.js';
import type { SyncEvent } from '../../sync/index.js';
import { type Group, type InputManager, microseconds, requireTime, restamped } from './manager.js';

interface Pad {
  /** Place among the inputs. */
  readonly index: number;
  current: Packet | undefined;
  next: Packet | undefined;
  /** Of `next`, in µs: the unit of packets' timestamps, in which what belongs together is of one time. */
  timestamp: number;
  /** Of `next`, in nanoseconds. */
  exact: bigint;
  /** The same, of `current`. */
  currentTime: bigint;
  /** A task has had `current`. */
  used: boolean;
  ended: boolean;
  /** It sends nothing until further notice: nobody waits for it. */
  paused: boolean;
}

/**
 * `framesync`: the first live input sets the pace; at each of its packets the task has every input's newest packet of
 * that time or before, restamped to the driver's. When the driver ends the next live input drives, until all have ended
 * (FFmpeg's framesync with eof_action=repeat; BMF's FrameSyncInputStreamManager).
 */
export class FrameSyncInputs implements InputManager {
  dropped = 0;
  reused = 0;
  finished = false;
  private readonly pads = new Map<number, Pad>();

  constructor(
    inputs: readonly number[],
    private readonly trace?: (event: SyncEvent) => void,
  ) {
    inputs.forEach((input, index) => {
      this.pads.set(input, {
        index,
        current: undefined,
        next: undefined,
        timestamp: 0,
        exact: 0n,
        currentTime: 0n,
        used: false,
        ended: false,
        paused: false,
      });
    });
  }

  wants(input: number): boolean {
    const pad = this.pads.get(input)!;
    return pad.next === undefined && !pad.ended;
  }

  take(input: number, packet: Packet): void {
    const pad = this.pads.get(input)!;
    if (packet.isEof) {
      pad.ended = true;
      return;
    }
    if (packet.control === 'pause') {
      pad.paused = true;
      packet.close();
      return;
    }
    pad.paused = false;
    pad.next = packet; // from here on `discard` releases it
    pad.timestamp = microseconds(packet, input);
    pad.exact = requireTime(packet, input);
  }

  next(): Group | undefined {
    if (this.finished) return undefined;
    for (;;) {
      const live = [...this.pads.values()].filter((pad) => !pad.ended || pad.next !== undefined);
      if (live.length === 0) return this.end();
      if (live.some((pad) => pad.next === undefined && !pad.paused)) return undefined;
      const waiting = live.filter((pad) => pad.next !== undefined);
      if (waiting.length === 0) return undefined;
      const driver = live.find((pad) => !pad.paused || pad.next !== undefined)!;
      const time = Math.min(...waiting.map((pad) => pad.timestamp));
      const moved = new Set(waiting.filter((pad) => pad.timestamp === time));
      for (const pad of moved) this.move(pad);
      if (moved.has(driver)) return this.group(driver.exact, driver);
    }
  }

  discard(): number {
    let held = 0;
    for (const pad of this.pads.values()) {
      if (pad.current !== undefined && !pad.used) held++;
      if (pad.next !== undefined) held++;
      pad.current?.close();
      pad.next?.close();
      pad.current = undefined;
      pad.next = undefined;
    }
    return held;
  }

  private move(pad: Pad): void {
    if (pad.current !== undefined && !pad.used) {
      this.dropped++;
      this.trace?.({ kind: 'drop', pad: pad.index, pts: pad.currentTime, reason: 'superseded' });
    }
    pad.current?.close();
    pad.current = pad.next;
    pad.currentTime = pad.exact;
    pad.used = false;
    pad.next = undefined;
  }

  private group(time: bigint, driver: Pad): Group {
    const inputs = new Map<number, Packet[]>();
    for (const [input, pad] of this.pads) {
      if (pad.current === undefined) continue;
      if (pad.used) {
        this.reused++;
        this.trace?.({ kind: 'reuse', pad: pad.index, pts: pad.currentTime, output: time });
      }
      pad.used = true;
      inputs.set(input, [pad === driver ? pad.current.clone() : restamped(pad.current, time)]);
    }
    return { inputs, pts: time };
  }

  private end(): Group {
    this.finished = true;
    this.discard();
    return { inputs: new Map([...this.pads.keys()].map((input) => [input, [Packet.eof()]])) };
  }
}

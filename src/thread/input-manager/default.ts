import { MillraceError } from '../../errors/errors.js';
import { Packet } from '../../media/packet/packet.js';
import { type Group, type InputManager, microseconds } from './manager.js';

interface Front {
  packet: Packet | undefined;
  timestamp: number;
  /** No packet of this input will be older: the last one's timestamp + 1, in µs. */
  bound: number;
  ended: boolean;
  /** Its end was handed on. */
  told: boolean;
}

/**
 * `default`: the packets of one timestamp together, oldest first, nothing dropped. A timestamp is used once it is
 * settled: every input without a packet has been past it or has ended (MediaPipe's DefaultInputStreamHandler).
 *
 * The result does not depend on the order in which the inputs arrive. The end of an input is therefore handed on with
 * the first group that could not be settled without knowing of it.
 */
export class SettledInputs implements InputManager {
  readonly dropped = 0;
  readonly reused = 0;
  finished = false;
  private readonly fronts = new Map<number, Front>();

  constructor(inputs: readonly number[]) {
    for (const input of inputs) {
      this.fronts.set(input, {
        packet: undefined,
        timestamp: Number.NaN,
        bound: Number.NEGATIVE_INFINITY,
        ended: false,
        told: false,
      });
    }
  }

  wants(input: number): boolean {
    const front = this.fronts.get(input)!;
    return front.packet === undefined && !front.ended;
  }

  take(input: number, packet: Packet): void {
    const front = this.fronts.get(input)!;
    if (packet.isEof) {
      front.ended = true;
      return;
    }
    if (packet.control !== undefined) return; // other signals have no time to be aligned by
    front.packet = packet; // from here on `discard` releases it
    const timestamp = microseconds(packet, input);
    if (timestamp < front.bound) {
      throw new MillraceError(
        'ERR_MILLRACE_PAYLOAD',
        `the timestamps of input ${input} do not rise: ${timestamp} µs came after the bound was ${front.bound} µs`,
        { hint: "The input manager 'default' needs rising timestamps; 'immediate' takes packets as they come" },
      );
    }
    front.timestamp = timestamp;
    front.bound = timestamp + 1;
  }

  next(): Group | undefined {
    if (this.finished) return undefined;
    let time = Number.POSITIVE_INFINITY;
    for (const front of this.fronts.values()) {
      if (front.packet !== undefined) time = Math.min(time, front.timestamp);
    }
    for (const front of this.fronts.values()) {
      if (front.packet === undefined && !front.ended && front.bound <= time) return undefined;
    }
    const inputs = new Map<number, Packet[]>();
    this.finished = time === Number.POSITIVE_INFINITY;
    for (const [input, front] of this.fronts) {
      if (front.packet !== undefined && front.timestamp === time) {
        inputs.set(input, [front.packet]);
        front.packet = undefined;
      } else if (front.packet === undefined && front.ended && !front.told && front.bound <= time) {
        front.told = true;
        inputs.set(input, [Packet.eof()]);
      }
    }
    return this.finished ? { inputs } : { inputs, pts: BigInt(Math.round(time * 1000)) };
  }

  discard(): number {
    let held = 0;
    for (const front of this.fronts.values()) {
      if (front.packet === undefined) continue;
      front.packet.close();
      front.packet = undefined;
      held++;
    }
    return held;
  }
}

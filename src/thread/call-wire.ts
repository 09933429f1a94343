/**
 * Calls on their way to an actor in another thread, and answers on their way back. Each is a header, followed by the
 * packets it announces as records of their own; both directions are links (links.ts), so frames go by reference, large
 * packets make the rings grow, and what finds no room waits.
 *
 *   0   u32 number of the call       u32 what (CallOp; of an answer: CallFlag bits)
 *   8   u32 number of ports          u32 length of extra
 *   16  per port: u32 id, u32 number of packets that follow
 *       extra, padded to 8: options of a dynamic reset, or the error
 */
import type { RingConsumer, RingProducer } from '../../ringbuffer/index.js';

export const CallOp = { init: 0, process: 1, sendEof: 2, dynamicReset: 3, close: 4 } as const;
/** Of an answer. */
export const CallFlag = { done: 1, failed: 2 } as const;

const HEAD = 16;
const EMPTY = new Uint8Array(0);

export class CallHeader {
  /** Ids and numbers of packets, in turns. */
  readonly ports: readonly number[];
  readonly extra: Uint8Array;

  constructor(
    readonly call: number,
    readonly what: number,
    ports: readonly number[] = [],
    extra: Uint8Array = EMPTY,
  ) {
    this.ports = ports;
    this.extra = extra;
  }

  /** Bytes of the record. */
  get size(): number {
    return HEAD + this.ports.length * 4 + ((this.extra.byteLength + 7) & ~7);
  }

  /** Packets that follow. */
  get packets(): number {
    let sum = 0;
    for (let i = 1; i < this.ports.length; i += 2) sum += this.ports[i]!;
    return sum;
  }

  write({ view, bytes }: RingProducer, at: number): void {
    const { call, what, ports, extra } = this;
    view.setUint32(at, call, true);
    view.setUint32(at + 4, what, true);
    view.setUint32(at + 8, ports.length / 2, true);
    view.setUint32(at + 12, extra.byteLength, true);
    let to = at + HEAD;
    for (const word of ports) {
      view.setUint32(to, word, true);
      to += 4;
    }
    if (extra.byteLength > 0) bytes.set(extra, to);
  }

  static read({ view, bytes }: RingConsumer, at: number): CallHeader {
    const count = view.getUint32(at + 8, true) * 2;
    const length = view.getUint32(at + 12, true);
    const ports: number[] = [];
    for (let i = 0; i < count; i++) ports.push(view.getUint32(at + HEAD + i * 4, true));
    const from = at + HEAD + count * 4;
    return new CallHeader(
      view.getUint32(at, true),
      view.getUint32(at + 4, true),
      ports,
      length === 0 ? EMPTY : bytes.slice(from, from + length),
    );
  }
}

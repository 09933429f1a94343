/**
 * A link carries packets from one output to one input. Inside a thread it is a queue; across threads it is a ring. It
 * has two faces, each used only by the thread of its actor: `LinkSender` by the producer, `LinkReceiver` by the consumer.
 *
 * Back-pressure never blocks a module: what finds no room waits with the producer, and the producer is not run again
 * while more waits than the link's allowance, which is 0 until the relief rule (relief.ts) raises it.
 *
 * Invariants the relief rule stands on: `sent` is raised before a packet can be seen, `taken` before its room is given
 * back, the end of the stream counts as a packet, and `blocked` is shown with the `taken` that was read before the last
 * look for room. A producer that sleeps on a full link has shown the newest `taken`, or will be woken to show it, even
 * if what was taken made too little room: otherwise it would pass for one that can move, for ever.
 */
import type { Packet } from '../../media/packet/packet.js';

export interface LinkSender {
  readonly index: number;
  /** Takes the packet over, end of stream included. */
  offer(packet: Packet): void;
  /** Moves what waits as far as there is room; true when nothing waits any more. */
  flush(): boolean;
  /** Times that looking at the link has changed what the board says of it: packets moved or dropped, a newer `blocked`. */
  readonly changes: number;
  /** The producer may run: no more waits than is allowed. */
  readonly clear: boolean;
  /** Packets it takes before something waits with the producer. The consumer may make more at any time. */
  readonly room: number;
  /** The consumer takes no more. */
  readonly left: boolean;
  /** Number of the last job of which the consumer wants no more, if jobs are sent. */
  readonly leftJob: number;
  /** Packets it takes before its producer is held back. */
  readonly limit: number;
  /**
   * Bytes beyond the limit at which it holds its producer back, however far it was lifted. Finite where the user is at
   * one end: a reader that is slower than another, or input streams that are fed at different speeds, look like a deadlock
   * until their user comes back. Those links are lifted that far, and are no failure beyond.
   */
  readonly holdAt: number;
  /** Packets that wait beyond the limit, and their estimated bytes. */
  readonly waitingPackets: number;
  readonly waitingBytes: number;
  /** Shows on the board what waits here. */
  announce(): void;
  /**
   * Nothing of what was sent depends on this thread any more. If false, its bell is rung when more of it was taken: ask
   * between arming the bell and sleeping.
   */
  settled(): boolean;
  /** Releases what was not taken, and from then on whatever is offered. */
  discard(): void;
}

export interface LinkReceiver {
  readonly index: number;
  readonly available: boolean;
  /** What would be taken next is the end of the stream. */
  readonly endIsNext: boolean;
  /** Packets that wait to be taken. The producer may add some at any time. */
  readonly queued: number;
  /** The next packet, or undefined. */
  take(): Packet | undefined;
  /** Takes no more: what is queued is released, and the producer learns it. */
  leave(): void;
  /** Wants no more of this job; what still comes of it has to be taken. The producer learns it. */
  leaveJob(job: number): void;
  /** Releases what was not taken, without telling anybody. No further calls. */
  discard(): void;
}

/** A link that crosses threads: a ring in shared memory, which is replaced by a larger one as long as it is too small. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { type Doorbell, RingBuffer, type RingConsumer, type RingProducer } from '../../../ringbuffer/index.js';
import type { Packet } from '../../media/packet/packet.js';
import { type FrameReferences, frameReferences } from '../../media/reference/frame-references.js';
import type { Board } from '../board/board.js';
import { GraphState } from '../board/states.js';
import { FramePins } from './frame-pins.js';
import type { LinkReceiver, LinkSender } from './link.js';
import { PacketFifo } from './packet-queue.js';
import {
  holdsFrames,
  isEnd,
  KIND_SWITCH,
  mayRefer,
  type Outgoing,
  outgoing,
  read,
  releaseRefused,
  write,
} from './record.js';

/** Rings start small and grow with what they carry: most links of a graph never need more. */
const FIRST_CAPACITY = 64 * 1024;

export function createRing(limit: number, capacity = FIRST_CAPACITY): SharedArrayBuffer {
  return RingBuffer.create({ capacity, maxRecords: limit }).buffer;
}

/** The largest a ring can be. */
const LAST_CAPACITY = 2 ** 30;

/** Power of two in which `depth` records of `size` bytes fit, at most about `most` bytes but always two records. */
export function capacityFor(size: number, depth: number, most: number): number {
  const record = size + 16; // header and alignment
  const wanted = Math.max(2 * record, Math.min(record * (depth + 1), most));
  return Math.min(LAST_CAPACITY, 2 ** Math.ceil(Math.log2(wanted)));
}

/** The producer's face of a link that crosses threads. */
export class RingSender implements LinkSender {
  private handle: RingBuffer;
  private ring: RingProducer;
  private readonly outbox = new PacketFifo();
  /** The head of the outbox in its ring form. */
  private head: Outgoing | undefined;
  private sent = 0;
  private high = 0;
  changes = 0;
  private discarded = false;
  /** What was taken when no room was last found, as shown on the board; undefined while nothing waits. */
  private blockedAt: number | undefined;
  private readonly pins: FramePins;
  /** How frames go, found out with the first of them; undefined: by copy. */
  private references: FrameReferences | undefined;

  constructor(
    readonly index: number,
    private readonly board: Board,
    readonly limit: number,
    private readonly bytesLimit: number,
    buffer: SharedArrayBuffer,
    private readonly port: MessagePort,
    /** The consumer's thread waits on it. */
    private readonly bell: Doorbell,
    /** Frames go by reference if this thread can do that. */
    private readonly byReference: boolean,
    readonly holdAt = Number.POSITIVE_INFINITY,
  ) {
    this.handle = RingBuffer.attach(buffer);
    this.ring = this.handle.producer({ bell });
    this.pins = new FramePins(board, index, (pin) => this.references!.unpin(pin));
  }

  offer(packet: Packet): void {
    if (this.left) {
      packet.close();
      return;
    }
    this.outbox.push(packet);
    this.flush();
    const queued = this.board.queued(this.index) + this.outbox.length;
    if (queued > this.high) {
      this.high = queued;
      this.board.setHighWater(this.index, queued);
    }
  }

  /**
   * Whenever it returns false, the wish for room stands in the ring and was made after the last attempt: a host that
   * calls it between arming its bell and sleeping cannot miss the room.
   */
  flush(): boolean {
    this.pins.dropTaken();
    while (this.outbox.length > 0) {
      if (this.left) {
        this.discard();
        this.changes++;
        break;
      }
      for (let packet = this.outbox.peek(); packet !== undefined && this.send(packet); packet = this.outbox.peek()) {
        this.outbox.shift();
        packet.close();
        this.changes++;
      }
      if (this.outbox.length === 0) continue;
      // Read after the attempts and before the last look: a take whose room was used is in it, and one that is not makes
      // room after the look, which rings this thread's bell. (Read earlier, it would differ for ever: a missed deadlock.)
      const taken = this.board.taken(this.index);
      if (this.ring.wantSpace(this.needed())) continue;
      if (this.blockedAt !== taken) {
        this.blockedAt = taken;
        this.board.setBlocked(this.index, taken);
        this.changes++;
        // A take between our reading and our showing found nobody to wake (see RingReceiver.take).
        if (this.board.taken(this.index) !== taken) continue;
      }
      return false;
    }
    if (this.blockedAt !== undefined) {
      this.board.clearBlocked(this.index);
      this.blockedAt = undefined;
    }
    return true;
  }

  get clear(): boolean {
    const { length } = this.outbox;
    return length === 0 || (length <= this.board.allowance(this.index) && this.waitingBytes <= this.holdAt);
  }

  get room(): number {
    return this.outbox.length > 0 ? 0 : Math.max(0, this.limit - this.handle.inFlight());
  }

  get waitingPackets(): number {
    return this.outbox.length;
  }

  get waitingBytes(): number {
    return this.outbox.bytes;
  }

  announce(): void {
    this.flush();
    this.board.setOutbox(this.index, this.outbox.length);
  }

  settled(): boolean {
    return this.pins.awaitTaken();
  }

  /** The consumer has left, or the graph is being aborted. */
  discard(): void {
    this.discarded = true;
    this.pins.dropAll();
    for (let packet = this.outbox.shift(); packet !== undefined; packet = this.outbox.shift()) packet.close();
    this.head = undefined;
  }

  /** Frames go by reference: that is wanted, and this thread can do it. */
  get passesReferences(): boolean {
    return this.byReference && frameReferences() !== undefined;
  }

  get left(): boolean {
    return this.discarded || this.board.left(this.index);
  }

  get leftJob(): number {
    return this.board.leftJob(this.index);
  }

  /** Bytes of the record that has to go next: the head's, or the switch to a larger ring. */
  private needed(): number {
    return this.head === undefined || this.head.size > this.ring.maxRecord ? 0 : this.head.size;
  }

  private send(packet: Packet): boolean {
    if (this.head?.packet !== packet) {
      // Describing a frame makes views of its planes, so it is not done while the ring takes no record at all.
      if (this.handle.inFlight() >= this.limit) return false;
      if (this.byReference && holdsFrames(packet.payload)) this.references ??= frameReferences();
      try {
        this.head = outgoing(packet, this.references);
      } catch (error) {
        this.outbox.shift();
        releaseRefused(packet);
        throw error;
      }
    }
    const { head } = this;
    if (this.mustGrow(head.size) && !this.grow(head.size)) return false;
    const at = this.ring.claim(head.size, head.kind);
    if (at < 0) return false;
    try {
      write(this.ring, at, head);
    } catch (error) {
      this.ring.abort();
      for (const pin of head.pins.splice(0)) this.references!.unpin(pin);
      throw error;
    }
    for (const pin of head.pins) this.pins.hold(pin, this.sent + 1);
    // Only now, and before `commit` makes it visible: a count that rose and fell again with a failed attempt would let
    // another thread's look at the relief rule take the consumer for live, and nobody would look again.
    this.board.setSent(this.index, ++this.sent);
    this.head = undefined;
    this.ring.commit();
    return true;
  }

  /** A ring that cannot hold as many such records as the limit allows is replaced, up to the limit in bytes. */
  private mustGrow(size: number): boolean {
    if (size > this.ring.maxRecord) return true;
    return capacityFor(size, this.limit, this.bytesLimit) > this.handle.capacity;
  }

  private grow(size: number): boolean {
    if (this.ring.claim(0, KIND_SWITCH) < 0) return false;
    const larger = RingBuffer.create({
      capacity: capacityFor(size, this.limit, this.bytesLimit),
      maxRecords: this.limit,
    });
    // The port's queue is filled before the record that sends the consumer there is published.
    this.port.postMessage(larger.buffer);
    this.ring.commit();
    this.handle = larger;
    this.ring = larger.producer({ bell: this.bell });
    return true;
  }
}

/** The consumer's face of a link that crosses threads. */
export class RingReceiver implements LinkReceiver {
  private handle: RingBuffer;
  private ring: RingConsumer;
  private taken = 0;
  private gone = false;

  constructor(
    readonly index: number,
    private readonly board: Board,
    buffer: SharedArrayBuffer,
    private readonly port: MessagePort,
    /** The producer's thread waits on it. */
    private readonly bell: Doorbell,
  ) {
    this.handle = RingBuffer.attach(buffer);
    this.ring = this.handle.consumer({ bell });
  }

  get available(): boolean {
    return !this.gone && this.next() >= 0;
  }

  get endIsNext(): boolean {
    if (this.gone) return false;
    const at = this.next();
    return at >= 0 && isEnd(this.ring, at);
  }

  get queued(): number {
    return this.available ? this.handle.inFlight() : 0;
  }

  take(): Packet | undefined {
    if (this.gone) return undefined;
    const at = this.next();
    if (at < 0) return undefined;
    if (mayRefer(this.ring.kind)) return this.takeReference(at);
    const packet = read(this.ring, at);
    this.release();
    return packet;
  }

  /** The order of the steps is what the producer relies on when it drops its references: see frame-pins.ts. */
  private takeReference(at: number): Packet | undefined {
    const { board, index } = this;
    // The first call of a thread makes the self-test, which is too long for those who wait for us to have read.
    frameReferences();
    board.setReading(index, true);
    try {
      if (board.state === GraphState.aborting) {
        this.gone = true;
        return undefined;
      }
      const packet = read(this.ring, at);
      this.release();
      return packet;
    } finally {
      board.setReading(index, false);
    }
  }

  private release(): void {
    // Before the room is given back: a producer that uses the room must not remember an older count.
    this.board.setTaken(this.index, ++this.taken);
    this.ring.release();
    // The ring tells its producer of room that suffices; the board must not say for ever that it may have found some.
    if (this.board.blocked(this.index)) this.bell.ring();
    if (this.board.awaited(this.index, this.taken)) this.bell.ring();
  }

  leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.board.setLeft(this.index);
    this.ring.close(); // wakes the producer, which reads `left` on the board
  }

  leaveJob(job: number): void {
    this.board.setLeftJob(this.index, job);
    this.bell.ring();
  }

  discard(): void {
    this.gone = true;
  }

  private next(): number {
    for (;;) {
      const at = this.ring.peek();
      if (at < 0 || this.ring.kind !== KIND_SWITCH) return at;
      const message = receiveMessageOnPort(this.port) as { message: SharedArrayBuffer } | undefined;
      if (message === undefined) throw new Error(`link ${this.index}: the larger ring is announced but not there`);
      this.ring.release();
      this.handle = RingBuffer.attach(message.message);
      this.ring = this.handle.consumer({ bell: this.bell });
    }
  }
}

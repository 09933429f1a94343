/** A link inside one thread: a queue. */
import type { Packet } from '../../media/packet/packet.js';
import type { Board } from '../board/board.js';
import type { LinkReceiver, LinkSender } from './link.js';
import { PacketFifo } from './packet-queue.js';
import { releaseRefused, requireCarried } from './record.js';

const nobodyAsks = (): void => {};

/** Both faces of a link inside one thread. */
export class DirectLink implements LinkSender, LinkReceiver {
  private readonly queue = new PacketFifo();
  private sent = 0;
  private taken = 0;
  private high = 0;
  left = false;
  readonly changes = 0; // nothing ever moves: the queue is the room
  /** Tells the consumer's host that something can be taken. */
  onArrival: () => void = nobodyAsks;
  /** Tells the producer's host that it may go on, or that its consumer wants no more. */
  onRoom: () => void = nobodyAsks;

  constructor(
    readonly index: number,
    private readonly board: Board,
    readonly limit: number,
    readonly holdAt = Number.POSITIVE_INFINITY,
    /** Both its ends are on the calling thread wherever the others are: it carries anything. */
    private readonly free = true,
  ) {}

  /** @throws MillraceError ERR_MILLRACE_PAYLOAD for what could not cross threads, unless it never has to. */
  offer(packet: Packet): void {
    if (this.left) {
      packet.close();
      return;
    }
    if (!this.free) {
      try {
        requireCarried(packet);
      } catch (error) {
        releaseRefused(packet);
        throw error;
      }
    }
    this.queue.push(packet);
    this.board.setSent(this.index, ++this.sent);
    const { length } = this.queue;
    if (length > this.high) {
      this.high = length;
      this.board.setHighWater(this.index, length);
    }
    this.onArrival(); // [note.arrival]
  }

  flush(): boolean {
    return this.queue.length <= this.limit;
  }

  get clear(): boolean {
    const waiting = this.waitingPackets;
    return waiting === 0 || (waiting <= this.board.allowance(this.index) && this.waitingBytes <= this.holdAt);
  }

  get room(): number {
    return Math.max(0, this.limit - this.queue.length);
  }

  get waitingPackets(): number {
    return Math.max(0, this.queue.length - this.limit);
  }

  get waitingBytes(): number {
    // By the average of all that are queued: exact enough for a cap, and needs no walk.
    const { length } = this.queue;
    return length === 0 ? 0 : (this.queue.bytes / length) * this.waitingPackets;
  }

  settled(): boolean {
    return true;
  }

  announce(): void {
    const waiting = this.waitingPackets;
    this.board.setOutbox(this.index, waiting);
    if (waiting > 0) this.board.setBlocked(this.index, this.taken);
    else this.board.clearBlocked(this.index);
  }

  get available(): boolean {
    return this.queue.length > 0;
  }

  get endIsNext(): boolean {
    return this.queue.peek()?.isEof ?? false;
  }

  get queued(): number {
    return this.queue.length;
  }

  take(): Packet | undefined {
    const { length } = this.queue;
    const packet = this.queue.shift();
    if (packet === undefined) return undefined;
    this.board.setTaken(this.index, ++this.taken);
    // Only a producer of which something waits can be held back.
    if (length > this.limit) this.onRoom(); // [note.room]
    return packet;
  }

  get leftJob(): number {
    return this.board.leftJob(this.index);
  }

  leave(): void {
    this.board.setLeft(this.index);
    this.discard();
    this.onRoom();
  }

  leaveJob(job: number): void {
    this.board.setLeftJob(this.index, job);
    this.onRoom();
  }

  discard(): void {
    this.left = true;
    for (let packet = this.take(); packet !== undefined; packet = this.take()) packet.close();
  }
}

/** All outputs of an actor together: those with consumers, and those that a module pushes to although nobody consumes them. */
import { requireId } from '../../module/door.js';
import type { Board } from '../board/board.js';
import type { LinkSender } from '../link/link.js';
import type { Jobs } from './jobs.js';
import { ActorOutput, type Deliveries } from './output.js';

export class ActorOutputs {
  private readonly outlets = new Map<number, ActorOutput>();
  private readonly connected: ActorOutput[];

  constructor(
    links: ReadonlyMap<number, LinkSender[]>,
    private readonly deliveries: Deliveries,
    private readonly where: string,
    /** Of a node that serves them. */
    private readonly jobs?: Jobs,
  ) {
    for (const [id, list] of links) this.outlets.set(id, new ActorOutput(id, list, deliveries, where, jobs));
    this.connected = [...this.outlets.values()];
  }

  get(id: number): ActorOutput {
    let outlet = this.outlets.get(id);
    if (outlet === undefined) {
      requireId(id, 'output');
      // Nobody consumes it; what is pushed is released.
      outlet = new ActorOutput(id, [], this.deliveries, this.where);
      this.outlets.set(id, outlet);
    }
    return outlet;
  }

  /**
   * A further consumer of an output, between two calls.
   * @param hasEnded the actor has.
   * @returns false if the stream has ended.
   */
  attach(id: number, link: LinkSender, hasEnded: boolean): boolean {
    const outlet = this.get(id);
    if (!this.connected.includes(outlet)) this.connected.push(outlet);
    return outlet.attach(link, hasEnded);
  }

  /** Somebody was to get what it makes. */
  get areConnected(): boolean {
    return this.connected.length > 0;
  }

  // --- the links ----------------------------------------------------------------------------------------------------

  /** Moves what waits to the links. @returns true if nothing waits any more. */
  flush(): boolean {
    let empty = true;
    for (const outlet of this.connected) if (!outlet.flush()) empty = false;
    return empty;
  }

  get clear(): boolean {
    return this.connected.every((outlet) => outlet.clear);
  }

  /** See `LinkSender.announce`. */
  announce(): void {
    for (const outlet of this.connected) for (const link of outlet.links) link.announce();
  }

  /** Nothing it has sent depends on this thread any more; see `LinkSender.settled`. */
  settled(): boolean {
    let settled = true;
    for (const outlet of this.connected) for (const link of outlet.links) if (!link.settled()) settled = false;
    return settled;
  }

  /** Times that looking at its links has changed what the board says of them. */
  changes(): number {
    let sum = 0;
    for (const outlet of this.connected) for (const link of outlet.links) sum += link.changes;
    return sum;
  }

  /**
   * The link beyond whose limit more than `cap` bytes wait, if any. What one call emits may always wait, up to as many
   * packets as the limit allows: the cap is for what piles up.
   */
  overflowing(cap: number, board: Board): LinkSender | undefined {
    for (const outlet of this.connected) {
      for (const link of outlet.links) {
        if (link.waitingPackets <= link.limit || link.waitingBytes <= cap) continue;
        // It holds its producer back instead, unless nobody has ever taken anything.
        if (link.holdAt <= cap && board.taken(link.index) !== 0) continue;
        return link;
      }
    }
    return undefined;
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  /** There were consumers, and all of them have left. */
  get abandoned(): boolean {
    if (this.connected.length === 0) return false;
    for (const outlet of this.connected) if (!outlet.abandoned) return false;
    return true;
  }

  /** There were consumers, and none of them wants more, of this job or at all. */
  get unwanted(): boolean {
    if (this.connected.length === 0) return false;
    for (const outlet of this.connected) if (!outlet.unwanted) return false;
    return true;
  }

  /** There are consumers, and each output has ended: in this job, if there are several. */
  get ended(): boolean {
    for (const outlet of this.connected) if (!outlet.ended) return false;
    return this.connected.length > 0;
  }

  /** Ends each, behind its last packet: for this job, if there are several. */
  end(): void {
    for (const outlet of this.connected) outlet.end();
  }

  /** Ends each for good. */
  finish(): void {
    for (const outlet of this.connected) {
      if (this.jobs === undefined) outlet.end();
      else outlet.endServing(this.jobs.begun);
    }
  }

  /** Those that have ended. */
  endedOnes(): readonly ActorOutput[] {
    const ended: ActorOutput[] = [];
    for (const outlet of this.outlets.values()) if (outlet.ended) ended.push(outlet);
    return ended;
  }

  /** The next job begins. @param but those that stay as they are: what has ended since was taken back. */
  reopen(but: readonly ActorOutput[] = []): void {
    for (const outlet of this.outlets.values()) if (!but.includes(outlet)) outlet.reopen();
  }

  /** Releases what waits at the links. */
  discard(): void {
    for (const outlet of this.connected) for (const link of outlet.links) link.discard();
  }
}

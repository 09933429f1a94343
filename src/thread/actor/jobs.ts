/**
 * The jobs of a node that serves them one after the other (input manager `server`).
 *
 * On a link a job is the packets up to and with EOF; EOS says that no further one follows. Of a producer that does not
 * serve, one job is all there is: its EOF says both. A node's job ends when that of every input has: the module is called
 * until it has no more, EOF goes out on every output, what is left of the job on the inputs is taken and released, and
 * the module is `reset()`. Packets behind it stay in the links until then.
 *
 * Who wants no more of a job says so by its number, and goes on taking it. A producer of which nobody wants more of its
 * job ends it: its number is the same, because a consumer cannot be ahead, and one that is behind has said it of an earlier job.
 */
import type { Packet } from '../../media/packet/packet.js';
import type { LinkReceiver } from '../link/link.js';

/** An input of an actor. */
export interface ActorInput {
  readonly id: number;
  readonly link: LinkReceiver;
  /** The producer sends one job after the other. */
  readonly serving: boolean;
  /** Its end was delivered to the module, or the module takes no more of it; in this job, if there are several. */
  ended: boolean;
  /** The end of this job was taken from the link. */
  over: boolean;
  /** No further job comes on it. */
  last: boolean;
}

export class Jobs {
  /** Something of this job has come; of a source: has left. */
  begun = false;
  /** The module has nothing more to say in this job. */
  answered = false;
  private passedOver = 0;
  /** Files that the module has written in it. */
  readonly files: string[] = [];

  /** @param number of the first job, from 1 on. */
  constructor(
    public number: number,
    private readonly inlets: readonly ActorInput[],
  ) {}

  /** Notes what a packet that was taken means. @returns true if it ends the job on that input. */
  note(inlet: ActorInput, { control }: Packet): boolean {
    if (control !== 'eos') this.begun = true;
    inlet.over = control === 'eof' || control === 'eos';
    inlet.last = control === 'eos' || (control === 'eof' && !inlet.serving);
    return inlet.over;
  }

  /** Every input has ended this job. */
  get over(): boolean {
    for (const inlet of this.inlets) if (!inlet.over) return false;
    return true;
  }

  /** No further job comes. A node without inputs serves as long as it likes. */
  get last(): boolean {
    for (const inlet of this.inlets) if (!inlet.last) return false;
    return this.inlets.length > 0;
  }

  /** The module has answered and its inputs are over: it is to be reset. */
  get complete(): boolean {
    return this.answered && this.over;
  }

  /** Something waits that nobody wants any more. */
  get leavings(): boolean {
    for (const inlet of this.inlets) if (isLeft(inlet) && inlet.link.available) return true;
    return false;
  }

  /** Releases what is left of this job on inputs of which the module takes no more. */
  sweep(): void {
    for (const inlet of this.inlets) {
      if (!isLeft(inlet)) continue;
      // No more than there were: a producer as fast as this loop would keep it here.
      for (let queued = inlet.link.queued; queued > 0; queued--) {
        const packet = inlet.link.take();
        if (packet === undefined) break;
        packet.close();
        if (this.note(inlet, packet)) break;
      }
    }
  }

  /** The module takes no more of this job from the input. */
  leave(inlet: ActorInput): void {
    if (inlet.over) return;
    if (inlet.serving) {
      inlet.link.leaveJob(this.number);
      return;
    }
    inlet.link.leave();
    inlet.over = true;
    inlet.last = true;
  }

  /** Nobody wants this job, of which nothing has come: says so to those it would come from, once. */
  passOver(): void {
    if (this.passedOver === this.number) return;
    this.passedOver = this.number;
    for (const { link, serving, over } of this.inlets) if (serving && !over) link.leaveJob(this.number);
  }

  /** Turns to the next job. */
  next(): void {
    this.number++;
    this.begun = false;
    this.answered = false;
    this.files.length = 0;
    for (const inlet of this.inlets) {
      inlet.ended = inlet.last;
      inlet.over = inlet.last;
    }
  }
}

/** The module takes no more of it, but the job goes on there. */
export function isLeft({ ended, over }: ActorInput): boolean {
  return ended && !over;
}

/** The inputs of a module that is called like a function: what it was given, and in which portions it gets that. */
import { performance } from '../../../ringbuffer/clock.js';
import { Packet } from '../../media/packet/packet.js';
import type { InputManagerSpec } from '../../module/contract.js';
import { type Group, type InputManager, makeInputManager } from '../input-manager/index.js';

interface CallInput {
  readonly id: number;
  readonly queue: Packet[];
  /** Its end was given by the caller; it may still be queued. */
  ended: boolean;
}

export class CalledInlets {
  private readonly inlets: readonly CallInput[];
  private manager: InputManager | undefined;
  /** Inputs whose end the module has seen. */
  private readonly seen = new Set<number>();

  constructor(ids: readonly number[]) {
    this.inlets = ids.map((id) => ({ id, queue: [], ended: false }));
  }

  /** To be called once, before anything is collected. @throws ConfigError for a manager that does not go with the inputs. */
  manage(spec: InputManagerSpec): void {
    if (this.none) return;
    const ids = this.inlets.map(({ id }) => id);
    this.manager = makeInputManager(spec, ids, {
      now: () => BigInt(Math.round(performance.now() * 1e6)),
      wake: () => {},
      available: (id) => this.inlets.some((inlet) => inlet.id === id && inlet.queue.length > 0),
    });
  }

  /** There are no inputs: it is a source. */
  get none(): boolean {
    return this.inlets.length === 0;
  }

  /** Those whose end has not been given. */
  get open(): number[] {
    return this.inlets.filter(({ ended }) => !ended).map(({ id }) => id);
  }

  /** There are inputs, and the module has seen the end of each. */
  get allEnded(): boolean {
    return !this.none && this.seen.size === this.inlets.length;
  }

  /** @param id one of the inputs. */
  give(id: number, packet: Packet): void {
    const inlet = this.inlets.find((candidate) => candidate.id === id) as CallInput;
    // What comes after the end, a second end too, is of no use to anybody.
    if (inlet.ended) {
      packet.close();
      return;
    }
    inlet.queue.push(packet);
    if (packet.isEof) inlet.ended = true;
  }

  /** What the module can use now; undefined if that is nothing. @param wanted inputs it asks for; absent: any. */
  collect(wanted: readonly number[] | undefined): Group | undefined {
    if (this.manager !== undefined) return this.align(this.manager);
    const inputs = new Map<number, Packet[]>();
    // Wanting only what has ended would wait for ever.
    const useful = wanted?.some((id) => this.inlets.some((inlet) => inlet.id === id && !this.seen.has(id)));
    for (const { id, queue } of this.inlets) {
      if (queue.length === 0 || (useful && !wanted?.includes(id))) continue;
      const packets = queue.splice(0);
      if (packets.at(-1)?.isEof) this.seen.add(id);
      inputs.set(id, packets);
    }
    return inputs.size > 0 ? { inputs } : undefined;
  }

  private align(manager: InputManager): Group | undefined {
    for (;;) {
      // As in a graph a packet is given when it is needed, so that the order between the inputs does not matter.
      const inlet = this.inlets.find(({ id, queue }) => queue.length > 0 && (manager.finished || manager.wants(id)));
      const group = inlet !== undefined && manager.greedy ? undefined : manager.next();
      if (group !== undefined) {
        for (const [id, packets] of group.inputs) if (packets.at(-1)?.isEof) this.seen.add(id);
        return group;
      }
      if (inlet === undefined) return undefined;
      const packet = inlet.queue.shift() as Packet;
      if (manager.finished) packet.close();
      else manager.take(inlet.id, packet);
    }
  }

  /** The module takes no more of this input. */
  close(id: number): void {
    const inlet = this.inlets.find((candidate) => candidate.id === id);
    if (inlet === undefined || this.seen.has(id)) return;
    inlet.ended = true;
    this.seen.add(id);
    for (const packet of inlet.queue.splice(0)) packet.close();
    this.manager?.take(id, Packet.eof());
  }

  /** Releases what was given and not collected; the manager keeps what it repeats. */
  discardQueued(): void {
    for (const { queue } of this.inlets) for (const packet of queue.splice(0)) packet.close();
  }

  /** Releases everything. */
  discard(): void {
    this.discardQueued();
    this.manager?.discard();
  }
}

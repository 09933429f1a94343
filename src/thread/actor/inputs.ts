/**
 * The inputs of an actor: what may be taken from which link, how it is put together for a call of the module, and the
 * end of each. `immediate` takes everything that is queued; an input manager is given what it needs and says what
 * belongs together (input-manager/manager.ts).
 */
import { closeAll, Packet } from '../../media/packet/packet.js';
import type { Module } from '../../module/contract.js';
import { requireId, requireWanted } from '../../module/door.js';
import type { Board } from '../board/board.js';
import { NodeFigure } from '../board/states.js';
import type { Group, InputManager } from '../input-manager/index.js';
import { type ActorInput, isLeft, type Jobs } from './jobs.js';

/** Those that are not ends or other signals. */
export function countPackets(inputs: Iterable<readonly Packet[]>): number {
  let count = 0;
  for (const packets of inputs) for (const { control } of packets) if (control === undefined) count++;
  return count;
}

/** The last one that is not the end. */
function lastPacket(packets: readonly Packet[]): Packet | undefined {
  const last = packets.at(-1);
  return last?.control === 'eof' ? packets.at(-2) : last;
}

export class ActorInputs {
  /** Puts the inputs' packets together; undefined: they are delivered as they come. */
  manager: InputManager | undefined;
  /** Packets that came with the last `take`. */
  received = 0;
  private makeManager: (() => InputManager | undefined) | undefined;
  /** The next job's manager is made when its first packet is there: those with a timeout go by the clock. */
  private managerDue = false;
  /** Their end is to be told with the next packets. */
  private unconnected: number[];
  private readonly figuresAt: number;
  private readonly board: Board | undefined;
  /** Put together by the input manager, not yet delivered. */
  private group: Group | undefined;
  /** Of the manager's counts, those that are in the figures. */
  private dropped = 0;
  private reused = 0;
  private open: number;
  /** Index of the inlet behind the one that was last given to the manager: the next packet comes from there on. */
  private turn = 0;
  private wanted: readonly number[] | undefined;
  private asked = false;
  /** The module is being asked what it wants, or has failed in answering. */
  asking = false;

  constructor(
    private readonly inlets: ActorInput[],
    /** Input ids that nobody feeds in any job. */
    private readonly neverFed: readonly number[],
    private readonly module: Module,
    /** Of a node that serves them. */
    private readonly jobs?: Jobs,
    /** Where it is shown what they have taken; a module that is called like a function is on no board. */
    shown?: { board: Board; node: number },
  ) {
    this.unconnected = [...neverFed];
    this.board = shown?.board;
    this.figuresAt = shown?.board.figuresAt(shown.node) ?? 0;
    this.open = inlets.length;
  }

  /**
   * Before anything runs.
   * @param make makes a manager, for every job another one.
   */
  useManager(make: () => InputManager | undefined): void {
    this.makeManager = make;
    this.manager = make();
  }

  /** A further input, between two calls; only without an input manager. */
  attach(inlet: ActorInput): void {
    this.inlets.push(inlet);
    this.open++;
    this.asked = false;
  }

  // --- what can be taken --------------------------------------------------------------------------------------------

  /** The module can be called with something, or without anything because it wants nothing. */
  ready(): boolean {
    // A group is asked for only when nothing more can be given for it: some managers go by what is there.
    return this.asksForNone() || this.offered() || this.grouped();
  }

  /** The manager of this job is made if its first packet is there. @returns false if it is still due. */
  prepare(): boolean {
    if (this.managerDue) this.renewManager();
    return !this.managerDue;
  }

  /** The module has seen the end of every input. */
  get allEnded(): boolean {
    return this.manager === undefined || this.managerDue
      ? this.open === 0
      : this.manager.finished && this.group === undefined;
  }

  /** The module has use for no input now. */
  asksForNone(): boolean {
    return this.wants()?.length === 0;
  }

  /** When it was last asked, the module had use for no input. */
  get wantsNone(): boolean {
    return this.wanted?.length === 0;
  }

  /** The module was called: it may want something else now. */
  askAgain(): void {
    this.asked = false;
  }

  /** Shows whose packets it waits for. @param due somebody waits for this node. */
  showStarving(due: boolean): void {
    for (const inlet of this.inlets) {
      const awaited = this.isWanted(inlet) || (this.jobs !== undefined && isLeft(inlet));
      this.board?.setStarved(inlet.link.index, due && awaited && !inlet.link.available);
    }
  }

  /** A packet is there that can be used. */
  private offered(): boolean {
    for (const inlet of this.inlets) if (this.isWanted(inlet) && inlet.link.available) return true;
    return false;
  }

  /** Which inputs the module can use; asked once between two calls. */
  private wants(): readonly number[] | undefined {
    if (!this.asked) {
      this.asking = true;
      const wanted = requireWanted(this.module.wants?.());
      this.asking = false;
      // Wanting only what has ended would wait for ever.
      const useful =
        wanted === undefined || wanted.length === 0 || this.inlets.some((i) => !i.ended && wanted.includes(i.id));
      this.wanted = useful ? wanted : undefined;
      this.asked = true;
    }
    return this.wanted;
  }

  private isWanted(inlet: ActorInput): boolean {
    if (inlet.ended) return false;
    if (this.managerDue) return true;
    if (this.manager !== undefined) return this.manager.wants(inlet.id);
    return this.wanted === undefined || this.wanted.includes(inlet.id);
  }

  /** A group of packets is ready for the module. */
  private grouped(): boolean {
    this.group ??= this.manager?.next();
    return this.group !== undefined;
  }

  // --- taking -------------------------------------------------------------------------------------------------------

  /** What the next call of the module gets; without inputs if there is nothing yet. The packets are the caller's. */
  take(): Group {
    return this.manager === undefined ? { inputs: this.collect() } : this.align(this.manager);
  }

  /** Everything queued on the inputs the module wants, and the end of those that ended. */
  private collect(): Map<number, Packet[]> {
    const inputs = new Map<number, Packet[]>();
    for (const id of this.unconnected) inputs.set(id, [Packet.eof()]);
    this.unconnected = [];
    let received = 0;
    for (const inlet of this.inlets) {
      if (!this.isWanted(inlet)) continue;
      const packets: Packet[] = [];
      // No more than there were: a producer as fast as this loop would go on filling it, past every limit.
      for (let queued = inlet.link.queued; queued > 0; queued--) {
        const packet = this.takeFrom(inlet);
        if (packet === undefined) break;
        const { control } = packet;
        if (control === 'eof') {
          inlet.ended = true;
          this.open--;
          if (this.jobs?.begun === false) {
            // Told with the first packet of a job, if there is one; until then the module may want what does not come.
            this.unconnected.push(inlet.id);
            this.asked = false;
          } else packets.push(packet);
          break;
        }
        packets.push(packet);
        if (control !== 'ticket') received++;
      }
      if (packets.length === 0) continue;
      inputs.set(inlet.id, packets);
      // Of one packet only: reading the time of a frame is a call into native code.
      const last = lastPacket(packets);
      if (last !== undefined) this.board?.setTakenTimestamp(inlet.link.index, last.timestamp);
    }
    this.countIn(received);
    return inputs;
  }

  /** The next packet of this job; for the module its end is EOF, whether or not another one follows. */
  private takeFrom(inlet: ActorInput): Packet | undefined {
    const packet = inlet.link.take();
    if (packet === undefined || this.jobs === undefined) return packet;
    return this.jobs.note(inlet, packet) ? Packet.eof() : packet;
  }

  /** Moves packets on to the input manager; the next group, or an empty one. */
  private align(manager: InputManager): Group {
    const { inlets } = this;
    // No more than there were: a producer as fast as this loop would keep it here.
    const queued = inlets.map((inlet) => inlet.link.queued);
    let received = 0;
    for (let passed = 0; passed < inlets.length && (manager.greedy === true || !this.grouped()); ) {
      const at = this.turn;
      const inlet = inlets[at]!;
      this.turn = (at + 1) % inlets.length;
      const packet = queued[at]! > 0 && this.isWanted(inlet) ? this.takeFrom(inlet) : undefined;
      if (packet === undefined) {
        passed++;
        continue;
      }
      passed = 0;
      queued[at]!--;
      if (packet.isEof) {
        inlet.ended = true;
        this.open--;
      } else {
        received++;
        this.board?.setTakenTimestamp(inlet.link.index, packet.timestamp);
      }
      manager.take(inlet.id, packet);
    }
    this.countIn(received);
    this.count(NodeFigure.dropped, manager.dropped - this.dropped);
    this.count(NodeFigure.duplicated, manager.reused - this.reused);
    this.dropped = manager.dropped;
    this.reused = manager.reused;
    // A policy may end before all of its inputs do.
    if (manager.finished) for (const inlet of this.inlets) if (!inlet.ended) this.leave(inlet);
    const group = this.grouped() && !this.asksForNone() ? this.group! : { inputs: new Map<number, Packet[]>() };
    if (group === this.group) this.group = undefined;
    if (this.unconnected.length === 0 || group.inputs.size === 0) return group;
    for (const id of this.unconnected.splice(0)) group.inputs.set(id, [Packet.eof()]);
    return group;
  }

  private countIn(received: number): void {
    this.received = received;
    if (received > 0) this.count(NodeFigure.packetsIn, received);
  }

  private count(figure: number, by: number): void {
    if (this.board !== undefined) this.board.figures[this.figuresAt + figure]! += by;
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  /** The module wants no more of one input. */
  close(id: number): void {
    requireId(id, 'closeInput');
    const inlet = this.inlets.find((candidate) => candidate.id === id);
    if (inlet === undefined || inlet.ended) return;
    this.leave(inlet);
    this.manager?.take(id, Packet.eof());
  }

  /** Takes no more from an input: of this job, if there are several. */
  private leave(inlet: ActorInput): void {
    inlet.ended = true;
    this.open--;
    if (this.jobs === undefined) inlet.link.leave();
    else this.jobs.leave(inlet);
  }

  /** Takes no more from any input, and has the module see their end. */
  endAll(): void {
    for (const inlet of this.inlets) {
      if (inlet.ended) continue;
      this.leave(inlet);
      if (this.manager !== undefined) this.manager.take(inlet.id, Packet.eof());
      else this.unconnected.push(inlet.id);
    }
  }

  /** Takes no more of this job from any input. */
  leaveJob(jobs: Jobs): void {
    for (const inlet of this.inlets) {
      inlet.ended = true;
      jobs.leave(inlet);
    }
    this.open = 0;
    this.discardGroups();
  }

  /** Takes no more from any input: their producers learn it. */
  leaveAll(): void {
    for (const inlet of this.inlets) inlet.link.leave();
    this.discardGroups();
  }

  /**
   * Takes and releases every packet that waits here, of a node that has failed and takes no more.
   * @returns how many there were.
   */
  forsake(): number {
    let lost = this.discardGroups();
    for (const { link } of this.inlets) {
      // No more than there were: a producer as fast as this loop would keep it here.
      for (let queued = link.queued; queued > 0; queued--) {
        const packet = link.take();
        if (packet === undefined) break;
        if (packet.control === undefined) lost++;
        packet.close();
      }
    }
    return lost;
  }

  /** Releases every packet that waits here. */
  discard(): void {
    for (const inlet of this.inlets) inlet.link.discard();
    this.discardGroups();
  }

  /** @returns packets that the module has not been given. */
  private discardGroups(): number {
    const held = countPackets(this.group?.inputs.values() ?? []);
    closeAll(this.group?.inputs.values() ?? []);
    this.group = undefined;
    return held + (this.manager?.discard() ?? 0);
  }

  // --- the next job -------------------------------------------------------------------------------------------------

  /** The jobs have turned to the next one. */
  reopen(): void {
    this.open = this.inlets.filter(({ ended }) => !ended).length;
    this.unconnected = [...this.neverFed, ...this.inlets.filter(({ ended }) => ended).map(({ id }) => id)];
    this.managerDue = this.manager !== undefined;
    this.asked = false;
    this.turn = 0;
  }

  private renewManager(): void {
    if (!this.inlets.some((inlet) => !inlet.ended && inlet.link.available)) return;
    this.managerDue = false;
    this.manager = this.makeManager?.();
    this.dropped = 0;
    this.reused = 0;
    for (const { id, ended } of this.inlets) if (ended) this.manager?.take(id, Packet.eof());
  }
}

/**
 * One node at work: its module, its inputs and outputs, and the rules of its life.
 *
 *   loaded -> initialised -> (process)* -> finished -> closed
 *
 * finished: the module said so, its inputs have ended and it emitted nothing more, its consumers have all left, or the
 * graph was asked to stop and it is a source. From then on its outputs have ended (exactly once, behind the last
 * packet) and its inputs are left (their producers learn it). closed: what it emitted was taken by the links and the
 * module's `close` was called.
 *
 * A node that serves jobs has a `reset` in the place of the first two ends, and goes on (jobs.ts). It finishes when no
 * further job comes.
 */
import { performance } from 'node:perf_hooks';
import type { Phase } from '../errors.js';
import { Packet } from '../media/packet.js';
import type { Meter, Module, ModuleContext, Task } from '../module/contract.js';
import { type Board, NodeCall, NodeFigure, NodePhase, NodeStatus } from './board.js';
import type { Group, InputManager } from './inputs/index.js';
import { type Inlet, isLeft, Jobs } from './jobs.js';
import type { OutLink } from './links.js';
import { Deliveries, Outlet } from './outlet.js';
import { type Outside, outsideOf } from './outside.js';
import type { Timekeeper } from './timekeeper.js';

export interface ActorParts {
  /** Index of the node on the board. */
  node: number;
  alias: string;
  /** Position in the graph's topological order: larger is further downstream. */
  rank: number;
  inlets: Inlet[];
  /** Input ids that nobody feeds though a higher one is fed: they end at once. */
  unconnected: number[];
  outputs: Map<number, OutLink[]>;
  board: Board;
  times: Timekeeper;
  /** Number of its first job, of a node that serves them one after the other. */
  firstJob?: number | undefined;
}

/** Calls in a row in which a module takes no input after a stop: enough for any frame rate, not for an endless loop. */
const CALLS_AFTER_STOP = 256;

export class Actor {
  readonly node: number;
  readonly alias: string;
  readonly rank: number;
  readonly inlets: readonly Inlet[];
  readonly times: Timekeeper;
  /** Turn in which it last ran: sources take turns by it. */
  lastTurn = 0;
  /** Times it could run since it last did. */
  passedOver = 0;
  /** An asynchronous call has not settled, or its failure was not dealt with yet. Kept by the part. */
  busy = false;
  finished = false;
  closed = false;
  /** Puts the inputs' packets together; undefined: they are delivered as they come. Set before anything runs. */
  inputManager: InputManager | undefined;
  /** Makes another one, for the next job. */
  renewManager: (() => InputManager | undefined) | undefined;
  /** Of a node that serves jobs one after the other. */
  readonly jobs: Jobs | undefined;
  /** The next job's manager is made when its first packet is there: those with a timeout go by the clock. */
  private managerDue = false;
  private readonly outlets = new Map<number, Outlet>();
  private readonly outputs: readonly Outlet[];
  private readonly board: Board;
  private readonly figuresAt: number;
  private readonly deliveries: Deliveries;
  /** The user behind this node, if packets enter or leave the graph here. */
  private readonly outside: Outside | undefined;
  private unconnected: number[];
  /** Those that nobody feeds in any job. */
  private readonly neverFed: readonly number[];
  /** Put together by the input manager, not yet delivered. */
  private group: Group | undefined;
  /** Of the manager's counts, those that are in the figures. */
  private dropped = 0;
  private reused = 0;
  private openInputs: number;
  /** Index of the inlet behind the one that was last given to the manager: the next packet comes from there on. */
  private turn = 0;
  private wanted: readonly number[] | undefined;
  private asked = false;
  private callsAfterStop = 0;
  private doneSaid = false;
  /** Sequence number and status as last shown on the board. */
  private shown: number = NodeStatus.live;

  constructor(
    parts: ActorParts,
    readonly module: Module,
    readonly context: ModuleContext,
    onError: (error: unknown) => void,
    onDelivered: () => void,
    /** Ends `context.signal`. */
    private readonly aborter: AbortController,
    /** A job has ended here, with these files. */
    private readonly onJob: (job: number, files: string[]) => void = () => {},
  ) {
    this.deliveries = new Deliveries(onError, onDelivered);
    if (parts.firstJob !== undefined) this.jobs = new Jobs(parts.firstJob, parts.inlets);
    this.outside = outsideOf(module);
    this.node = parts.node;
    this.alias = parts.alias;
    this.rank = parts.rank;
    this.inlets = parts.inlets;
    this.neverFed = parts.unconnected;
    this.unconnected = [...parts.unconnected];
    this.board = parts.board;
    this.times = parts.times;
    this.figuresAt = parts.board.figuresAt(parts.node);
    this.openInputs = parts.inlets.length;
    for (const [id, links] of parts.outputs) {
      this.outlets.set(id, new Outlet(id, links, this.deliveries, `node ${parts.alias}`, this.jobs));
    }
    this.outputs = [...this.outlets.values()];
  }

  get isSource(): boolean {
    return this.inlets.length === 0;
  }

  // --- what it can do now -----------------------------------------------------------------------------------------

  /** Whether `step` would do something. */
  ready(): boolean {
    if (this.closed) return false;
    const flushed = this.flush(); // also of a call that has not settled: what it pushed is on its way
    if (this.busy) return false;
    if (this.finished) return flushed;
    if (!flushed && !this.outputs.every((outlet) => outlet.clear)) return this.abandoned() || this.isJobUnwanted;
    this.outside?.onRoom();
    if (this.abandoned() || this.isJobUnwanted) return true;
    if (this.jobs?.leavings) return true;
    if (this.jobs?.answered) return this.jobs.over;
    if (this.managerDue) this.makeManager();
    if (this.outside !== undefined && !this.isCalledFor(this.outside)) return false;
    if (this.isSource || this.allEnded) return true;
    if (this.outside?.leaving) return true;
    const wanted = this.wants();
    // A group is asked for only when nothing more can be given for it: some managers go by what is there.
    return wanted?.length === 0 || this.offered() || this.grouped();
  }

  /** A packet is there that can be used. */
  private offered(): boolean {
    return this.inlets.some((inlet) => this.isWanted(inlet) && inlet.link.available);
  }

  private isCalledFor(outside: Outside): boolean {
    if (outside.due || outside.leaving) return true;
    return this.isSource ? this.board.stopping : this.allEnded;
  }

  /** What `step` does next. */
  get phase(): Phase {
    return this.finished ? 'close' : this.jobs?.complete ? 'reset' : 'process';
  }

  /** Has work that no input feeds, so it must not keep the others of its thread from theirs. */
  get selfDriven(): boolean {
    return this.isSource || this.allEnded || this.wanted?.length === 0;
  }

  /** One unit of work: a call of `process`, the end, or the close. A promise if the module's part is asynchronous. */
  step(): void | Promise<void> {
    this.showLive();
    if (this.finished) return this.close();
    if (this.abandoned() || this.outside?.leaving || (this.board.stopping && this.endsOnStop())) {
      this.finish();
      return;
    }
    const { jobs } = this;
    if (jobs?.complete) return this.endJob(jobs);
    if (jobs !== undefined && this.isJobUnwanted) return this.answer(jobs);
    jobs?.sweep();
    if (jobs?.answered) return;
    if (this.managerDue) this.makeManager();
    if (this.managerDue) return;
    return this.process();
  }

  /** Sources end at once, and what makes packets of its own and never asks for more (an endless loop) after a while. */
  private endsOnStop(): boolean {
    if (this.isSource) return true;
    if (this.allEnded || this.wanted?.length !== 0) return false;
    if (++this.callsAfterStop <= CALLS_AFTER_STOP) return false;
    this.context.log.warn(`ended: it made packets of its own in ${CALLS_AFTER_STOP} calls after the stop`);
    return true;
  }

  /** It had consumers, and all of them have left. */
  private abandoned(): boolean {
    if (this.outputs.length === 0) return false;
    for (const outlet of this.outputs) if (!outlet.abandoned) return false;
    return true;
  }

  /** Nobody wants more of the job under way. */
  private get isJobUnwanted(): boolean {
    if (this.jobs === undefined || !this.jobs.begun || this.jobs.answered || this.outputs.length === 0) return false;
    for (const outlet of this.outputs) if (!outlet.unwanted) return false;
    return true;
  }

  /** Tells the module, through its signal, that it should return soon. */
  abort(reason: unknown): void {
    this.aborter.abort(reason);
  }

  /** A source that was told to stop and answers by rejecting has done what it was told. */
  get stopped(): boolean {
    return this.isSource && this.board.stopping && this.context.signal.aborted;
  }

  private flush(): boolean {
    let empty = true;
    for (const outlet of this.outputs) if (!outlet.flush()) empty = false;
    return empty;
  }

  /** Which inputs the module can use; asked once between two calls. */
  private wants(): readonly number[] | undefined {
    if (!this.asked) {
      const wanted = this.module.wants?.();
      // Wanting only what has ended would wait for ever.
      const useful =
        wanted === undefined || wanted.length === 0 || this.inlets.some((i) => !i.ended && wanted.includes(i.id));
      this.wanted = useful ? wanted : undefined;
      this.asked = true;
    }
    return this.wanted;
  }

  private isWanted(inlet: Inlet): boolean {
    if (inlet.ended) return false;
    if (this.managerDue) return true;
    if (this.inputManager !== undefined) return this.inputManager.wants(inlet.id);
    return this.wanted === undefined || this.wanted.includes(inlet.id);
  }

  /** The module has seen the end of every input. */
  private get allEnded(): boolean {
    return this.inputManager === undefined || this.managerDue
      ? this.openInputs === 0
      : this.inputManager.finished && this.group === undefined;
  }

  /** A group of packets is ready for the module. */
  private grouped(): boolean {
    this.group ??= this.inputManager?.next();
    return this.group !== undefined;
  }

  // --- process ----------------------------------------------------------------------------------------------------

  private process(): void | Promise<void> {
    const { inputs, pts, duration } = this.inputManager === undefined ? { inputs: this.collect() } : this.align();
    // It ends between two jobs, of which the module is not told.
    if (this.jobs?.last && !this.jobs.begun) return this.finish();
    // Packets were moved on to the manager, and it needs more of them; or a link that had one a moment ago gives none any
    // more, because the graph is being aborted.
    if (inputs.size === 0 && !this.selfDriven) return;
    const emitted = this.emitted();
    const tickets = this.tickets();
    const flushing = this.allEnded && inputs.size === 0 && !this.isSource;
    const task: Task = {
      inputs,
      pts,
      duration,
      output: (id) => this.outlet(id),
      closeInput: (id) => this.closeInput(id),
      done: () => {
        this.doneSaid = true;
      },
    };
    const started = performance.now();
    this.times.beginCall(NodeCall.process, started);
    const given = this.times.given(inputs);
    let returned = false;
    const settle = (failed: boolean): void => {
      const ended = performance.now();
      this.times.endCall(started, ended);
      this.count(NodeFigure.calls, 1);
      this.asked = false;
      if (failed) this.deliveries.discard();
      try {
        this.deliveries.deliver();
      } finally {
        this.deliveries.settle(inputs.values());
      }
      const made = this.emitted() - emitted;
      if (this.isSource && made > 0 && this.jobs !== undefined) this.jobs.begun = true;
      this.count(NodeFigure.packetsOut, made - (this.tickets() - tickets));
      this.times.record(NodeCall.process, started, ended, returned, given, made);
      if (this.jobs === undefined || (this.isSource && this.doneSaid)) {
        if (this.doneSaid || (flushing && made === 0)) this.finish();
      } else if (this.doneSaid || (flushing && made === 0) || (this.isSource && this.allOutputsEnded)) {
        this.answer(this.jobs);
      }
    };
    const pending = whenSettled(() => this.module.process(task), settle);
    returned = true;
    return pending;
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
        if (packet.isEof) {
          inlet.ended = true;
          this.openInputs--;
          if (this.jobs?.begun === false) {
            // Told with the first packet of a job, if there is one; until then the module may want what does not come.
            this.unconnected.push(inlet.id);
            this.asked = false;
          } else packets.push(packet);
          break;
        }
        packets.push(packet);
        if (packet.control !== 'ticket') received++;
      }
      if (packets.length === 0) continue;
      inputs.set(inlet.id, packets);
      // Of one packet only: reading the time of a frame is a call into native code.
      const last = packets.findLast((packet) => !packet.isEof);
      if (last !== undefined) this.board.setTakenTimestamp(inlet.link.index, last.timestamp);
    }
    this.countIn(received);
    return inputs;
  }

  /** The next packet of this job; for the module its end is EOF, whether or not another one follows. */
  private takeFrom(inlet: Inlet): Packet | undefined {
    const packet = inlet.link.take();
    if (packet === undefined || this.jobs === undefined) return packet;
    return this.jobs.note(inlet, packet) ? Packet.eof() : packet;
  }

  /** Moves packets on to the input manager; the next group, or an empty one. */
  private align(): Group {
    const manager = this.inputManager!;
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
        this.openInputs--;
      } else {
        received++;
        this.board.setTakenTimestamp(inlet.link.index, packet.timestamp);
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
    const group = this.grouped() && this.wants()?.length !== 0 ? this.group! : { inputs: new Map<number, Packet[]>() };
    if (group === this.group) this.group = undefined;
    if (this.unconnected.length === 0 || group.inputs.size === 0) return group;
    for (const id of this.unconnected.splice(0)) group.inputs.set(id, [Packet.eof()]);
    return group;
  }

  private countIn(received: number): void {
    if (received === 0) return;
    this.count(NodeFigure.packetsIn, received);
    this.callsAfterStop = 0;
  }

  private closeInput(id: number): void {
    const inlet = this.inlets.find((candidate) => candidate.id === id);
    if (inlet === undefined || inlet.ended) return;
    this.leave(inlet);
    this.inputManager?.take(id, Packet.eof());
  }

  /** Takes no more from an input: of this job, if there are several. */
  private leave(inlet: Inlet): void {
    inlet.ended = true;
    this.openInputs--;
    if (this.jobs === undefined) inlet.link.leave();
    else this.jobs.leave(inlet);
  }

  private outlet(id: number): Outlet {
    let outlet = this.outlets.get(id);
    if (outlet === undefined) {
      // Nobody consumes it; what is pushed is released.
      outlet = new Outlet(id, [], this.deliveries, `node ${this.alias}`);
      this.outlets.set(id, outlet);
    }
    return outlet;
  }

  private emitted(): number {
    let sum = 0;
    for (const outlet of this.outlets.values()) sum += outlet.pushed;
    return sum;
  }

  /** Packets emitted that are the engine's own. */
  private tickets(): number {
    let sum = 0;
    for (const outlet of this.outlets.values()) sum += outlet.tickets;
    return sum;
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  /** Ends the outputs and leaves the inputs; the module is closed when its last packets have been taken. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.board.setPhase(this.node, NodePhase.finished);
    for (const outlet of this.outputs) {
      if (this.jobs === undefined) outlet.end();
      else outlet.endServing(this.jobs.begun);
    }
    this.deliveries.deliver();
    for (const inlet of this.inlets) inlet.link.leave();
    this.discardGroups();
  }

  // --- jobs ---------------------------------------------------------------------------------------------------------

  private get allOutputsEnded(): boolean {
    for (const outlet of this.outputs) if (!outlet.ended) return false;
    return this.outputs.length > 0;
  }

  /** The module has nothing more to say in this job: its outputs end, and it takes no more of it. */
  private answer(jobs: Jobs): void {
    jobs.answered = true;
    for (const outlet of this.outputs) outlet.end();
    this.deliveries.deliver();
    for (const inlet of this.inlets) {
      inlet.ended = true;
      jobs.leave(inlet);
    }
    this.openInputs = 0;
    this.discardGroups();
  }

  /** The module is made ready for the next job. */
  private endJob(jobs: Jobs): void | Promise<void> {
    const started = performance.now();
    this.times.beginCall(NodeCall.reset, started);
    let returned = false;
    const pending = whenSettled(
      () => this.module.reset?.(),
      (failed) => {
        const ended = performance.now();
        this.times.endCall(started, ended);
        this.times.record(NodeCall.reset, started, ended, returned);
        if (!failed) this.turnToNextJob(jobs);
      },
    );
    returned = true;
    return pending;
  }

  private turnToNextJob(jobs: Jobs): void {
    this.onJob(jobs.number, [...jobs.files]);
    const { last } = jobs;
    jobs.next();
    if (last) {
      this.finish();
      return;
    }
    for (const outlet of this.outlets.values()) outlet.reopen();
    this.openInputs = this.inlets.filter(({ ended }) => !ended).length;
    this.unconnected = [...this.neverFed, ...this.inlets.filter(({ ended }) => ended).map(({ id }) => id)];
    this.managerDue = this.inputManager !== undefined;
    this.doneSaid = false;
    this.asked = false;
    this.turn = 0;
  }

  private makeManager(): void {
    if (!this.inlets.some((inlet) => !inlet.ended && inlet.link.available)) return;
    this.managerDue = false;
    this.inputManager = this.renewManager?.();
    this.dropped = 0;
    this.reused = 0;
    for (const { id, ended } of this.inlets) if (ended) this.inputManager?.take(id, Packet.eof());
  }

  private discardGroups(): void {
    for (const packets of this.group?.inputs.values() ?? []) for (const packet of packets) packet.close();
    this.group = undefined;
    this.inputManager?.discard();
  }

  /** Calls the module's `close`, once. */
  close(): void | Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.finished = true;
    const started = performance.now();
    this.times.beginCall(NodeCall.close, started);
    let returned = false;
    const pending = whenSettled(
      () => this.module.close?.(),
      () => {
        const ended = performance.now();
        this.times.endCall(started, ended);
        this.times.record(NodeCall.close, started, ended, returned);
        this.board.setPhase(this.node, NodePhase.closed);
        this.show(NodeStatus.over);
      },
    );
    returned = true;
    return pending;
  }

  /** Releases every packet that waits at this actor; for a graph that was aborted. */
  discard(): void {
    for (const inlet of this.inlets) inlet.link.discard();
    this.discardGroups();
    for (const outlet of this.outputs) for (const link of outlet.links) link.discard();
  }

  // --- the board ----------------------------------------------------------------------------------------------------

  /** Must come before it takes or sends anything (see links.ts). */
  showLive(): void {
    this.show(NodeStatus.live);
    this.board.setPhase(this.node, NodePhase.running);
  }

  /** Shows why it does not run; only called when `ready()` was false. @param now performance.now() */
  showIdle(now = performance.now()): void {
    if (this.closed || this.busy) return;
    for (const outlet of this.outputs) for (const link of outlet.links) link.announce();
    if (this.ready()) {
      this.show(NodeStatus.live); // announcing found room
      return;
    }
    const reason = this.idleReason();
    if (reason === NodeStatus.starving) {
      const due = this.outside?.due ?? true;
      for (const inlet of this.inlets) {
        const awaited = this.isWanted(inlet) || (this.jobs !== undefined && isLeft(inlet));
        this.board.setStarved(inlet.link.index, due && awaited && !inlet.link.available);
      }
    }
    this.show(reason);
    if (this.outside !== undefined) {
      this.board.setOutside(this.node, reason !== NodeStatus.blocked && !(this.outside.due && !this.outside.free));
    }
    this.times.waits(reason, now);
    if (!this.finished) this.board.setPhase(this.node, NodePhase.waiting);
  }

  /** Nothing it has sent depends on this thread any more; see `OutLink.settled`. */
  settled(): boolean {
    let settled = true;
    for (const outlet of this.outputs) for (const link of outlet.links) if (!link.settled()) settled = false;
    return settled;
  }

  private idleReason(): number {
    if (this.finished || !this.outputs.every((outlet) => outlet.clear)) return NodeStatus.blocked;
    return this.outside?.free ? NodeStatus.live : NodeStatus.starving;
  }

  /**
   * Whether the board still says what `showIdle` would say of an actor that is not ready. A limit that was lifted, or a
   * consumer that left, turns a blocked one into a starving one without giving it anything to do.
   */
  shownRight(): boolean {
    return this.closed || this.busy || (this.shown & 3) === this.idleReason();
  }

  /** Times that looking at its links has changed what the board says of them. */
  changes(): number {
    let sum = 0;
    for (const outlet of this.outputs) for (const link of outlet.links) sum += link.changes;
    return sum;
  }

  /**
   * The link beyond whose limit more than `cap` bytes wait, if any. What one call emits may always wait, up to as many
   * packets as the limit allows: the cap is for what piles up.
   */
  overflowing(cap: number): OutLink | undefined {
    for (const outlet of this.outputs) {
      for (const link of outlet.links) {
        if (link.waitingPackets <= link.limit || link.waitingBytes <= cap) continue;
        // It holds its producer back instead, unless nobody has ever taken anything.
        if (link.holdAt <= cap && this.board.taken(link.index) > 0) continue;
        return link;
      }
    }
    return undefined;
  }

  private show(status: number): void {
    if ((this.shown & 3) === status) return;
    this.shown = (((this.shown >> 2) + 1) << 2) | status;
    this.board.setStatus(this.node, this.shown);
  }

  private count(figure: number, by: number): void {
    const at = this.figuresAt + figure;
    this.board.figures[at] = this.board.figures[at]! + by;
  }
}

/** Calls `settle` when the call has returned, thrown or settled; synchronous as long as the call is. */
function whenSettled(call: () => void | Promise<void>, settle: (failed: boolean) => void): void | Promise<void> {
  let pending: void | Promise<void>;
  try {
    pending = call();
  } catch (error) {
    settle(true);
    throw error;
  }
  // A module in JavaScript may return anything.
  if (typeof pending?.then !== 'function') {
    settle(false);
    return;
  }
  return pending.then(
    () => settle(false),
    (error: unknown) => {
      settle(true);
      throw error;
    },
  );
}

/** The module's meter: its figures are words of the board. */
export function boardMeter(board: Board, node: number): Meter {
  const { figures } = board;
  const at = board.figuresAt(node);
  const meter = {} as Meter;
  for (const name of ['duration', 'position', 'frames', 'bytes', 'dropped', 'duplicated', 'corrupt'] as const) {
    Object.defineProperty(meter, name, {
      enumerable: true,
      get: () => figures[at + NodeFigure[name]]!,
      set: (value: number) => {
        figures[at + NodeFigure[name]] = value;
      },
    });
  }
  return meter;
}

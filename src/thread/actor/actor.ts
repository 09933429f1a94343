/**
 * One node at work: when its module is called, what is shown of it on the board, and when it ends. What a call may do, and
 * what becomes of what it brings, is the same wherever a module lives (module-instance.ts).
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
import { clearImmediate, performance, setImmediate } from '../../../ringbuffer/clock.js';
import { MillraceError, type Phase } from '../../errors/errors.js';
import type { InputManagerSpec, ModuleContext } from '../../module/contract.js';
import type { Board } from '../board/board.js';
import type { NodeTimer } from '../board/node-timer.js';
import { NodeCall, NodeFigure, NodePhase, NodeStatus } from '../board/states.js';
import { Commands } from '../change/commands.js';
import type { ManagerHost } from '../input-manager/index.js';
import type { ModuleInstance } from '../module-instance.js';
import { NOWHERE } from '../partition/ready-queue.js';
import { AfterStop } from './after-stop.js';
import type { AppPort } from './app-port.js';
import { IdleCalls } from './idle-calls.js';
import { type ActorInputs, countPackets } from './inputs.js';
import type { ActorInput, Jobs } from './jobs.js';
import { runSteps } from './maybe-async.js';
import type { ActorOutputs } from './outputs.js';

export interface ActorParts {
  /** Index of the node on the board. */
  readonly node: number;
  /** Position in the graph's topological order: larger is further downstream. */
  readonly rank: number;
  readonly instance: ModuleInstance;
  readonly inlets: ActorInput[];
  /** Of a node that serves them one after the other. */
  readonly jobs: Jobs | undefined;
  readonly outside: AppPort | undefined;
  readonly board: Board;
  readonly times: NodeTimer;
  /** It may have something to do again. */
  wake(): void;
  /** A job has ended here, with these files. */
  onJob(job: number, files: string[]): void;
}

export class Actor {
  readonly node: number;
  /** Position in the graph's topological order, which may grow. */
  rank: number;
  readonly inlets: ActorInput[];
  readonly times: NodeTimer;
  /** Its place among the actors of its part, from furthest downstream; none before it takes part and after it has left. */
  place: number = NOWHERE;
  /** An asynchronous call has not settled, or its failure was not dealt with yet. Kept by the part. */
  busy = false;
  readonly inputs: ActorInputs;
  readonly outputs: ActorOutputs;
  private readonly jobs: Jobs | undefined;
  private readonly instance: ModuleInstance;
  private readonly board: Board;
  private readonly figuresAt: number;
  /** The user behind this node, if packets enter or leave the graph here. */
  readonly outside: AppPort | undefined;
  /** The graph was asked to stop. */
  private afterStop: AfterStop | undefined;
  /** It has failed, and its branch only has ended with it. */
  dropped = false;
  /** Packets of the call that failed. */
  private failedWith = 0;
  private readonly idle: IdleCalls;
  /** What it is told to do between two calls of its module. */
  readonly commands: Commands;
  /** Sequence number and status as last shown on the board. */
  private shown: number = NodeStatus.live;

  private readonly onJob: ActorParts['onJob'];
  /** It was removed from the graph: who is told what has come of it. */
  private removal: ((error?: unknown) => void)[] | undefined;
  /** It was removed, and finishes what it has begun. */
  private drains = false;
  /** It ends by itself: who waits for that. */
  private readonly closings: ((error?: unknown) => void)[] = [];

  constructor(parts: ActorParts) {
    this.node = parts.node;
    this.rank = parts.rank;
    this.instance = parts.instance;
    this.inputs = parts.instance.inputs;
    this.outputs = parts.instance.outputs;
    this.inlets = parts.inlets;
    this.jobs = parts.jobs;
    this.outside = parts.outside;
    this.board = parts.board;
    this.times = parts.times;
    this.figuresAt = parts.board.figuresAt(parts.node);
    this.idle = new IdleCalls(() => parts.wake());
    this.commands = new Commands(parts.instance.context.alias);
    this.onJob = parts.onJob;
  }

  get context(): ModuleContext {
    return this.instance.context;
  }

  get isSource(): boolean {
    return this.inlets.length === 0;
  }

  get finished(): boolean {
    return this.instance.finished;
  }

  get closed(): boolean {
    return this.instance.closed;
  }

  /** Makes its module ready to be called; one after the other in a thread. */
  async init(asked: InputManagerSpec | undefined, host: ManagerHost): Promise<void> {
    const started = performance.now();
    this.times.beginCall(NodeCall.init, started);
    await runSteps(this.instance.init(asked, host));
    const ended = performance.now();
    this.times.endCall(started, ended);
    this.times.record(NodeCall.init, started, ended, false);
  }

  // --- what it can do now -----------------------------------------------------------------------------------------

  /** Whether `step` would do something. */
  ready(): boolean {
    const { instance, outputs, jobs } = this;
    if (instance.closed) return false;
    const flushed = outputs.flush(); // also of a call that has not settled: what it pushed is on its way
    if (this.busy) return false;
    if (this.commands.pending) return true;
    if (instance.finished) return flushed;
    if (this.isCutOff) return true;
    if (!flushed && !outputs.clear) return this.isUnwanted;
    this.outside?.onRoom();
    if (this.isUnwanted) return true;
    if (jobs?.leavings) return true;
    if (jobs?.answered) return jobs.over;
    if (this.idle.paused && !this.board.stopping) return false;
    this.inputs.prepare();
    if (this.outside !== undefined && !this.isCalledFor(this.outside)) return false;
    if (this.outside?.leaving) return true;
    if (!this.isFed) return !this.isHeld;
    return this.inputs.ready();
  }

  private isCalledFor(outside: AppPort): boolean {
    if (outside.due || outside.leaving) return true;
    if (this.isSource) return this.board.stopping;
    // To learn that nothing follows, nobody has to be waited for: the graph could not end before its user asks once more.
    return this.inputs.allEnded || this.inlets.every(({ ended, link }) => ended || link.endIsNext);
  }

  /** No input feeds it: what it gives it makes itself. */
  private get isFed(): boolean {
    return !this.isSource && !this.inputs.allEnded;
  }

  /** It is paused, or its graph is. A stop goes before. */
  private get isHeld(): boolean {
    return this.board.isPaused(this.node) && !this.board.stopping && !this.drains;
  }

  /** What `step` does next. */
  get phase(): Phase {
    return this.finished ? 'close' : this.jobs?.complete ? 'reset' : 'process';
  }

  /** Has work that no input feeds, so it must not keep the others of its thread from theirs. */
  get selfDriven(): boolean {
    return this.isSource || this.inputs.allEnded || this.inputs.wantsNone;
  }

  /** One unit of work: a call of `process`, the end, or the close. A promise if the module's part is asynchronous. */
  step(): void | Promise<void> {
    this.showLive();
    if (this.commands.pending) return this.commands.runNext();
    if (this.finished) return this.close();
    if (
      this.outputs.abandoned ||
      this.outside?.leaving ||
      this.isCutOff ||
      (this.board.stopping && this.endsOnStop())
    ) {
      this.finish();
      return;
    }
    const { jobs } = this;
    if (jobs?.complete) return this.endJob(jobs);
    if (jobs !== undefined && this.isJobUnwanted(jobs)) return this.instance.answer(jobs);
    jobs?.sweep();
    if (jobs?.answered) return;
    if (!this.inputs.prepare()) return;
    return this.process();
  }

  private endsOnStop(): boolean {
    this.afterStop ??= new AfterStop(this);
    return this.afterStop.ends();
  }

  /** The grace of a stop is over. A call that goes on is told by its signal. */
  stopIsOverdue(reason: unknown): void {
    this.afterStop ??= new AfterStop(this);
    this.afterStop.expire();
    if (this.afterStop.isEndless) this.abort(reason);
  }

  /** Nobody wants more, or not of the job under way. */
  private get isUnwanted(): boolean {
    return this.outputs.abandoned || (this.jobs !== undefined && this.isJobUnwanted(this.jobs));
  }

  private isJobUnwanted(jobs: Jobs): boolean {
    if (jobs.answered || !this.outputs.unwanted) return false;
    if (jobs.begun || this.outside?.within) return true;
    // Nothing of it has come, and perhaps nothing ever does: those who have to end it are told.
    jobs.passOver();
    return false;
  }

  /** Tells the module, through its signal, that it should return soon. */
  abort(reason: unknown): void {
    this.instance.abort(reason);
  }

  /** A source that was told to stop and answers by rejecting has done what it was told. */
  get stopped(): boolean {
    return this.isSource && this.board.stopping && this.context.signal.aborted;
  }

  /**
   * Ends it at the next packet boundary, as if its consumers had left: what it has brought goes to them, then the end of
   * the stream, and its inputs are left. What goes wrong in it from now on is for who removes it, and fails no graph.
   * @param told when its module is closed.
   * @param drains its inputs end instead, and it finishes what it has begun: what its outputs have given would be worth nothing
   *   without the rest.
   */
  remove(told: (error?: unknown) => void, drains = false): void {
    if (this.closed && !this.busy) {
      told();
      return;
    }
    this.removal ??= [];
    this.removal.push(told);
    // What has been given nothing has begun nothing.
    if (drains && this.board.figures[this.figuresAt + NodeFigure.packetsIn]! > 0) {
      if (!this.drains && !this.finished) this.inputs.endAll();
      this.drains = true;
      return;
    }
    this.drains = false;
    // Somebody may be waited for who never comes. Between two calls nothing has to be hurried: a file is completed in peace.
    if (!this.isSource && !this.busy) return;
    this.abort(new MillraceError('ERR_MILLRACE_ABORTED', `node "${this.context.alias}" was removed from the graph`));
  }

  /** @param told when its module is closed. */
  whenClosed(told: (error?: unknown) => void): void {
    if (this.closed && !this.busy) told();
    else this.closings.push(told);
  }

  /** It was removed, and what it has begun is not finished. */
  private get isCutOff(): boolean {
    return this.removal !== undefined && !this.drains;
  }

  get isRemoved(): boolean {
    return this.removal !== undefined;
  }

  /** It went wrong after it had been removed. A call that was told by its signal may answer by rejecting; what it was to finish fails. */
  failRemoved(error: unknown): void {
    if (this.finished || this.drains) this.tellRemoved(error);
    // It can finish nothing any more.
    this.drains = false;
  }

  private tellRemoved(error?: unknown): void {
    for (const told of this.removal?.splice(0) ?? []) told(error);
    for (const told of this.closings.splice(0)) told(error);
  }

  // --- process ----------------------------------------------------------------------------------------------------

  private process(): void | Promise<void> {
    const group = this.inputs.take();
    const { inputs } = group;
    if (this.afterStop !== undefined && this.inputs.received > 0) this.afterStop.took();
    // It ends between two jobs, of which the module is not told.
    if (this.jobs?.last && !this.jobs.begun) return this.finish();
    // Packets were moved on to the manager, and it needs more of them; or a link that had one a moment ago gives none any
    // more, because the graph is being aborted.
    if (inputs.size === 0 && !this.selfDriven) return;
    let patient = false;
    let turn: NodeJS.Immediate | undefined;
    const settled = (failed: boolean, milliseconds: number): number => {
      clearImmediate(turn);
      const { made, tickets, done, isOver } = this.instance;
      this.count(NodeFigure.calls, 1);
      if (failed) this.failedWith = countPackets(inputs.values());
      const brought = inputs.size > 0 || made > 0 || done;
      this.noteIdle(brought || patient ? undefined : milliseconds);
      if (!brought && patient) this.count(NodeFigure.patientCalls, 1);
      if (this.isSource && made > 0 && this.jobs !== undefined) this.jobs.begun = true;
      this.count(NodeFigure.packetsOut, made - tickets);
      if (this.jobs === undefined || (this.isSource && done)) {
        if (isOver) this.finish();
      } else if (isOver || (this.isSource && this.outputs.ended)) {
        this.instance.answer(this.jobs);
      }
      return made;
    };
    const pending = this.times.measure(NodeCall.process, (ends) => this.instance.process(group, ends), settled, inputs);
    if (pending !== undefined && inputs.size === 0) {
      turn = setImmediate(() => {
        patient = true;
      });
    }
    return pending;
  }

  /** @param milliseconds of a call that neither took nor gave; undefined: the last call was none of these. */
  private noteIdle(milliseconds: number | undefined): void {
    if (milliseconds !== undefined) this.idle.add(milliseconds);
    else if (this.idle.count > 0) this.idle.end();
    else return;
    this.board.figures[this.figuresAt + NodeFigure.idleCalls] = this.idle.count;
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  /** Asks its module whether it takes a further input. @throws what it refuses it by. */
  addInput(input: number, options: Record<string, unknown> | undefined): void | Promise<void> {
    if (this.finished) throw new MillraceError('ERR_MILLRACE_CLOSED', 'it has come to its end');
    return this.instance.addInput(input, options);
  }

  /** Changes its module's options. @throws MillraceError ERR_MILLRACE_STATE for a module that cannot, or has no more to say. */
  change(options: Record<string, unknown>): void | Promise<void> {
    if (this.finished) throw new MillraceError('ERR_MILLRACE_CLOSED', 'it has come to its end');
    return this.times.measure(
      NodeCall.reset,
      (ends) => this.instance.dynamicReset(options, ends),
      () => 0,
    );
  }

  /**
   * Ends the outputs and leaves the inputs; the module is closed when its last packets have been taken.
   * @throws what cannot cross threads and was still to be sent; it has finished nevertheless.
   */
  finish(): void {
    if (this.finished) return;
    this.idle.end();
    this.board.setPhase(this.node, NodePhase.finished);
    this.instance.finish();
  }

  /**
   * It has failed and is to end alone, by `finish`. What may still be under way in it is told by its signal.
   * @returns packets that had reached it and were not worked off; they are released.
   */
  drop(reason: unknown): number {
    this.dropped = true;
    this.abort(reason);
    return this.failedWith + (this.finished ? 0 : this.inputs.forsake());
  }

  /** The module is made ready for the next job. */
  private endJob(jobs: Jobs): void | Promise<void> {
    const settled = (failed: boolean): number => {
      if (!failed) this.turnToNextJob(jobs);
      return 0;
    };
    return this.times.measure(NodeCall.reset, (ends) => this.instance.reset(ends), settled);
  }

  private turnToNextJob(jobs: Jobs): void {
    this.onJob(jobs.number, [...jobs.files]);
    const { last } = jobs;
    jobs.next();
    if (last) this.finish();
    else this.instance.turn();
  }

  /** Calls the module's `close`, once. */
  close(): void | Promise<void> {
    if (this.closed) return;
    this.idle.end();
    this.commands.end();
    const settled = (failed: boolean): number => {
      this.board.setPhase(this.node, NodePhase.closed);
      this.show(NodeStatus.over);
      if (!failed) this.tellRemoved();
      return 0;
    };
    return this.times.measure(NodeCall.close, (ends) => this.instance.close(ends), settled);
  }

  /** Releases every packet that waits at this actor; for a graph that was aborted. */
  discard(): void {
    this.instance.discard();
  }

  // --- the board ----------------------------------------------------------------------------------------------------

  /** Must come before it takes or sends anything (link/link.ts). */
  private showLive(): void {
    this.show(NodeStatus.live);
    this.board.setPhase(this.node, NodePhase.running);
  }

  /** Shows why it does not run; only called when `ready()` was false. @param now performance.now() */
  showIdle(now = performance.now()): void {
    if (this.closed || this.busy) return;
    this.outputs.announce();
    if (this.ready()) {
      this.show(NodeStatus.live); // announcing found room
      return;
    }
    const reason = this.idleReason();
    if (reason === NodeStatus.starving) this.inputs.showStarving(this.outside?.due ?? true);
    this.show(reason);
    if (this.outside !== undefined) {
      this.board.setOutside(this.node, reason !== NodeStatus.blocked && !(this.outside.due && !this.outside.free));
    }
    this.times.waits(reason, now);
    if (!this.finished) this.board.setPhase(this.node, NodePhase.waiting);
  }

  private idleReason(): number {
    if (this.finished || !this.outputs.clear) return NodeStatus.blocked;
    // It goes on by itself, or when its user wants it to.
    if (this.idle.paused || (!this.isFed && this.isHeld)) return NodeStatus.live;
    return this.outside?.free ? NodeStatus.live : NodeStatus.starving;
  }

  /**
   * Whether the board still says what `showIdle` would say of an actor that is not ready. A limit that was lifted, or a
   * consumer that left, turns a blocked one into a starving one without giving it anything to do.
   */
  shownRight(): boolean {
    return this.closed || this.busy || (this.shown & 3) === this.idleReason();
  }

  private show(status: number): void {
    if ((this.shown & 3) === status) return;
    this.shown = (((this.shown >> 2) + 1) << 2) | status;
    this.board.setStatus(this.node, this.shown);
  }

  private count(figure: number, by: number): void {
    this.board.figures[this.figuresAt + figure]! += by;
  }
}

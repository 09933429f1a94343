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
import { clearImmediate, performance, setImmediate } from '../../../ringbuffer/clock.js';
import type { Phase } from '../../errors/errors.js';
import { markLog } from '../../media/log/ffmpeg-log.js';
import type { Module, ModuleContext, Task } from '../../module/contract.js';
import { type Board, NodeCall, NodeFigure, NodePhase, NodeStatus } from '../board/board.js';
import type { NodeTimer } from '../board/node-timer.js';
import type { LinkSender } from '../link/link.js';
import { type AppPort, appPortOf } from './app-port.js';
import { IdleCalls } from './idle-calls.js';
import { ActorInputs } from './inputs.js';
import { type ActorInput, Jobs } from './jobs.js';
import { whenSettled } from './maybe-async.js';
import { Deliveries } from './output.js';
import { ActorOutputs } from './outputs.js';

export interface ActorParts {
  /** Index of the node on the board. */
  node: number;
  alias: string;
  /** Position in the graph's topological order: larger is further downstream. */
  rank: number;
  inlets: ActorInput[];
  /** Input ids that nobody feeds though a higher one is fed: they end at once. */
  unconnected: number[];
  outputs: Map<number, LinkSender[]>;
  board: Board;
  times: NodeTimer;
  /** Number of its first job, of a node that serves them one after the other. */
  firstJob?: number | undefined;
}

/** Calls in a row in which a module takes no input after a stop: enough for any frame rate, not for an endless loop. */
const CALLS_AFTER_STOP = 256;

export class Actor {
  readonly node: number;
  readonly alias: string;
  readonly rank: number;
  readonly inlets: readonly ActorInput[];
  readonly times: NodeTimer;
  /** Turn in which it last ran: sources take turns by it. */
  lastTurn = 0;
  /** Times it could run since it last did. */
  passedOver = 0;
  /** An asynchronous call has not settled, or its failure was not dealt with yet. Kept by the part. */
  busy = false;
  finished = false;
  closed = false;
  /** Of a node that serves jobs one after the other. */
  readonly jobs: Jobs | undefined;
  readonly intake: ActorInputs;
  readonly outputs: ActorOutputs;
  private readonly board: Board;
  private readonly figuresAt: number;
  private readonly deliveries: Deliveries;
  /** The user behind this node, if packets enter or leave the graph here. */
  private readonly outside: AppPort | undefined;
  private callsAfterStop = 0;
  /** The graph was asked to stop, and the time is over in which those whose input has ended may finish. */
  private overdue = false;
  private doneSaid = false;
  private readonly idle: IdleCalls;
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
    this.idle = new IdleCalls(onDelivered);
    if (parts.firstJob !== undefined) this.jobs = new Jobs(parts.firstJob, parts.inlets);
    this.outside = appPortOf(module);
    this.node = parts.node;
    this.alias = parts.alias;
    this.rank = parts.rank;
    this.inlets = parts.inlets;
    this.board = parts.board;
    this.times = parts.times;
    this.figuresAt = parts.board.figuresAt(parts.node);
    this.intake = new ActorInputs(parts.inlets, parts.unconnected, module, parts.board, parts.node, this.jobs);
    this.outputs = new ActorOutputs(parts.outputs, this.deliveries, `node ${parts.alias}`, this.jobs);
  }

  get isSource(): boolean {
    return this.inlets.length === 0;
  }

  // --- what it can do now -----------------------------------------------------------------------------------------

  /** Whether `step` would do something. */
  ready(): boolean {
    if (this.closed) return false;
    const flushed = this.outputs.flush(); // also of a call that has not settled: what it pushed is on its way
    if (this.busy) return false;
    if (this.finished) return flushed;
    if (!flushed && !this.outputs.clear) return this.outputs.abandoned || this.isJobUnwanted;
    this.outside?.onRoom();
    if (this.outputs.abandoned || this.isJobUnwanted) return true;
    if (this.jobs?.leavings) return true;
    if (this.jobs?.answered) return this.jobs.over;
    if (this.idle.paused && !this.board.stopping) return false;
    this.intake.prepare();
    if (this.outside !== undefined && !this.isCalledFor(this.outside)) return false;
    if (this.isSource || this.intake.allEnded) return true;
    if (this.outside?.leaving) return true;
    return this.intake.ready();
  }

  private isCalledFor(outside: AppPort): boolean {
    if (outside.due || outside.leaving) return true;
    if (this.isSource) return this.board.stopping;
    // To learn that nothing follows, nobody has to be waited for: the graph could not end before its user asks once more.
    return this.intake.allEnded || this.inlets.every(({ ended, link }) => ended || link.endIsNext);
  }

  /** What `step` does next. */
  get phase(): Phase {
    return this.finished ? 'close' : this.jobs?.complete ? 'reset' : 'process';
  }

  /** Has work that no input feeds, so it must not keep the others of its thread from theirs. */
  get selfDriven(): boolean {
    return this.isSource || this.intake.allEnded || this.intake.wantsNone;
  }

  /** One unit of work: a call of `process`, the end, or the close. A promise if the module's part is asynchronous. */
  step(): void | Promise<void> {
    this.showLive();
    if (this.finished) return this.close();
    if (this.outputs.abandoned || this.outside?.leaving || (this.board.stopping && this.endsOnStop())) {
      this.finish();
      return;
    }
    const { jobs } = this;
    if (jobs?.complete) return this.endJob(jobs);
    if (jobs !== undefined && this.isJobUnwanted) return this.answer(jobs);
    jobs?.sweep();
    if (jobs?.answered) return;
    if (!this.intake.prepare()) return;
    return this.process();
  }

  /** Sources end at once, and what makes packets of its own and never asks for more (an endless loop) after a while. */
  private endsOnStop(): boolean {
    if (this.isSource) return true;
    if (this.isEndless) {
      this.context.log.warn(
        'ended: it still made packets of its own long after its input had ended and the graph was asked to stop',
      );
      return true;
    }
    if (this.intake.allEnded || !this.intake.wantsNone) return false;
    if (++this.callsAfterStop <= CALLS_AFTER_STOP) return false;
    this.context.log.warn(`ended: it made packets of its own in ${CALLS_AFTER_STOP} calls after the stop`);
    return true;
  }

  /** What has an output and is not through with what it had by then goes on for ever: a filter such as `loop`. */
  private get isEndless(): boolean {
    return this.overdue && !this.isSource && this.intake.allEnded && !this.finished && this.outputs.areConnected;
  }

  /** The grace of a stop is over. A call that goes on is told by its signal. */
  stopIsOverdue(reason: unknown): void {
    this.overdue = true;
    if (this.isEndless) this.abort(reason);
  }

  /** Nobody wants more of the job under way. */
  private get isJobUnwanted(): boolean {
    const { jobs } = this;
    if (jobs === undefined || jobs.answered || !this.outputs.unwanted) return false;
    if (jobs.begun || this.outside?.within) return true;
    // Nothing of it has come, and perhaps nothing ever does: those who have to end it are told.
    jobs.passOver();
    return false;
  }

  /** Tells the module, through its signal, that it should return soon. */
  abort(reason: unknown): void {
    this.aborter.abort(reason);
  }

  /** A source that was told to stop and answers by rejecting has done what it was told. */
  get stopped(): boolean {
    return this.isSource && this.board.stopping && this.context.signal.aborted;
  }

  // --- process ----------------------------------------------------------------------------------------------------

  private process(): void | Promise<void> {
    const { inputs, pts, duration } = this.intake.take();
    if (this.intake.received > 0) this.callsAfterStop = 0;
    // It ends between two jobs, of which the module is not told.
    if (this.jobs?.last && !this.jobs.begun) return this.finish();
    // Packets were moved on to the manager, and it needs more of them; or a link that had one a moment ago gives none any
    // more, because the graph is being aborted.
    if (inputs.size === 0 && !this.selfDriven) return;
    const emitted = this.outputs.emitted();
    const tickets = this.outputs.tickets();
    const flushing = this.intake.allEnded && inputs.size === 0 && !this.isSource;
    const task: Task = {
      inputs,
      pts,
      duration,
      output: (id) => this.outputs.get(id),
      closeInput: (id) => this.intake.close(id),
      done: () => {
        this.doneSaid = true;
      },
    };
    const started = performance.now();
    markLog();
    this.times.beginCall(NodeCall.process, started);
    const given = this.times.given(inputs);
    let returned = false;
    let patient = false;
    let turn: NodeJS.Immediate | undefined;
    const settle = (failed: boolean): void => {
      const ended = performance.now();
      this.times.endCall(started, ended);
      this.count(NodeFigure.calls, 1);
      clearImmediate(turn);
      this.intake.askAgain();
      if (failed) this.deliveries.discard();
      try {
        this.deliveries.deliver();
      } finally {
        this.deliveries.settle(inputs.values());
      }
      const made = this.outputs.emitted() - emitted;
      if (inputs.size > 0 || made > 0 || this.doneSaid) this.noteIdle(undefined);
      else if (!patient) this.noteIdle(ended - started);
      else {
        this.noteIdle(undefined);
        this.count(NodeFigure.patientCalls, 1);
      }
      if (this.isSource && made > 0 && this.jobs !== undefined) this.jobs.begun = true;
      this.count(NodeFigure.packetsOut, made - (this.outputs.tickets() - tickets));
      this.times.record(NodeCall.process, started, ended, returned, given, made);
      if (this.jobs === undefined || (this.isSource && this.doneSaid)) {
        if (this.doneSaid || (flushing && made === 0)) this.finish();
      } else if (this.doneSaid || (flushing && made === 0) || (this.isSource && this.outputs.ended)) {
        this.answer(this.jobs);
      }
    };
    const pending = whenSettled(() => this.module.process(task), settle);
    returned = true;
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

  /** Ends the outputs and leaves the inputs; the module is closed when its last packets have been taken. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.idle.end();
    this.board.setPhase(this.node, NodePhase.finished);
    this.outputs.finish();
    this.deliveries.deliver();
    this.intake.leaveAll();
  }

  // --- jobs ---------------------------------------------------------------------------------------------------------

  /** The module has nothing more to say in this job: its outputs end, and it takes no more of it. */
  private answer(jobs: Jobs): void {
    jobs.answered = true;
    this.outputs.end();
    this.deliveries.deliver();
    this.intake.leaveJob(jobs);
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
    this.outputs.reopen();
    this.intake.reopen();
    this.doneSaid = false;
  }

  /** Calls the module's `close`, once. */
  close(): void | Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.finished = true;
    this.idle.end();
    const started = performance.now();
    markLog();
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
    this.intake.discard();
    this.outputs.discard();
  }

  // --- the board ----------------------------------------------------------------------------------------------------

  /** Must come before it takes or sends anything (see links.ts). */
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
    if (reason === NodeStatus.starving) this.intake.showStarving(this.outside?.due ?? true);
    this.show(reason);
    if (this.outside !== undefined) {
      this.board.setOutside(this.node, reason !== NodeStatus.blocked && !(this.outside.due && !this.outside.free));
    }
    this.times.waits(reason, now);
    if (!this.finished) this.board.setPhase(this.node, NodePhase.waiting);
  }

  private idleReason(): number {
    if (this.finished || !this.outputs.clear) return NodeStatus.blocked;
    // It goes on by itself.
    if (this.idle.paused) return NodeStatus.live;
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
    const at = this.figuresAt + figure;
    this.board.figures[at] = this.board.figures[at]! + by;
  }
}

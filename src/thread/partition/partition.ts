/**
 * The share of one graph that one thread runs: its actors, from loading to the last `close`, and its word in the
 * graph's common affairs (ready, failed, ended). It has no loop of its own; the thread's host drives it.
 */
import { clearTimeout, performance, setTimeout, type Timer } from '../../../ringbuffer/clock.js';
import { Doorbell } from '../../../ringbuffer/index.js';
import { type GraphError, MillraceError } from '../../errors/errors.js';
import { packError } from '../../errors/wire.js';
import { ledger } from '../../media/ledger.js';
import { whyCopied } from '../../media/reference/frame-references.js';
import { isWarning, logText } from '../../module/log.js';
import type { Actor } from '../actor/actor.js';
import { Board } from '../board/board.js';
import { awaitReaders } from '../board/readers.js';
import { Relief } from '../board/relief.js';
import { GraphState, ThreadState } from '../board/states.js';
import { TraceRecorder } from '../board/trace-recorder.js';
import { stallError, Watchdog } from '../board/watchdog.js';
import { Changes, type ChangingPart } from '../change/changes.js';
import { learnOf } from '../change/known-graph.js';
import type { Hosted } from '../host.js';
import type { FromHost, Growth, Order, PartitionSpec } from '../protocol.js';
import { abortPart } from './abort.js';
import { type ActorHooks, epochOf, type LinkFaces, makeLinks } from './build.js';
import { Callbacks } from './callbacks.js';
import { Failures } from './failures.js';
import { linksByNode } from './load-node.js';
import { Blame, endingError, overflowError } from './node-error.js';
import { NodeMaker } from './node-maker.js';
import { putInOrder } from './order.js';
import type { ReadyQueue } from './ready-queue.js';

/** What a part needs of its thread's host. */
export interface PartHost {
  /** It may be asleep, and there is something to do. */
  wake(): void;
  /** The event loop gets a turn after this step. */
  askTurn(): void;
}

/** ms between two turns of the event loop while a change of the graph goes on: it may go on in them. */
const TURN_FOR_CHANGES = 1;

export class Partition implements Hosted {
  readonly board: Board;
  /** Furthest downstream first. */
  readonly actors: Actor[] = [];
  /** Those that may be able to run; made when all are initialised. */
  private ready: ReadyQueue | undefined;
  /** Modules are initialised and the graph has been let go; until then nothing is scheduled. */
  private initialised = false;
  /** It is over, or about to be: nothing is scheduled any more. */
  private ending = false;
  private watchdog: Watchdog | undefined;
  /** Set by a stop: what goes on for ever is ended then. */
  private stopTimer: Timer | undefined;
  ended = false;
  /** What its actors wait for may come through the event loop. */
  readonly dormant = false;
  private loading: Promise<void> = Promise.resolve();
  private readonly bells: Doorbell[];
  private relief: Relief;
  private stopTold = false;
  private readonly callbacks: Callbacks;
  private readonly running = new Set<Promise<void>>();
  /** Changes of the graph, to be made between two steps. */
  private readonly changes: Changes;
  private readonly failures: Failures;
  private readonly maker: NodeMaker;
  /** Orders that have been posted, as far as the event loop has been given a turn for them. */
  private ordersSeen = 0;
  private lastTurn = 0;
  private readonly nativeBefore: Record<string, number>;
  private readonly epoch: number;
  private readonly trace: TraceRecorder | undefined;

  constructor(
    readonly spec: PartitionSpec,
    private readonly tell: (message: FromHost) => void,
    /** Of this thread. */
    private readonly host: PartHost,
    /** Whether this part is the only thing of its thread; what others hold is no leak of its own. */
    private readonly alone: () => boolean = () => true,
  ) {
    this.board = Board.attach(spec.board, spec.blocks);
    this.bells = spec.bells.map((buffer) => Doorbell.attach(buffer));
    this.relief = new Relief(this.board, spec.allLinks, spec.pushed);
    this.callbacks = new Callbacks(spec, this.board, this.bells, tell);
    this.epoch = epochOf(spec);
    const { board, actors, hooks } = this;
    const trace = spec.trace && new TraceRecorder(spec.trace, board, spec.thread, spec.links);
    this.trace = trace;
    const blame = new Blame(spec, tell);
    const rouse = (actor: Actor): void => this.rouse(actor);
    this.failures = new Failures({ spec, board, actors, trace, tell, rouse, fail: (error) => this.fail(error) }, blame);
    this.maker = new NodeMaker(spec.startedAt, board, hooks, rouse, trace);
    this.changes = new Changes(spec, board, actors, this.changing, blame, tell);
    this.nativeBefore = ledger.snapshot();
  }

  // --- beginning ----------------------------------------------------------------------------------------------------

  /** Loads and initialises every module; the last thread to do so lets the graph go. */
  load(): void {
    const { watch, thread } = this.spec;
    // The calling thread has a watchdog of its own, which outlives this part.
    if (watch !== undefined && thread !== watch.localThread) {
      this.watchdog = new Watchdog(this.board, watch, this.epoch, false, (stall) => this.fail(stallError(stall)));
      this.watchdog.start();
    }
    this.loading = this.loadAll();
  }

  /** Its modules are loaded and initialised, or it has failed. Never rejects. */
  get loaded(): Promise<void> {
    return this.loading;
  }

  private async loadAll(): Promise<void> {
    const { spec, board } = this;
    const links = makeLinks(spec, board, this.bells);
    const linksOf = linksByNode(spec.links);
    for (const node of spec.nodes) {
      if (this.ending || board.state === GraphState.aborting) break;
      await this.maker.make(node, linksOf, links, this.actors, (phase, error) =>
        this.failures.inNode(node.index, phase, error),
      );
    }
    this.arrange();
    if (spec.transport === 'reference' && spec.links.some((link) => link.ring !== undefined)) {
      const text = whyCopied();
      if (text !== undefined) this.tell({ type: 'warning', run: spec.run, text: `${text}; they are copied` });
    }
    this.initialised = true;
    board.setThreadState(spec.thread, ThreadState.ready);
    // One that comes to a graph that runs, or is about to, is awaited by nobody.
    if (!spec.late && board.arrive() && board.setRunning()) this.ringAll();
    this.host.wake();
  }

  /** Its actors are those that there are now. */
  private arrange(): void {
    this.ready = putInOrder(this.actors, this.spec.links, this.isReady);
  }

  private readonly hooks: ActorHooks = {
    log: ({ index: node }, level, message) => {
      if (!this.spec.heard && !isWarning(level)) return;
      this.tell({ type: 'log', run: this.spec.run, node, level, text: logText(message) });
    },
    tell: ({ index: node }, event, facts) => this.tell({ type: 'told', run: this.spec.run, node, event, facts }),
    callback: (node, key, value) => this.callbacks.call(node, key, value),
    onError: (node, error) => this.failures.inNode(node.index, 'process', error),
    onDelivered: (actor) => this.delivered(actor),
    onEvent: ({ place }) => this.ready?.note(place),
    onJob: (node, job, files) => this.tell({ type: 'job', run: this.spec.run, node: node.index, job, files }),
  };

  // --- work -----------------------------------------------------------------------------------------------------------

  /** Whether the host should call `step`. */
  hasWork(): boolean {
    if (this.ending) return false;
    const { state } = this.board;
    if (state === GraphState.aborting) return true;
    if (!this.initialised || state === GraphState.starting) return false;
    return this.ready!.hasSome() || this.changes.pending || this.finished();
  }

  /** @returns whether it is ready, whatever it was that made it so. */
  private noteIfReady(actor: Actor): boolean {
    if (!this.isReady(actor)) return false;
    this.ready!.note(actor.place);
    return true;
  }

  /**
   * The last look before the thread sleeps. Whatever changes the board, or would have to, is work as well: the relief
   * rule stands on every thread looking for a deadlock after its own last word on the board. All actors are asked,
   * whether or not something is known to have happened to them.
   */
  mayNotSleep(): boolean {
    const before = this.linkChanges();
    if (this.hasWork()) return true;
    if (this.ending || !this.initialised || this.board.state !== GraphState.running) return false;
    for (const actor of this.actors) if (this.noteIfReady(actor)) return true;
    // Those in the middle of a call and those that are closed have nothing to do, but may have frames to let go of.
    for (const actor of this.actors) actor.outputs.settled();
    return this.linkChanges() !== before || !this.actors.every((actor) => actor.shownRight());
  }

  private linkChanges(): number {
    let sum = 0;
    for (const actor of this.actors) sum += actor.outputs.changes();
    return sum;
  }

  /** One unit of work. @returns false if there was nothing to do. */
  step(): boolean {
    if (this.ending) return false;
    const { state } = this.board;
    if (state === GraphState.aborting) {
      this.ending = true;
      // Whatever goes wrong in it, the part ends.
      this.abort()
        .catch((cause: unknown) => this.fail(endingError(cause)))
        .finally(() => this.end());
      return true;
    }
    if (!this.initialised || state !== GraphState.running) return false;
    if (this.board.stopping && !this.stopTold) this.tellSources();
    this.giveTurns();
    if (this.changes.doNext()) return true;
    const next = this.ready!.take();
    if (next !== undefined) {
      this.run(this.actors[next]!);
      return true;
    }
    if (!this.finished() || !this.board.closeThread(this.spec.thread)) return false;
    this.ending = true;
    this.end();
    return true;
  }

  /** An order comes by the event loop, and so does what it waits for: neither waits as long as the host would let it. */
  private giveTurns(): void {
    const posted = this.board.ordersFor(this.spec.thread);
    if (posted === this.ordersSeen) {
      if (!this.changes.areUnderWay) return;
      const now = performance.now();
      if (now - this.lastTurn < TURN_FOR_CHANGES) return;
      this.lastTurn = now;
    }
    this.ordersSeen = posted;
    this.host.askTurn();
  }

  /** A source may be in a call that waits for something: its signal tells it that the graph is to stop. */
  private tellSources(): void {
    this.stopTold = true;
    const reason = new MillraceError('ERR_MILLRACE_ABORTED', 'the graph was asked to stop');
    for (const actor of this.actors) if (actor.isSource) actor.abort(reason);
    this.ready!.noteAll();
    this.stopTimer = setTimeout(() => {
      for (const actor of this.actors) actor.stopIsOverdue(reason);
      this.ready!.noteAll();
      this.host.wake();
    }, this.spec.stopGrace);
  }

  /** It may be able to run, and the thread may be asleep. */
  private rouse(actor: Actor): void {
    this.ready?.note(actor.place); // [note.settled]
    this.host.wake();
  }

  private readonly isReady = (actor: Actor): boolean => {
    try {
      return actor.ready();
    } catch (error) {
      this.failures.inMoving(actor, error);
      return false;
    }
  };

  private finished(): boolean {
    if (this.changes.isGrowing || this.board.awaitsComers(this.spec.thread)) return false;
    for (const actor of this.actors) if (!actor.closed || actor.busy) return false;
    // A thread outlives what it has sent by reference.
    let settled = true;
    for (const actor of this.actors) if (!actor.outputs.settled()) settled = false;
    return settled;
  }

  private run(actor: Actor): void {
    const { phase } = actor;
    let pending: void | Promise<void>;
    try {
      pending = actor.step();
      if (actor.isSource && pending === undefined) this.noteFirstPacket();
    } catch (error) {
      this.failures.inCall(actor, phase, error);
      return;
    }
    if (pending !== undefined) {
      actor.busy = true;
      const settled = pending
        .catch((error: unknown) => {
          if (!actor.stopped) this.failures.inCall(actor, phase, error);
        })
        .finally(() => {
          actor.busy = false;
          this.running.delete(settled);
          if (actor.isSource) this.noteFirstPacket();
          this.checkOverflow(actor);
          this.rouse(actor);
        });
      this.running.add(settled);
    } else {
      this.checkOverflow(actor);
    }
  }

  /** An asynchronous call that goes on has delivered something. */
  private delivered(actor: Actor): void {
    this.checkOverflow(actor);
    this.rouse(actor);
  }

  private noteFirstPacket(): void {
    if (this.board.firstPacketMilliseconds !== undefined) return;
    for (const actor of this.actors) {
      if (actor.isSource && this.board.figure(actor.node, 'packetsOut') > 0) {
        this.board.noteFirstPacket(performance.timeOrigin + performance.now() - this.spec.startedAt);
        return;
      }
    }
  }

  private checkOverflow(actor: Actor): void {
    const link = actor.outputs.overflowing(this.spec.hardCap, this.board);
    if (link !== undefined) this.failures.inNode(actor.node, 'run', overflowError(link, this.spec));
  }

  /**
   * Called when none of this thread's actors can run: shows why on the board and lifts what the relief rule demands.
   * @param now performance.now()
   * @returns true if a limit was lifted, so that somebody can run now.
   */
  showIdle(now: number): boolean {
    if (this.ending || !this.initialised || this.board.state !== GraphState.running) return false;
    for (const actor of this.actors) {
      // What was shown of one to which nothing has happened is still so, unless its limit was lifted.
      if (!this.ready!.wasStirred(actor.place) && actor.shownRight()) continue;
      if (!this.noteIfReady(actor)) this.showActorIdle(actor, now);
    }
    const raised = this.relief.relieve();
    for (const link of raised) {
      const ends = this.spec.allLinks[link]!;
      this.trace?.relief(link, now);
      if (this.board.reliefs(link) === 1) this.tell({ type: 'relief', run: this.spec.run, link });
      this.bells[this.spec.nodeThreads[ends.producer]!]!.ring();
      for (const { node, place } of this.actors) if (node === ends.producer) this.ready!.note(place);
    }
    return raised.length > 0;
  }

  private showActorIdle(actor: Actor, now: number): void {
    try {
      actor.showIdle(now);
    } catch (error) {
      this.failures.inMoving(actor, error);
    }
  }

  /** This thread goes to sleep, or has slept; for the figures, and for who asks whether the graph rests. @param now performance.now() */
  fallAsleep(now: number, ticket: number): void {
    this.board.fallAsleep(this.spec.thread, now + this.epoch, ticket);
  }

  wakeUp(now: number): void {
    this.board.wakeUp(this.spec.thread, now + this.epoch);
  }

  callbackResult(call: number, ok: boolean, value: unknown): void {
    this.callbacks.answer(call, ok, value);
  }

  // --- changes of the running graph -----------------------------------------------------------------------------------

  /** Takes an order, which is done between two steps, also when it is given within one. It is answered in any case. */
  obey(order: Order): void {
    this.changes.obey(order);
  }

  /** What `Changes` may do with the part. */
  private readonly changing: ChangingPart = {
    rouse: (actor) => this.rouse(actor),
    note: (actor) => this.ready!.note(actor.place),
    wake: () => this.host.wake(),
    isEnding: () => this.ending,
    hasEnded: () => this.ended,
    awaitAtEnd: (work) => {
      this.running.add(work);
      void work.then(() => this.running.delete(work));
    },
    meet: (growth) => this.meet(growth),
    make: (node, linksOf, faces, actors, failed) => this.maker.make(node, linksOf, faces, actors, failed),
    join: (actors, ranks) => {
      this.actors.push(...actors);
      for (const actor of this.actors) actor.rank = ranks[actor.node]!;
      this.arrange();
    },
  };

  /** The thread knows of all that comes anywhere. @returns its faces of the links that come. */
  private meet(growth: Growth): LinkFaces {
    const { spec, board } = this;
    for (const block of growth.blocks) board.follow(block);
    const fresh = growth.bells.map((buffer) => Doorbell.attach(buffer));
    this.bells.push(...fresh);
    // A thread that came before the graph was let go was not told so: whoever did that knew nothing of its bell.
    for (const bell of fresh) bell.alarm();
    learnOf(growth, spec);
    this.trace?.follow(growth.links);
    this.relief = new Relief(board, spec.allLinks, spec.pushed);
    return makeLinks({ ...spec, links: growth.links }, board, this.bells);
  }

  // --- failing and ending -----------------------------------------------------------------------------------------------

  /** As `Failures.uncaught`. */
  uncaught(cause: unknown, alone: boolean): void {
    this.failures.uncaught(cause, alone);
  }

  /** The graph has failed: the first to say so ends it for everybody. */
  fail(error: GraphError): void {
    const first = this.board.setAborting();
    this.tell({ type: 'failed', run: this.spec.run, first, error: packError(error) });
    this.ringAll();
    this.host.wake();
  }

  /**
   * This thread is dying, and its native memory with it: the graph fails, and its other threads have to be done with what
   * this one has sent.
   */
  die(): void {
    this.board.setThreadState(this.spec.thread, ThreadState.dead);
    this.board.setAborting();
    this.ringAll();
    const own = this.spec.links.filter((link) => link.ring !== undefined && link.producerThread === this.spec.thread);
    awaitReaders(
      this.board,
      own.map(({ index }) => index),
    );
  }

  ringAll(): void {
    for (const bell of this.bells) bell.alarm();
  }

  private abort(): Promise<void> {
    return abortPart({
      grace: this.spec.stopGrace,
      actors: () => [...this.actors, ...this.changes.arriving],
      underWay: () => [this.loading, ...this.running],
      rejectCallbacks: (reason) => this.callbacks.rejectAll(reason),
      closeFailed: (actor, error) => this.failures.inNode(actor.node, 'close', error),
    });
  }

  private end(): void {
    clearTimeout(this.stopTimer);
    for (const actor of this.actors) actor.commands.end();
    this.changes.end();
    this.callbacks.end();
    for (const link of this.spec.links) link.ring?.port.close();
    for (const { sources } of this.spec.nodes)
      for (const port of [...(sources?.tell ?? []), ...(sources?.hear ?? [])]) port.close();
    this.ended = true;
    this.watchdog?.untilGrowth();
    this.board.setThreadState(this.spec.thread, ThreadState.ended);
    this.tell({
      type: 'ended',
      run: this.spec.run,
      thread: this.spec.thread,
      leaked: this.alone() ? ledger.since(this.nativeBefore) : {},
    });
    this.host.wake();
  }
}

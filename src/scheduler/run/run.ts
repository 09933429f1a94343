/** One run of a graph, from its start to its report or its failure: whatever happens in between, it settles once. */
import type { Transferable } from 'node:worker_threads';
import {
  clearInterval,
  clearTimeout,
  performance,
  setInterval,
  setTimeout,
  type Timer,
} from '../../../ringbuffer/clock.js';
import { GraphError, MillraceError } from '../../errors/errors.js';
import { abortedError, stateError } from '../../errors/make.js';
import { errorOf, unpackError } from '../../errors/wire.js';
import type { LogListener } from '../../module/log.js';
import { Board } from '../../thread/board/board.js';
import { GraphState, NodeCall, NodeFate, NodePhase, NodeStatus } from '../../thread/board/states.js';
import { stallError, Watchdog } from '../../thread/board/watchdog.js';
import type { FromHost, Order, PartitionSpec, ToHost, WatchSpec } from '../../thread/protocol.js';
import { Orders } from '../change/orders.js';
import { RunChanges } from '../change/run-changes.js';
import type { Fusion } from '../plan/fuse-filters.js';
import { Partitions, type RunFacts } from '../plan/partitions.js';
import type { Placement } from '../plan/placement.js';
import { prepare } from '../plan/plan.js';
import type { GraphSpec, LinkSpec, NodeSpec } from '../plan/spec.js';
import type { LocalSide } from '../ports/local-host.js';
import { LocalPart } from '../ports/local-part.js';
import type { Context } from '../threads/context.js';
import { guardExit } from '../threads/exit-guard.js';
import { OwnThreads, type ThreadSource } from '../threads/thread-pool.js';
import { Undo } from '../threads/undo.js';
import { WarmClaims } from '../warm/warm-claims.js';
import { whenAborted } from './abort-listeners.js';
import type { FakeClock } from './fake-clock.js';
import { ProgramSources } from './program-sources.js';
import { ProgressFeed } from './progress-feed.js';
import type { GraphStats, Progress, Report } from './report.js';
import { RunThreads } from './run-threads.js';
import { Figures } from './stats.js';
import { type GraphStatus, statusOf } from './status.js';
import { Telling } from './telling.js';
import { type TracedGraph, TraceWriter } from './trace-writer.js';
import { Warnings } from './warnings.js';

export interface RunHooks {
  /** Called about four times a second while the graph runs, and once at its end. */
  onProgress?: (progress: Progress) => void;
  /** Aborts the run: it rejects with ERR_MILLRACE_ABORTED. */
  signal?: AbortSignal;
  /** Path of the file that takes the trace of the run. */
  trace?: string;
  /** Where the threads come from, and go to; default: threads of the run's own. */
  threads?: ThreadSource;
  /** A node has ended a job, and has written these files in it. */
  onJob?: (job: number, node: number, files: readonly string[]) => void;
  /** Is told what modules say through `ctx.log`. */
  onLog?: LogListener;
  /** What there was to say before it began. */
  warnings?: readonly string[];
  /** Its running time is moved by a test. */
  clock?: FakeClock;
}

export class GraphRun {
  /** Resolves when every actor has closed and every thread has gone; rejects, after the same, when the graph failed. */
  readonly finished: Promise<Report>;
  private readonly board: Board;
  private readonly placement: Placement;
  private readonly merging: Fusion;
  private readonly cut: Partitions;
  private readonly figures: Figures;
  private readonly threads: RunThreads;
  private readonly warnings = new Warnings();
  private readonly orders = new Orders((thread, order, transfer) => this.order(thread, order, transfer));
  private readonly telling: Telling;
  private readonly progressFeed: ProgressFeed;
  private readonly changes: RunChanges;
  private facts: RunFacts | undefined;
  private readonly traced: TracedGraph;
  private watched: WatchSpec | undefined;
  private readonly sources: ProgramSources;
  private failure: Error | undefined;
  /** Threads have been told to run it: from here on it ends or fails. A start that is refused leaves nothing behind. */
  begun = false;
  private readonly warm: WarmClaims;
  private trace: TraceWriter | undefined;
  private startedAt = 0;
  private endedAfter: number | undefined;
  private resolve!: (report: Report) => void;
  private reject!: (error: Error) => void;
  /** Runs while the sources have time to end after a stop. */
  private stopTimer: Timer | undefined;
  private readonly localPart = new LocalPart({
    message: (message, reply) => this.receive(message, reply),
    died: (thread, error) => {
      this.fail(errorOf(error));
      this.threads.ended(thread, {});
    },
  });
  private settling = false;
  private settled = false;
  /** What goes on beside it, until it settles: how each is ended. */
  private readonly beside: (() => void)[] = [];
  /** What holds the process, until its threads have been given back: how each lets go. */
  private readonly holds: (() => void)[] = [];

  private readonly spec: GraphSpec;

  /** @throws ConfigError when the graph has a cycle. */
  constructor(
    built: GraphSpec,
    private readonly hooks: RunHooks = {},
  ) {
    const { spec, rank, placement, merging } = prepare(built);
    this.spec = spec;
    this.merging = merging;
    this.sources = new ProgramSources(built.nodes);
    this.warm = new WarmClaims(spec.name, (text) => this.warnings.add(text));
    this.placement = placement;
    this.cut = new Partitions(spec, this.placement, merging, rank);
    for (const text of [...(hooks.warnings ?? []), ...this.placement.warnings]) this.warnings.add(text);
    this.board = Board.create(this.cut.threads, spec.nodes.length, spec.links.length, hooks.clock !== undefined);
    this.leaveOut(merging);
    const source = hooks.threads ?? new OwnThreads(spec.options.spin);
    this.threads = new RunThreads(source, this.cut, this.board, spec.options.stopGrace, {
      message: (message, reply) => this.receive(message, reply),
      died: (error) => this.fail(error),
      warning: (text) => this.warnings.add(text),
      ended: (thread) => this.orders.threadEnded(thread),
      over: () => void this.settle(),
    });
    this.traced = this.cut.traced;
    this.changes = this.makeChanges();
    this.figures = new Figures(spec, this.board, this.placement, merging, this.cut);
    this.telling = new Telling(spec, this.warnings, hooks.onLog, (error) => this.fail(error));
    this.progressFeed = this.makeProgressFeed();
    this.finished = new Promise<Report>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever awaits `finished` sees the rejection; a run that is only started must not end the process by it.
    this.finished.catch(() => {});
  }

  /** Nodes that are run by others are over before anything begins, for whoever looks at the board. */
  private leaveOut(merging: Fusion): void {
    for (const node of merging.merged) {
      this.board.setFate(node, NodeFate.merged);
      this.board.setStatus(node, NodeStatus.over);
      this.board.setPhase(node, NodePhase.closed);
    }
  }

  /**
   * Starts threads and parts; resolves when all have been asked to start. A failing start rejects `finished` as well.
   * @throws what it was refused for, with `begun` false: everything that was taken has been given back. Anything else with
   *   `begun` true: the graph has failed.
   */
  async start(): Promise<void> {
    const undo = new Undo();
    try {
      this.takeWhatItNeeds(undo);
    } catch (error) {
      try {
        await undo.all();
      } finally {
        this.settled = true;
        this.progressFeed.abandon();
        this.reject(errorOf(error));
      }
      throw error;
    }
    this.begun = true;
    try {
      this.startAll();
      if (this.cut.threads === 0) await this.settle(); // a graph without nodes
    } catch (error) {
      this.fail(errorOf(error));
      await this.settle();
      throw error;
    }
  }

  /** What may be refused. `settle` gives it back when it was not. */
  private takeWhatItNeeds(undo: Undo): void {
    const { trace } = this.hooks;
    if (trace !== undefined) {
      const writer = new TraceWriter(trace);
      undo.add(() => writer.abandon());
      this.trace = writer;
    }
    this.threads.lend(this.warm.take(this.spec.nodes, undo));
    this.threads.take(undo);
  }

  private startAll(): void {
    this.startedAt = performance.timeOrigin + performance.now();
    const { signal, clock } = this.hooks;
    // The pools' threads are unreferenced; a running graph keeps the process alive by itself.
    const alive = setInterval(() => {}, 2 ** 30);
    this.holds.push(() => clearInterval(alive), guardExit(this.board));
    this.sources.open();
    if (clock !== undefined) this.beside.push(clock.lead(this.board, this.threads.bells));
    const facts = {
      run: this.threads.user,
      board: this.board.buffer,
      bells: this.threads.bells.map((bell) => bell.buffer),
      startedAt: this.startedAt,
      trace: this.trace?.start(this.traced),
      heard: this.hooks.onLog !== undefined,
    };
    this.threads.start(facts);
    this.facts = facts;
    const { localThread } = this.cut;
    if (localThread !== undefined) this.startPart(localThread, this.cut.part(localThread, facts).part);
    const { watch } = this.cut;
    this.watched = watch;
    if (watch !== undefined) {
      const epoch = performance.timeOrigin - this.startedAt;
      const watchdog = new Watchdog(this.board, watch, epoch, true, (stall) => this.fail(stallError(stall)));
      watchdog.start();
      this.beside.push(() => watchdog.stop());
    }
    const onAbort = (): void => this.abort(signal?.reason);
    if (signal?.aborted) onAbort();
    this.beside.push(whenAborted(signal, onAbort));
    this.progressFeed.start();
  }

  /** The progress as it is told, the latest whenever somebody asks; ends with the run, however that ends. */
  progress(): AsyncGenerator<Progress, void, undefined> {
    return this.progressFeed.stream();
  }

  private makeProgressFeed(): ProgressFeed {
    const { onProgress } = this.hooks;
    const measure = (): Progress => {
      const complete = this.endedAfter !== undefined && this.failure === undefined && !this.board.stopping;
      return this.figures.progress(this.elapsed(), complete);
    };
    const hook = (progress: Progress): void => this.telling.call('onProgress', () => onProgress?.(progress));
    return new ProgressFeed(this.spec.name, measure, onProgress && hook);
  }

  /**
   * Ends the sources; what is under way is finished, outputs are finalised, and `finished` resolves. A source that is still
   * in the same call after `stop_grace` never comes to see it, and with it the graph would never end: it fails.
   */
  stop(): void {
    this.board.setStopping();
    this.threads.alarm();
    if (this.settling) return;
    this.stopTimer ??= setTimeout(() => this.failStuckSources(), this.spec.options.stopGrace);
  }

  private failStuckSources(): void {
    const stuck = this.cut.sources.filter((node) => this.board.call(node) === NodeCall.process);
    if (stuck.length === 0) return;
    const nodes = stuck.map((index) => this.spec.nodes[index]!);
    const names = nodes.map(({ alias, module }) => `source "${alias}" (${module.name})`).join(' and ');
    const [{ id: nodeId, alias, module }] = nodes as [NodeSpec];
    const message =
      `${names} did not return from process() within ${this.spec.options.stopGrace} ms after stop(). ` +
      'A loop of its own has to look at ctx.stopping, and a wait to end with ctx.signal';
    const where = { nodeId, alias, module: module.name, phase: 'process' } as const;
    this.fail(new GraphError('ERR_MILLRACE_TIMEOUT', message, where));
  }

  /**
   * Ends everything now; `finished` rejects with ERR_MILLRACE_ABORTED. Outputs already begun are finalised.
   * @param grace ms until threads that do not answer are terminated; default: the graph's `stop_grace`.
   */
  abort(reason?: unknown, grace = this.spec.options.stopGrace): void {
    this.threads.hurry(grace);
    this.fail(abortedError(`graph ${this.spec.name} was aborted`, reason));
  }

  /** What the program has given is called in it from now on. */
  set context(context: Context) {
    this.telling.context = context;
  }

  /** It does one job after the other. */
  get serves(): boolean {
    return this.spec.firstJob !== undefined;
  }

  /** The calling thread's share of the graph, if it has one; from the start on. */
  get local(): LocalSide | undefined {
    return this.localPart.side;
  }

  /** Nodes that read what the program gives them on this thread. */
  get readers(): string[] {
    return this.sources.readers;
  }

  /** Nodes that tell the end of every job. */
  get actors(): number {
    return this.cut.actors;
  }

  /**
   * What the graph failed of, as far as it is known here. Also what the threads have told and this thread's event loop
   * has not had a turn to hear.
   */
  failureNow(): Error | undefined {
    if (this.failure === undefined) this.threads.drain();
    return this.failure;
  }

  /** As `failureNow`, for who will not give this thread's event loop a turn: also that a thread has died. */
  failureWhileBlocked(): Error | undefined {
    return this.failureNow() ?? this.threads.diedNow();
  }

  /** The graph has failed, or is being aborted. */
  get aborting(): boolean {
    return this.board.state === GraphState.aborting;
  }

  /** Somebody who feeds the graph has failed: so does it. */
  failOutside(error: GraphError): void {
    this.fail(error);
  }

  /** Reads the board: costs the actors nothing, whatever state the graph is in. */
  stats(): GraphStats {
    return this.figures.stats(this.elapsed());
  }

  /** The same and the rest of what it is doing, for people and for JSON. */
  status(): GraphStatus {
    const { spec, board, placement, cut } = this;
    const over = this.settled ? (this.failure === undefined ? 'ended' : 'failed') : undefined;
    return statusOf({ spec, board, placement, cut, stats: this.stats(), elapsed: this.elapsed(), over });
  }

  /**
   * Nodes that no input feeds give nothing any more, and the running time stands still; what is under way goes on.
   * @param id of one such node, which is paused alone.
   * @throws MillraceError ERR_MILLRACE_STATE for a node that has inputs.
   */
  pause(id?: number): void {
    if (id === undefined) this.board.pause();
    else this.setPaused(id, true);
  }

  /** Ends a pause: that of the graph, or that of one node. */
  resume(id?: number): void {
    if (id === undefined) this.board.resume();
    else this.setPaused(id, false);
    // Who was held sleeps, or is looked at again when it shows what it waits for.
    this.threads.alarm();
  }

  /** As `RunChanges.reset`. */
  reset(id: number, options: Record<string, unknown>): Promise<void> {
    return this.changes.reset(id, options);
  }

  /** As `RunChanges.remove`. */
  remove(id: number): Promise<void> {
    return this.changes.remove(id);
  }

  /** As `RunChanges.add`. */
  add(nodes: readonly NodeSpec[], links: readonly LinkSpec[]): Promise<void> {
    return this.changes.add(nodes, links);
  }

  /** As `RunChanges.closed`. */
  closed(id: number): Promise<void> {
    return this.changes.closed(id);
  }

  /** As `RunChanges.hasEnded`. */
  hasEnded(id: number): boolean {
    return this.changes.hasEnded(id);
  }

  /** The highest number that a node has, those included that nobody built. */
  get highestId(): number {
    return Math.max(...this.spec.nodes.map(({ id }) => id));
  }

  private makeChanges(): RunChanges {
    const { spec, board, placement, merging, cut, threads, orders, sources, warm, warnings } = this;
    return new RunChanges({
      ...{ spec, board, placement, merging, cut, threads, orders, sources, warm, warnings },
      facts: () => ({ ...this.facts!, bells: threads.bells.map((bell) => bell.buffer) }),
      startPart: (thread, part) => this.startPart(thread, part),
      grown: (first) => {
        this.figures.grow(first);
        this.sources.add(spec.nodes.slice(first.node));
        this.traced.nodes.push(...cut.describe(first.node));
        const watched = cut.watchFrom(first);
        if (watched === undefined || this.watched === undefined) return;
        this.watched.nodes.push(...watched.nodes);
        this.watched.links.push(...watched.links);
        this.watched.localThread = watched.localThread;
      },
      closed: () => {
        if (this.failure !== undefined) return this.failure;
        if (!this.settling && !this.board.stopping && !this.aborting) return undefined;
        return new MillraceError('ERR_MILLRACE_CLOSED', 'the graph has ended, or is about to');
      },
      failed: () => this.failure,
      isOver: () => this.settled,
    });
  }

  private order(thread: number, order: Order, transfer: Transferable[] = []): void {
    if (thread === this.cut.localThread) this.localPart.obey(order);
    else {
      this.threads.post(thread, { type: 'order', run: this.threads.user, order }, transfer);
      this.board.countOrder(thread);
    }
  }

  private setPaused(id: number, paused: boolean): void {
    const index = this.spec.nodes.findIndex((node) => node.id === id);
    if (!this.cut.sources.includes(index)) {
      throw stateError(
        `node "${this.spec.nodes[index]!.alias}" has inputs: it cannot be paused by itself`,
        'Pause the inputs of the graph that feed it, or the graph as a whole',
      );
    }
    this.board.setPaused(index, paused);
  }

  /** Milliseconds since the start; until its end for a run that has ended. */
  private elapsed(): number {
    return this.endedAfter ?? performance.timeOrigin + performance.now() - this.startedAt;
  }

  /** Starts a part that nothing is carried to by ports of its own. */
  private startPart(thread: number, part: PartitionSpec): void {
    if (thread === this.cut.localThread) this.localPart.start(part, this.threads.bells[thread]!);
    else this.threads.post(thread, { type: 'start', part });
  }

  // --- what the threads tell --------------------------------------------------------------------------------------------

  private receive(message: FromHost, reply: (message: ToHost) => void): void {
    switch (message.type) {
      case 'failed': {
        const error = unpackError(message.error);
        if (message.first || this.failure === undefined) this.takeFailure(error, message.first);
        else this.warnings.add(`after the failure: ${error.message}`);
        break;
      }
      case 'dropped':
        this.telling.noteDropped(message);
        break;
      case 'log':
        this.telling.log(message);
        break;
      case 'told':
        this.telling.publish(message);
        break;
      case 'warning':
        this.warnings.addOnce(message.text);
        break;
      case 'answer':
        this.orders.answered(message.order, message.error, message.ended);
        break;
      case 'job':
        this.hooks.onJob?.(message.job, message.node, message.files);
        break;
      case 'relief':
        this.telling.noteRelief(message.link);
        break;
      case 'callback':
        void this.telling.answer(message, reply);
        break;
      case 'ended':
        this.threads.ended(message.thread, message.leaked);
        break;
    }
  }

  /** Something outside the actors failed the graph. */
  private fail(error: Error): void {
    if (this.settled) return;
    this.board.setAborting();
    this.takeFailure(error, false);
    this.threads.alarm();
  }

  private takeFailure(error: Error, first: boolean): void {
    if (this.failure !== undefined) {
      // A thread's message may arrive after the consequences of its failure were seen from here.
      if (!first) return;
      this.warnings.add(`after the failure: ${this.failure.message}`);
    }
    this.failure = error;
    this.threads.expectEnd();
  }

  private async settle(): Promise<void> {
    if (this.settling) return;
    this.settling = true;
    const milliseconds = this.elapsed();
    this.endedAfter = milliseconds;
    this.progressFeed.stop();
    clearTimeout(this.stopTimer);
    for (const end of this.beside) end();
    this.localPart.quit();
    await this.threads.giveBack();
    this.warm.releaseAll();
    for (const text of await this.sources.close()) this.warnings.add(text);
    for (const letGo of this.holds) letGo();
    if (this.trace !== undefined) {
      let lost = 0;
      for (let thread = 0; thread < this.cut.threads; thread++) lost += this.board.traceLosses(thread);
      for (const text of this.trace.finish(lost)) this.warnings.add(text);
    }
    this.telling.tellReliefs((link) => ({
      before: this.cut.links[link]!.limit,
      after: this.figures.linkStats(link).limit,
    }));
    this.progressFeed.end();
    this.settled = true;
    this.orders.end(this.failure);
    if (this.failure !== undefined) {
      if (this.failure instanceof GraphError) {
        this.failure.warnings = this.warnings.list;
        this.failure.leaked = { ...this.threads.leaked };
      }
      this.reject(this.failure);
    } else {
      const { list: warnings } = this.warnings;
      const { dropped } = this.telling;
      this.resolve({ ...this.figures.report(milliseconds), warnings, dropped, leaked: { ...this.threads.leaked } });
    }
  }
}

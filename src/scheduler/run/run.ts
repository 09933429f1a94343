import diagnosticsChannel from 'node:diagnostics_channel';
import type { Transferable } from 'node:worker_threads';
import {
  clearInterval,
  clearTimeout,
  performance,
  queueMicrotask,
  setInterval,
  setTimeout,
  type Timer,
} from '../../../ringbuffer/clock.js';
import { builtinOf } from '../../catalog/builtin.js';
import { GraphError, MillraceError } from '../../errors/errors.js';
import { abortedError, stateError } from '../../errors/make.js';
import { errorOf, messageOf, packError, unpackError } from '../../errors/wire.js';
import { unpackValue } from '../../media/wire/value.js';
import { isWarning, type LogEntry, type LogListener } from '../../module/log.js';
import { packMessage } from '../../thread/actor/callbacks.js';
import { Board, GraphState, NodeCall, NodeFate, NodePhase, NodeStatus } from '../../thread/board/board.js';
import { stallError, Watchdog } from '../../thread/board/watchdog.js';
import type { FromHost, Order, PartitionSpec, ToHost, WatchSpec } from '../../thread/protocol.js';
import type { Fusion } from '../plan/fuse-filters.js';
import { Partitions, type RunFacts } from '../plan/partitions.js';
import type { Placement } from '../plan/placement.js';
import { prepare } from '../plan/plan.js';
import type { GraphSpec, LinkSpec, NodeSpec } from '../plan/spec.js';
import { LocalSide } from '../ports/local-host.js';
import { type Context, takeContext } from '../threads/context.js';
import { guardExit } from '../threads/exit-guard.js';
import type { Thread } from '../threads/thread.js';
import { OwnThreads, type ThreadSource } from '../threads/thread-pool.js';
import { Undo } from '../threads/undo.js';
import { whenAborted } from './abort-listeners.js';
import { answer as answerCallback } from './callbacks.js';
import type { FakeClock } from './fake-clock.js';
import { Growing } from './growing.js';
import { Orders } from './orders.js';
import { ProgramSources } from './program-sources.js';
import type { DroppedBranch, GraphStats, Progress, Report } from './report.js';
import { RunThreads } from './run-threads.js';
import { Figures } from './stats.js';
import { type GraphStatus, statusOf } from './status.js';
import { type TracedGraph, TraceWriter } from './trace-writer.js';
import { droppedText, reliefText, Warnings } from './warnings.js';

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

const PROGRESS_INTERVAL = 250;

/** Tells whoever subscribes of the progress of every graph, as { graph: name, progress }. */
const progressChannel = diagnosticsChannel.channel('millrace:progress');

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
  /** Links of which a limit was lifted. */
  private readonly relieved = new Set<number>();
  private readonly orders = new Orders((thread, order, transfer) => this.order(thread, order, transfer));
  private readonly growing: Growing;
  private facts: RunFacts | undefined;
  private readonly traced: TracedGraph;
  private watched: WatchSpec | undefined;
  private readonly dropped: DroppedBranch[] = [];
  private readonly sources: ProgramSources;
  private failure: Error | undefined;
  /** Threads have been told to run it: from here on it ends or fails. A start that is refused leaves nothing behind. */
  begun = false;
  /** What the user has given is called in it: that of the start, or of the job that is being done. */
  context: Context = takeContext();
  /** Gives back the modules that were there before the run. */
  private readonly warm: (() => void)[] = [];
  private trace: TraceWriter | undefined;
  private startedAt = 0;
  private endedAfter: number | undefined;
  private resolve!: (report: Report) => void;
  private reject!: (error: Error) => void;
  private progressTimer: NodeJS.Timeout | undefined;
  private readonly listeners = new Set<(progress: Progress) => void>();
  /** Runs while the sources have time to end after a stop. */
  private stopTimer: Timer | undefined;
  private watchdog: Watchdog | undefined;
  private side: LocalSide | undefined;
  private settling = false;
  private settled = false;
  /** The pools' threads are unreferenced; a running graph keeps the process alive by itself. */
  private alive: NodeJS.Timeout | undefined;
  private unguard: (() => void) | undefined;
  private forgetClock: (() => void) | undefined;
  /** Ends the watch over the signal. */
  private forgetSignal = (): void => {};

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
    this.growing = this.makeGrowing();
    this.figures = new Figures(spec, this.board, this.placement, merging, this.cut);
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
    const lent = new Map<string, Thread>();
    for (const { warm } of this.spec.nodes) {
      if (warm === undefined) continue;
      const release = warm.claim(this.spec.name);
      undo.add(release);
      this.warm.push(() => {
        for (const text of warm.takeWarnings()) this.warnings.add(text);
        release();
      });
      if (warm.place !== undefined) lent.set(warm.place, warm.thread!);
    }
    this.threads.take(this.placement.asked, lent, undo);
  }

  private startAll(): void {
    this.startedAt = performance.timeOrigin + performance.now();
    const { signal } = this.hooks;
    this.alive = setInterval(() => {}, 2 ** 30);
    this.unguard = guardExit(this.board);
    this.sources.open();
    this.forgetClock = this.hooks.clock?.lead(this.board, this.threads.bells);
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
    if (localThread !== undefined) this.startLocal(this.cut.part(localThread, facts).part);
    const { watch } = this.cut;
    this.watched = watch;
    if (watch !== undefined) {
      const epoch = performance.timeOrigin - this.startedAt;
      this.watchdog = new Watchdog(this.board, watch, epoch, true, (stall) => this.fail(stallError(stall)));
      this.watchdog.start();
    }
    const onAbort = (): void => this.abort(signal?.reason);
    if (signal?.aborted) onAbort();
    this.forgetSignal = whenAborted(signal, onAbort);
    if (this.hooks.onProgress || progressChannel.hasSubscribers) this.watchProgress();
  }

  private watchProgress(): void {
    if (this.settling) return; // the last progress is about to be told
    this.progressTimer ??= setInterval(() => this.tellProgress(), PROGRESS_INTERVAL);
  }

  /** The progress as it is told, the latest whenever somebody asks; ends with the run, however that ends. */
  async *progress(): AsyncGenerator<Progress, void, undefined> {
    let latest: Progress | undefined;
    let told = (): void => {};
    const listener = (progress: Progress): void => {
      latest = progress;
      told();
    };
    if (this.settled) return;
    this.listeners.add(listener);
    this.watchProgress();
    try {
      for (;;) {
        if (latest === undefined) {
          if (this.settled) return;
          await new Promise<void>((resolve) => {
            told = resolve;
          });
        }
        const progress = latest;
        latest = undefined;
        if (progress !== undefined) yield progress;
      }
    } finally {
      this.listeners.delete(listener);
    }
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

  /** It does one job after the other. */
  get serves(): boolean {
    return this.spec.firstJob !== undefined;
  }

  /** The calling thread's share of the graph, if it has one; from the start on. */
  get local(): LocalSide | undefined {
    return this.side;
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

  /**
   * Changes options of a node between two packets; resolves when it has been done.
   * @throws GraphError of the module that refuses them, or cannot change any; nothing has been changed then. MillraceError
   *   ERR_MILLRACE_CLOSED for a node that has ended.
   */
  async reset(id: number, options: Record<string, unknown>): Promise<void> {
    const { nodes } = this.spec;
    const { merging } = this;
    const indexes = nodes.flatMap((node, index) => ((node.copyOf?.id ?? node.id) === id ? [index] : []));
    const orders = indexes.map((index) => {
      const node = merging.hostOf(index);
      const member = merging.chainOf(node) === undefined ? {} : { member: index };
      return this.orders.send(this.cut.threadOf(node), { type: 'reset', node, ...member, options });
    });
    await Promise.all(orders);
  }

  /**
   * Ends a node, and with it those that are run as one with it; resolves when its module has been closed.
   * @throws GraphError when that failed; it has left the graph all the same.
   */
  async remove(id: number): Promise<void> {
    const belongs = ({ id: own, copyOf, helps }: NodeSpec): boolean => (copyOf?.id ?? helps ?? own) === id;
    const indexes = this.spec.nodes.flatMap((node, index) => (belongs(node) ? [this.merging.hostOf(index)] : []));
    await Promise.all(
      indexes.map(async (node) => {
        const thread = this.cut.threadOf(node);
        // It has ended by itself.
        if (this.settled || !this.orders.isOpen(thread)) return;
        try {
          await this.orders.send(thread, { type: 'remove', node, drains: givesAFile(this.spec.nodes[node]!) });
        } catch (error) {
          if (this.orders.isOpen(thread) || this.failure !== undefined) throw error;
        }
      }),
    ).finally(() => this.releaseSources([id]));
  }

  /** Adds nodes, and the links into them; see `Growing.add`. */
  async add(nodes: readonly NodeSpec[], links: readonly LinkSpec[]): Promise<void> {
    try {
      await this.growing.add(nodes, links);
    } catch (error) {
      await this.releaseSources(nodes.map(({ id }) => id));
      throw error;
    }
  }

  /** Nodes that read of the program's have left, or have not come. */
  private async releaseSources(ids: readonly number[]): Promise<void> {
    for (const text of await this.sources.release(ids)) this.warnings.add(text);
  }

  /** Resolves when the module of a node has been closed, which ends by itself. */
  async closed(id: number): Promise<void> {
    const node = this.spec.nodes.findIndex((candidate) => candidate.id === id);
    const thread = this.cut.threadOf(node);
    if (this.settled || !this.orders.isOpen(thread)) return;
    try {
      await this.orders.send(thread, { type: 'await-end', node });
    } catch (error) {
      if (this.failure !== undefined) throw error;
    }
  }

  /** Whether the module of a node has been closed. */
  hasEnded(id: number): boolean {
    const node = this.spec.nodes.findIndex((candidate) => candidate.id === id);
    return node >= 0 && this.board.phase(this.merging.hostOf(node)) === NodePhase.closed;
  }

  /** The highest number that a node has, those included that nobody built. */
  get highestId(): number {
    return Math.max(...this.spec.nodes.map(({ id }) => id));
  }

  private makeGrowing(): Growing {
    const { spec, board, placement, merging, cut, threads, orders } = this;
    return new Growing({
      ...{ spec, board, placement, merging, cut, threads, orders },
      facts: () => ({ ...this.facts!, bells: threads.bells.map((bell) => bell.buffer) }),
      startPart: (thread, part) => {
        if (thread === cut.localThread) this.startLocal(part);
        else threads.post(thread, { type: 'start', part });
      },
      grown: (first) => {
        this.figures.grow(first);
        this.sources.add(spec.nodes.slice(first.node));
        this.traced.nodes.push(...cut.traced.nodes.slice(first.node));
        const watched = cut.watch;
        if (watched === undefined || this.watched === undefined) return;
        this.watched.nodes.push(...watched.nodes.slice(first.node));
        this.watched.links.push(...watched.links.slice(first.link));
        this.watched.localThread = watched.localThread;
      },
      closed: () => {
        if (this.failure !== undefined) return this.failure;
        if (!this.settling && !this.board.stopping && !this.aborting) return undefined;
        return new MillraceError('ERR_MILLRACE_CLOSED', 'the graph has ended, or is about to');
      },
      failed: () => this.failure,
      remove: (id) => this.remove(id),
    });
  }

  private order(thread: number, order: Order, transfer: Transferable[] = []): void {
    if (thread === this.cut.localThread) this.side?.part.obey(order);
    else this.threads.post(thread, { type: 'order', run: this.threads.user, order }, transfer);
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

  // --- starting -------------------------------------------------------------------------------------------------------

  private startLocal(spec: PartitionSpec): void {
    // One that has ended before.
    this.side?.quit();
    this.side = new LocalSide(spec, this.threads.bells[spec.thread]!, (message) => {
      // Not within the actors' call: a listener that throws must not end up in a module's stack.
      queueMicrotask(() => this.receive(message, (reply) => this.replyLocal(reply)));
    });
    this.side.run().catch((error: unknown) => {
      this.fail(errorOf(error));
      this.threads.ended(spec.thread, {});
    });
  }

  private replyLocal(message: ToHost): void {
    if (message.type !== 'callback-result') return;
    const value = message.ok ? message.value : unpackError(message.value as Parameters<typeof unpackError>[0]);
    this.side?.part.callbackResult(message.call, message.ok, value);
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
        this.noteDropped(message);
        break;
      case 'log':
        this.log(message);
        break;
      case 'told':
        this.publish(message);
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
        this.relieved.add(message.link);
        break;
      case 'callback':
        void this.callback(message, reply);
        break;
      case 'ended':
        this.threads.ended(message.thread, message.leaked);
        break;
    }
  }

  /** Whoever subscribes is told of what nodes say of themselves, as { graph, node, ...facts }. */
  private publish({ node, event, facts }: FromHost & { type: 'told' }): void {
    const channel = diagnosticsChannel.channel(`millrace:${event}`);
    if (!channel.hasSubscribers) return;
    const { alias } = this.spec.nodes[node]!;
    this.context(() => channel.publish({ graph: this.spec.name, node: alias, ...facts }));
  }

  private log({ node, level, text, context }: FromHost & { type: 'log' }): void {
    const { alias, module } = this.spec.nodes[node]!;
    if (isWarning(level) && context === undefined) this.warnings.add(`${alias}: ${text}`);
    this.say({ level, node: alias, context: context ?? module.name, text });
  }

  private noteDropped({ node, error: wire, packets: packetsLost }: FromHost & { type: 'dropped' }): void {
    const { id, alias, module } = this.spec.nodes[node]!;
    const error = unpackError(wire) as GraphError;
    this.dropped.push({ node: id, alias, module: module.name, error, packetsLost });
    const text = droppedText(error, packetsLost);
    this.warnings.add(text);
    this.say({ level: 'error', node: alias, context: module.name, text });
  }

  /** A listener that throws fails the graph: nobody else would hear of it. */
  private say(entry: LogEntry): void {
    try {
      this.context(() => this.hooks.onLog?.(entry));
    } catch (cause) {
      this.fail(new GraphError('ERR_MILLRACE_CALLBACK', `onLog threw: ${messageOf(cause)}`, { cause }));
    }
  }

  private async callback(message: FromHost & { type: 'callback' }, reply: (message: ToHost) => void): Promise<void> {
    const { run, call } = message;
    const node = this.spec.nodes[message.node]!;
    const isOfThisThread = node.module.definition !== undefined;
    const answer = (ok: boolean, value: unknown): void => reply({ type: 'callback-result', run, call, ok, value });
    try {
      const value = isOfThisThread ? message.value : unpackValue(message.value as Uint8Array);
      const result: unknown = await this.context(() => answerCallback(this.spec, node, message.key, value));
      answer(true, isOfThisThread ? result : packMessage(result, `what the callback of node ${node.alias} returned`));
    } catch (error) {
      answer(false, packError(error));
    }
  }

  /** When it is known how far. */
  private tellReliefs(): void {
    const name = (id: number): string => this.spec.nodes.find((node) => node.id === id)!.alias;
    for (const index of this.relieved) {
      const link = this.figures.linkStats(index);
      const { from, to } = link;
      this.warnings.add(
        reliefText(`${name(from.node)}[${from.output}]`, name(to.node), to.input, this.cut.links[index]!.limit, link),
      );
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
    clearInterval(this.progressTimer);
    clearTimeout(this.stopTimer);
    this.watchdog?.stop();
    this.forgetSignal();
    this.forgetClock?.();
    this.side?.quit();
    await this.threads.giveBack();
    for (const release of this.warm.splice(0)) release();
    for (const text of await this.sources.close()) this.warnings.add(text);
    clearInterval(this.alive);
    this.unguard?.();
    if (this.trace !== undefined) {
      let lost = 0;
      for (let thread = 0; thread < this.cut.threads; thread++) lost += this.board.traceLosses(thread);
      for (const text of this.trace.finish(lost)) this.warnings.add(text);
    }
    this.tellReliefs();
    this.tellProgress();
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
      const { dropped } = this;
      this.resolve({ ...this.figures.report(milliseconds), warnings, dropped, leaked: { ...this.threads.leaked } });
    }
  }

  // --- telling ------------------------------------------------------------------------------------------------------------

  /** A listener that throws fails the graph: nobody else would hear of it. */
  private tellProgress(): void {
    try {
      const complete = this.endedAfter !== undefined && this.failure === undefined && !this.board.stopping;
      const progress = this.figures.progress(this.elapsed(), complete);
      for (const listener of this.listeners) listener(progress);
      if (progressChannel.hasSubscribers) progressChannel.publish({ graph: this.spec.name, progress });
      this.context(() => this.hooks.onProgress?.(progress));
    } catch (cause) {
      const text = messageOf(cause);
      this.fail(new GraphError('ERR_MILLRACE_CALLBACK', `onProgress threw: ${text}`, { cause }));
    }
  }
}

/** What goes out of it is a whole only with its end. */
function givesAFile({ module, options }: NodeSpec): boolean {
  return builtinOf(module)?.work === 'encoding' && Number(options.push_output ?? 0) > 0;
}

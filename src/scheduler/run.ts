/**
 * One run of one graph: the only place that knows the whole of it. It places the nodes, starts the threads, hands each
 * its part, and collects what they report. While the graph runs nothing here is needed for its progress; the calling
 * thread may be blocked.
 */
import { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads';
import { Doorbell } from '../../ringbuffer/index.js';
import { ConfigError, GraphError } from '../errors.js';
import { Board, ThreadState } from '../thread/board.js';
import { packError, unpackError } from '../thread/error-wire.js';
import { Host } from '../thread/host.js';
import { createRing } from '../thread/links.js';
import { Part } from '../thread/part.js';
import type { FromHost, PartLink, PartNode, PartSpec, ToHost } from '../thread/protocol.js';
import type { LinkEnds } from '../thread/relief.js';
import { CALLING_THREAD, type Placement, place } from './placement.js';
import type { GraphStats, LinkStats, NodeStats, Progress, Report } from './report.js';
import type { GraphSpec } from './spec.js';
import { Thread } from './thread.js';
import { topologicalRanks } from './topology.js';

export interface RunHooks {
  /** Called about four times a second while the graph runs, and once at its end. */
  onProgress?: (progress: Progress) => void;
  /** Aborts the run: it rejects with ERR_MILLRACE_ABORTED. */
  signal?: AbortSignal;
  /** What a module said through `ctx.log`. */
  onLog?: (entry: { alias: string; level: 'debug' | 'info' | 'warn' | 'error'; message: string }) => void;
}

const PROGRESS_INTERVAL = 250;
/** Longest time in ms without a turn for the calling thread's own timers and I/O, between two calls of modules. */
const LOCAL_YIELD = 1;
/** Names of NodePhase. */
const PHASES: readonly NodeStats['state'][] = ['waiting', 'running', 'finished', 'closed'];
let runs = 0;

export class GraphRun {
  /** Resolves when every actor has closed and every thread has gone; rejects, after the same, when the graph failed. */
  readonly finished: Promise<Report>;
  private readonly id = ++runs;
  private readonly board: Board;
  private readonly placement: Placement;
  private readonly rank: number[];
  private readonly indexOf = new Map<number, number>();
  private readonly threads: Thread[] = [];
  private readonly bells: Doorbell[] = [];
  private readonly warnings: string[] = [];
  private readonly leaked: Record<string, number> = {};
  /** Board threads whose part has not ended. */
  private readonly open = new Set<number>();
  private failure: Error | undefined;
  private startedAt = 0;
  private resolve!: (report: Report) => void;
  private reject!: (error: Error) => void;
  private progressTimer: NodeJS.Timeout | undefined;
  private graceTimer: NodeJS.Timeout | undefined;
  private local: { host: Host; part: Part } | undefined;
  private settling = false;
  private settled = false;
  /** The pools' threads are unreferenced; a running graph keeps the process alive by itself. */
  private alive: NodeJS.Timeout | undefined;
  private readonly onAbort = (): void => this.abort(this.hooks.signal?.reason);

  /** @throws ConfigError when the graph has a cycle. */
  constructor(
    private readonly spec: GraphSpec,
    private readonly hooks: RunHooks = {},
  ) {
    for (const [index, node] of spec.nodes.entries()) this.indexOf.set(node.id, index);
    const ranks = topologicalRanks(spec);
    if (ranks.cycle !== undefined) {
      throw new ConfigError(`graph ${spec.name} cannot run`, [
        { path: 'nodes', message: `the streams form a cycle: ${ranks.cycle.join(' -> ')}` },
      ]);
    }
    this.rank = ranks.rank;
    this.placement = place(spec, this.rank);
    this.warnings.push(...this.placement.warnings);
    this.board = Board.create(this.boardThreads, spec.nodes.length, spec.links.length);
    this.finished = new Promise<Report>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever awaits `finished` sees the rejection; a run that is only started must not end the process by it.
    this.finished.catch(() => {});
  }

  /** Starts threads and parts; resolves when all have been asked to start. A failing start rejects `finished` as well. */
  async start(): Promise<void> {
    try {
      await this.startAll();
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      this.open.clear();
      await this.settle();
      throw error;
    }
  }

  private async startAll(): Promise<void> {
    this.startedAt = performance.timeOrigin + performance.now();
    const { signal } = this.hooks;
    this.alive = setInterval(() => {}, 2 ** 30);
    for (let i = 0; i < this.boardThreads; i++) this.open.add(i);
    for (let i = 0; i < this.placement.threads; i++) {
      const thread = new Thread(
        this.spec.options.spin,
        (message) => this.receive(message, (reply) => thread.post(reply)),
        (code, error) => this.threadDied(i, code, error),
      );
      this.threads.push(thread);
      this.bells.push(thread.bell);
    }
    if (this.hasLocalPart) this.bells.push(Doorbell.create());
    const ports = this.makePorts();
    this.threads.forEach((thread, index) => {
      const { part, transfer } = this.partOf(index, ports);
      thread.post({ type: 'start', part }, transfer);
    });
    if (this.hasLocalPart) this.startLocal(this.partOf(this.placement.threads, ports).part);
    if (signal?.aborted) this.onAbort();
    signal?.addEventListener('abort', this.onAbort);
    if (this.hooks.onProgress) {
      this.progressTimer = setInterval(() => this.tellProgress(), PROGRESS_INTERVAL);
    }
    if (this.boardThreads === 0) await this.settle(); // a graph without nodes
  }

  /** Ends the sources; what is under way is finished, outputs are finalised, and `finished` resolves. */
  stop(): void {
    this.board.setStopping();
    for (const bell of this.bells) bell.alarm();
  }

  /** Ends everything now; `finished` rejects with ERR_MILLRACE_ABORTED. Outputs already begun are finalised. */
  abort(reason?: unknown): void {
    const text = reason instanceof Error ? `: ${reason.message}` : typeof reason === 'string' ? `: ${reason}` : '';
    this.fail(
      new GraphError('ERR_MILLRACE_ABORTED', `graph ${this.spec.name} was aborted${text}`, {
        ...(reason === undefined ? {} : { cause: reason }),
      }),
    );
  }

  /** Reads the board: costs the actors nothing, whatever state the graph is in. */
  stats(): GraphStats {
    return {
      nodes: this.spec.nodes.map((_, index) => this.nodeStats(index)),
      links: this.spec.links.map((_, index) => this.linkStats(index)),
    };
  }

  // --- starting -------------------------------------------------------------------------------------------------------

  private get hasLocalPart(): boolean {
    return this.placement.threadOf.includes(CALLING_THREAD);
  }

  private get boardThreads(): number {
    return this.placement.threads + (this.hasLocalPart ? 1 : 0);
  }

  /** On the board the calling thread comes last. */
  private boardThread(node: number): number {
    const thread = this.placement.threadOf[node]!;
    return thread === CALLING_THREAD ? this.placement.threads : thread;
  }

  private ends(link: number): LinkEnds {
    const { from, to } = this.spec.links[link]!;
    const consumer = this.indexOf.get(to.node)!;
    const limit = this.spec.nodes[consumer]!.queueLimit ?? this.spec.options.queueLengthLimit;
    return { producer: this.indexOf.get(from.node)!, consumer, limit };
  }

  /** A port pair and a ring for every link that crosses threads: larger rings travel through the port. */
  private makePorts(): Map<number, { buffer: SharedArrayBuffer; producer: MessagePort; consumer: MessagePort }> {
    const ports = new Map<number, { buffer: SharedArrayBuffer; producer: MessagePort; consumer: MessagePort }>();
    this.spec.links.forEach((_, index) => {
      const { producer, consumer, limit } = this.ends(index);
      if (this.boardThread(producer) === this.boardThread(consumer)) return;
      const { port1, port2 } = new MessageChannel();
      ports.set(index, { buffer: createRing(limit), producer: port1, consumer: port2 });
    });
    return ports;
  }

  private partOf(
    thread: number,
    ports: ReturnType<GraphRun['makePorts']>,
  ): { part: PartSpec; transfer: Transferable[] } {
    const { spec, board } = this;
    const transfer: Transferable[] = [];
    const links: PartLink[] = [];
    spec.links.forEach((link, index) => {
      const ends = this.ends(index);
      const producerThread = this.boardThread(ends.producer);
      const consumerThread = this.boardThread(ends.consumer);
      if (producerThread !== thread && consumerThread !== thread) return;
      const pair = ports.get(index);
      const common = { ...ends, index, output: link.from.output, input: link.to.input };
      if (pair === undefined) {
        links.push({ ...common, producerThread, consumerThread });
        return;
      }
      const port = producerThread === thread ? pair.producer : pair.consumer;
      transfer.push(port);
      links.push({ ...common, producerThread, consumerThread, ring: { buffer: pair.buffer, port } });
    });
    const nodes: PartNode[] = [];
    spec.nodes.forEach((node, index) => {
      if (this.boardThread(index) !== thread) return;
      const { id, alias, module, options } = node;
      nodes.push({
        index,
        id,
        alias,
        rank: this.rank[index]!,
        module,
        options,
        hasCallback: node.callback !== undefined,
      });
    });
    nodes.sort((a, b) => a.rank - b.rank);
    const part: PartSpec = {
      run: this.id,
      thread,
      board: board.buffer,
      bells: this.bells.map((bell) => bell.buffer),
      nodes,
      links,
      nodeThreads: spec.nodes.map((_, index) => this.boardThread(index)),
      names: spec.nodes.map((node) => `${node.module.name} "${node.alias}"`),
      allLinks: spec.links.map((_, index) => this.ends(index)),
      bytesLimit: spec.options.queueBytesLimit,
      hardCap: spec.options.hardCap,
      startedAt: this.startedAt,
      stopGrace: spec.options.stopGrace,
    };
    return { part, transfer };
  }

  private startLocal(spec: PartSpec): void {
    const host = new Host(this.bells[spec.thread]!, { spin: 0, yieldAfter: LOCAL_YIELD });
    const part = new Part(
      spec,
      (message) => {
        // Not within the actors' call: a listener that throws must not end up in a module's stack.
        queueMicrotask(() => this.receive(message, (reply) => this.replyLocal(reply)));
      },
      host.wake,
    );
    this.local = { host, part };
    host.add(part);
    part.load();
    host.run().catch((error: unknown) => {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      this.threadEnded(spec.thread, {});
    });
  }

  private replyLocal(message: ToHost): void {
    if (message.type !== 'callback-result') return;
    const value = message.ok ? message.value : unpackError(message.value as Parameters<typeof unpackError>[0]);
    this.local?.part.callbackResult(message.call, message.ok, value);
  }

  // --- what the threads tell --------------------------------------------------------------------------------------------

  private receive(message: FromHost, reply: (message: ToHost) => void): void {
    switch (message.type) {
      case 'failed': {
        const error = unpackError(message.error);
        if (message.first || this.failure === undefined) this.takeFailure(error, message.first);
        else this.warnings.push(`after the failure: ${error.message}`);
        break;
      }
      case 'log': {
        const node = this.spec.nodes[message.node]!;
        const alias = node.alias || `node ${node.id}`;
        if (message.level === 'warn' || message.level === 'error') this.warnings.push(`${alias}: ${message.message}`);
        this.hooks.onLog?.({ alias, level: message.level, message: message.message });
        break;
      }
      case 'relief':
        this.noteRelief(message.link);
        break;
      case 'callback':
        void this.callback(message, reply);
        break;
      case 'ended':
        this.threadEnded(message.thread, message.leaked);
        break;
    }
  }

  private async callback(message: FromHost & { type: 'callback' }, reply: (message: ToHost) => void): Promise<void> {
    const { run, call } = message;
    const answer = (ok: boolean, value: unknown): void => reply({ type: 'callback-result', run, call, ok, value });
    try {
      answer(true, await this.spec.nodes[message.node]!.callback?.(message.key, message.value));
    } catch (error) {
      answer(false, packError(error));
    }
  }

  private noteRelief(link: number): void {
    const { from, to } = this.spec.links[link]!;
    const name = (id: number): string => this.spec.nodes[this.indexOf.get(id)!]!.alias || `node ${id}`;
    const text =
      `the limit of the link from ${name(from.node)}[${from.output}] to ${name(to.node)}[${to.input}] was lifted: its ` +
      'consumer starved on another input';
    if (!this.warnings.includes(text)) this.warnings.push(text);
  }

  private threadDied(thread: number, code: number, error: Error | undefined): void {
    if (!this.open.has(thread)) return; // its part had ended: nothing of the graph died with it
    this.board.setThreadState(thread, ThreadState.dead);
    const names = this.spec.nodes
      .filter((_, i) => this.boardThread(i) === thread)
      .map((n) => n.alias || `node ${n.id}`);
    const why = error === undefined ? `exit code ${code}` : error.message;
    this.fail(
      new GraphError('ERR_MILLRACE_WORKER_DIED', `the thread of ${names.join(', ')} died (${why})`, {
        phase: 'run',
        ...(error === undefined ? {} : { cause: error }),
      }),
    );
    this.threadEnded(thread, {});
  }

  /** Something outside the actors failed the graph. */
  private fail(error: Error): void {
    if (this.settled) return;
    this.board.setAborting();
    this.takeFailure(error, false);
    for (const bell of this.bells) bell.alarm();
  }

  private takeFailure(error: Error, first: boolean): void {
    if (this.failure !== undefined) {
      // A thread's message may arrive after the consequences of its failure were seen from here.
      if (!first) return;
      this.warnings.push(`after the failure: ${this.failure.message}`);
    }
    this.failure = error;
    this.graceTimer ??= setTimeout(() => void this.terminateSilent(), this.spec.options.stopGrace);
  }

  /** The threads that have not answered a stop in time are stuck in a call that does not return. */
  private async terminateSilent(): Promise<void> {
    for (const thread of [...this.open]) {
      if (thread >= this.placement.threads) continue; // the calling thread cannot be terminated
      const names = this.spec.nodes
        .filter((_, i) => this.boardThread(i) === thread)
        .map((n) => n.alias || `node ${n.id}`);
      this.warnings.push(
        `the thread of ${names.join(', ')} did not stop within ${this.spec.options.stopGrace} ms and was terminated; ` +
          'its modules were not closed',
      );
      await this.threads[thread]!.terminate();
      this.board.setThreadState(thread, ThreadState.dead);
      this.threadEnded(thread, {});
    }
  }

  private threadEnded(thread: number, leaked: Record<string, number>): void {
    if (!this.open.delete(thread)) return;
    // On the calling thread there are objects of others, too: only the graph's own threads are counted.
    if (thread < this.placement.threads) {
      for (const [kind, count] of Object.entries(leaked)) this.leaked[kind] = (this.leaked[kind] ?? 0) + count;
    }
    if (this.open.size === 0) void this.settle();
  }

  private async settle(): Promise<void> {
    if (this.settling) return;
    this.settling = true;
    const milliseconds = performance.timeOrigin + performance.now() - this.startedAt;
    clearInterval(this.progressTimer);
    clearTimeout(this.graceTimer);
    this.hooks.signal?.removeEventListener('abort', this.onAbort);
    this.local?.host.quit();
    await Promise.all(this.threads.map((thread) => thread.terminate()));
    clearInterval(this.alive);
    this.tellProgress();
    this.settled = true;
    if (this.failure !== undefined) {
      if (this.failure instanceof GraphError) {
        this.failure.warnings = [...this.warnings];
        this.failure.leaked = { ...this.leaked };
      }
      this.reject(this.failure);
    } else this.resolve(this.report(milliseconds));
  }

  // --- telling ------------------------------------------------------------------------------------------------------------

  private report(milliseconds: number): Report {
    const { frames, bytes } = this.totals();
    return {
      name: this.spec.name,
      milliseconds,
      firstPacketMilliseconds: this.board.firstPacketMilliseconds,
      frames,
      bytes,
      threads: this.placement.threads,
      warnings: [...this.warnings],
      stopped: this.board.stopping,
      leaked: { ...this.leaked },
      ...this.stats(),
    };
  }

  /** Video frames and bytes of the nodes at the end of the graph; those of the furthest ones that count any. */
  private totals(): { frames: number; bytes: number; position: number; duration: number } {
    const producers = new Set(this.spec.links.map((link) => link.from.node));
    const nodes = this.spec.nodes.map((_, index) => this.nodeStats(index));
    const sinks = nodes.filter((node) => !producers.has(node.id));
    const last = (figure: 'frames' | 'position'): NodeStats[] => {
      const counting = sinks.filter((node) => node[figure] > 0);
      return counting.length > 0 ? counting : nodes;
    };
    return {
      frames: Math.max(0, ...last('frames').map((node) => node.frames)),
      bytes: sinks.reduce((sum, node) => sum + node.bytes, 0),
      position: Math.max(0, ...last('position').map((node) => node.position)),
      duration: Math.max(0, ...nodes.map((node) => node.duration)),
    };
  }

  /** A listener that throws fails the graph: nobody else would hear of it. */
  private tellProgress(): void {
    try {
      this.hooks.onProgress?.(this.progress());
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      this.fail(new GraphError('ERR_MILLRACE_CALLBACK', `onProgress threw: ${text}`, { cause }));
    }
  }

  private progress(): Progress {
    const elapsed = performance.timeOrigin + performance.now() - this.startedAt;
    const { frames, position, duration } = this.totals();
    return { elapsed, frames, fps: (frames * 1000) / elapsed, position, duration, speed: position / 1000 / elapsed };
  }

  private nodeStats(index: number): NodeStats {
    const { board, spec } = this;
    const node = spec.nodes[index]!;
    const figure = (name: Parameters<Board['figure']>[1]): number => board.figure(index, name);
    return {
      id: node.id,
      alias: node.alias,
      module: node.module.name,
      thread: this.placement.threadOf[index]!,
      state: PHASES[board.phase(index)]!,
      calls: figure('calls'),
      milliseconds: figure('milliseconds'),
      packetsIn: figure('packetsIn'),
      packetsOut: figure('packetsOut'),
      frames: figure('frames'),
      bytes: figure('bytes'),
      dropped: figure('dropped'),
      duplicated: figure('duplicated'),
      corrupt: figure('corrupt'),
      position: figure('position'),
      duration: figure('duration'),
    };
  }

  private linkStats(index: number): LinkStats {
    const { board } = this;
    const { from, to } = this.spec.links[index]!;
    const { producer, consumer, limit } = this.ends(index);
    const sent = board.sent(index);
    return {
      from: { ...from },
      to: { ...to },
      kind: this.boardThread(producer) === this.boardThread(consumer) ? 'direct' : 'ring',
      packets: sent,
      // What a consumer that has left did not take is nobody's any more.
      queued: board.left(index) ? 0 : Math.max(0, sent - board.taken(index)),
      highWater: board.highWater(index),
      limit: limit + board.allowance(index),
      reliefs: board.reliefs(index),
    };
  }
}

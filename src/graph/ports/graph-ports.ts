/**
 * What lies between a graph and its user while it runs: the input streams packets are pushed into, the readers they are
 * taken from, and the run itself. The builder (graph.ts) describes the graph; this is its life.
 */
import { GraphError, MillraceError, type Problem } from '../../errors/errors.js';
import { stateError } from '../../errors/make.js';
import { describeValue } from '../../errors/naming.js';
import { messageOf } from '../../errors/wire.js';
import { Packet } from '../../media/packet/packet.js';
import type { GraphSpec, LinkSpec, NodeSpec } from '../../scheduler/plan/spec.js';
import { AppSink, Taps } from '../../scheduler/ports/app-sink.js';
import { AppSource, type Entry, Feeds } from '../../scheduler/ports/app-source.js';
import type { LocalSide } from '../../scheduler/ports/local-host.js';
import { whenAborted } from '../../scheduler/run/abort-listeners.js';
import type { Report } from '../../scheduler/run/report.js';
import type { GraphRun } from '../../scheduler/run/run.js';
import { flagOption } from '../../schema/flag-option.js';
import type { PacketsOptions } from '../options/packets.js';
import type { StartMode } from '../options/run-options.js';
import { feedsBytes } from './byte-streams.js';

interface Input {
  readonly feed: AppSource;
  readonly node: NodeSpec;
}

interface Reader {
  readonly tap: AppSink;
  readonly node: NodeSpec;
  readonly link: LinkSpec;
  readonly signal: AbortSignal | undefined;
}

/** What a graph does for its session. */
export interface SessionHost {
  /** Starts the graph, which may be starting or running already. */
  start(): Promise<void>;
  /** Bytes that may wait in an input stream. */
  cap(): number;
  /** Nodes may come to the running graph now. */
  isOpen(): boolean;
}

const sessions = new WeakMap<object, GraphPorts>();

/** The session of a graph; what streams reach it by. */
export function sessionOf(graph: object): GraphPorts {
  return sessions.get(graph)!;
}

/** Longest time in ms a thread is given to stop by `forceClose`. */
const FORCE_GRACE = 1000;

export class GraphPorts {
  readonly inputs = new Map<string, Input>();
  private readonly readers: Reader[] = [];
  private readonly feeds = new Feeds();
  private readonly taps = new Taps();
  private run: GraphRun | undefined;
  private isOver = false;
  private isReady = false;
  private isServed = false;
  /** Nodes of the user's ends are numbered -1, -2, …: numbers of other nodes do not depend on them. */
  private lastId = 0;

  constructor(
    graph: object,
    private readonly host: SessionHost,
  ) {
    sessions.set(graph, this);
  }

  // --- building -----------------------------------------------------------------------------------------------------

  /** What bytes are for depends on who takes them, and others may come. */
  look(spec: GraphSpec): void {
    for (const { feed, node } of this.inputs.values()) feed.joins = feedsBytes(spec, node.id);
  }

  /** The node of an input stream, made if there is none of that name. */
  input(name: string): NodeSpec {
    const known = this.inputs.get(name);
    if (known) return known.node;
    const feed = new AppSource(name, this.feeds, this.host.cap());
    const module = { name: 'input_stream', definition: feed.module };
    const node: NodeSpec = { id: --this.lastId, alias: name, module, options: {}, outside: 'input' };
    this.inputs.set(name, { feed, node });
    return node;
  }

  /** A reader of that output. */
  addReader(from: LinkSpec['from'], streamName: string, { signal, queueLimit }: PacketsOptions): AppSink {
    const { run } = this;
    if (run !== undefined && !this.host.isOpen()) {
      throw stateError(
        `packets() of ${streamName} was called after the start`,
        'Call it before the first next(), or within graph.addNode() while the graph runs',
      );
    }
    const tap = new AppSink(streamName, this.taps, run !== undefined);
    if (run !== undefined && signal !== undefined) abortWith(run, signal);
    const module = { name: 'packet_reader', definition: tap.module };
    const id = --this.lastId;
    const node: NodeSpec = {
      id,
      alias: `reader_${-id}_of_${streamName}`,
      module,
      options: {},
      outside: 'reader',
      ...(queueLimit !== undefined && { queueLimit }),
    };
    this.readers.push({ tap, node, link: { from, to: { node: id, input: 0 } }, signal });
    return tap;
  }

  /** The node of an input stream or a reader is no part of the graph any more. */
  remove(id: number): void {
    for (const [name, { node }] of this.inputs) if (node.id === id) this.inputs.delete(name);
    const at = this.readers.findIndex(({ node }) => node.id === id);
    if (at < 0) return;
    const [{ tap }] = this.readers.splice(at, 1) as [Reader];
    // Who waits for its next packet is told that none comes.
    tap.leave();
    this.taps.all.splice(this.taps.all.indexOf(tap), 1);
  }

  get nodes(): NodeSpec[] {
    return [...this.inputs.values(), ...this.readers].map(({ node }) => node);
  }

  get links(): LinkSpec[] {
    return this.readers.map(({ link }) => link);
  }

  /** Input streams that feed nothing. */
  problems(links: readonly LinkSpec[]): Problem[] {
    return [...this.inputs.values()].flatMap(({ node }, index): Problem[] => {
      if (links.some((link) => link.from.node === node.id)) return [];
      return [
        {
          path: `input_streams[${index}]`,
          message: `'${node.alias}' feeds no node`,
          hint: 'Connect it, or leave it out',
        },
      ];
    });
  }

  /** What a graph of this mode lacks, or has too much. */
  mismatched(mode: StartMode): Problem[] {
    const { size } = this.inputs;
    if (mode === 'push' && size === 0) {
      return [{ path: 'mode', message: "'push' needs an input stream", hint: 'graph.inputStream(name) makes one' }];
    }
    if (mode === 'generator' && this.readers.length === 0) {
      return [{ path: 'mode', message: "'generator' needs a reader", hint: 'stream.packets() makes one' }];
    }
    if (mode === 'normal' && size > 0) {
      return [{ path: 'mode', message: "'normal' feeds no input streams", hint: "'push' is the mode for them" }];
    }
    return [];
  }

  // --- the run ------------------------------------------------------------------------------------------------------

  /** The run has begun; to be called with a run that has been started. */
  async attach(run: GraphRun, started: Promise<void>, spec: GraphSpec): Promise<void> {
    this.run = run;
    this.look(spec);
    for (const { signal } of this.readers) if (signal) abortWith(run, signal);
    run.finished.then(
      () => this.over(undefined),
      (error: Error) => this.over(error),
    );
    await started;
    const port = { wake: (settled: () => boolean): void => run.local?.wake(settled) };
    this.feeds.port = port;
    this.taps.port = port;
    port.wake(() => false);
    // The graph is let go when every thread is ready. This one may be blocked by its user from now on.
    if (this.inputs.size > 0) await Promise.race([run.local?.part.loaded, run.finished.catch(() => {})]);
    this.isReady = true;
  }

  private over(failure: Error | undefined): void {
    this.isOver = true;
    for (const feed of this.feeds.all) feed.end(failure);
    for (const tap of this.taps.all) tap.end(failure);
  }

  /** It serves jobs: a server feeds it and closes it from now on. False: it does not, the start was refused. */
  serve(isServed: boolean): void {
    this.isServed = isServed;
  }

  private running(what: string): GraphRun {
    if (this.run) return this.run;
    if (this.isServed) throw stateError(`${what}: this graph serves jobs`, 'Use server.submit(job), server.close()');
    throw stateError(`${what} before the start`, 'Await graph.start() first');
  }

  // --- pushing ------------------------------------------------------------------------------------------------------

  feed(name: string): AppSource {
    const input = this.inputs.get(name);
    if (input) return input.feed;
    throw new MillraceError('ERR_MILLRACE_CONFIG', `there is no input stream '${name}'`, {
      hint: `Input streams are ${[...this.inputs.keys()].join(', ') || 'none'}`,
    });
  }

  /** Takes the packet over, also when it throws. */
  offer(feed: AppSource, packet: unknown): Entry {
    const what = `input stream '${feed.name}'`;
    if (!(packet instanceof Packet)) {
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `${what}: ${describeValue(packet)} is no Packet`, {
        hint: 'Wrap it: new Packet(payload)',
      });
    }
    try {
      const run = this.running(`a packet was pushed to ${what}`);
      if (packet.closed) {
        throw new MillraceError('ERR_MILLRACE_CLOSED', `${what}: the packet was released before`, {
          hint: 'A push consumes its packet: push a clone() to keep it, or to push it again',
        });
      }
      if (packet.control !== undefined && !packet.isEof) {
        throw new MillraceError('ERR_MILLRACE_PAYLOAD', `${what}: the signal '${packet.control}' cannot be pushed`);
      }
      if (run.aborting && !this.isOver) {
        const failure = run.failureNow();
        if (failure) throw failure;
      }
    } catch (error) {
      packet.close();
      throw error;
    }
    return feed.offer(packet);
  }

  /** As `offer`, for a stream by its name. */
  fill(name: string, packet: unknown, options: { readonly block?: boolean | undefined }): boolean {
    let feed: AppSource;
    let block: boolean | undefined;
    try {
      block = flagOption(options, 'block', 'fillPacket');
      feed = this.feed(name);
    } catch (error) {
      if (packet instanceof Packet) packet.close();
      throw error;
    }
    if (block) return this.offerBlocking(feed, packet);
    this.offer(feed, packet);
    return !feed.shut;
  }

  /** As `offer`, and blocks this thread until there is room. @returns whether somebody has taken it. */
  offerBlocking(feed: AppSource, packet: unknown): boolean {
    const what = `fillPacket('${feed.name}', …, { block: true })`;
    let side: LocalSide | undefined;
    try {
      side = this.blockable(what);
    } catch (error) {
      if (packet instanceof Packet) packet.close();
      throw error;
    }
    this.feeds.blocking = true;
    try {
      const entry = this.offer(feed, packet);
      if (entry.settled || side === undefined) return entry.taken;
      const outcome = side.blockUntil(() => entry.settled);
      if (outcome === 'done') return entry.taken;
      if (outcome === 'callback') {
        throw wouldDeadlock(what, 'a module waits for the answer of a callback (the packet stays in the queue)');
      }
      const failure = this.run?.failureWhileBlocked();
      if (failure) throw failure;
      return false;
    } finally {
      this.feeds.blocking = false;
    }
  }

  /**
   * The calling thread's side, if it may block: nothing that waits for it runs on it. Undefined when the graph is over.
   * Refused whether or not there is room now, so that it does not depend on how fast the graph happens to be.
   */
  private blockable(what: string): LocalSide | undefined {
    const { local, readers } = this.running(what);
    if (this.isOver || local === undefined) return undefined;
    if (!this.isReady) throw stateError(`${what} before the start is complete`, 'Await graph.start() first');
    const neighbours = [...local.neighbours(), ...readers];
    if (neighbours.length === 0) return local;
    throw wouldDeadlock(what, `${neighbours.join(', ')} ${neighbours.length > 1 ? 'need' : 'needs'} this thread`);
  }

  /** The graph has failed, or is being aborted. */
  get hasFailed(): boolean {
    return this.run?.aborting ?? false;
  }

  /** The source of a stream has failed: nobody can finish it any more. */
  failSource(feed: AppSource, cause: unknown): void {
    const text = messageOf(cause);
    this.run?.failOutside(
      new GraphError('ERR_MILLRACE_INPUT', `the source of input stream '${feed.name}' failed: ${text}`, {
        alias: feed.name,
        phase: 'run',
        cause,
      }),
    );
  }

  // --- pulling ------------------------------------------------------------------------------------------------------

  /** Starts the graph for a reader, if nobody has. */
  begin(): Promise<void> {
    return this.host.start();
  }

  /** The reader has come to its end. Rejects with the graph's error. One that came while the graph ran waits for nothing. */
  async afterLast(tap: AppSink): Promise<void> {
    if (tap.isLate) return;
    // As long as somebody has to push, or to read, the end of the graph is not to be waited for here.
    if (this.taps.all.every((tap) => tap.over) && this.feeds.all.every((feed) => feed.closed)) await this.run?.finished;
  }

  /** The user has left this reader. The graph stops with the last one that was being read. */
  async leave(tap: AppSink): Promise<void> {
    tap.leave();
    if (this.run === undefined) {
      const place = this.readers.findIndex((reader) => reader.tap === tap);
      if (place < 0) return; // it was taken back before
      this.readers.splice(place, 1);
      this.taps.all.splice(this.taps.all.indexOf(tap), 1);
      return;
    }
    // The graph was there before, and goes on.
    if (tap.isLate || !this.taps.idle) return;
    for (const other of this.taps.all) other.leave();
    this.run.stop();
    await this.run.finished;
  }

  // --- ends ---------------------------------------------------------------------------------------------------------

  /** Ends every input stream that is not, and waits for the end of the graph. */
  async close(): Promise<Report> {
    const run = this.running('close()');
    for (const feed of this.feeds.all) {
      if (!feed.closed && !run.aborting) feed.offer(Packet.eof());
    }
    return run.finished;
  }

  /** Aborts, and resolves when everything has gone. */
  async forceClose(): Promise<void> {
    if (!this.run) return;
    this.run.abort('forceClose() was called', FORCE_GRACE);
    await this.run.finished.catch(() => {}); // that it was aborted is what was wanted
  }
}

/** The signal aborts the run, whoever started it. */
function abortWith(run: GraphRun, signal: AbortSignal): void {
  const onAbort = (): void => run.abort(signal.reason);
  if (signal.aborted) onAbort();
  const forget = whenAborted(signal, onAbort);
  run.finished.then(forget, forget);
}

function wouldDeadlock(what: string, why: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_WOULD_DEADLOCK', `${what} would wait for itself: ${why}`, {
    hint: 'Await stream.push(packet) instead',
  });
}

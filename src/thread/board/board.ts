/**
 * The board: one SharedArrayBuffer per running graph in which every thread reads what it has to know of the others.
 * Nothing a running graph needs waits for the thread that built it; that thread only reads the board.
 *
 *   line 0   magic | threads | nodes | links                                       written once
 *   line 1   STATE      starting -> running -> aborting          compare-and-swap, first change wins
 *   line 2   STOP       1: sources end, outputs are finalised    set once
 *            PAUSE      1: sources give nothing                  set and cleared by the thread that built the graph
 *   line 3   READY      threads whose modules are initialised    counts up
 *            CALLBACKS  calls of ctx.callback without an answer  counts up and down
 *   line 4   FIRST      (float64) ms until the first packet left a source
 *            SINCE      (int64) when it began to run              stored before STATE says so
 *            BY_HAND    (int64) running time that a test moves    -1: time goes by itself
 *            STANDS     (int64) running time of a paused graph    -1: it goes on; -2: it is being stopped (`pause`)
 *   then     one line per thread   | state | trace losses | … float64 figures of its sleep | rests | ticket | comers | orders
 *            three lines per node  | status | phase | call | outside | int64 due, looked | paused | fate | … float64 figures
 *            three lines per link  | producer's words | consumer's words | relief's words
 *
 * A graph that grows while it runs has further blocks behind these, each with lines for the threads, nodes and links that
 * came together; they are numbered on from those before. The buffer grows in place, and each thread takes a new view of it
 * when it is told of the block (`follow`): nothing that exists moves, and who has not been told does not know the numbers.
 *
 * A line is 128 bytes (two cache lines: adjacent-line prefetch), so that no two writers share one. Every word but the
 * read-modify-write ones has exactly one writer. Words that only statistics and the watchdog read are stored
 * plainly: they are looked at long after they were written.
 */
import { monotonic } from '../../../ringbuffer/clock.js';

const LINE = 32; // int32 per line
const MAGIC = 0x4d524231; // "MRB1"
const HEAD_LINES = 5;
const THREAD_LINES = 1;
const NODE_LINES = 3;
const LINK_LINES = 3;

export const GraphState = { starting: 0, running: 1, aborting: 2 } as const;
export const ThreadState = { starting: 0, ready: 1, ended: 2, dead: 3 } as const;
/**
 * What the relief rule has to know of a node (relief.ts). The status word holds a sequence number above these two
 * bits, so that a change and back is seen.
 */
export const NodeStatus = { live: 0, starving: 1, blocked: 2, over: 3 } as const;
/** What a node's thread is in; `none` between its calls. */
export const NodeCall = { none: 0, load: 1, init: 2, process: 3, close: 4, reset: 5 } as const;
/** merged: another node runs it as a part of itself; dropped: it has failed and ended alone; removed: by `graph.removeNode`. */
export const NodeFate = { own: 0, merged: 1, dropped: 2, removed: 3 } as const;
export const NodePhase = { waiting: 0, running: 1, finished: 2, closed: 3 } as const;

const STATE = LINE;
const STOP = 2 * LINE;
const READY = 3 * LINE;
const CALLBACKS = 3 * LINE + 1; // both change rarely: they may share a line
const FIRST = (4 * LINE) / 2; // float64 index
const SINCE = FIRST + 1; // int64 index
const BY_HAND = FIRST + 2; // int64 index
const STANDS = FIRST + 3; // int64 index
const PAUSE = STOP + 1; // both change rarely
/** Values of STANDS that are no time. */
const GOES = -1n;
const HALTING = -2n;

/** Waits of a millisecond. Counted, because the clock also runs while the process is suspended. */
const READER_WAITS = 2000;

/** float64 figures of a node, from its second half line on. */
export const NodeFigure = {
  calls: 0,
  milliseconds: 1,
  packetsIn: 2,
  packetsOut: 3,
  frames: 4,
  bytes: 5,
  dropped: 6,
  duplicated: 7,
  corrupt: 8,
  position: 9,
  duration: 10,
  /** Waits for packets, and for room, begun; and the milliseconds of those that are over. */
  starvings: 11,
  starvingMilliseconds: 12,
  blockings: 13,
  blockedMilliseconds: 14,
  /** Milliseconds after the start of the run at which the wait, or the call, in progress began. */
  waitSince: 15,
  callSince: 16,
  /** Calls in a row that neither took nor gave anything (idle-calls.ts). */
  idleCalls: 17,
  /** Calls that waited for something outside (a timer, I/O) and came back, though with nothing. */
  patientCalls: 18,
  psnr: 19,
  /** Times that a peer was lost, the ms of those that are over, and the running time in ms at which the one in progress began. */
  outages: 20,
  outageMilliseconds: 21,
  outageSince: 22,
  /** ms between a packet that came in and what of it went out: of the last one, the most, the sum, and of how many. */
  latency: 23,
  latencyMost: 24,
  latencySum: 25,
  latencyCount: 26,
  /** Counts up while a peer is waited for that may stay away for longer than `time_out`. */
  awaited: 27,
} as const;
export type NodeFigureName = keyof typeof NodeFigure;
const NODE_FIGURES_AT = 8; // float64 index inside the node's lines: behind 16 int32
// int64 indices inside a node's line: behind its first int32 words
const DUE = 2;
const LOOKED = 3;
// int32 indices inside a node's line: behind those
const PAUSED = 8;
const FATE = 9;
// float64 indices inside a thread's line
const SLEEPS = 1;
const ASLEEP = 2;
const ASLEEP_SINCE = 3;
// int32 indices inside a thread's line: behind its figures
const RESTS = 8;
const TICKET = 9;
const COMERS = 10;
const ORDERS = 11;
/** Value of COMERS: the part of the thread ends, or has ended. */
const CLOSED = -1;
const SENT_TOTAL = 4; // float64 index inside a link's producer line: behind its int32 words
const TAKEN_TIME = 2; // float64 index inside a link's consumer line: behind its first int32 words
const LEFT_JOB = 6; // int32 index in the same line
/** A running time that does not come. */
export const NEVER = 2n ** 63n - 1n;

/** What came to a running graph together. */
export interface BoardBlock {
  readonly threads: number;
  readonly nodes: number;
  readonly links: number;
}

/** Bytes that a board can have: room for some ten thousand nodes that come while the graph runs. Only addresses are reserved. */
const MOST_BYTES = 32 * 1024 * 1024;

export class Board {
  readonly buffer: SharedArrayBuffer;
  /** As far as this thread has been told. */
  threads: number;
  nodes: number;
  links: number;
  /** Only for the figures of one's own node, and for reading. Another array after the graph has grown. */
  figures!: Float64Array;
  private words!: Int32Array;
  private instants!: BigInt64Array;
  /** Those that were there from the start. */
  private readonly first: BoardBlock;
  /** Where the lines of the others are: int32 indices. */
  private readonly further: { threads: number[]; nodes: number[]; links: number[] } = {
    threads: [],
    nodes: [],
    links: [],
  };
  /** int32 index behind the last block. */
  private end: number;

  private constructor(buffer: SharedArrayBuffer, blocks: readonly BoardBlock[]) {
    this.buffer = buffer;
    this.look();
    if (this.words[0] !== MAGIC) throw new Error('not a graph board');
    this.threads = this.words[1]!;
    this.nodes = this.words[2]!;
    this.links = this.words[3]!;
    this.first = { threads: this.threads, nodes: this.nodes, links: this.links };
    this.end = (HEAD_LINES + this.threads * THREAD_LINES + this.nodes * NODE_LINES + this.links * LINK_LINES) * LINE;
    for (const block of blocks) this.extend(block);
  }

  /** Views of all that is there; of fixed length, which are as quick as those of a buffer that cannot grow. */
  private look(): void {
    const { buffer } = this;
    this.words = new Int32Array(buffer, 0, buffer.byteLength / 4);
    this.figures = new Float64Array(buffer, 0, buffer.byteLength / 8);
    this.instants = new BigInt64Array(buffer, 0, buffer.byteLength / 8);
  }

  private bytesWith({ threads, nodes, links }: BoardBlock): number {
    return (this.end + (threads * THREAD_LINES + nodes * NODE_LINES + links * LINK_LINES) * LINE) * 4;
  }

  hasRoom(block: BoardBlock): boolean {
    return this.bytesWith(block) <= MOST_BYTES;
  }

  /** Room for what comes to the running graph, if there is any; for the thread that built it. The others are told, and `follow`. */
  grow(block: BoardBlock): void {
    const { threads, nodes, links } = this;
    (this.buffer as GrowableBuffer).grow(this.bytesWith(block));
    this.follow(block);
    for (let link = links; link < this.links; link++) this.setTakenTimestamp(link, undefined);
    for (let node = nodes; node < this.nodes; node++) {
      this.setDue(node, NEVER);
      this.setLooked(node, NEVER);
    }
    for (let thread = threads; thread < this.threads; thread++) this.setThreadState(thread, ThreadState.starting);
  }

  /** A block has come. All threads are told of all of them, in the same order. */
  follow(block: BoardBlock): void {
    this.look();
    this.extend(block);
  }

  private extend(block: BoardBlock): void {
    const { further } = this;
    const add = (kind: keyof BoardBlock, lines: number): void => {
      for (let i = 0; i < block[kind]; i++) {
        further[kind].push(this.end);
        this.end += lines * LINE;
      }
      this[kind] += block[kind];
    };
    add('threads', THREAD_LINES);
    add('nodes', NODE_LINES);
    add('links', LINK_LINES);
  }

  /** @param byHand its running time stands still but for `advance`. */
  static create(threads: number, nodes: number, links: number, byHand = false): Board {
    const lines = HEAD_LINES + threads * THREAD_LINES + nodes * NODE_LINES + links * LINK_LINES;
    const buffer = makeGrowable(lines * LINE * 4);
    new Int32Array(buffer).set([MAGIC, threads, nodes, links]);
    new Float64Array(buffer)[FIRST] = -1;
    new BigInt64Array(buffer)[BY_HAND] = byHand ? 0n : -1n;
    new BigInt64Array(buffer)[STANDS] = GOES;
    const board = new Board(buffer, []);
    for (let link = 0; link < links; link++) board.setTakenTimestamp(link, undefined);
    for (let node = 0; node < nodes; node++) {
      board.setDue(node, NEVER);
      board.setLooked(node, NEVER);
    }
    return board;
  }

  /** @param blocks those that have come since the start. */
  static attach(buffer: SharedArrayBuffer, blocks: readonly BoardBlock[] = []): Board {
    return new Board(buffer, blocks);
  }

  // --- the graph -----------------------------------------------------------------------------------------------

  get state(): number {
    return Atomics.load(this.words, STATE);
  }

  /** True for the one caller that turned the graph from starting to running. */
  setRunning(): boolean {
    Atomics.store(this.instants, SINCE, monotonic());
    return Atomics.compareExchange(this.words, STATE, GraphState.starting, GraphState.running) === GraphState.starting;
  }

  /**
   * Nanoseconds since the graph was turned to running, on the one clock of all threads, without those in which it was
   * paused; 0 before. It never goes back: `pause` reads the clock only after everybody can see that it is about to, and who
   * has read the clock before looks once more.
   */
  get elapsed(): bigint {
    for (;;) {
      const stands = Atomics.load(this.instants, STANDS);
      if (stands >= 0n) return stands;
      if (stands === HALTING) continue; // a few instructions of the thread that pauses
      const now = this.goingTime();
      if (Atomics.load(this.instants, STANDS) === GOES) return now;
    }
  }

  private goingTime(): bigint {
    const since = Atomics.load(this.instants, SINCE);
    if (since === 0n) return 0n;
    const byHand = Atomics.load(this.instants, BY_HAND);
    return byHand < 0n ? monotonic() - since : byHand;
  }

  /** Its running time is moved by a test. */
  get byHand(): boolean {
    return Atomics.load(this.instants, BY_HAND) >= 0n;
  }

  /** Of a board whose time is moved by hand. */
  advance(nanoseconds: bigint): void {
    Atomics.add(this.instants, BY_HAND, nanoseconds);
  }

  /** True for the caller whose abort was the first. */
  setAborting(): boolean {
    return Atomics.exchange(this.words, STATE, GraphState.aborting) !== GraphState.aborting;
  }

  get stopping(): boolean {
    return Atomics.load(this.words, STOP) !== 0;
  }

  setStopping(): void {
    Atomics.store(this.words, STOP, 1);
  }

  // --- pausing: only the thread that built the graph does it ----------------------------------------------------------

  /** The graph as a whole is paused. */
  get paused(): boolean {
    return Atomics.load(this.words, PAUSE) !== 0;
  }

  /** Sources give nothing, and the running time stands still; from the start of the running on, if it has not begun. */
  pause(): void {
    if (this.paused) return;
    Atomics.store(this.words, PAUSE, 1);
    Atomics.store(this.instants, STANDS, HALTING);
    Atomics.store(this.instants, STANDS, this.goingTime());
  }

  resume(): void {
    if (!this.paused) return;
    const stands = Atomics.load(this.instants, STANDS);
    // Before it goes on: who sees that it does sees what it counts from.
    if (Atomics.load(this.instants, SINCE) !== 0n) Atomics.store(this.instants, SINCE, monotonic() - stands);
    if (this.byHand) Atomics.store(this.instants, BY_HAND, stands);
    Atomics.store(this.instants, STANDS, GOES);
    Atomics.store(this.words, PAUSE, 0);
  }

  /** The node, or the graph, is paused: it is not called while no input feeds it. */
  isPaused(node: number): boolean {
    return this.paused || this.pausedAlone(node);
  }

  /** The node itself is paused. */
  pausedAlone(node: number): boolean {
    return Atomics.load(this.words, this.nodeAt(node) + PAUSED) !== 0;
  }

  setPaused(node: number, paused: boolean): void {
    Atomics.store(this.words, this.nodeAt(node) + PAUSED, paused ? 1 : 0);
  }

  /** One more thread has initialised its modules; true when it was the last. */
  arrive(): boolean {
    return Atomics.add(this.words, READY, 1) + 1 === this.threads;
  }

  /** Calls of `ctx.callback` that the calling thread has not answered. */
  get callbacks(): number {
    return Atomics.load(this.words, CALLBACKS);
  }

  countCallbacks(by: 1 | -1): void {
    Atomics.add(this.words, CALLBACKS, by);
  }

  get firstPacketMilliseconds(): number | undefined {
    const value = this.figures[FIRST]!;
    return value < 0 ? undefined : value;
  }

  /** Several sources may race here; any of their values is a good answer. */
  noteFirstPacket(milliseconds: number): void {
    if (this.figures[FIRST]! < 0) this.figures[FIRST] = milliseconds;
  }

  // --- threads -------------------------------------------------------------------------------------------------

  threadState(thread: number): number {
    return Atomics.load(this.words, this.threadAt(thread));
  }

  setThreadState(thread: number, state: number): void {
    Atomics.store(this.words, this.threadAt(thread), state);
  }

  // Who comes to a thread and a part that ends meet in one word: whichever is first wins.

  /**
   * For the thread that built the graph: nodes may come to the thread, whose part does not end before it has been told of them
   * and has said so (`letIn`). @returns false if it ends.
   */
  announce(thread: number): boolean {
    const at = this.threadAt(thread) + COMERS;
    for (;;) {
      const comers = Atomics.load(this.words, at);
      if (comers === CLOSED) return false;
      if (Atomics.compareExchange(this.words, at, comers, comers + 1) === comers) return true;
    }
  }

  /** They are known to the part, or do not come. */
  letIn(thread: number): void {
    Atomics.sub(this.words, this.threadAt(thread) + COMERS, 1);
  }

  /** Whether somebody has been announced of whom the part does not know. */
  awaitsComers(thread: number): boolean {
    return Atomics.load(this.words, this.threadAt(thread) + COMERS) > 0;
  }

  /** For the part: it ends. @returns false if somebody comes. */
  closeThread(thread: number): boolean {
    return Atomics.compareExchange(this.words, this.threadAt(thread) + COMERS, 0, CLOSED) === 0;
  }

  /** Nothing comes to the thread any more. */
  isClosed(thread: number): boolean {
    return Atomics.load(this.words, this.threadAt(thread) + COMERS) === CLOSED;
  }

  /** Orders that have been posted to the thread: counted behind each by the thread that built the graph. */
  ordersFor(thread: number): number {
    return Atomics.load(this.words, this.threadAt(thread) + ORDERS);
  }

  countOrder(thread: number): void {
    Atomics.add(this.words, this.threadAt(thread) + ORDERS, 1);
  }

  /** Events of the trace that found no room. */
  traceLosses(thread: number): number {
    return this.words[this.threadAt(thread) + 1]!;
  }

  countTraceLoss(thread: number): void {
    this.words[this.threadAt(thread) + 1]!++;
  }

  /** @param now milliseconds after the start of the run, for a sleep that goes on. */
  sleeps(thread: number, now: number): { count: number; milliseconds: number } {
    const at = this.threadAt(thread) / 2;
    const { figures } = this;
    const since = figures[at + ASLEEP_SINCE]!;
    const going = since > 0 ? Math.max(0, now - since) : 0;
    return { count: figures[at + SLEEPS]!, milliseconds: figures[at + ASLEEP]! + going };
  }

  /** @param ticket of its bell: it sleeps until that is rung. */
  fallAsleep(thread: number, now: number, ticket: number): void {
    const words = this.threadAt(thread);
    Atomics.store(this.words, words + TICKET, ticket);
    Atomics.store(this.words, words + RESTS, 1);
    const at = words / 2;
    this.figures[at + SLEEPS]!++;
    this.figures[at + ASLEEP_SINCE] = now;
  }

  /** Of a thread that sleeps: the ticket with which it does, so that it rests as long as its bell still says the same. */
  ticketOfSleep(thread: number): number | undefined {
    const at = this.threadAt(thread);
    return Atomics.load(this.words, at + RESTS) === 0 ? undefined : Atomics.load(this.words, at + TICKET);
  }

  wakeUp(thread: number, now: number): void {
    Atomics.store(this.words, this.threadAt(thread) + RESTS, 0);
    const at = this.threadAt(thread) / 2;
    const since = this.figures[at + ASLEEP_SINCE]!;
    if (since === 0) return;
    this.figures[at + ASLEEP]! += now - since;
    this.figures[at + ASLEEP_SINCE] = 0;
  }

  // --- nodes: written by the thread that hosts the node ----------------------------------------------------------

  status(node: number): number {
    return Atomics.load(this.words, this.nodeAt(node));
  }

  setStatus(node: number, word: number): void {
    Atomics.store(this.words, this.nodeAt(node), word);
  }

  phase(node: number): number {
    return Atomics.load(this.words, this.nodeAt(node) + 1);
  }

  setPhase(node: number, phase: number): void {
    Atomics.store(this.words, this.nodeAt(node) + 1, phase);
  }

  /** One of NodeCall. */
  call(node: number): number {
    return this.words[this.nodeAt(node) + 2]!;
  }

  /** @param now milliseconds after the start of the run. */
  beginCall(node: number, call: number, now: number): void {
    this.figures[this.figuresAt(node) + NodeFigure.callSince] = now;
    this.words[this.nodeAt(node) + 2] = call;
  }

  endCall(node: number): void {
    this.words[this.nodeAt(node) + 2] = NodeCall.none;
  }

  /**
   * Whether the node waits for somebody outside the graph who owes it nothing: a user who has not pushed, a reader who
   * does not ask. The watchdog takes it, and who waits for it, for idle. Written by whoever serves that user.
   */
  outside(node: number): boolean {
    return Atomics.load(this.words, this.nodeAt(node) + 3) !== 0;
  }

  /** Written once: before the run, or by the node's own thread. */
  fate(node: number): number {
    return Atomics.load(this.words, this.nodeAt(node) + FATE);
  }

  setFate(node: number, fate: number): void {
    Atomics.store(this.words, this.nodeAt(node) + FATE, fate);
  }

  setOutside(node: number, outside: boolean): void {
    Atomics.store(this.words, this.nodeAt(node) + 3, outside ? 1 : 0);
  }

  /** Of a running time moved by hand: when the first of the node's sleeps ends; NEVER without one. */
  due(node: number): bigint {
    return Atomics.load(this.instants, this.nodeAt(node) / 2 + DUE);
  }

  setDue(node: number, time: bigint): void {
    Atomics.store(this.instants, this.nodeAt(node) / 2 + DUE, time);
  }

  /** The same: up to when the node's input manager has gone by it; NEVER for one that does not go by time. */
  looked(node: number): bigint {
    return Atomics.load(this.instants, this.nodeAt(node) / 2 + LOOKED);
  }

  setLooked(node: number, time: bigint): void {
    Atomics.store(this.instants, this.nodeAt(node) / 2 + LOOKED, time);
  }

  /** Index of the node's first figure in `figures`. */
  figuresAt(node: number): number {
    return this.nodeAt(node) / 2 + NODE_FIGURES_AT;
  }

  figure(node: number, name: NodeFigureName): number {
    return this.figures[this.figuresAt(node) + NodeFigure[name]]!;
  }

  // --- links: producer's line --------------------------------------------------------------------------------------

  /**
   * Packets handed to the link, counted before the consumer can see them. The word wraps, and so does that of `taken`: they
   * are compared for equality or by their difference (`queued`), never by size.
   */
  sent(link: number): number {
    return Atomics.load(this.words, this.linkAt(link));
  }

  setSent(link: number, count: number): void {
    this.figures[this.linkAt(link) / 2 + SENT_TOTAL] = count;
    Atomics.store(this.words, this.linkAt(link), count);
  }

  /** The same, however many there were; for figures. */
  packets(link: number): number {
    return this.figures[this.linkAt(link) / 2 + SENT_TOTAL]!;
  }

  /** Packets that were handed to the link and not taken. */
  queued(link: number): number {
    // What is taken meanwhile must not count as sent before.
    const taken = this.taken(link);
    return (this.sent(link) - taken) | 0;
  }

  /** Whether the producer waits for room here, and the `taken` it saw when it found none. */
  blocked(link: number): boolean {
    return Atomics.load(this.words, this.linkAt(link) + 1) !== 0;
  }

  blockedAtTaken(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + 2);
  }

  setBlocked(link: number, taken: number): void {
    const at = this.linkAt(link);
    Atomics.store(this.words, at + 2, taken);
    Atomics.store(this.words, at + 1, 1);
  }

  clearBlocked(link: number): void {
    Atomics.store(this.words, this.linkAt(link) + 1, 0);
  }

  /** Packets that wait with the producer because the link has no room. */
  outbox(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + 3);
  }

  setOutbox(link: number, packets: number): void {
    Atomics.store(this.words, this.linkAt(link) + 3, packets);
  }

  highWater(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + 4);
  }

  setHighWater(link: number, packets: number): void {
    Atomics.store(this.words, this.linkAt(link) + 4, packets);
  }

  /** Frames sent by reference that the producer still keeps alive (link/frame-pins.ts). */
  held(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + 5);
  }

  setHeld(link: number, frames: number): void {
    Atomics.store(this.words, this.linkAt(link) + 5, frames);
  }

  /** Whether the producer asked to be woken when so many packets have been taken. */
  awaited(link: number, taken: number): boolean {
    const at = this.linkAt(link) + 6;
    return Atomics.load(this.words, at) !== 0 && ((taken - Atomics.load(this.words, at + 1)) | 0) >= 0;
  }

  setAwaited(link: number, taken: number): void {
    const at = this.linkAt(link) + 6;
    Atomics.store(this.words, at + 1, taken);
    Atomics.store(this.words, at, 1);
  }

  clearAwaited(link: number): void {
    Atomics.store(this.words, this.linkAt(link) + 6, 0);
  }

  // --- links: consumer's line --------------------------------------------------------------------------------------

  taken(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + LINE);
  }

  setTaken(link: number, count: number): void {
    Atomics.store(this.words, this.linkAt(link) + LINE, count);
  }

  /** Whether the consumer waits for packets of this link. */
  starved(link: number): boolean {
    return Atomics.load(this.words, this.linkAt(link) + LINE + 1) !== 0;
  }

  setStarved(link: number, starved: boolean): void {
    Atomics.store(this.words, this.linkAt(link) + LINE + 1, starved ? 1 : 0);
  }

  /** The consumer takes no more; what is sent is dropped. */
  left(link: number): boolean {
    return Atomics.load(this.words, this.linkAt(link) + LINE + 2) !== 0;
  }

  setLeft(link: number): void {
    Atomics.store(this.words, this.linkAt(link) + LINE + 2, 1);
  }

  /** Number of the last job of which the consumer takes no more; 0: none (jobs.ts). */
  leftJob(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + LINE + LEFT_JOB);
  }

  setLeftJob(link: number, job: number): void {
    Atomics.store(this.words, this.linkAt(link) + LINE + LEFT_JOB, job);
  }

  /** Microseconds; of the last packet that was taken and had a timestamp. */
  takenTimestamp(link: number): number | undefined {
    const value = this.figures[this.linkAt(link) / 2 + LINE / 2 + TAKEN_TIME]!;
    return Number.isNaN(value) ? undefined : value;
  }

  setTakenTimestamp(link: number, timestamp: number | undefined): void {
    this.figures[this.linkAt(link) / 2 + LINE / 2 + TAKEN_TIME] = timestamp ?? Number.NaN;
  }

  /** Whether the consumer is in the middle of taking a frame by reference (link/frame-pins.ts). */
  setReading(link: number, reading: boolean): void {
    Atomics.store(this.words, this.linkAt(link) + LINE + 3, reading ? 1 : 0);
  }

  /**
   * Waits until no consumer of these links is in the middle of taking a frame. That takes it microseconds; after two
   * seconds, for all of them together, those that still are are taken for dead. Blocks the thread, because the threads
   * that call it are about to end.
   */
  awaitReaders(links: Iterable<number>): void {
    let waits = 0;
    for (const link of links) {
      const at = this.readingAt(link);
      while (waits < READER_WAITS && Atomics.load(this.words, at) !== 0) {
        waits++;
        // What it begins to take from now on it does not read (link/frame-pins.ts).
        if (Atomics.wait(this.words, at, 1, 1) === 'not-equal') break;
      }
    }
  }

  /** The same for a thread that has to go on meanwhile. */
  async readersDone(links: Iterable<number>): Promise<void> {
    let waits = 0;
    for (const link of links) {
      const at = this.readingAt(link);
      while (waits < READER_WAITS && Atomics.load(this.words, at) !== 0) {
        waits++;
        const wait = Atomics.waitAsync(this.words, at, 1, 1);
        if (!wait.async) break;
        await wait.value;
      }
    }
  }

  private readingAt(link: number): number {
    return this.linkAt(link) + LINE + 3;
  }

  // --- links: relief's line, compare-and-swap by whoever finds the deadlock -----------------------------------------

  /** Packets the producer may hold beyond the limit and still run. */
  allowance(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + 2 * LINE);
  }

  /** False when somebody else lifted the limit first. */
  raiseAllowance(link: number, from: number, by: number): boolean {
    const at = this.linkAt(link) + 2 * LINE;
    if (Atomics.compareExchange(this.words, at, from, from + by) !== from) return false;
    Atomics.add(this.words, at + 1, 1);
    return true;
  }

  reliefs(link: number): number {
    return Atomics.load(this.words, this.linkAt(link) + 2 * LINE + 1);
  }

  private threadAt(thread: number): number {
    const { threads } = this.first;
    if (thread >= threads) return this.further.threads[thread - threads]!;
    return (HEAD_LINES + thread * THREAD_LINES) * LINE;
  }

  private nodeAt(node: number): number {
    const { threads, nodes } = this.first;
    if (node >= nodes) return this.further.nodes[node - nodes]!;
    return (HEAD_LINES + threads * THREAD_LINES + node * NODE_LINES) * LINE;
  }

  private linkAt(link: number): number {
    const { threads, nodes, links } = this.first;
    if (link >= links) return this.further.links[link - links]!;
    return (HEAD_LINES + threads * THREAD_LINES + nodes * NODE_LINES + link * LINK_LINES) * LINE;
  }
}

/** TypeScript's library of this version of the language does not have them; every Node.js from 20 on has. */
type GrowableBuffer = SharedArrayBuffer & { grow(bytes: number): void };

function makeGrowable(bytes: number): SharedArrayBuffer {
  const Growable = SharedArrayBuffer as unknown as new (
    bytes: number,
    options: { maxByteLength: number },
  ) => SharedArrayBuffer;
  return new Growable(bytes, { maxByteLength: Math.max(bytes, MOST_BYTES) });
}

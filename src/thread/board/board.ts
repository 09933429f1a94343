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
 *            CLOCK      the running time (run-clock.ts)
 *   then     one line per thread   | state | trace losses | … float64 figures of its sleep | rests | ticket | comers | orders
 *            three lines per node  | status | phase | call | outside | int64 due, looked | paused | fate | … float64 figures
 *            three lines per link  (link-lines.ts)
 *
 * Where these are, also of what comes while the graph runs, is for memory.ts. Every word but the read-modify-write ones has
 * exactly one writer. Words that only statistics and the watchdog read are stored plainly: they are looked at long after
 * they were written.
 */
import { LinkLines } from './link-lines.js';
import { type BoardBlock, LINE } from './memory.js';
import { NEVER, RunClock } from './run-clock.js';
import { GraphState, NodeCall, NodeFigure, type NodeFigureName } from './states.js';

const STATE = LINE;
const STOP = 2 * LINE;
const READY = 3 * LINE;
const CALLBACKS = 3 * LINE + 1; // both change rarely: they may share a line
const FIRST = (4 * LINE) / 2; // float64 index
const CLOCK = 4 * LINE * 4 + 8; // byte
const PAUSE = STOP + 1; // both change rarely

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

export class Board extends LinkLines {
  /** Its running time. */
  readonly clock: RunClock;

  private constructor(buffer: SharedArrayBuffer, blocks: readonly BoardBlock[]) {
    super(buffer, blocks);
    this.clock = new RunClock(buffer, CLOCK);
  }

  /** @param byHand its running time stands still but for `advance` of its clock. */
  static create(threads: number, nodes: number, links: number, byHand = false): Board {
    const board = new Board(Board.allocate(threads, nodes, links), []);
    board.figures[FIRST] = -1;
    board.clock.prepare(byHand);
    board.clear({ threads: 0, nodes: 0, links: 0 });
    return board;
  }

  /** @param blocks those that have come since the start. */
  static attach(buffer: SharedArrayBuffer, blocks: readonly BoardBlock[] = []): Board {
    return new Board(buffer, blocks);
  }

  override grow(block: BoardBlock): void {
    const { threads, nodes, links } = this;
    super.grow(block);
    this.clear({ threads, nodes, links });
  }

  /** What does not begin with 0, of what comes behind these. */
  private clear({ nodes, links }: BoardBlock): void {
    for (let link = links; link < this.links; link++) this.setTakenTimestamp(link, undefined);
    for (let node = nodes; node < this.nodes; node++) {
      this.setDue(node, NEVER);
      this.setLooked(node, NEVER);
    }
  }

  // --- the graph -----------------------------------------------------------------------------------------------

  get state(): number {
    return Atomics.load(this.words, STATE);
  }

  /** True for the one caller that turned the graph from starting to running. */
  setRunning(): boolean {
    this.clock.begin();
    return Atomics.compareExchange(this.words, STATE, GraphState.starting, GraphState.running) === GraphState.starting;
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
    this.clock.halt();
  }

  resume(): void {
    if (!this.paused) return;
    this.clock.goOn();
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
    const at = this.nodeAt(node);
    this.figures[at / 2 + NODE_FIGURES_AT + NodeFigure.callSince] = now;
    this.words[at + 2] = call;
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
}

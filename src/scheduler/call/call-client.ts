/**
 * The caller's end of an actor in another thread: sends calls, takes answers. Its other end is thread/call/call-server.ts.
 *
 * No call waits for a dead actor: a thread that dies says so on the board before it rings (CallServer.die), one that is
 * terminated, or dies without a word, is reported by the event loop (`onDeath`), and `timeout` is the cure for the rest.
 */

import { MessageChannel } from 'node:worker_threads';
import { clearTimeout, performance, setTimeout, type Timer } from '../../../ringbuffer/clock.js';
import { GraphError } from '../../errors/errors.js';
import { messageOf, unpackError } from '../../errors/wire.js';
import { closeAll, Packet } from '../../media/packet/packet.js';
import { unpackValue } from '../../media/wire/value.js';
import { Board } from '../../thread/board/board.js';
import { GraphState } from '../../thread/board/states.js';
import { ANSWERS, CALLS } from '../../thread/call/call-server.js';
import { CallFlag, CallOp, Mailbox } from '../../thread/call/mailbox.js';
import { requireCrossable } from '../../thread/link/record.js';
import { createRing, RingReceiver, RingSender } from '../../thread/link/ring-link.js';
import type { CalledSpec, FromHost, Transport } from '../../thread/protocol.js';
import { guardExit } from '../threads/exit-guard.js';
import { causeOfDeath, nextUser, type Thread } from '../threads/thread.js';
import type { Undo } from '../threads/undo.js';
import { callerBell, type PendingCalls, pump, unpump } from './blocking-wait.js';
import type { CalledLog } from './called-log.js';

/** Packets on their way in each direction; more wait with the sender. */
const LIMIT = 8;
/**
 * First size of the rings: of that many frames by reference. Actors may come and go by the thousand, and shared memory is
 * freed late, because it does not count towards what makes V8 collect garbage.
 */
const CAPACITY = 8 * 1024;
const BYTES = 64 * 2 ** 20;
const NONE: readonly Packet[] = [];

export interface Answer {
  outputs: Map<number, Packet[]>;
  done: boolean;
}

interface Call {
  readonly op: number;
  /** By the place of the input; then the value, if there is one. */
  readonly lists: readonly (readonly Packet[])[];
  /** Nobody waits for it any more. */
  abandoned: boolean;
  readonly settle: (outcome: { answer: Answer } | { error: Error }) => void;
  readonly asynchronous: boolean;
  readonly limit: Limit;
  timer?: Timer;
}

/** How long a call may take. */
export interface Limit {
  /** Milliseconds, from when the actor can begin it; Infinity: for ever. */
  readonly span: number;
  /** performance.now() by which it has to be over, whatever comes before it. */
  readonly until?: number;
}

export class CallClient implements PendingCalls {
  readonly user = nextUser();
  pending = 0;
  private readonly board = Board.create(1, 1, 2);
  private readonly calls: RingSender;
  private readonly answers: RingReceiver;
  private readonly ports: { close(): void }[];
  private readonly mailbox: Mailbox;
  /** Not yet made. One is made when the one before it has been answered. */
  private readonly queue: Call[] = [];
  private current: Call | undefined;
  /** performance.now() at which the call in progress is too late, and what is said then. */
  private due = Number.POSITIVE_INFINITY;
  private late = { op: 0, span: 0 };
  private number = 0;
  /** The packets of the call in progress are all in their ring. */
  private sent = true;
  /** What has come of its answer: packets by the place of the output, then the value. */
  private received: Packet[][] = [];
  private missing = 0;
  private failure: GraphError | undefined;
  private over = false;
  private readonly unguard: () => void;

  /**
   * @param onLate the call in progress was not answered within its limit, and nobody is blocked by it.
   * @param undo gets how everything that was taken is given back, for when this throws.
   */
  constructor(
    private readonly thread: Thread,
    readonly called: CalledSpec,
    transport: Transport,
    private readonly log: CalledLog,
    private readonly onLate: (op: number, span: number) => void,
    undo: Undo,
  ) {
    const bell = callerBell();
    const calls = new MessageChannel();
    const answers = new MessageChannel();
    undo.add(() => {
      for (const { port1, port2 } of [calls, answers]) for (const port of [port1, port2]) port.close();
    });
    const callRing = createRing(LIMIT, CAPACITY);
    const answerRing = createRing(LIMIT, CAPACITY);
    this.mailbox = Mailbox.create(called.inputs.length, called.outputs.length);
    this.ports = [calls.port1, answers.port1];
    this.unguard = guardExit(this.board);
    undo.add(this.unguard);
    this.calls = new RingSender(
      CALLS,
      this.board,
      LIMIT,
      BYTES,
      callRing,
      calls.port1,
      thread.bell,
      transport !== 'copy',
    );
    this.answers = new RingReceiver(ANSWERS, this.board, answerRing, answers.port1, thread.bell);
    log.warnings.push(...thread.takeUnexpected());
    thread.attach(this.user, {
      onMessage: (message) => this.hear(message),
      onDeath: (code, error) => this.die(this.deathOf(code, error)),
    });
    undo.add(() => thread.detach(this.user));
    const spec = {
      run: this.user,
      called,
      board: this.board.buffer,
      mailbox: this.mailbox.buffer,
      callerBell: bell.buffer,
      calls: { buffer: callRing, port: calls.port2 },
      answers: { buffer: answerRing, port: answers.port2 },
      limit: LIMIT,
      bytesLimit: BYTES,
      transport,
      heard: log.heard,
    };
    thread.post({ type: 'serve-calls', spec }, [calls.port2, answers.port2]);
  }

  get dead(): GraphError | undefined {
    return this.failure;
  }

  /** performance.now() until which it is worth waiting for the call in progress. */
  get deadline(): number {
    return this.due;
  }

  /**
   * Sends a call; `settle` is called when it has been answered, by `poll`.
   * @param inputs Consumed, also when this throws.
   * @throws GraphError when the actor is dead; MillraceError ERR_MILLRACE_PAYLOAD for what cannot cross threads.
   */
  send(
    op: number,
    inputs: ReadonlyMap<number, readonly Packet[]>,
    settle: Call['settle'],
    { asynchronous, limit, extra }: { asynchronous: boolean; limit: Limit; extra?: Uint8Array },
  ): void {
    const lists: (readonly Packet[])[] = this.called.inputs.map((id) => inputs.get(id) ?? NONE);
    try {
      if (this.failure !== undefined) throw this.failure;
      for (const packets of lists) for (const packet of packets) requireCrossable(packet, this.calls);
    } catch (error) {
      closeAll(lists);
      throw error;
    }
    if (extra !== undefined) lists.push([new Packet(extra)]);
    this.queue.push({ op, lists, settle, asynchronous, limit, abandoned: false });
    if (asynchronous) this.pending++;
    try {
      this.begin();
    } catch (cause) {
      this.breakOff(cause);
    }
    if (asynchronous) pump(this);
  }

  /** Makes the next call if none is in progress. It comes before its packets: the actor knows how many there will be. */
  private begin(): void {
    if (this.current !== undefined) return;
    const call = this.queue.shift();
    if (call === undefined) return;
    this.current = call;
    const { mailbox, calls } = this;
    const { length } = this.called.inputs;
    let packets = 0;
    for (let place = 0; place <= length; place++) {
      const count = call.lists[place]?.length ?? 0;
      mailbox.setPacketsIn(place, count);
      packets += count;
    }
    this.number = (this.number + 1) | 0;
    this.received = [];
    this.missing = 0;
    mailbox.place(this.number, call.op);
    if (packets > 0) for (const list of call.lists) for (const packet of list) calls.offer(packet);
    this.sent = calls.waitingPackets === 0;
    this.thread.bell.ring();
    this.watch(call, call.op, call.limit);
  }

  /** The clock of a call runs from here on: those before it have taken their own time. */
  private watch(call: Call, op: number, { span, until }: Limit): void {
    this.due = until ?? (span === Number.POSITIVE_INFINITY ? span : performance.now() + span);
    this.late = { op, span };
    if (!call.asynchronous || this.due === Number.POSITIVE_INFINITY) return;
    call.timer = setTimeout(
      () => {
        // It may come long after its time, because this thread was busy; the answer may be there since.
        this.poll();
        if (this.current === call) this.expire();
      },
      Math.max(0, this.due - performance.now()),
    );
  }

  /** The call in progress is too late. */
  expire(): void {
    if (this.current !== undefined) this.onLate(this.late.op, this.late.span);
  }

  poll(): boolean {
    if (this.over) return false;
    let any = false;
    try {
      while (this.current !== undefined && this.advance(this.current)) any = true;
    } catch (cause) {
      this.breakOff(cause);
      return true;
    }
    if (this.failure === undefined && this.board.state === GraphState.aborting) {
      this.thread.doom();
      this.die(this.deathOf(undefined, undefined));
      any = true;
    }
    return any;
  }

  /** What fails between the two sides leaves them waiting for each other: the actor is given up, with its thread. */
  private breakOff(cause: unknown): void {
    const { alias, module } = this.called;
    const message = `packets of sync module "${alias}" (${module.name}) cannot cross threads: ${messageOf(cause)}`;
    const error = new GraphError('ERR_MILLRACE_PAYLOAD', message, {
      alias,
      module: module.name,
      phase: 'transport',
      cause,
    });
    if (this.current !== undefined) closeAll(this.current.lists);
    this.die(error);
    void this.thread.terminate(error);
  }

  /** Moves the call in progress on. @returns false if nothing has come of it since the last time. */
  private advance(call: Call): boolean {
    const { mailbox, calls } = this;
    let any = false;
    if (!this.sent) {
      const before = calls.changes;
      this.sent = calls.flush();
      any = calls.changes !== before;
    }
    if (mailbox.answer !== this.number) return any;
    const outputs = this.called.outputs.length;
    for (;;) {
      for (; this.missing > 0; this.missing--) {
        const packet = this.answers.take();
        if (packet === undefined) return any;
        any = true;
        this.received.at(-1)!.push(packet);
      }
      if (this.received.length > outputs) break;
      this.missing = mailbox.packetsOut(this.received.length);
      this.received.push([]);
    }
    clearTimeout(call.timer);
    calls.flush(); // lets go of the frames that were sent with it
    this.answered(call, mailbox.flags, this.received);
    this.current = undefined;
    this.begin();
    return true;
  }

  private answered(call: Call, flags: number, received: Packet[][]): void {
    this.received = [];
    if (call.abandoned) {
      closeAll(received);
      return;
    }
    if ((flags & CallFlag.failed) !== 0) {
      const wire = received.at(-1)![0]!.payload as Uint8Array;
      this.settle(call, { error: unpackError(unpackValue(wire) as Parameters<typeof unpackError>[0]) });
      return;
    }
    const outputs = new Map(this.called.outputs.map((id, place) => [id, received[place]!]));
    this.settle(call, { answer: { outputs, done: (flags & CallFlag.done) !== 0 } });
  }

  /**
   * The actor is to be closed: what it is being called for should come to its end, and nobody waits for it.
   * @param limit how long that and the close may take together.
   */
  stop(error: GraphError, limit: Limit): void {
    this.board.setStopping();
    this.thread.bell.alarm();
    const calls = this.queue.splice(0);
    for (const call of calls) closeAll(call.lists);
    if (this.current !== undefined && !this.current.abandoned) {
      this.current.abandoned = true;
      clearTimeout(this.current.timer);
      this.watch(this.current, CallOp.close, limit);
      calls.unshift(this.current);
    }
    for (const call of calls) this.settle(call, { error });
  }

  /** The actor is no more: every call that waits fails of `error`, and every later one. */
  die(error: GraphError): void {
    if (this.failure !== undefined || this.over) return;
    this.failure = error;
    this.board.setAborting();
    closeAll(this.received);
    const calls = this.queue.splice(0);
    for (const call of calls) closeAll(call.lists);
    clearTimeout(this.current?.timer);
    if (this.current !== undefined && !this.current.abandoned) calls.unshift(this.current);
    this.current = undefined;
    for (const call of calls) this.settle(call, { error });
    this.release();
  }

  /** Nothing is to be sent or taken any more. */
  release(): void {
    if (this.over) return;
    this.over = true;
    this.thread.detach(this.user);
    this.answers.leave();
    this.answers.discard();
    this.calls.discard();
    for (const port of this.ports) port.close();
    this.unguard();
  }

  private settle(call: Call, outcome: Parameters<Call['settle']>[0]): void {
    if (call.asynchronous) {
      this.pending--;
      unpump(this);
    }
    call.settle(outcome);
  }

  private hear(message: FromHost): void {
    if (message.type === 'log') this.log.take(message.level, message.text, message.context);
  }

  private deathOf(code: number | undefined, error: Error | undefined): GraphError {
    if (error instanceof GraphError) return error;
    const { alias, module } = this.called;
    const why = code === undefined ? 'it has ended' : causeOfDeath(code, error);
    return new GraphError(
      'ERR_MILLRACE_WORKER_DIED',
      `the thread of sync module "${alias}" (${module.name}) died (${why})`,
      {
        alias,
        module: module.name,
        phase: 'run',
        ...(error === undefined ? {} : { cause: error }),
      },
    );
  }
}

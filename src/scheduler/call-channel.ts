/**
 * The caller's end of an actor in another thread: sends calls, takes answers. Its other end is thread/call-part.ts.
 *
 * No call waits for a dead actor: a thread that dies says so on the board before it rings (CallPart.die), one that is
 * terminated, or dies without a word, is reported by the event loop (`onDeath`), and `timeout` is the cure for the rest.
 */
import { MessageChannel } from 'node:worker_threads';
import { unpackError } from '../error-wire.js';
import { GraphError } from '../errors.js';
import { Packet } from '../media/packet.js';
import { unpackValue } from '../media/wire-value.js';
import { Board, GraphState } from '../thread/board.js';
import { ANSWERS, CALLS } from '../thread/call-part.js';
import { CallFlag, CallHeader } from '../thread/call-wire.js';
import type { CalledSpec } from '../thread/called-module.js';
import { createRing, RingIn, RingOut } from '../thread/links.js';
import type { FromHost, Transport } from '../thread/protocol.js';
import { requireCrossable } from '../thread/transport.js';
import { type Answering, callerBell, pump } from './caller.js';
import { guardExit } from './exit-guard.js';
import { nextUser, type Thread } from './thread.js';

/** Records on their way in each direction; more waits with the sender. */
const LIMIT = 64;
const BYTES = 64 * 2 ** 20;

export interface Answer {
  outputs: Map<number, Packet[]>;
  done: boolean;
}

interface Call {
  readonly settle: (outcome: { answer: Answer } | { error: Error }) => void;
  readonly asynchronous: boolean;
}

export class CallChannel implements Answering {
  readonly user = nextUser();
  /** Native objects the module has left behind, once it has been closed. */
  leaked: Record<string, number> = {};
  pending = 0;
  private readonly board = Board.create(1, 1, 2);
  private readonly calls: RingOut;
  private readonly answers: RingIn;
  private readonly ports: { close(): void }[];
  private readonly open = new Map<number, Call>();
  private next = 0;
  /** The answer that is being received. */
  private header: CallHeader | undefined;
  private received: Packet[] = [];
  private failure: GraphError | undefined;
  private over = false;
  private readonly unguard: () => void;

  constructor(
    private readonly thread: Thread,
    readonly called: CalledSpec,
    transport: Transport,
  ) {
    const bell = callerBell();
    const calls = new MessageChannel();
    const answers = new MessageChannel();
    const callRing = createRing(LIMIT);
    const answerRing = createRing(LIMIT);
    this.ports = [calls.port1, answers.port1];
    this.unguard = guardExit(this.board, 0);
    this.calls = new RingOut(CALLS, this.board, LIMIT, BYTES, callRing, calls.port1, thread.bell, transport !== 'copy');
    this.answers = new RingIn(ANSWERS, this.board, answerRing, answers.port1, thread.bell);
    thread.attach(this.user, {
      onMessage: (message) => this.hear(message),
      onDeath: (code, error) => this.die(this.deathOf(code, error)),
    });
    const part = {
      run: this.user,
      called,
      board: this.board.buffer,
      callerBell: bell.buffer,
      calls: { buffer: callRing, port: calls.port2 },
      answers: { buffer: answerRing, port: answers.port2 },
      limit: LIMIT,
      bytesLimit: BYTES,
      transport,
    };
    thread.post({ type: 'call-part', part }, [calls.port2, answers.port2]);
  }

  get dead(): GraphError | undefined {
    return this.failure;
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
    { asynchronous, extra }: { asynchronous: boolean; extra?: Uint8Array },
  ): void {
    const ports: number[] = [];
    const packets: Packet[] = [];
    for (const [id, list] of inputs) {
      if (list.length === 0) continue;
      ports.push(id, list.length);
      for (const packet of list) packets.push(packet);
    }
    try {
      if (this.failure !== undefined) throw this.failure;
      for (const packet of packets) requireCrossable(packet);
    } catch (error) {
      for (const packet of packets) packet.close();
      throw error;
    }
    const call = this.next++;
    this.open.set(call, { settle, asynchronous });
    if (asynchronous) this.pending++;
    this.calls.offer(new Packet(new CallHeader(call, op, ports, extra)));
    for (const packet of packets) this.calls.offer(packet);
    if (asynchronous) pump(this);
  }

  poll(): boolean {
    if (this.over) return false;
    const before = this.calls.changes;
    this.calls.announce();
    let any = this.calls.changes !== before;
    while (this.answers.available) {
      const packet = this.answers.take();
      if (packet === undefined) break;
      any = true;
      this.receive(packet);
    }
    if (this.failure === undefined && this.board.state === GraphState.aborting) {
      this.thread.doom();
      this.die(this.deathOf(undefined, undefined));
      any = true;
    }
    return any;
  }

  /** The actor is to be closed: what it is being called for should come to its end, and nobody waits for it. */
  stop(error: GraphError): void {
    this.board.setStopping();
    this.thread.bell.alarm();
    const calls = [...this.open.values()];
    this.open.clear();
    for (const call of calls) this.settle(call, { error });
  }

  /** The actor is no more: every call that waits fails of `error`, and every later one. */
  die(error: GraphError): void {
    if (this.failure !== undefined || this.over) return;
    this.failure = error;
    this.board.setAborting();
    for (const packet of this.received.splice(0)) packet.close();
    const calls = [...this.open.values()];
    this.open.clear();
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

  // --- answers ------------------------------------------------------------------------------------------------------

  private receive(packet: Packet): void {
    if (packet.payload instanceof CallHeader) this.header = packet.payload;
    else this.received.push(packet);
    const header = this.header as CallHeader;
    if (this.received.length < header.packets) return;
    const packets = this.received;
    this.received = [];
    const call = this.open.get(header.call);
    this.open.delete(header.call);
    if (call === undefined) {
      for (const unwanted of packets) unwanted.close(); // its caller has stopped waiting
      return;
    }
    if ((header.what & CallFlag.failed) !== 0) {
      this.settle(call, { error: unpackError(unpackValue(header.extra) as Parameters<typeof unpackError>[0]) });
      return;
    }
    const outputs = new Map<number, Packet[]>();
    let from = 0;
    for (let i = 0; i < header.ports.length; i += 2) {
      const count = header.ports[i + 1]!;
      outputs.set(header.ports[i]!, packets.slice(from, from + count));
      from += count;
    }
    if (this.open.size === 0) this.calls.flush(); // lets go of the frames that were sent with it
    this.settle(call, { answer: { outputs, done: (header.what & CallFlag.done) !== 0 } });
  }

  private settle(call: Call, outcome: Parameters<Call['settle']>[0]): void {
    if (call.asynchronous) this.pending--;
    call.settle(outcome);
  }

  private hear(message: FromHost): void {
    if (message.type === 'ended') this.leaked = message.leaked;
  }

  private deathOf(code: number | undefined, error: Error | undefined): GraphError {
    if (error instanceof GraphError) return error;
    const { alias, module } = this.called;
    const why = error?.message ?? (code === undefined ? 'it has ended' : `exit code ${code}`);
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

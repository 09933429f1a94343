/**
 * An actor that is called from another thread, as its own thread's host sees it: takes calls from the mailbox
 * (mailbox.ts) and their packets from a link, makes them one after the other, and answers the same way. The caller's
 * side is scheduler/call/call-client.ts.
 *
 * Nothing is lost when one of the two sides goes: this thread says on the board when it dies, before it wakes the
 * caller (`die`), and the caller's end ends this part by `close` or by the end of the thread.
 */
import { Doorbell } from '../../../ringbuffer/index.js';
import type { GraphError } from '../../errors/errors.js';
import { messageOf, packError } from '../../errors/wire.js';
import { closeAll, Packet } from '../../media/packet/packet.js';
import { packValue, unpackValue } from '../../media/wire/value.js';
import { isPromise, type MaybeAsync, runSteps } from '../actor/maybe-async.js';
import { Board } from '../board/board.js';
import { awaitReaders } from '../board/readers.js';
import { ThreadState } from '../board/states.js';
import type { Hosted } from '../host.js';
import { requireCrossable } from '../link/record.js';
import { RingReceiver, RingSender } from '../link/ring-link.js';
import type { CallServerSpec, FromHost } from '../protocol.js';
import { CalledModule, type CallResult } from './called-module.js';
import { CallFlag, CallOp, Mailbox } from './mailbox.js';

/** Links on the board of a called actor. */
export const CALLS = 0;
export const ANSWERS = 1;

export class CallServer implements Hosted {
  ended = false;
  private readonly board: Board;
  private readonly calls: RingReceiver;
  private readonly answers: RingSender;
  private readonly callerBell: Doorbell;
  private readonly module: CalledModule;
  private readonly mailbox: Mailbox;
  /** Number of the call in progress, or of the last one. */
  private call = 0;
  /** Its packets so far, by the place of the input, then the value; and how many are still to come for the last of these. */
  private received: Packet[][] = [];
  private receiving = false;
  private missing = 0;
  /** Packets of the answer wait for room. */
  private sending = false;
  /** An asynchronous call has not settled. */
  private busy = false;
  private closing = false;
  /** What was thrown while no call was in progress: the next one fails of it. */
  private unexpected: { cause: unknown } | undefined;
  /**
   * What the call in progress was answered with, though it has not settled: something was thrown in this thread outside of
   * it, and it may never settle. Until it does further calls fail of the same; `close` waits for it, as for any call.
   */
  private earlyFailure: GraphError | undefined;

  constructor(
    readonly spec: CallServerSpec,
    private readonly tell: (message: FromHost) => void,
    private readonly wake: () => void,
  ) {
    this.board = Board.attach(spec.board);
    this.mailbox = Mailbox.attach(spec.mailbox, spec.called.inputs.length);
    this.callerBell = Doorbell.attach(spec.callerBell);
    const { calls, answers, limit, bytesLimit, transport } = spec;
    this.calls = new RingReceiver(CALLS, this.board, calls.buffer, calls.port, this.callerBell);
    this.answers = new RingSender(
      ANSWERS,
      this.board,
      limit,
      bytesLimit,
      answers.buffer,
      answers.port,
      this.callerBell,
      transport !== 'copy',
    );
    this.module = new CalledModule(
      spec.called,
      (level, text, context) => tell({ type: 'log', run: spec.run, node: 0, level, text, context }),
      spec.heard,
    );
  }

  get dormant(): boolean {
    return !this.busy;
  }

  hasWork(): boolean {
    if (this.ended) return false;
    if (this.busy && this.board.stopping) this.module.abort(); // the caller closes it: the call should come to its end
    if (this.sending) return this.answers.flush();
    if (this.receiving) return this.missing === 0 || this.calls.available;
    if (this.busy)
      return this.earlyFailure !== undefined && this.mailbox.call !== this.call && this.mailbox.op !== CallOp.close;
    return this.closing ? this.answers.settled() : this.mailbox.call !== this.call;
  }

  mayNotSleep(): boolean {
    if (this.hasWork()) return true;
    // Asks to be woken when the caller has taken the frames that are still held for it.
    this.answers.settled();
    return false;
  }

  step(): boolean {
    if (!this.hasWork()) return false;
    if (this.sending) this.sending = false;
    else if (this.receiving) this.receive();
    else if (this.closing) this.end();
    else this.begin();
    return true;
  }

  showIdle(): boolean {
    return false;
  }
  fallAsleep(): void {}
  wakeUp(): void {}

  /** This thread is dying: whoever waits for an answer is told, and is done with the frames that came from here. */
  die(): void {
    this.board.setThreadState(0, ThreadState.dead);
    this.board.setAborting();
    this.callerBell.alarm();
    awaitReaders(this.board, [ANSWERS]);
  }

  /** Thrown outside any call of ours: a timer or an emitter of a module on this thread. Nobody can say which. */
  uncaught(cause: unknown): void {
    if (!this.busy) {
      this.unexpected ??= { cause };
    } else if (this.earlyFailure === undefined) {
      this.earlyFailure = this.module.error('process', cause);
      this.fail(this.earlyFailure);
      this.wake();
    }
  }

  // --- calls --------------------------------------------------------------------------------------------------------

  private begin(): void {
    this.call = this.mailbox.call;
    this.received = [];
    this.receiving = true;
    this.receive();
  }

  private receive(): void {
    const { mailbox, calls } = this;
    const { length } = this.spec.called.inputs;
    for (;;) {
      for (; this.missing > 0; this.missing--) {
        const packet = calls.take();
        if (packet === undefined) return;
        this.received.at(-1)!.push(packet);
      }
      if (this.received.length > length) break;
      this.missing = mailbox.packetsIn(this.received.length);
      this.received.push([]);
    }
    this.receiving = false;
    this.make(mailbox.op, this.received);
  }

  private make(op: number, received: Packet[][]): void {
    if (this.earlyFailure !== undefined) {
      closeAll(received);
      this.fail(this.earlyFailure);
      return;
    }
    let result: CallResult | undefined | Promise<CallResult | undefined>;
    try {
      result = runSteps(this.steps(op, received));
    } catch (error) {
      this.fail(error);
      return;
    }
    if (!isPromise(result)) {
      this.answer(result);
      return;
    }
    this.busy = true;
    void Promise.resolve(result)
      .then(
        (answer) => this.settled(() => this.answer(answer), answer),
        (error: unknown) => this.settled(() => this.fail(error), undefined),
      )
      .finally(this.wake);
  }

  /** The asynchronous call has come to its end. */
  private settled(tell: () => void, result: CallResult | undefined): void {
    this.busy = false;
    if (this.earlyFailure === undefined) {
      tell();
      return;
    }
    this.earlyFailure = undefined; // the caller has been told
    closeAll(result?.outputs.values() ?? []);
  }

  private *steps(op: number, received: Packet[][]): MaybeAsync<CallResult | undefined> {
    this.throwStray(op, received);
    switch (op) {
      case CallOp.init:
        yield* this.module.init();
        return undefined;
      case CallOp.process:
        return yield* this.module.process(new Map(this.spec.called.inputs.map((id, place) => [id, received[place]!])));
      case CallOp.sendEof:
        return yield* this.module.sendEof();
      case CallOp.dynamicReset:
        yield* this.module.dynamicReset(
          unpackValue(received.at(-1)![0]!.payload as Uint8Array) as Record<string, unknown>,
        );
        return undefined;
      default:
        try {
          yield* this.module.close();
        } finally {
          this.closing = true;
        }
        return undefined;
    }
  }

  private answer(result: CallResult | undefined): void {
    const { mailbox, spec } = this;
    const lists = spec.called.outputs.map((id) => result?.outputs.get(id) ?? []);
    const { answers } = this;
    try {
      for (const packets of lists) for (const packet of packets) requireCrossable(packet, answers); // before they are promised
    } catch (error) {
      closeAll(lists);
      this.fail(this.module.error('process', error));
      return;
    }
    lists.forEach((packets, place) => {
      mailbox.setPacketsOut(place, packets.length);
    });
    mailbox.setPacketsOut(lists.length, 0);
    // Before its packets: a caller that is woken by the first of them knows how many there will be.
    mailbox.reply(this.call, result?.done ? CallFlag.done : 0);
    this.transmit(lists);
  }

  private fail(error: unknown): void {
    const { mailbox, spec } = this;
    const { length } = spec.called.outputs;
    for (let place = 0; place < length; place++) mailbox.setPacketsOut(place, 0);
    mailbox.setPacketsOut(length, 1);
    mailbox.reply(this.call, CallFlag.failed);
    this.transmit([[new Packet(packValue(packError(error)))]]);
  }

  /** Sends what the reply has promised. */
  private transmit(lists: readonly (readonly Packet[])[]): void {
    try {
      for (const packets of lists) for (const packet of packets) this.answers.offer(packet);
      this.sending = this.answers.waitingPackets > 0;
    } catch (error) {
      // What is promised and does not come would be waited for without end.
      const text = `an answer cannot be sent: ${messageOf(error)}`;
      this.tell({ type: 'log', run: this.spec.run, node: 0, level: 'warn', text });
      this.die();
      this.end();
      return;
    }
    this.callerBell.ring();
  }

  private throwStray(op: number, received: Packet[][]): void {
    const { unexpected } = this;
    if (unexpected === undefined || op === CallOp.close) return;
    this.unexpected = undefined;
    closeAll(received);
    throw this.module.error('process', unexpected.cause);
  }

  private end(): void {
    this.ended = true;
    this.calls.discard();
    this.answers.discard();
    this.spec.calls.port.close();
    this.spec.answers.port.close();
    this.tell({ type: 'ended', run: this.spec.run, thread: 0, leaked: {} });
  }
}

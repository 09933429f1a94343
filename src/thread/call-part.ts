/**
 * An actor that is called from another thread, as its own thread's host sees it: takes calls from one link, makes them
 * one after the other, and sends the answers on another. The caller's side is scheduler/call-channel.ts.
 *
 * Nothing is lost when one of the two sides goes: this thread says on the board when it dies, before it wakes the
 * caller (`die`), and the caller's end ends this part by `close` or by the end of the thread.
 */
import { Doorbell } from '../../ringbuffer/index.js';
import { packError } from '../error-wire.js';
import { ledger } from '../media/ledger.js';
import { Packet } from '../media/packet.js';
import { packValue, unpackValue } from '../media/wire-value.js';
import { Board, ThreadState } from './board.js';
import { CallFlag, CallHeader, CallOp } from './call-wire.js';
import { CalledModule, type CallResult } from './called-module.js';
import type { Hosted } from './host.js';
import { RingIn, RingOut } from './links.js';
import type { CallPartSpec, FromHost } from './protocol.js';
import { isPromise, runSteps, type Steps } from './steps.js';
import { requireCrossable } from './transport.js';

/** Links on the board of a called actor. */
export const CALLS = 0;
export const ANSWERS = 1;

export class CallPart implements Hosted {
  ended = false;
  private readonly board: Board;
  private readonly calls: RingIn;
  private readonly answers: RingOut;
  private readonly callerBell: Doorbell;
  private readonly module: CalledModule;
  private readonly nativeBefore = ledger.snapshot();
  /** The call that is being received, and what has come of it. */
  private header: CallHeader | undefined;
  private readonly received: Packet[] = [];
  private missing = 0;
  /** An asynchronous call has not settled. */
  private busy = false;
  private closing = false;
  /** What was thrown outside of any call: the next one fails of it. */
  private stray: { cause: unknown } | undefined;

  constructor(
    readonly spec: CallPartSpec,
    private readonly tell: (message: FromHost) => void,
    private readonly wake: () => void,
  ) {
    this.board = Board.attach(spec.board);
    this.callerBell = Doorbell.attach(spec.callerBell);
    const { calls, answers, limit, bytesLimit, transport } = spec;
    this.calls = new RingIn(CALLS, this.board, calls.buffer, calls.port, this.callerBell);
    this.answers = new RingOut(
      ANSWERS,
      this.board,
      limit,
      bytesLimit,
      answers.buffer,
      answers.port,
      this.callerBell,
      transport !== 'copy',
    );
    this.module = new CalledModule(spec.called);
  }

  get dormant(): boolean {
    return !this.busy;
  }

  hasWork(): boolean {
    if (this.ended) return false;
    if (this.busy && this.board.stopping) this.module.abort(); // the caller closes it: the call should come to its end
    const before = this.answers.changes;
    this.answers.flush();
    if (this.answers.changes !== before) return true;
    return !this.busy && (this.closing ? this.answers.settled() : this.calls.available);
  }

  mayNotSleep(): boolean {
    if (this.hasWork()) return true;
    // Asks to be woken when the caller has taken the frames that are still held for it.
    this.answers.settled();
    return false;
  }

  step(): boolean {
    if (this.ended || !this.hasWork()) return false;
    if (this.closing && !this.busy) {
      this.end();
      return true;
    }
    while (!this.busy && !this.closing && this.calls.available) this.receive();
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
    this.board.awaitReader(ANSWERS);
  }

  /** Thrown outside any call of ours: a timer or an emitter of a module on this thread. Nobody can say which. */
  uncaught(cause: unknown): void {
    this.stray ??= { cause };
  }

  // --- calls --------------------------------------------------------------------------------------------------------

  private receive(): void {
    const packet = this.calls.take();
    if (packet === undefined) return;
    if (packet.payload instanceof CallHeader) {
      this.header = packet.payload;
      this.missing = packet.payload.packets;
    } else {
      this.received.push(packet);
      this.missing--;
    }
    if (this.missing === 0) this.make(this.header as CallHeader, this.received.splice(0));
  }

  private make(header: CallHeader, packets: Packet[]): void {
    const answered = (result: CallResult | undefined): void => this.answer(header, result);
    const failed = (error: unknown): void => this.fail(header.call, error);
    let result: CallResult | undefined | Promise<CallResult | undefined>;
    try {
      result = runSteps(this.steps(header, packets));
    } catch (error) {
      failed(error);
      return;
    }
    if (!isPromise(result)) {
      answered(result);
      return;
    }
    this.busy = true;
    void Promise.resolve(result)
      .then(answered, failed)
      .finally(() => {
        this.busy = false;
        this.wake();
      });
  }

  private *steps({ what, ports, extra }: CallHeader, packets: Packet[]): Steps<CallResult | undefined> {
    this.throwStray(what, packets);
    switch (what) {
      case CallOp.init:
        yield* this.module.init();
        return undefined;
      case CallOp.process: {
        const inputs = new Map<number, Packet[]>();
        let from = 0;
        for (let i = 0; i < ports.length; i += 2) {
          inputs.set(ports[i]!, packets.slice(from, from + ports[i + 1]!));
          from += ports[i + 1]!;
        }
        return yield* this.module.process(inputs);
      }
      case CallOp.sendEof:
        return yield* this.module.sendEof();
      case CallOp.dynamicReset:
        yield* this.module.dynamicReset(unpackValue(extra) as Record<string, unknown>);
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

  private answer({ call }: CallHeader, result: CallResult | undefined): void {
    const ports: number[] = [];
    const packets: Packet[] = [];
    for (const [id, list] of result?.outputs ?? []) {
      if (list.length === 0) continue;
      ports.push(id, list.length);
      for (const packet of list) packets.push(packet);
    }
    try {
      for (const packet of packets) requireCrossable(packet); // before the header promises them
    } catch (error) {
      for (const packet of packets) packet.close();
      this.fail(call, this.module.error('process', error));
      return;
    }
    this.answers.offer(new Packet(new CallHeader(call, result?.done ? CallFlag.done : 0, ports)));
    for (const packet of packets) this.answers.offer(packet);
  }

  private fail(call: number, error: unknown): void {
    this.answers.offer(new Packet(new CallHeader(call, CallFlag.failed, [], packValue(packError(error)))));
  }

  private throwStray(what: number, packets: Packet[]): void {
    const { stray } = this;
    if (stray === undefined || what === CallOp.close) return;
    this.stray = undefined;
    for (const packet of packets) packet.close();
    throw this.module.error('process', stray.cause);
  }

  private end(): void {
    this.ended = true;
    this.calls.discard();
    this.answers.discard();
    this.spec.calls.port.close();
    this.spec.answers.port.close();
    const leaked: Record<string, number> = {};
    for (const [kind, count] of Object.entries(ledger.snapshot())) {
      const more = count - (this.nativeBefore[kind] ?? 0);
      if (more > 0) leaked[kind] = more;
    }
    this.tell({ type: 'ended', run: this.spec.run, thread: 0, leaked });
  }
}

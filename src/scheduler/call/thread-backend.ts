/** Where a called actor lives: what both kinds have in common (the other is inline-backend.ts), and that in a thread. */
import { performance } from '../../../ringbuffer/clock.js';
import { GraphError } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import type { Packet } from '../../media/packet/packet.js';
import { packValue } from '../../media/wire/value.js';
import type { LogListener } from '../../module/log.js';
import { CallOp } from '../../thread/call/mailbox.js';
import type { CalledSpec } from '../../thread/protocol.js';
import type { Thread } from '../threads/thread.js';
import { Undo } from '../threads/undo.js';
import { blockUntil } from './blocking-wait.js';
import { type Answer, CallClient, type Limit } from './call-client.js';
import { CalledLog } from './called-log.js';

export type Inputs = ReadonlyMap<number, readonly Packet[]>;
export type Request =
  | { op: 'init' }
  | { op: 'process'; inputs: Inputs }
  | { op: 'sendEof' }
  | { op: 'dynamicReset'; options: Record<string, unknown> };

export interface Backend {
  /** What the module warned of. */
  readonly warnings: readonly string[];
  /** Blocks. @throws GraphError */
  call(request: Request): Answer;
  callAsync(request: Request): Promise<Answer>;
  /** Closes the module and lets go of its thread; pending asynchronous calls fail. Once, this or `closeAsync`. */
  close(): void;
  closeAsync(): Promise<void>;
  /** Resolves when nothing is left of it; to be asked for after `close` has returned or thrown. */
  readonly gone: Promise<void>;
}

/** How a called actor is run, wherever it lives. */
export interface CallSettings {
  /** Milliseconds for every call (on the calling thread: every asynchronous one); Infinity: none. */
  readonly timeout: number;
  /** Is told what the module says through `ctx.log`. */
  readonly onLog?: LogListener | undefined;
}

/** How an actor uses its thread. */
export interface ThreadLease {
  readonly thread: Thread;
  /** The actor is gone. Resolves when a thread that goes with it has gone. */
  release(): Promise<void>;
}

/** Longest time in ms that `close` waits for a module without a timeout of its own. */
export const CLOSE_GRACE = 5000;
const NO_INPUTS: Inputs = new Map();

export class ThreadBackend implements Backend {
  private readonly channel: CallClient;
  private readonly log: CalledLog;
  private released: Promise<void> | undefined;

  /** @param lease given back when this throws. */
  constructor(
    private readonly spec: CalledSpec,
    private readonly lease: ThreadLease,
    private readonly settings: CallSettings & { transport: 'auto' | 'reference' | 'copy'; spin: number },
  ) {
    const late = (op: number, span: number): void => this.expire(op, span);
    const log = new CalledLog(spec, settings.onLog);
    this.log = log;
    const undo = new Undo();
    undo.add(() => lease.release());
    try {
      this.channel = new CallClient(lease.thread, spec, settings.transport, log, late, undo);
    } catch (error) {
      undo.all().catch((failure: unknown) => log.take('warn', messageOf(failure)));
      throw error;
    }
  }

  get warnings(): readonly string[] {
    this.lease.thread.drain();
    return this.log.warnings;
  }

  get gone(): Promise<void> {
    return this.released ?? Promise.resolve();
  }

  call(request: Request): Answer {
    try {
      return this.block(request, { span: this.settings.timeout });
    } finally {
      this.listen();
    }
  }

  async callAsync(request: Request): Promise<Answer> {
    try {
      return await this.send(request, { span: this.settings.timeout });
    } finally {
      this.listen();
    }
  }

  /** What was said in a call is heard before the call returns, whether this thread's event loop had a turn or not. */
  private listen(): void {
    if (this.log.heard) this.lease.thread.drain();
  }

  close(): void {
    try {
      const limit = this.stop();
      if (limit !== undefined) this.block({ op: 'close' }, limit);
    } finally {
      void this.leave();
    }
  }

  async closeAsync(): Promise<void> {
    try {
      const limit = this.stop();
      if (limit !== undefined) await this.send({ op: 'close' }, limit);
    } finally {
      await this.leave();
    }
  }

  /** @returns how long the close may take; undefined when there is nothing to close. */
  private stop(): Limit | undefined {
    if (this.channel.dead !== undefined) return undefined;
    const span = Math.min(this.settings.timeout, CLOSE_GRACE);
    const limit = { span, until: performance.now() + span };
    this.channel.stop(closedDuringCall(this.spec), limit);
    return limit;
  }

  private leave(): Promise<void> {
    this.lease.thread.drain(); // warnings of the close; nobody listens after it
    this.channel.release();
    this.released ??= this.lease.release();
    return this.released;
  }

  private block(request: Request | { op: 'close' }, limit: Limit): Answer {
    const { op, inputs, extra } = encode(request);
    let outcome: { answer: Answer } | { error: Error } | undefined;
    const settle = (result: NonNullable<typeof outcome>): void => {
      outcome = result;
    };
    this.channel.send(op, inputs, settle, { asynchronous: false, limit, ...(extra && { extra }) });
    const settled = (): boolean => outcome !== undefined;
    if (!blockUntil(this.channel, settled, this.settings.spin)) this.channel.expire();
    const result = outcome as unknown as { answer: Answer } | { error: Error };
    if ('error' in result) throw result.error;
    return result.answer;
  }

  private send(request: Request | { op: 'close' }, limit: Limit): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { op, inputs, extra } = encode(request);
      const settle = (result: { answer: Answer } | { error: Error }): void => {
        if ('error' in result) reject(result.error);
        else resolve(result.answer);
      };
      this.channel.send(op, inputs, settle, { asynchronous: true, limit, ...(extra && { extra }) });
    });
  }

  /** A call was not answered in time. Nobody knows what the module does: it is dead, and its thread is stopped. */
  private expire(op: number, span: number): void {
    const { alias, module } = this.spec;
    const what = Object.entries(CallOp).find(([, value]) => value === op)![0];
    const error = new GraphError(
      'ERR_MILLRACE_TIMEOUT',
      `sync module "${alias}" (${module.name}) did not answer ${what}() within ${span} ms; its thread is stopped`,
      { alias, module: module.name, phase: what === 'init' || what === 'close' ? what : 'process' },
    );
    this.channel.die(error);
    void this.lease.thread.terminate(error);
  }
}

/** What asynchronous calls fail of when the module is closed. */
export function closedDuringCall({ alias, module }: CalledSpec): GraphError {
  return new GraphError('ERR_MILLRACE_CLOSED', `sync module "${alias}" (${module.name}) was closed during a call`, {
    alias,
    module: module.name,
  });
}

function encode(request: Request | { op: 'close' }): { op: number; inputs: Inputs; extra?: Uint8Array } {
  switch (request.op) {
    case 'init':
      return { op: CallOp.init, inputs: NO_INPUTS };
    case 'process':
      return { op: CallOp.process, inputs: request.inputs };
    case 'sendEof':
      return { op: CallOp.sendEof, inputs: NO_INPUTS };
    case 'close':
      return { op: CallOp.close, inputs: NO_INPUTS };
    case 'dynamicReset':
      return { op: CallOp.dynamicReset, inputs: NO_INPUTS, extra: packValue(request.options, 'option') };
  }
}

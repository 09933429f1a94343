/** Where a called actor lives: in another thread, or on this one. */
import { GraphError } from '../errors.js';
import type { Packet } from '../media/packet.js';
import { packValue } from '../media/wire-value.js';
import { CallOp } from '../thread/call-desk.js';
import { CalledModule, type CalledSpec } from '../thread/called-module.js';
import { isPromise, runSteps, type Steps } from '../thread/steps.js';
import { type Answer, CallChannel } from './call-channel.js';
import { blockUntil } from './caller.js';
import { loadNow } from './load-now.js';
import type { Thread } from './thread.js';

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
  /** Closes the module and lets go of its thread; pending asynchronous calls fail. Once. */
  close(): void;
  closeAsync(): Promise<void>;
}

/** How an actor uses its thread. */
export interface Lease {
  readonly thread: Thread;
  /** The actor is gone. Resolves when a thread that goes with it has gone. */
  release(): Promise<void>;
}

/** Longest time in ms that `close` waits for a module without a timeout of its own. */
const CLOSE_GRACE = 5000;
const NO_INPUTS: Inputs = new Map();

export class ThreadBackend implements Backend {
  private readonly channel: CallChannel;

  /** @param timeout ms for every call; Infinity: none. */
  constructor(
    private readonly spec: CalledSpec,
    private readonly lease: Lease,
    private readonly settings: { transport: 'auto' | 'reference' | 'copy'; spin: number; timeout: number },
  ) {
    this.channel = new CallChannel(lease.thread, spec, settings.transport);
  }

  get warnings(): readonly string[] {
    this.lease.thread.drain();
    return this.channel.warnings;
  }

  call(request: Request): Answer {
    let outcome: { answer: Answer } | { error: Error } | undefined;
    const { op, inputs, extra } = encode(request);
    this.channel.send(op, inputs, (result) => (outcome = result), { asynchronous: false, ...(extra && { extra }) });
    return this.block(op, () => outcome, this.settings.timeout);
  }

  callAsync(request: Request): Promise<Answer> {
    return this.send(request, this.settings.timeout);
  }

  close(): void {
    if (this.channel.dead === undefined) {
      this.channel.stop(this.closed());
      let outcome: { answer: Answer } | { error: Error } | undefined;
      this.channel.send(CallOp.close, NO_INPUTS, (result) => (outcome = result), { asynchronous: false });
      try {
        this.block(CallOp.close, () => outcome, this.closeLimit);
      } finally {
        this.leave();
      }
    } else this.leave();
  }

  async closeAsync(): Promise<void> {
    if (this.channel.dead !== undefined) {
      await this.leave();
      return;
    }
    this.channel.stop(this.closed());
    try {
      await this.send({ op: 'close' }, this.closeLimit);
    } finally {
      await this.leave();
    }
  }

  private get closeLimit(): number {
    return Math.min(this.settings.timeout, CLOSE_GRACE);
  }

  private leave(): Promise<void> {
    this.channel.release();
    return this.lease.release();
  }

  private block(op: number, outcome: () => { answer: Answer } | { error: Error } | undefined, limit: number): Answer {
    const settled = (): boolean => outcome() !== undefined;
    if (!blockUntil(this.channel, settled, this.settings.spin, performance.now() + limit)) this.expire(op, limit);
    const result = outcome() as { answer: Answer } | { error: Error };
    if ('error' in result) throw result.error;
    return result.answer;
  }

  private send(request: Request | { op: 'close' }, limit: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { op, inputs, extra } = request.op === 'close' ? { op: CallOp.close, inputs: NO_INPUTS } : encode(request);
      let timer: NodeJS.Timeout | undefined;
      const settle = (result: { answer: Answer } | { error: Error }): void => {
        clearTimeout(timer);
        if ('error' in result) reject(result.error);
        else resolve(result.answer);
      };
      this.channel.send(op, inputs, settle, { asynchronous: true, ...(extra && { extra }) });
      if (limit !== Number.POSITIVE_INFINITY) timer = setTimeout(() => this.expire(op, limit), limit);
    });
  }

  /** A call was not answered in time. Nobody knows what the module does: it is dead, and its thread is stopped. */
  private expire(op: number, limit: number): void {
    const { alias, module } = this.spec;
    const what = Object.entries(CallOp).find(([, value]) => value === op)![0];
    const error = new GraphError(
      'ERR_MILLRACE_TIMEOUT',
      `sync module "${alias}" (${module.name}) did not answer ${what}() within ${limit} ms; its thread is stopped`,
      { alias, module: module.name, phase: what === 'init' || what === 'close' ? what : 'process' },
    );
    this.channel.die(error);
    void this.lease.thread.terminate(error);
  }

  private closed(): GraphError {
    const { alias, module } = this.spec;
    return new GraphError('ERR_MILLRACE_CLOSED', `sync module "${alias}" (${module.name}) was closed during a call`, {
      alias,
      module: module.name,
    });
  }
}

function encode(request: Request): { op: number; inputs: Inputs; extra?: Uint8Array } {
  switch (request.op) {
    case 'init':
      return { op: CallOp.init, inputs: NO_INPUTS };
    case 'process':
      return { op: CallOp.process, inputs: request.inputs };
    case 'sendEof':
      return { op: CallOp.sendEof, inputs: NO_INPUTS };
    case 'dynamicReset':
      return { op: CallOp.dynamicReset, inputs: NO_INPUTS, extra: packValue(request.options) };
  }
}

/** On the thread of the caller. */
export class InlineBackend implements Backend {
  private readonly module: CalledModule;
  private readonly warned: string[] = [];
  /** The asynchronous call in progress; further ones wait for it. */
  private running: Promise<unknown> | undefined;

  constructor(private readonly spec: CalledSpec) {
    this.module = new CalledModule(spec, (message) => this.warned.push(message), loadNow);
  }

  get warnings(): readonly string[] {
    return this.warned;
  }

  call(request: Request): Answer {
    this.requireFree(request);
    const result = runSteps(this.steps(request));
    if (!isPromise(result)) return result;
    // It goes on, as every promise does; what it brings is nobody's.
    this.running = Promise.resolve(result).then(release, () => {});
    throw this.asynchronous(request.op);
  }

  callAsync(request: Request): Promise<Answer> {
    const before = this.running;
    const result = before === undefined ? this.start(request) : before.then(() => this.start(request));
    const settled = result
      .catch(() => {})
      .then(() => {
        if (this.running === settled) this.running = undefined;
      });
    this.running = settled;
    return result;
  }

  close(): void {
    this.module.abort();
    if (this.running !== undefined) throw this.asynchronous('close');
    if (isPromise(runSteps(this.module.close()))) throw this.asynchronous('close');
  }

  async closeAsync(): Promise<void> {
    this.module.abort();
    await this.running;
    await runSteps(this.module.close());
  }

  private async start(request: Request): Promise<Answer> {
    return await runSteps(this.steps(request));
  }

  private *steps(request: Request): Steps<Answer> {
    switch (request.op) {
      case 'init':
        yield* this.module.init();
        break;
      case 'process':
        return yield* this.module.process(request.inputs);
      case 'sendEof':
        return yield* this.module.sendEof();
      case 'dynamicReset':
        yield* this.module.dynamicReset(request.options);
        break;
    }
    return { outputs: new Map(), done: false };
  }

  private requireFree(request: Request): void {
    if (this.running === undefined) return;
    if (request.op === 'process') for (const list of request.inputs.values()) for (const packet of list) packet.close();
    throw this.asynchronous(request.op);
  }

  private asynchronous(op: string): GraphError {
    const { alias, module } = this.spec;
    return new GraphError(
      'ERR_MILLRACE_ASYNC_INLINE',
      `${op}() of sync module "${alias}" (${module.name}) is asynchronous and cannot block the thread it runs on. Use ${op}Async(), or give it a thread`,
      { alias, module: module.name },
    );
  }
}

function release({ outputs }: Answer): void {
  for (const packets of outputs.values()) for (const packet of packets) packet.close();
}

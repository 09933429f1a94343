/**
 * A called actor on the thread of its caller. Blocking calls are made at once, and refused while an asynchronous one has
 * not settled; those are made one after the other. Nothing can be stopped here: a module that never settles keeps its own
 * promise, but neither its callers, who fail after `timeout`, nor `closeAsync`.
 */
import { clearInterval, clearTimeout, setInterval, setTimeout, type Timer } from '../../../ringbuffer/clock.js';
import { loadNow } from '../../catalog/load.js';
import { GraphError } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import { closeAll, type Packet } from '../../media/packet/packet.js';
import { packValue, unpackValue } from '../../media/wire/value.js';
import { callBlocking } from '../../module/blocking.js';
import { isPromise, type MaybeAsync, runSteps } from '../../thread/actor/maybe-async.js';
import { CalledModule } from '../../thread/call/called-module.js';
import { releaseRefused, requireCarried } from '../../thread/link/record.js';
import type { CalledSpec } from '../../thread/protocol.js';
import { type Context, takeContext } from '../threads/context.js';
import type { Answer } from './call-client.js';
import { CalledLog } from './called-log.js';
import {
  type Backend,
  type CallSettings,
  CLOSE_GRACE,
  closedDuringCall,
  type Inputs,
  type Request,
} from './thread-backend.js';

interface Call {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  /** Of who made the call: it may be made in the turn of the one before it. */
  readonly context: Context;
}

export class InlineBackend implements Backend {
  private readonly log: CalledLog;
  private readonly module: CalledModule;
  /** Asynchronous calls that wait for the one in progress. */
  private readonly queue: Call[] = [];
  /** Who waits for what the module does now; undefined also when nobody does. */
  private current: Call | undefined;
  /** Settles when the asynchronous call in progress has, in whatever way. */
  private running: Promise<void> | undefined;
  /** Within a call of the module, on the stack. */
  private entered = false;
  private dead: GraphError | undefined;
  private ending: Promise<void> | undefined;
  private alive: NodeJS.Timeout | undefined;

  private readonly timeout: number;

  constructor(
    private readonly spec: CalledSpec,
    { timeout, onLog }: CallSettings,
  ) {
    this.timeout = timeout;
    this.log = new CalledLog(spec, onLog);
    this.module = new CalledModule(
      spec,
      (level, text, context) => this.log.take(level, text, context),
      this.log.heard,
      loadNow,
    );
  }

  get warnings(): readonly string[] {
    return this.log.warnings;
  }

  get gone(): Promise<void> {
    return this.ending ?? Promise.resolve();
  }

  call(request: Request): Answer {
    try {
      if (this.dead !== undefined) throw this.dead;
      if (this.entered) throw this.reentered(request.op);
      if (this.running !== undefined) throw this.asynchronous(request.op);
    } catch (error) {
      closeInputs(request);
      throw error;
    }
    let result: Answer | Promise<Answer> | undefined;
    try {
      result = callBlocking(this.timeout, () => this.enter(() => runSteps(this.steps(request))));
      if (!isPromise(result)) return result;
      // It goes on, as every promise does; what it brings is nobody's.
      this.follow(result);
      throw this.asynchronous(request.op);
    } finally {
      this.next(); // what the module asked of itself meanwhile
    }
  }

  callAsync(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.dead === undefined) {
        this.queue.push({ request, resolve, reject, context: takeContext() });
        this.next();
        return;
      }
      closeInputs(request);
      reject(this.dead);
    });
  }

  close(): void {
    this.stop(closedDuringCall(this.spec));
    if (this.running === undefined && !this.entered) {
      const result = callBlocking(Number.POSITIVE_INFINITY, () => this.enter(() => runSteps(this.module.close())));
      if (!isPromise(result)) return;
      this.running = Promise.resolve(result).catch((error: unknown) => this.warn(error));
    }
    this.ending = this.end().catch((error: unknown) => this.warn(error));
    if (this.dead === undefined) throw this.asynchronous('close');
  }

  async closeAsync(): Promise<void> {
    this.stop(closedDuringCall(this.spec));
    const ended = this.end();
    this.ending = ended.catch((error: unknown) => this.warn(error)); // it may come when nobody waits any more
    if (this.dead !== undefined) return;
    const span = Math.min(this.timeout, CLOSE_GRACE);
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.late('close', span)), span);
    });
    try {
      await Promise.race([ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  // --- calls ----------------------------------------------------------------------------------------------------------

  /** Makes the calls that wait, up to one that is asynchronous. */
  private next(): void {
    while (this.running === undefined && !this.entered) {
      const call = this.queue.shift();
      if (call === undefined) return;
      try {
        const result = call.context(() => this.enter(() => runSteps(this.steps(call.request))));
        if (isPromise(result)) this.follow(result, call);
        else call.resolve(result);
      } catch (error) {
        call.reject(error as Error);
      }
    }
  }

  private enter<T>(work: () => T): T {
    this.entered = true;
    try {
      return work();
    } finally {
      this.entered = false;
    }
  }

  /** Waits for an asynchronous call; its outcome is that of `call`, unless that was given up meanwhile. */
  private follow(result: PromiseLike<Answer>, call?: Call): void {
    this.current = call;
    const { timeout } = this;
    const limited = call !== undefined && timeout !== Number.POSITIVE_INFINITY;
    const timer = limited ? setTimeout(() => this.expire(call), timeout) : undefined;
    // What the module waits for may not keep the process alive (a thread, a timer); a call that is awaited does.
    if (call !== undefined) this.alive ??= setInterval(() => {}, 2 ** 30);
    const settle = (tell: () => void): void => {
      clearTimeout(timer);
      tell();
      this.current = undefined;
      this.running = undefined;
      this.letGo();
      this.next();
    };
    this.running = Promise.resolve(result).then(
      (answer) =>
        settle(() => (this.current === undefined ? closeAll(answer.outputs.values()) : this.current.resolve(answer))),
      (error: Error) => settle(() => this.current?.reject(error)),
    );
  }

  private expire(call: Call): void {
    const error = this.late(call.request.op, this.timeout);
    this.dead = error;
    this.stop(error);
  }

  /** Nobody waits any more; the module is told through its signal. */
  private stop(error: GraphError): void {
    this.module.abort();
    const calls = this.queue.splice(0);
    for (const { request } of calls) closeInputs(request);
    if (this.current !== undefined) calls.unshift(this.current);
    this.current = undefined;
    for (const { reject } of calls) reject(error);
    this.letGo();
  }

  /** Nobody waits for what the module does. */
  private letGo(): void {
    clearInterval(this.alive);
    this.alive = undefined;
  }

  /** The module is closed when the call in progress has settled. */
  private async end(): Promise<void> {
    await this.running;
    await runSteps(this.module.close());
  }

  private *steps(request: Request): MaybeAsync<Answer> {
    switch (request.op) {
      case 'init':
        yield* this.module.init();
        break;
      case 'process':
        this.requireCarriedIn(request.inputs);
        return this.carried(yield* this.module.process(takenOver(request.inputs)));
      case 'sendEof':
        return this.carried(yield* this.module.sendEof());
      case 'dynamicReset':
        yield* this.module.dynamicReset(this.isFree ? request.options : copyOf(request.options));
        break;
    }
    return { outputs: new Map(), done: false };
  }

  /** A module of this process never lives in another thread, and may be given anything. */
  private get isFree(): boolean {
    return this.spec.module.definition !== undefined;
  }

  /** What could not go to a module in a thread does not go to one here. */
  private requireCarriedIn(inputs: Inputs): void {
    if (this.isFree) return;
    try {
      for (const packets of inputs.values()) for (const packet of packets) requireCarried(packet);
    } catch (error) {
      for (const packets of inputs.values()) for (const packet of packets) releaseRefused(packet);
      throw error;
    }
  }

  private carried(answer: Answer): Answer {
    if (this.isFree) return answer;
    try {
      for (const packets of answer.outputs.values()) for (const packet of packets) requireCarried(packet);
    } catch (error) {
      for (const packets of answer.outputs.values()) for (const packet of packets) releaseRefused(packet);
      throw this.module.error('process', error);
    }
    return answer;
  }

  // --- errors ---------------------------------------------------------------------------------------------------------

  private warn(error: unknown): void {
    this.log.take('warn', messageOf(error));
  }

  private late(op: string, span: number): GraphError {
    return this.error('ERR_MILLRACE_TIMEOUT', `did not answer ${op}() within ${span} ms`);
  }

  private asynchronous(op: string): GraphError {
    const advice = `Use ${op}Async(), or give it a thread`;
    return this.error(
      'ERR_MILLRACE_ASYNC_INLINE',
      `is asynchronous in ${op}() and cannot block the thread it runs on. ${advice}`,
    );
  }

  private reentered(op: string): GraphError {
    return this.error('ERR_MILLRACE_WOULD_DEADLOCK', `calls ${op}() of itself, from within a call`);
  }

  private error(code: GraphError['code'], what: string): GraphError {
    const { alias, module } = this.spec;
    return new GraphError(code, `sync module "${alias}" (${module.name}) ${what}`, { alias, module: module.name });
  }
}

function copyOf(options: Record<string, unknown>): Record<string, unknown> {
  return unpackValue(packValue(options, 'option')) as Record<string, unknown>;
}

/**
 * The caller's packets are not theirs any more, as if they had crossed threads: who closes one that was given away closes
 * nothing that came back.
 * @throws MillraceError ERR_MILLRACE_CLOSED when the payload of one was closed; all are released then.
 */
function takenOver(inputs: Inputs): Inputs {
  const own = new Map<number, Packet[]>();
  try {
    for (const [id, packets] of inputs) {
      const list: Packet[] = [];
      own.set(id, list);
      for (const packet of packets) list.push(takeOver(packet));
    }
    return own;
  } catch (error) {
    closeAll(own.values());
    closeAll(inputs.values());
    throw error;
  }
}

function takeOver(packet: Packet): Packet {
  const own = packet.clone();
  // What can be closed but not cloned is handed over as it is.
  if (own.payload === packet.payload && isClosable(packet.payload)) return packet;
  packet.close();
  return own;
}

function isClosable(payload: unknown): boolean {
  return typeof (payload as { close?: unknown } | null | undefined)?.close === 'function';
}

function closeInputs(request: Request): void {
  if (request.op === 'process') closeAll(request.inputs.values());
}

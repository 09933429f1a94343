/**
 * A module that is called like a function instead of being scheduled: what one call hands to it and what comes back. The
 * rules of its life are in module-instance.ts, those of a call in docs/sync-mode.md; there are no links, no other threads
 * and no waiting in here, so that a call may run in a worker (call-server.ts) or on the thread of the caller.
 */

import { performance } from '../../../ringbuffer/clock.js';
import { instantiate, loadModule } from '../../catalog/load.js';
import { GraphError, MillraceError, type Phase } from '../../errors/errors.js';
import { closeAll, Packet } from '../../media/packet/packet.js';
import type { Meter, Module, ModuleClass, ModuleContext, TracePhase } from '../../module/contract.js';
import { requireReturned, requireTraced } from '../../module/door.js';
import { FFMPEG, ffmpegLines, isWarning, type LogSeverity, logText, logTo } from '../../module/log.js';
import type { ModuleRef } from '../../module/ref.js';
import { ActorInputs } from '../actor/inputs.js';
import type { MaybeAsync } from '../actor/maybe-async.js';
import { Deliveries } from '../actor/output.js';
import { ActorOutputs } from '../actor/outputs.js';
import { realSleep } from '../board/run-sleep.js';
import type { Group } from '../input-manager/index.js';
import { ModuleInstance } from '../module-instance.js';
import { moduleError } from '../partition/node-error.js';
import type { CalledSpec } from '../protocol.js';
import { EmittedPackets, GivenPackets, givenInput } from './call-links.js';

export interface CallResult {
  /** Every declared output, with what it got. */
  outputs: Map<number, Packet[]>;
  /** The module has finished: nothing more will come. */
  done: boolean;
}

/**
 * Packets that one call may return before the inputs have ended, from a module that asks to be called again without
 * input, and calls in a row that bring none: an endless loop must not keep its caller for ever. The rest comes with the
 * next call.
 */
const ENOUGH = 256;

/**
 * Packets one call returns at most once the inputs have ended: more than anything holds back, and an end for what goes on
 * by itself even then.
 */
const MOST = 65_536;

export class CalledModule {
  private instance: ModuleInstance | undefined;
  /** By id. */
  private readonly given: ReadonlyMap<number, GivenPackets>;
  private readonly emitted: ReadonlyMap<number, EmittedPackets>;
  private readonly aborter = new AbortController();
  private closed = false;
  /** What `init` failed of. */
  private failure: { error: unknown } | undefined;

  /**
   * @param load finds the module; at once, if its result is no promise.
   * @param most packets one call returns at most once the inputs have ended.
   */
  constructor(
    private readonly spec: CalledSpec,
    /** What the module says. */
    private readonly log: (level: LogSeverity, text: string, context?: string) => void,
    /** Whether anybody hears more than warnings and errors. */
    private readonly heard: boolean,
    private readonly load: (ref: ModuleRef) => unknown = loadModule,
    private readonly most = MOST,
  ) {
    this.given = new Map(spec.inputs.map((id) => [id, new GivenPackets()]));
    this.emitted = new Map(spec.outputs.map((id) => [id, new EmittedPackets()]));
  }

  /** Loads and initialises the module; does nothing the second time. @throws GraphError */
  *init(): MaybeAsync<ModuleInstance> {
    if (this.failure !== undefined) throw this.failure.error;
    if (this.instance !== undefined) return this.instance;
    if (this.closed) throw this.closedError();
    const module = (yield* this.attempt('load', () => this.load(this.spec.module))) as Module | ModuleClass;
    // Its own `close` is called from here on, whatever `init` does.
    const instance = this.guarded('load', () => this.made(instantiate(module)));
    this.instance = instance;
    try {
      yield* this.guardedSteps('init', instance.init(this.spec.inputManager, this.host));
    } catch (error) {
      this.failure = { error };
      yield* this.closeFailed();
      throw error;
    }
    return instance;
  }

  /** The caller is told of the beginning that failed; what `close` makes of it is only a warning. */
  private *closeFailed(): MaybeAsync<void> {
    try {
      yield* this.close();
    } catch (error) {
      this.log('warn', (error as Error).message);
    }
  }

  /**
   * Hands packets to the module and returns what it emits. A source (no inputs) makes its next step, which may bring
   * nothing.
   * @param packets Consumed, also when this throws.
   * @throws GraphError with what the module threw; it may be called again.
   */
  *process(packets: ReadonlyMap<number, readonly Packet[]>): MaybeAsync<CallResult> {
    let instance: ModuleInstance;
    try {
      instance = yield* this.init();
    } catch (error) {
      closeAll(packets.values());
      throw error;
    }
    if (instance.finished) {
      closeAll(packets.values());
      return this.result(instance);
    }
    for (const [id, list] of packets) for (const packet of list) this.given.get(id)!.give(packet);
    const ended = instance.outputs.endedOnes();
    try {
      if (instance.isSource) yield* this.makeStep(instance);
      else yield* this.work(instance);
    } catch (error) {
      // The call has failed: its packets are nobody's, and an end among them is still to come.
      for (const output of this.emitted.values()) output.discard();
      instance.outputs.reopen(ended);
      throw error;
    }
    return this.result(instance);
  }

  /** Ends every input that has not ended; a source stops reading. Returns what the module still had, and the ends. */
  *sendEof(): MaybeAsync<CallResult> {
    const instance = yield* this.init();
    if (!instance.isSource) {
      const open = [...this.given].filter(([, { ended }]) => !ended);
      return yield* this.process(new Map(open.map(([id]) => [id, [Packet.eof()]])));
    }
    if (!instance.finished) {
      yield* this.attempt('process', () => instance.drain());
      const first = instance.brought;
      while (!instance.finished && instance.brought - first < this.most) yield* this.call(instance, nothing());
    }
    return this.result(instance);
  }

  *dynamicReset(options: Record<string, unknown>): MaybeAsync<void> {
    const instance = yield* this.init();
    yield* this.attempt('reset', () => instance.dynamicReset(options));
  }

  /** Tells the module, through its signal, that it should return soon. */
  abort(): void {
    this.aborter.abort(new MillraceError('ERR_MILLRACE_ABORTED', 'the module is being closed'));
  }

  /** Calls the module's `close`, once, and releases what waits. */
  *close(): MaybeAsync<void> {
    if (this.closed) return;
    this.closed = true;
    this.abort();
    const { instance } = this;
    if (instance === undefined) return;
    instance.discard();
    yield* this.attempt('close', () => instance.close());
  }

  // --- calls --------------------------------------------------------------------------------------------------------

  /**
   * One call. Sources of ours may need several for the first packet (a file that begins with another stream), and always
   * come to one or to their end; what else gives nothing has nothing to give now.
   */
  private *makeStep(instance: ModuleInstance): MaybeAsync<void> {
    const { definition, path } = this.spec.module;
    const isOurs = definition === undefined && path === undefined;
    do {
      yield* this.call(instance, nothing());
    } while (isOurs && !instance.finished && !this.hasEmitted && this.emitted.size > 0);
  }

  private get hasEmitted(): boolean {
    for (const { packets } of this.emitted.values()) if (packets.length > 0) return true;
    return false;
  }

  /** Calls the module as long as there is something for it. */
  private *work(instance: ModuleInstance): MaybeAsync<void> {
    const { inputs } = instance;
    const first = instance.brought;
    let idle = 0;
    while (!instance.finished && instance.brought - first < this.most) {
      const again = !inputs.allEnded && this.guarded('process', () => inputs.asksForNone());
      // Who has given the ends wants all there is; they come behind what the module makes before it wants them.
      if (again && instance.brought - first >= ENOUGH && [...this.given.values()].some(({ ended }) => !ended)) return;
      // It works without a result, or is wrong about what it wants: not for ever in one call.
      if (again && idle >= ENOUGH) return;
      const group = again ? nothing() : this.guarded('process', () => inputs.take());
      // After all inputs have ended it is called without any, until it is done or brings nothing.
      if (group.inputs.size === 0 && !again && !inputs.allEnded) return;
      const before = instance.brought;
      yield* this.call(instance, group);
      idle = again && instance.brought === before ? idle + 1 : 0;
    }
  }

  private *call(instance: ModuleInstance, group: Group): MaybeAsync<void> {
    yield* this.attempt('process', () => instance.process(group));
    if (instance.isOver) instance.finish();
  }

  private result({ finished }: ModuleInstance): CallResult {
    const outputs = new Map<number, Packet[]>();
    for (const [id, { packets }] of this.emitted) outputs.set(id, packets.splice(0));
    return { outputs, done: finished };
  }

  // --- making it ----------------------------------------------------------------------------------------------------

  private made(module: Module): ModuleInstance {
    const { aborter } = this;
    const inlets = [...this.given].map(([id, link]) => givenInput(id, link));
    const links = new Map([...this.emitted].map(([id, output]) => [id, [output]]));
    const deliveries = new Deliveries();
    return new ModuleInstance(module, this.context(), {
      inputs: new ActorInputs(inlets, [], module),
      outputs: new ActorOutputs(links, deliveries, this.spec.alias),
      deliveries,
      aborter,
    });
  }

  /** Nobody is woken: whoever gives something calls. */
  private readonly host = {
    now: (): bigint => BigInt(Math.round(performance.now() * 1e6)),
    wake(): void {},
    available: (id: number): boolean => this.given.get(id)?.available ?? false,
  };

  private context(): ModuleContext {
    const isDraining = (): boolean => this.instance?.draining ?? false;
    const { spec } = this;
    const began = performance.now();
    return {
      options: spec.options,
      id: 0,
      alias: spec.alias,
      inputs: [...spec.inputs].sort((a, b) => a - b),
      outputs: [...spec.outputs].sort((a, b) => a - b),
      log: logTo((level, message) => {
        if (this.heard || isWarning(level)) this.log(level, logText(message));
      }),
      meter: meter(),
      callback: () =>
        Promise.reject(
          new MillraceError('ERR_MILLRACE_STATE', 'a module that is called like a function has no callback'),
        ),
      hasCallback: () => false,
      signal: this.aborter.signal,
      get stopping() {
        return isDraining();
      },
      protocolWhitelist: spec.protocolWhitelist,
      elapsed: () => (performance.now() - began) * 1000,
      sleep: realSleep(this.aborter.signal),
      job: 0,
      trace: requireTracedCall,
      wrote() {},
      tell() {},
    };
  }

  // --- errors -------------------------------------------------------------------------------------------------------

  /** What is no promise. */
  private guarded<T>(phase: Phase, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.error(phase, error);
    }
  }

  private *attempt(phase: Phase, work: () => unknown): MaybeAsync<unknown> {
    try {
      return requireReturned(yield requireReturned(work()));
    } catch (error) {
      throw this.error(phase, error);
    }
  }

  private *guardedSteps(phase: Phase, steps: MaybeAsync<void>): MaybeAsync<void> {
    try {
      yield* steps;
    } catch (error) {
      throw this.error(phase, error);
    }
  }

  /** What went wrong, with the module's name. */
  error(phase: Phase, cause: unknown): GraphError {
    if (cause instanceof GraphError) return cause;
    if (this.heard) for (const line of ffmpegLines(cause)) this.log('error', line, FFMPEG);
    const { alias, module } = this.spec;
    return moduleError(this.name, { alias, module: module.name }, phase, cause);
  }

  private get name(): string {
    return `sync module "${this.spec.alias}" (${this.spec.module.name})`;
  }

  private closedError(): GraphError {
    const { alias, module } = this.spec;
    return new GraphError('ERR_MILLRACE_STATE', `${this.name} was closed`, { alias, module: module.name });
  }
}

/** Calls like functions are not traced. */
function requireTracedCall(name: string, _: unknown, phase?: TracePhase): void {
  requireTraced(name, phase);
}

/** A call without packets. */
function nothing(): Group {
  return { inputs: new Map() };
}

function meter(): Meter {
  return { duration: 0, position: 0, frames: 0, bytes: 0, dropped: 0, duplicated: 0, corrupt: 0, psnr: 0 };
}

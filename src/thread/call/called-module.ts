/**
 * A module that is called like a function instead of being scheduled: what one call hands to it and what comes back.
 * The rules are those of an actor (actor.ts, docs/sync-mode.md); there are no links, no other threads and no waiting in
 * here, so that a call may run in a worker (call-part.ts) or on the thread of the caller.
 */

import { performance } from '../../../ringbuffer/clock.js';
import { instantiate, loadModule } from '../../catalog/load.js';
import { GraphError, MillraceError, type Phase } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import { markLog } from '../../media/log/ffmpeg-log.js';
import { closeAll, Packet } from '../../media/packet/packet.js';
import type { Meter, Module, ModuleContext, Task } from '../../module/contract.js';
import { requireId, requireReturned, requireWanted } from '../../module/door.js';
import { FFMPEG, ffmpegLines, isWarning, type LogSeverity, logText } from '../../module/log.js';
import type { ModuleRef } from '../../module/ref.js';
import { validated } from '../actor/build.js';
import type { MaybeAsync } from '../actor/maybe-async.js';
import type { Group } from '../input-manager/index.js';
import type { CalledSpec } from '../protocol.js';
import { CalledInlets } from './call-inputs.js';
import { CalledOutlet, Nowhere } from './call-outputs.js';

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
  private module: Module | undefined;
  private readonly inlets: CalledInlets;
  private readonly outlets: CalledOutlet[];
  /** Those that were not declared, by id. */
  private readonly nowhere = new Map<number, Nowhere>();
  private readonly aborter = new AbortController();
  private doneSaid = false;
  private finished = false;
  private closed = false;
  private draining = false;
  /** What `init` failed of. */
  private failure: { error: unknown } | undefined;

  /** @param load finds the module; at once, if its result is no promise. */
  constructor(
    private readonly spec: CalledSpec,
    /** What the module says. */
    private readonly log: (level: LogSeverity, text: string, context?: string) => void,
    /** Whether anybody hears more than warnings and errors. */
    private readonly heard: boolean,
    private readonly load: (ref: ModuleRef) => unknown = loadModule,
  ) {
    this.inlets = new CalledInlets(spec.inputs);
    this.outlets = spec.outputs.map((id) => new CalledOutlet(id, spec.alias));
  }

  /** Loads and initialises the module; does nothing the second time. @throws GraphError */
  *init(): MaybeAsync<void> {
    if (this.failure !== undefined) throw this.failure.error;
    if (this.module !== undefined) return;
    if (this.closed) throw this.closedError();
    const module = instantiate((yield* this.attempt('load', () => this.load(this.spec.module))) as Module);
    const options = (yield* this.attempt('init', () => validated(module, this.spec))) as Record<string, unknown>;
    // Its own `close` is called from here on, whatever `init` does.
    this.module = module;
    try {
      yield* this.attempt('init', () => {
        this.inlets.manage(this.spec.inputManager ?? module.inputManager?.(options) ?? 'immediate');
        return module.init?.(this.context(options));
      });
    } catch (error) {
      this.failure = { error };
      yield* this.closeFailed();
      throw error;
    }
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
   * @param given Consumed, also when this throws.
   * @throws GraphError with what the module threw; it may be called again.
   */
  *process(given: ReadonlyMap<number, readonly Packet[]>): MaybeAsync<CallResult> {
    try {
      yield* this.init();
    } catch (error) {
      closeAll(given.values());
      throw error;
    }
    if (this.finished) {
      closeAll(given.values());
      return this.result();
    }
    for (const [id, packets] of given) for (const packet of packets) this.inlets.give(id, packet);
    try {
      if (this.inlets.none) yield* this.makeStep();
      else yield* this.work();
    } catch (error) {
      for (const outlet of this.outlets) outlet.takeBack();
      throw error;
    }
    return this.result();
  }

  /** Ends every input that has not ended; a source stops reading. Returns what the module still had, and the ends. */
  *sendEof(): MaybeAsync<CallResult> {
    yield* this.init();
    if (!this.inlets.none) {
      return yield* this.process(new Map(this.inlets.open.map((id) => [id, [Packet.eof()]])));
    }
    if (!this.finished) {
      this.draining = true;
      const { module } = this;
      if (module?.drain === undefined) this.finish();
      else {
        yield* this.attempt('process', () => module.drain?.());
        const first = this.pushed;
        while (!this.finished && this.pushed - first < MOST) yield* this.drained();
      }
    }
    return this.result();
  }

  *dynamicReset(options: Record<string, unknown>): MaybeAsync<void> {
    yield* this.init();
    const { module } = this;
    if (module?.dynamicReset === undefined) {
      throw this.error(
        'reset',
        new MillraceError('ERR_MILLRACE_STATE', 'its options cannot be changed: it has no dynamicReset', {
          hint: 'Close it and make another one',
        }),
      );
    }
    yield* this.attempt('reset', () => module.dynamicReset?.(options));
  }

  /** Tells the module, through its signal, that it should return soon. */
  abort(): void {
    this.aborter.abort(new MillraceError('ERR_MILLRACE_ABORTED', 'the module is being closed'));
  }

  /** Calls the module's `close`, once, and releases what waits. */
  *close(): MaybeAsync<void> {
    if (this.closed) return;
    this.closed = true;
    this.finished = true;
    this.abort();
    this.inlets.discard();
    const { module } = this;
    if (module !== undefined) yield* this.attempt('close', () => module.close?.());
  }

  // --- calls --------------------------------------------------------------------------------------------------------

  /** One call of a source that reads no more; one that emits nothing is the last. */
  private *drained(): MaybeAsync<void> {
    const before = this.pushed;
    yield* this.call({ inputs: new Map() });
    if (this.pushed === before) this.finish();
  }

  /**
   * One call. Sources of ours may need several for the first packet (a file that begins with another stream), and always
   * come to one or to their end; what else gives nothing has nothing to give now.
   */
  private *makeStep(): MaybeAsync<void> {
    const { definition, path } = this.spec.module;
    const isOurs = definition === undefined && path === undefined;
    do {
      yield* this.call({ inputs: new Map() });
    } while (isOurs && !this.finished && this.emitted() === 0 && this.outlets.length > 0);
  }

  /** Calls the module as long as there is something for it. */
  private *work(): MaybeAsync<void> {
    const first = this.pushed;
    let idle = 0;
    while (!this.finished && this.pushed - first < MOST) {
      const module = this.module as Module;
      const wanted = this.inlets.allEnded ? undefined : this.guarded(() => requireWanted(module.wants?.()));
      const again = wanted?.length === 0;
      // Who has given the ends wants all there is; they come behind what the module makes before it wants them.
      if (again && this.pushed - first >= ENOUGH && this.inlets.open.length > 0) return;
      // It works without a result, or is wrong about what it wants: not for ever in one call.
      if (again && idle >= ENOUGH) return;
      const group = again ? { inputs: new Map<number, Packet[]>() } : this.guarded(() => this.inlets.collect(wanted));
      // After all inputs have ended it is called without any, until it is done or emits nothing.
      const flushing = this.inlets.allEnded && group === undefined;
      if (group === undefined && !flushing) return;
      const before = this.pushed;
      yield* this.call(group ?? { inputs: new Map() });
      if (flushing && this.pushed === before) this.finish();
      idle = again && this.pushed === before ? idle + 1 : 0;
    }
  }

  private *call({ inputs, pts, duration }: Group): MaybeAsync<void> {
    const handedOn = new Set<unknown>();
    const task: Task = {
      inputs,
      pts,
      duration,
      output: (id) => this.outlet(id),
      closeInput: (id) => {
        requireId(id, 'closeInput');
        this.inlets.close(id);
      },
      done: () => {
        this.doneSaid = true;
      },
    };
    for (const outlet of this.outlets) outlet.handedOn = handedOn;
    try {
      yield* this.attempt('process', () => (this.module as Module).process(task));
    } finally {
      for (const packets of inputs.values()) {
        for (const packet of packets) if (!handedOn.has(packet.payload)) packet.close();
      }
    }
    if (this.doneSaid) this.finish();
  }

  private finish(): void {
    this.finished = true;
    for (const outlet of this.outlets) outlet.push(Packet.eof());
    this.inlets.discardQueued();
  }

  /** Packets for the caller. */
  private emitted(): number {
    return this.outlets.reduce((sum, outlet) => sum + outlet.packets.length, 0);
  }

  /** Packets pushed so far, wanted or not: what "a call that emits nothing" is judged by, as in a graph. */
  private get pushed(): number {
    let sum = 0;
    for (const outlet of this.outlets) sum += outlet.pushed;
    for (const outlet of this.nowhere.values()) sum += outlet.pushed;
    return sum;
  }

  private outlet(id: number): CalledOutlet | Nowhere {
    const declared = this.outlets.find((outlet) => outlet.id === id);
    if (declared !== undefined) return declared;
    requireId(id, 'output');
    let nowhere = this.nowhere.get(id);
    if (nowhere === undefined) {
      nowhere = new Nowhere(id);
      this.nowhere.set(id, nowhere);
    }
    return nowhere;
  }

  private result(): CallResult {
    return {
      outputs: new Map(this.outlets.map((outlet) => [outlet.id, outlet.packets.splice(0)])),
      done: this.finished,
    };
  }

  // --- context and errors -------------------------------------------------------------------------------------------

  private context(options: Record<string, unknown>): ModuleContext {
    const { spec } = this;
    const isDraining = (): boolean => this.draining;
    const ignore = (): void => {};
    const log = (level: LogSeverity) => (message: unknown) => {
      if (this.heard || isWarning(level)) this.log(level, logText(message));
    };
    const began = performance.now();
    return {
      options,
      id: 0,
      alias: spec.alias,
      inputs: [...spec.inputs].sort((a, b) => a - b),
      outputs: [...spec.outputs].sort((a, b) => a - b),
      log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
      meter: meter(),
      callback: () =>
        Promise.reject(
          new MillraceError('ERR_MILLRACE_STATE', 'a module that is called like a function has no callback'),
        ),
      signal: this.aborter.signal,
      get stopping() {
        return isDraining();
      },
      protocolWhitelist: spec.protocolWhitelist,
      elapsed: () => (performance.now() - began) * 1000,
      job: 0,
      wrote: ignore,
    };
  }

  /** What is no promise. */
  private guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.error('process', error);
    }
  }

  private *attempt(phase: Phase, work: () => unknown): MaybeAsync<unknown> {
    markLog();
    try {
      return requireReturned(yield requireReturned(work()));
    } catch (error) {
      throw this.error(phase, error);
    }
  }

  /** What went wrong, with the module's name. */
  error(phase: Phase, cause: unknown): GraphError {
    if (cause instanceof GraphError) return cause;
    if (this.heard) for (const line of ffmpegLines(cause)) this.log('error', line, FFMPEG);
    const { alias, module } = this.spec;
    const text = messageOf(cause);
    const code =
      cause instanceof MillraceError
        ? cause.code
        : phase === 'load'
          ? 'ERR_MILLRACE_MODULE_LOAD'
          : 'ERR_MILLRACE_MODULE';
    return new GraphError(code, `sync module "${alias}" (${module.name}) failed in ${phase}: ${text}`, {
      alias,
      module: module.name,
      phase,
      cause,
    });
  }

  private closedError(): GraphError {
    const { alias, module } = this.spec;
    return new GraphError('ERR_MILLRACE_STATE', `sync module "${alias}" (${module.name}) was closed`, {
      alias,
      module: module.name,
    });
  }
}

function meter(): Meter {
  return { duration: 0, position: 0, frames: 0, bytes: 0, dropped: 0, duplicated: 0, corrupt: 0, psnr: 0 };
}

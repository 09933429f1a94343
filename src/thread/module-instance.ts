/**
 * A module and the rules of its life, wherever it lives and whoever drives it: an actor, when its links let it
 * (actor/actor.ts), or whoever calls it like a function (call/called-module.ts). There are no threads in here and no
 * waiting but for the module itself; what its inputs take from and its outputs hand to is theirs to know.
 *
 *   made -> init -> (process)* -> finished -> close
 *                       ^   |
 *                       reset, between two jobs
 *
 * What a call of `process` pushes is handed on when the call has come to its end, and none of it if the call fails. Then
 * the inputs of the call that were not handed on are released. The module has no more to say once it has called `done()`,
 * or once a call after the end of its inputs (of a source: after its `drain`) has brought nothing.
 */
import { MillraceError } from '../errors/errors.js';
import { markLog } from '../media/log/ffmpeg-log.js';
import type { InputManagerSpec, Module, ModuleContext, OutputPort, Task } from '../module/contract.js';
import { requireReturned } from '../module/door.js';
import { validated } from '../module/validated.js';
import type { ActorInputs } from './actor/inputs.js';
import type { Jobs } from './actor/jobs.js';
import { type MaybeAsync, whenSettled } from './actor/maybe-async.js';
import type { Deliveries } from './actor/output.js';
import type { ActorOutputs } from './actor/outputs.js';
import { type Group, type ManagerHost, makeInputManager } from './input-manager/index.js';

/** Who is told of a call of the module. */
export interface CallEnds {
  /** It has come to its end; what it pushed has not been handed on. */
  readonly returned: () => void;
  /** What it pushed has been handed on. */
  readonly settled: (failed: boolean) => void;
}

/** What a module is put together with. */
export interface InstanceParts {
  readonly inputs: ActorInputs;
  readonly outputs: ActorOutputs;
  readonly deliveries: Deliveries;
  /** Ends `context.signal`. */
  readonly aborter: AbortController;
}

const UNWATCHED: CallEnds = { returned() {}, settled() {} };

export class ModuleInstance {
  readonly inputs: ActorInputs;
  readonly outputs: ActorOutputs;
  /** It is called no more but to be closed. */
  finished = false;
  closed = false;
  /** It has said, in this job, that it will bring nothing more. */
  done = false;
  /** Packets that its last call brought, and those of them that are the engine's own. */
  made = 0;
  tickets = 0;
  /** A source was told to read no more. */
  draining = false;
  private flushed = false;
  private readonly deliveries: Deliveries;
  private readonly aborter: AbortController;

  constructor(
    private readonly module: Module,
    readonly context: ModuleContext,
    parts: InstanceParts,
  ) {
    this.inputs = parts.inputs;
    this.outputs = parts.outputs;
    this.deliveries = parts.deliveries;
    this.aborter = parts.aborter;
  }

  // What a task of every call offers; bound, because a module may take them off the task.
  private readonly output = (id: number): OutputPort => this.outputs.get(id);
  private readonly closeInput = (id: number): void => this.inputs.close(id);
  private readonly sayDone = (): void => {
    this.done = true;
  };

  get isSource(): boolean {
    return this.context.inputs.length === 0;
  }

  /** Packets and ends that it has brought so far, wanted or not. */
  get brought(): number {
    return this.deliveries.pushed + this.deliveries.ends;
  }

  /**
   * Checks the options, finds out how the inputs are put together, and initialises the module.
   * @param asked how the graph wants them put together; undefined: as the module wants it.
   */
  *init(asked: InputManagerSpec | undefined, host: ManagerHost): MaybeAsync<void> {
    const { module, context } = this;
    markLog();
    const options = (yield validated(module, context.options)) as Record<string, unknown>;
    (context as { options: Record<string, unknown> }).options = options;
    const manager = asked ?? module.inputManager?.(options) ?? 'immediate';
    if (!this.isSource) this.inputs.useManager(() => makeInputManager(manager, context.inputs, host));
    requireReturned(yield requireReturned(module.init?.(context)));
  }

  /** One call. Its outcome is in `made` and `isOver`. @param group consumed. */
  process({ inputs, pts, duration }: Group, ends = UNWATCHED): void | Promise<void> {
    const { deliveries } = this;
    const { pushed, tickets } = deliveries;
    const before = this.brought;
    const flushing = inputs.size === 0 && (this.isSource ? this.draining : this.inputs.allEnded);
    const { output, closeInput, sayDone } = this;
    const task: Task = { inputs, pts, duration, output, closeInput, done: sayDone };
    const settled = (failed: boolean): void => {
      this.inputs.askAgain();
      if (failed) deliveries.discard();
      try {
        deliveries.deliver();
      } finally {
        deliveries.settle(inputs.values());
      }
      this.made = deliveries.pushed - pushed;
      this.tickets = deliveries.tickets - tickets;
      this.flushed = flushing && this.brought === before;
      ends.settled(failed);
    };
    const process = (): void | Promise<void> => this.module.process(task);
    return this.call(() => deliveries.during(process), { returned: ends.returned, settled });
  }

  /** After a call: the module has no more to say, in this job. */
  get isOver(): boolean {
    return this.done || this.flushed;
  }

  /** A source reads no more. What it still has comes in the calls that follow, the last of which brings nothing. */
  drain(): void | Promise<void> {
    this.draining = true;
    if (this.module.drain !== undefined) return this.call(() => this.module.drain?.(), UNWATCHED);
    this.finish();
  }

  get canChange(): boolean {
    return this.module.dynamicReset !== undefined;
  }

  /** @throws MillraceError ERR_MILLRACE_STATE for a module that cannot. */
  dynamicReset(options: Record<string, unknown>, ends = UNWATCHED): void | Promise<void> {
    if (!this.canChange) {
      throw new MillraceError('ERR_MILLRACE_STATE', 'its options cannot be changed: it has no dynamicReset', {
        hint: 'A module that can change them has a method dynamicReset(options)',
      });
    }
    const { returned } = ends;
    const settled = (failed: boolean): void => {
      // It may want something else now.
      this.inputs.askAgain();
      ends.settled(failed);
    };
    return this.call(() => this.module.dynamicReset?.(options), { returned, settled });
  }

  /** Asks the module whether it takes a further input. @throws what it refuses it by; MillraceError ERR_MILLRACE_STATE for options that it cannot take. */
  addInput(input: number, options: Readonly<Record<string, unknown>> | undefined): void | Promise<void> {
    const { module } = this;
    if (module.addInput !== undefined) return this.call(() => module.addInput?.(input, options), UNWATCHED);
    if (options !== undefined) {
      throw new MillraceError('ERR_MILLRACE_STATE', 'its options cannot be changed by an input: it has no addInput', {
        hint: 'A module that can change them has a method addInput(input, options)',
      });
    }
  }

  /** Tells the module, through its signal, that it should return soon. */
  abort(reason: unknown): void {
    this.aborter.abort(reason);
  }

  // --- jobs ---------------------------------------------------------------------------------------------------------

  /** This job is answered: its outputs end, and it takes no more of it. */
  answer(jobs: Jobs): void {
    jobs.answered = true;
    this.outputs.end();
    this.deliveries.deliver();
    this.inputs.leaveJob(jobs);
  }

  /** Makes the module ready for the next job, to which `turn` turns. */
  reset(ends: CallEnds): void | Promise<void> {
    return this.call(() => this.module.reset?.(), ends);
  }

  /** The jobs have turned to the next one. */
  turn(): void {
    this.outputs.reopen();
    this.inputs.reopen();
    this.done = false;
  }

  // --- the end ------------------------------------------------------------------------------------------------------

  /** Ends the outputs, each once and behind its last packet, and leaves the inputs. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    try {
      this.outputs.finish();
      this.deliveries.deliver();
    } finally {
      this.inputs.leaveAll();
    }
  }

  /** Calls the module's `close`, once. */
  close(ends = UNWATCHED): void | Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.finished = true;
    return this.call(() => this.module.close?.(), ends);
  }

  /** Releases every packet that waits at its inputs and outputs. */
  discard(): void {
    this.inputs.discard();
    this.outputs.discard();
  }

  private call(work: () => void | Promise<void>, ends: CallEnds): void | Promise<void> {
    markLog();
    return whenSettled(work, (failed) => {
      ends.returned();
      ends.settled(failed);
    });
  }
}

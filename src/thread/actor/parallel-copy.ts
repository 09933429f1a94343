/**
 * One of the parallel copies of a node (`dist_nums`): gives the module one packet a call and, behind what the call
 * emitted, a ticket: the control packet by which `assemble` knows that everything belonging to that packet is there. So
 * the copies may emit any number of packets, in calls that are asynchronous too, and the order is restored exactly.
 */
import { MillraceError } from '../../errors/errors.js';
import { Packet } from '../../media/packet/packet.js';
import type { InputManagerSpec, Module, ModuleContext, OutputPort, Task } from '../../module/contract.js';
import { schemaOf } from '../../module/validated.js';
import type { OptionSchema } from '../../schema/standard.js';
import { type MaybeAsync, runSteps } from './maybe-async.js';

export class ParallelCopy implements Module {
  private readonly queue: Packet[] = [];
  /** The end has been given to the module. */
  private ended = false;
  /** A packet was given to the module, and its ticket is still to come. */
  private owed = false;

  readonly schema?: OptionSchema<Record<string, unknown>>;
  /** Absent if the module has none. */
  readonly dynamicReset?: (options: Record<string, unknown>) => void | Promise<void>;

  constructor(private readonly module: Module) {
    const schema = schemaOf(module);
    if (schema !== undefined) this.schema = schema;
    if (module.dynamicReset !== undefined) this.dynamicReset = (options) => module.dynamicReset?.(options);
  }

  /** @throws MillraceError ERR_MILLRACE_STATE if the module asks for a manager: each copy has only some of the packets. */
  inputManager(options: Record<string, unknown>): InputManagerSpec {
    const asked = this.module.inputManager?.(options) ?? 'immediate';
    const mode = typeof asked === 'string' ? asked : asked.mode;
    if (mode === 'immediate') return asked;
    throw new MillraceError('ERR_MILLRACE_STATE', `the module asks for the input manager '${mode}'`, {
      hint: 'Parallel copies take packets as they come: leave out distNums (dist_nums)',
    });
  }

  init(ctx: ModuleContext): void | Promise<void> {
    return this.module.init?.(ctx);
  }

  wants(): readonly number[] | undefined {
    const wanted = this.module.wants?.();
    return this.queue.length > 0 ? [] : wanted;
  }

  process(task: Task): void | Promise<void> {
    // Taken out of the task: they are this copy's now. What is put back is released with the call.
    this.queue.push(...(task.inputs.get(0)?.splice(0) ?? []));
    task.inputs.clear();
    return runSteps(this.work(task));
  }

  /**
   * To the engine a call that emits nothing after the last end is the last one; here packets may still wait, so the
   * module is called until it emits something or has no more. In a loop: that may be thousands of calls.
   */
  private *work(task: Task): MaybeAsync<void> {
    while (yield* this.step(task));
  }

  /** One call of the module. @returns true if it must be called again at once. */
  private *step(task: Task): MaybeAsync<boolean> {
    const inputs = new Map<number, Packet[]>();
    const packet = this.hasMore ? undefined : this.queue.shift();
    if (packet !== undefined) {
      // One list for both: the module may take packets out of it, and keep them.
      const packets = [packet];
      inputs.set(0, packets);
      task.inputs.set(0, packets);
      this.owed = true;
      if (packet.isEof) this.ended = true;
    }
    let emitted = 0;
    const output = task.output(0);
    const counted: OutputPort = {
      push: (pushed) => {
        emitted++;
        output.push(pushed);
      },
      get closed() {
        return output.closed;
      },
      get room() {
        return output.room;
      },
    };
    const guarded: Task = {
      ...task,
      inputs,
      output: (id) => (id === 0 ? counted : task.output(id)),
      done: () => {
        this.refuseUnlessEnded('said done()', output);
        task.done();
      },
      closeInput: (id) => {
        if (id === 0) this.refuseUnlessEnded('closed its input', output);
        task.closeInput(id);
      },
    };
    yield this.module.process(guarded);
    if (this.owed && (this.ended || !this.hasMore)) {
      this.owed = false;
      if (!output.closed) output.push(Packet.control('ticket'));
      return false;
    }
    return emitted === 0 && this.hasMore && !output.closed;
  }

  /** The module has not emitted everything of the packet it was given. */
  private get hasMore(): boolean {
    return !this.ended && this.module.wants?.()?.length === 0;
  }

  private refuseUnlessEnded(what: string, output: OutputPort): void {
    if (this.ended || output.closed) return;
    throw new MillraceError('ERR_MILLRACE_STATE', `the module ${what} before the end of its input`, {
      hint: 'Only modules that treat every packet alike can have parallel copies: leave out distNums (dist_nums)',
    });
  }

  reset(): void | Promise<void> {
    this.release();
    return this.module.reset?.();
  }

  close(): void | Promise<void> {
    this.release();
    return this.module.close?.();
  }

  private release(): void {
    this.owed = false;
    this.ended = false;
    for (const packet of this.queue.splice(0)) packet.close();
  }
}

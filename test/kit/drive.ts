/**
 * Runs one module on this thread, without scheduler or rings, by the rules of `src/module/contract.ts`: validates its
 * options, respects `wants()`, ends every input once, calls it with empty inputs after the last end, closes it once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../src/errors/errors.js';
import { Packet } from '../../src/media/index.js';
import type { Meter, Module, ModuleClass, ModuleContext, Task } from '../../src/module/contract.js';
import type { OptionSchema } from '../../src/schema/standard.js';

export interface DriveOptions {
  /** As a graph file would hold them; checked against the module's schema. */
  options?: unknown;
  /** Packets by input id; the end of each input is added. The packets are consumed. */
  inputs?: Readonly<Record<number, readonly Packet[]>>;
  /** Ids of the outputs that are consumed. */
  outputs?: readonly number[];
  /** At most so many packets of an input per call; 1 unless given. */
  batch?: number;
  /** Packets that every output has room for, at any time; 1 unless given. */
  room?: number;
  /** The consumers of an output leave after so many packets. */
  closeAfter?: Readonly<Record<number, number>>;
  /** Takes every packet (and its ownership) instead of the result. */
  onPacket?(output: number, packet: Packet): void;
  signal?: AbortSignal;
  /** Number of the job, for modules that serve them. */
  job?: number;
  /** Fails after so many calls of `process`; 100,000 unless given. */
  maxCalls?: number;
}

export interface Driven {
  /** Packets by output id without the end; the caller's to close. */
  outputs: Record<number, Packet[]>;
  meter: Meter;
  /** What the module warned of. */
  warnings: string[];
  /** What the module said to have written. */
  files: string[];
  /** How often `process` was called. */
  calls: number;
  /** Most packets that one call put out. */
  largestStep: number;
}

/** Packets of `module` until it has finished. Rejects with what the module throws, after having closed it. */
export async function drive<O>(module: ModuleClass<O> | Module<O>, given: DriveOptions = {}): Promise<Driven> {
  const instance = instantiate(module);
  const outputs = given.outputs ?? [0];
  const result: Driven = {
    outputs: Object.fromEntries(outputs.map((id) => [id, []])),
    meter: { duration: 0, position: 0, frames: 0, bytes: 0, dropped: 0, duplicated: 0, corrupt: 0 },
    warnings: [],
    files: [],
    calls: 0,
    largestStep: 0,
  };
  const queues = new Map(
    Object.entries(given.inputs ?? {}).map(([id, packets]) => [Number(id), [...packets, Packet.eof()] as Packet[]]),
  );
  try {
    await instance.init?.(contextFor(instance, module, given, result, [...queues.keys()], outputs));
    await run(instance, given, result, queues);
  } catch (error) {
    for (const packet of Object.values(result.outputs).flat()) packet.close();
    throw error;
  } finally {
    for (const packet of [...queues.values()].flat()) packet.close();
    await instance.close?.();
  }
  return result;
}

/** Closes all packets of a result. */
export function closeAll(driven: Driven): void {
  for (const packet of Object.values(driven.outputs).flat()) packet.close();
}

function instantiate<O>(module: ModuleClass<O> | Module<O>): Module<O> {
  return (typeof module === 'function' ? new module() : Object.create(module)) as Module<O>;
}

function contextFor<O>(
  instance: Module<O>,
  module: ModuleClass<O> | Module<O>,
  given: DriveOptions,
  result: Driven,
  inputs: readonly number[],
  outputs: readonly number[],
): ModuleContext<O> {
  const schema = instance.schema ?? module.schema;
  const signal = given.signal ?? new AbortController().signal;
  return {
    options: schema ? validated(schema, given.options ?? {}) : ((given.options ?? {}) as O),
    id: 0,
    alias: 'driven',
    inputs: [...inputs].sort((a, b) => a - b),
    outputs,
    log: {
      debug() {},
      info() {},
      warn: (message) => void result.warnings.push(message),
      error: (message) => void result.warnings.push(message),
    },
    meter: result.meter,
    callback: () => Promise.resolve(undefined),
    hasCallback: () => false,
    signal,
    stopping: false,
    elapsed: () => performance.now() * 1000,
    sleep: (milliseconds) => sleep(milliseconds, undefined, { signal }),
    job: given.job ?? 0,
    trace() {},
    wrote: (path) => void result.files.push(path),
    tell() {},
  };
}

/** @throws MillraceError ERR_MILLRACE_OPTION with every issue, as `path: message`. */
export function validated<T>(schema: OptionSchema<T>, options: unknown): T {
  const checked = schema['~standard'].validate(options);
  if (checked instanceof Promise) throw new Error('an option schema has to be synchronous');
  if (checked.issues === undefined) return checked.value;
  const lines = checked.issues.map(({ path = [], message }) => {
    const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
    return `${keys.join('.')}: ${message}`;
  });
  throw new MillraceError('ERR_MILLRACE_OPTION', lines.join('\n'));
}

async function run<O>(
  instance: Module<O>,
  given: DriveOptions,
  result: Driven,
  queues: Map<number, Packet[]>,
): Promise<void> {
  const { maxCalls = 100_000, batch = 1 } = given;
  const source = queues.size === 0;
  const ended = new Set<number>();
  const closed = (id: number): boolean => {
    const packets = result.outputs[id];
    return !packets || ended.has(id) || packets.length >= (given.closeAfter?.[id] ?? Number.POSITIVE_INFINITY);
  };
  for (;;) {
    if (++result.calls > maxCalls) throw new Error(`the module did not end within ${maxCalls} calls of process`);
    const afterEnd = !source && [...queues.values()].every((queue) => queue.length === 0);
    const inputs = afterEnd || source ? new Map<number, Packet[]>() : take(queues, instance.wants?.(), batch);
    let emitted = 0;
    let done = false;
    const kept = new Set<Packet>();
    const task: Task = {
      inputs,
      output: (id) => ({
        get closed() {
          return closed(id);
        },
        room: given.room ?? 1,
        push(packet) {
          if (ended.has(id)) throw new MillraceError('ERR_MILLRACE_STATE', `a packet after the end of output ${id}`);
          emitted++;
          if (packet.isEof) {
            ended.add(id);
          } else if (closed(id)) {
            packet.close();
          } else if (given.onPacket) {
            kept.add(packet);
            given.onPacket(id, packet);
          } else {
            kept.add(packet);
            result.outputs[id]?.push(packet);
          }
        },
      }),
      closeInput: (id) => {
        for (const packet of queues.get(id)?.splice(0) ?? []) packet.close();
      },
      done: () => {
        done = true;
      },
    };
    try {
      await instance.process(task);
    } finally {
      for (const packet of [...inputs.values()].flat()) if (!kept.has(packet)) packet.close();
    }
    result.largestStep = Math.max(result.largestStep, emitted);
    if (done) return;
    if (afterEnd && emitted === 0) return;
    if (given.closeAfter && allLeft(result, closed)) return;
  }
}

/** The engine closes a node whose consumers have all left. */
function allLeft(result: Driven, closed: (id: number) => boolean): boolean {
  const ids = Object.keys(result.outputs);
  return ids.length > 0 && ids.every((id) => closed(Number(id)));
}

function take(queues: Map<number, Packet[]>, wanted: readonly number[] | undefined, batch: number) {
  const inputs = new Map<number, Packet[]>();
  if (wanted?.length === 0) return inputs;
  for (const [id, queue] of queues) {
    if (queue.length > 0 && (wanted === undefined || wanted.includes(id))) inputs.set(id, queue.splice(0, batch));
  }
  if (inputs.size === 0) {
    throw new Error(`the module waits for input ${wanted?.join(', ')}, which has ended; it would hang`);
  }
  return inputs;
}

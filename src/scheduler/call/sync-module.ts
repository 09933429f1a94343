/** One actor, called like a function. */
import { MillraceError } from '../../errors/errors.js';
import { type ServedSource, servedIn } from '../../media/bytes/served.js';
import { closeAll, Packet } from '../../media/packet/packet.js';
import type { CalledSpec } from '../../thread/protocol.js';
import { closeInTime } from '../run/program-sources.js';
import type { Answer } from './call-client.js';
import type { Backend, Inputs, Request } from './thread-backend.js';

/** Packets by input id. */
export type SyncInputs<I extends readonly number[]> =
  | { readonly [Id in I[number]]?: readonly Packet[] | undefined }
  | null
  | undefined;

export interface SyncResult<O extends readonly number[] = readonly number[]> {
  /** What every declared output got, possibly nothing; the caller's to close. An output's end is its last packet. */
  outputs: { readonly [Id in O[number]]: Packet[] };
  /** The module has finished: it will return nothing more (BMF's DONE). */
  done: boolean;
  /** Of the last packet that has one, in microseconds. */
  timestamp: number | undefined;
}

const NOTHING: Inputs = new Map();

export class SyncModule<
  I extends readonly number[] = readonly number[],
  O extends readonly number[] = readonly number[],
> implements Disposable
{
  /** Calls that were answered, for `runtime.stats()`. */
  calls = 0;
  #closed = false;
  #used = false;
  #closing: Promise<void> | undefined;
  /** From the first call to the end of the close: what it holds goes with it. */
  #backend: Backend | undefined;
  #warnings: readonly string[] = [];
  readonly #make: () => Backend;
  readonly #spec: CalledSpec;
  /** What it reads of the program's: open as long as there is a backend. */

  /**
   * Made by `syncModule`, `runtime.spawn` and `graph.getModule`.
   * @param make called by the first call, so that an actor that is only wired to others costs no thread.
   * @internal
   */
  constructor(spec: CalledSpec, make: () => Backend) {
    this.#spec = spec;
    this.#make = make;
  }

  get #sources(): readonly ServedSource[] {
    return servedIn(this.#spec.options);
  }

  /** Its name in errors. */
  get alias(): string {
    return this.#spec.alias;
  }

  get inputs(): readonly number[] {
    return this.#spec.inputs;
  }

  get outputs(): readonly number[] {
    return this.#spec.outputs;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What the module warned of. */
  get warnings(): readonly string[] {
    return this.#backend?.warnings ?? this.#warnings;
  }

  /**
   * Loads and initialises the module; the first call of anything else does it too, and doing it again is harmless.
   * @throws GraphError with what the module threw.
   */
  init(): void {
    this.#call({ op: 'init' });
  }

  async initAsync(): Promise<void> {
    await this.#callAsync({ op: 'init' });
  }

  /**
   * Hands packets to the module and returns what it made of them. Blocks this thread until it has answered. A source (no
   * inputs) returns the packets of its next step, then the ends of its outputs, then nothing.
   * @param inputs Packets by input id. They are consumed, also when this throws; `clone()` to keep one.
   * @throws MillraceError ERR_MILLRACE_CONFIG for an input that was not declared, ERR_MILLRACE_STATE after `close()`;
   *   GraphError for what the module threw, for a thread that died (ERR_MILLRACE_WORKER_DIED), a call that took longer
   *   than `timeout` (ERR_MILLRACE_TIMEOUT), and for asynchronous modules on this thread (ERR_MILLRACE_ASYNC_INLINE).
   */
  process(inputs?: SyncInputs<I>): SyncResult<O> {
    return this.#result(this.#call({ op: 'process', inputs: this.#checked(inputs) }));
  }

  /** The same without blocking. Calls of one module are made in order, those of different threads at the same time. */
  async processAsync(inputs?: SyncInputs<I>): Promise<SyncResult<O>> {
    return this.#result(await this.#callAsync({ op: 'process', inputs: this.#checked(inputs) }));
  }

  /**
   * Ends every input that has not ended and returns what the module still had, and the ends of its outputs. A source stops
   * reading and returns what its codecs held back.
   * @throws as `process`
   */
  sendEof(): SyncResult<O> {
    return this.#result(this.#call({ op: 'sendEof' }));
  }

  async sendEofAsync(): Promise<SyncResult<O>> {
    return this.#result(await this.#callAsync({ op: 'sendEof' }));
  }

  /** Changes options between two calls, if the module can. @throws as `process` */
  dynamicReset(options: Record<string, unknown>): void {
    this.#call({ op: 'dynamicReset', options });
  }

  async dynamicResetAsync(options: Record<string, unknown>): Promise<void> {
    await this.#callAsync({ op: 'dynamicReset', options });
  }

  /**
   * Closes the module; again does nothing. Asynchronous calls that wait fail. A module that does not come to its end
   * within `timeout`, or 5 s, is stopped with its thread. On the calling thread a module that is asynchronous is closed
   * when it has come to its end, which `closeAsync()` waits for.
   * @throws GraphError with what the module's `close` threw, ERR_MILLRACE_TIMEOUT, or ERR_MILLRACE_ASYNC_INLINE.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const backend = this.#backend;
    if (backend === undefined) {
      this.#forget();
      return;
    }
    try {
      backend.close();
    } finally {
      this.#closing = backend.gone.then(() => this.#leave());
    }
  }

  /**
   * The same without blocking; resolves when a thread of its own has gone. After `close()` it only waits for that.
   * @throws as `close`
   */
  closeAsync(): Promise<void> {
    // Who closed it is told what went wrong; others only wait for the end of it.
    if (this.#closed) return this.#closing?.catch(() => {}) ?? Promise.resolve();
    this.#closed = true;
    const closed = this.#backend?.closeAsync() ?? Promise.resolve();
    this.#closing = closed.finally(() => this.#leave());
    return this.#closing;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.closeAsync();
  }

  /** It has been called. @internal */
  get used(): boolean {
    return this.#used;
  }

  async #leave(): Promise<void> {
    const problems = await Promise.all(this.#sources.map(closeInTime));
    this.#forget();
    this.#warnings = [...this.#warnings, ...problems.filter((text) => text !== undefined)];
  }

  #forget(): void {
    this.#warnings = this.warnings;
    this.#backend = undefined;
    this.onGone();
  }

  /** Called when it has been closed and nothing is left of it. @internal */
  protected onGone(): void {}

  #call(request: Request): Answer {
    if (request.op === 'process') this.#refuseWaiting(request);
    const answer = this.#open(request).call(request);
    this.calls++;
    return answer;
  }

  async #callAsync(request: Request): Promise<Answer> {
    const answer = await this.#open(request).callAsync(request);
    this.calls++;
    return answer;
  }

  /** Only this thread's event loop could bring what it reads. */
  #refuseWaiting({ inputs }: Request & { op: 'process' }): void {
    const source = this.#sources.find(({ needsThisThread }) => needsThisThread);
    if (source === undefined || this.#closed) return;
    closeAll(inputs.values());
    throw new MillraceError(
      'ERR_MILLRACE_WOULD_DEADLOCK',
      `sync module "${this.alias}": process() would wait for itself: ${source.ref.name} is read on this thread`,
      { hint: 'Use processAsync(), or give the bytes in a Buffer' },
    );
  }

  /** What takes the call. The packets are consumed, also when there is nothing that would. */
  #open(request: Request): Backend {
    try {
      if (this.#closed) {
        throw new MillraceError('ERR_MILLRACE_STATE', `sync module "${this.alias}" was called after its close`);
      }
      for (const source of this.#sources) source.open();
      this.#backend ??= this.#make();
      this.#used = true;
      return this.#backend;
    } catch (error) {
      if (request.op === 'process') closeAll(request.inputs.values());
      throw error;
    }
  }

  #checked(inputs: SyncInputs<I>): Inputs {
    if (inputs === undefined || inputs === null) return NOTHING;
    const given = entriesOf(inputs);
    const problem =
      given === undefined
        ? `packets are given by input, as { id: [packet, …] }, not as ${describe(inputs)}`
        : given.map(([id, packets]) => this.#problem(id, packets)).find((text) => text !== undefined);
    if (given === undefined || problem !== undefined) {
      releaseGiven(inputs);
      throw new MillraceError('ERR_MILLRACE_CONFIG', `sync module "${this.alias}": ${problem}`);
    }
    const map = new Map<number, readonly Packet[]>();
    for (const [id, packets] of given) if (packets !== undefined) map.set(Number(id), packets as Packet[]);
    if (findClosed(map)) {
      closeAll(map.values());
      throw new MillraceError('ERR_MILLRACE_CLOSED', `sync module "${this.alias}" was given a closed packet`, {
        hint: 'A packet that was given to a call is consumed: clone() it to keep one',
      });
    }
    return severally(map);
  }

  #problem(id: string, packets: unknown): string | undefined {
    if (packets === undefined) return undefined;
    const { inputs } = this.#spec;
    if (!inputs.some((known) => String(known) === id)) {
      return `input ${id} was not declared; there are ${inputs.join(', ') || 'none'}`;
    }
    if (!Array.isArray(packets)) return `input ${id} takes a list of packets`;
    const other = packets.findIndex((packet) => !(packet instanceof Packet));
    return other < 0 ? undefined : `input ${id} takes packets; entry ${other} is none (wrap it: new Packet(payload))`;
  }

  #result({ outputs, done }: Answer): SyncResult<O> {
    const named: Record<number, Packet[]> = {};
    let timestamp: number | undefined;
    for (const id of this.#spec.outputs) {
      const packets = outputs.get(id) ?? [];
      named[id] = packets;
      for (const packet of packets) timestamp = packet.timestamp ?? timestamp;
    }
    return { outputs: named as SyncResult<O>['outputs'], done, timestamp };
  }
}

function findClosed(inputs: Inputs): boolean {
  for (const packets of inputs.values()) if (packets.some(({ closed }) => closed)) return true;
  return false;
}

/** A packet or payload that was given more than once becomes several, each with a reference of its own. */
function severally(inputs: Map<number, readonly Packet[]>): Inputs {
  const seen = new Set<unknown>();
  const own = (packet: Packet): Packet => {
    const { payload } = packet;
    if (typeof payload !== 'object' || payload === null) return packet;
    if (seen.has(payload)) return packet.clone();
    seen.add(payload);
    return packet;
  };
  for (const [id, packets] of inputs) inputs.set(id, packets.map(own));
  return inputs;
}

/** By input; undefined for what has no inputs. */
function entriesOf(inputs: object): [string, unknown][] | undefined {
  if (typeof inputs !== 'object' || inputs instanceof Packet || inputs instanceof Map) return undefined;
  return Object.entries(inputs);
}

/** What was given in a wrong form is consumed all the same. */
function releaseGiven(given: object): void {
  const lists: unknown[] = given instanceof Map ? [...given.values()] : Object.values(given);
  for (const packet of [given, ...lists].flat()) if (packet instanceof Packet) packet.close();
}

function describe(value: unknown): string {
  if (value instanceof Packet) return 'a Packet';
  return value instanceof Map ? 'a Map' : `a ${typeof value}`;
}

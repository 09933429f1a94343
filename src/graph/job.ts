/** A job: what is fed to a graph that serves jobs, and what comes of it. */
import { Readable } from 'node:stream';
import { didYouMean } from '../../actors/options.js';
import { ConfigError, MillraceError, type Problem } from '../errors.js';
import { Packet } from '../media/packet.js';
import { describe } from './describe.js';
import { iterate, leave, type PushSource, toPacket } from './push-source.js';

type Items = Packet | Uint8Array | PushSource;

/**
 * What one input stream gets in one job: one packet, or one piece of bytes, or a source of them; or a function that
 * returns one, called when the job begins (a file that is opened only then).
 */
export type JobSource = Items | (() => Items | Promise<Items>);

/** The sources by the names of their input streams; of a graph with one input stream, just its source. */
export type Job = JobSource | { readonly [input: string]: JobSource };

/** What came of a job. Packets of its outputs are the caller's to close: one by one, or all of them with `close()`. */
export class JobResult implements Disposable {
  /**
   * @param job Number of the job, from 1 on in the order in which they began.
   * @param outputs Packets by the name of the output, without the end of the stream.
   * @param files Paths of the files that were written.
   * @param milliseconds From its first packet to its end.
   */
  constructor(
    readonly job: number,
    readonly outputs: Readonly<Record<string, Packet[]>>,
    readonly files: readonly string[],
    readonly milliseconds: number,
  ) {}

  close(): void {
    for (const packets of Object.values(this.outputs)) for (const packet of packets) packet.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * The source of every input stream.
 * @throws ConfigError with everything that is wrong; what was given is released.
 */
export function readJob(job: unknown, inputs: readonly string[]): Map<string, JobSource> {
  const [only] = inputs;
  const named: Record<string, unknown> =
    isSource(job) && inputs.length === 1
      ? { [only!]: job }
      : typeof job === 'object' && job !== null && !isSource(job)
        ? (job as Record<string, unknown>)
        : {};
  const problems: Problem[] = [];
  if (!isSource(job) ? typeof job !== 'object' || job === null : inputs.length > 1) {
    const hint = `{ ${inputs.map((name) => `${name}: source`).join(', ')} }`;
    problems.push({ path: 'job', message: `cannot be ${describe(job)}`, hint });
  } else {
    for (const name of inputs) {
      if (!(name in named)) problems.push({ path: `job.${name}`, message: 'is missing', hint: '[] gives it nothing' });
    }
  }
  for (const [name, source] of Object.entries(named)) {
    if (!inputs.includes(name)) {
      const hint = didYouMean(name, inputs, `Input streams are ${inputs.join(', ')}`);
      problems.push({ path: `job.${name}`, message: 'there is no such input stream', hint });
    } else if (!isSource(source)) {
      const hint = 'A Packet, bytes, or anything that can be iterated over; of a file createReadStream(path)';
      problems.push({ path: `job.${name}`, message: `cannot be ${describe(source)}`, hint });
    }
  }
  if (problems.length === 0) {
    for (const source of Object.values(named)) mindErrors(source);
    return new Map(Object.entries(named) as [string, JobSource][]);
  }
  for (const source of [job, ...Object.values(named)]) if (isSource(source)) releaseSource(source);
  throw new ConfigError('the job was refused', problems);
}

function isSource(value: unknown): value is JobSource {
  return typeof value === 'function' || isItems(value);
}

function isItems(value: unknown): value is Items {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof Packet || Symbol.iterator in value || Symbol.asyncIterator in value;
}

/**
 * A stream may fail while its job waits (a file that is not there): whoever reads it is told then, and until then nobody
 * listens, which would end the process.
 */
function mindErrors(source: unknown): void {
  if (source instanceof Readable) source.on('error', () => {});
}

/** What will not be read: packets are released, streams are destroyed. */
export function releaseSource(source: JobSource): void {
  if (typeof source === 'function') return; // it was never called
  if (source instanceof Packet) source.close();
  else if (Array.isArray(source)) for (const item of source) if (item instanceof Packet) item.close();
  if ('destroy' in source && typeof source.destroy === 'function') source.destroy();
}

/** Hands everything a source gives to a graph, at its pace. */
export class Pump {
  private isCut = false;
  private interrupt: (() => void) | undefined;

  /**
   * @param input Name of the input stream.
   * @param push resolves when the packet, which it takes over, has found room; false: nobody wants more.
   */
  constructor(
    private readonly input: string,
    private readonly source: JobSource,
    private readonly push: (packet: Packet) => Promise<boolean>,
  ) {}

  /** Leaves the source wherever it is: it may be silent for ever. */
  cut(): void {
    this.isCut = true;
    this.interrupt?.();
  }

  /** @throws what the source throws, MillraceError ERR_MILLRACE_PAYLOAD for a signal in it. */
  async run(): Promise<void> {
    const source = typeof this.source === 'function' ? await this.open(this.source) : this.source;
    if (this.isCut) {
      if (isItems(source)) releaseSource(source);
      return;
    }
    if (!isItems(source)) {
      const hint = 'A Packet, bytes, or anything that can be iterated over';
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `the function returned ${describe(source)}`, { hint });
    }
    mindErrors(source);
    if (source instanceof Packet || source instanceof Uint8Array) {
      await this.push(toPacket(source));
      return;
    }
    const iterator = iterate(source, this.input);
    let left = false;
    try {
      for (;;) {
        left = true; // one that fails, or ends, is not to be told that it is left
        const next = await this.next(iterator);
        if (next === undefined) leave(iterator, source);
        if (next === undefined || next.done) return;
        left = false;
        const packet = toPacket(next.value);
        if (packet.isEof) return;
        if (packet.control !== undefined) throw refusedSignal(packet.control);
        if (!(await this.push(packet))) return;
      }
    } finally {
      if (Array.isArray(source)) releaseRest(iterator as Iterator<unknown>);
      else if (!left) await iterator.return?.();
    }
  }

  /** What the function returns; undefined when it was cut off before. */
  private open(source: () => Items | Promise<Items>): Promise<Items | undefined> {
    return this.orCut(Promise.resolve(source()), (late) => isItems(late) && releaseSource(late));
  }

  /** What the source gives next; undefined when it was cut off before. */
  private next(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<IteratorResult<unknown> | undefined> {
    if (this.isCut) return Promise.resolve(undefined);
    return this.orCut(Promise.resolve(iterator.next()), ({ value }) => value instanceof Packet && value.close());
  }

  /** @param late gets what comes when nobody waits for it any more. */
  private async orCut<T>(asked: Promise<T>, late: (value: T) => void): Promise<T | undefined> {
    let isLate = false;
    const answer = await new Promise<T | undefined>((resolve, reject) => {
      this.interrupt = () => {
        isLate = true;
        resolve(undefined);
      };
      asked.then((value) => (isLate ? late(value) : resolve(value)), reject);
    });
    this.interrupt = undefined;
    return answer;
  }
}

function releaseRest(iterator: Iterator<unknown>): void {
  for (let next = iterator.next(); !next.done; next = iterator.next()) {
    if (next.value instanceof Packet) next.value.close();
  }
}

function refusedSignal(control: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_PAYLOAD', `the signal '${control}' cannot be fed`, {
    hint: 'A job ends when its sources do',
  });
}

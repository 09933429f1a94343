/** A job: what is fed to a graph that serves jobs, and what comes of it. */
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { ConfigError, MillraceError, type Problem } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { closeAll, Packet } from '../../media/packet/packet.js';
import { didYouMean } from '../../schema/schema.js';
import { Cut } from '../ports/cut.js';
import { iterate, leave, type PushSource, releaseItem, toPacket } from '../ports/push-source.js';
import { isFileOnly, type JobFile, type JobFileInput, openJobFile, releaseFile } from './job-file.js';

type Items = Packet | JobFile | PushSource;

/**
 * What one input stream gets in one job: one packet, or one piece of bytes, or a source of them; of a stream that only
 * decoders take, a file: its path or URL, a Blob, bytes, an object that gives ranges of bytes. Or a function that returns
 * one, called when the job begins (a stream of a file that is opened only then).
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
   * @param milliseconds From its turn to its end, opening its sources included.
   * @param name As it was submitted.
   */
  constructor(
    readonly job: number,
    readonly outputs: Readonly<Record<string, Packet[]>>,
    readonly files: readonly string[],
    readonly milliseconds: number,
    readonly name?: string,
  ) {}

  close(): void {
    closeAll(Object.values(this.outputs));
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

const SOURCES = 'A Packet, bytes, or anything that can be iterated over; of a file createReadStream(path)';
const NO_FILES = 'is a file, which only decoders read, and others take this stream';

/**
 * The source of every input stream.
 * @param files Input streams that take whole files.
 * @throws ConfigError with everything that is wrong; what was given is released.
 */
export function readJob(job: unknown, inputs: readonly string[], files: ReadonlySet<string>): Map<string, JobSource> {
  const [only] = inputs;
  const isAlone = isSource(job) && inputs.length === 1;
  const named: Record<string, unknown> = isAlone ? { [only!]: job } : isPlain(job) ? job : {};
  const problems: Problem[] = [];
  if (!isAlone && !isPlain(job)) {
    const several = `{ ${inputs.map((name) => `${name}: source`).join(', ')} }`;
    const hint = inputs.length > 1 ? several : `${SOURCES}; or ${several}`;
    problems.push({ path: 'job', message: `cannot be ${describeValue(job)}`, hint });
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
      problems.push({ path: `job.${name}`, message: `cannot be ${describeValue(source)}`, hint: SOURCES });
    } else if (isFileOnly(source) && !files.has(name)) {
      problems.push({ path: `job.${name}`, message: NO_FILES, hint: 'Give its bytes: createReadStream(path)' });
    }
  }
  if (problems.length === 0) {
    for (const source of Object.values(named)) mindErrors(source);
    return new Map(Object.entries(named) as [string, JobSource][]);
  }
  for (const source of isPlain(job) ? Object.values(job) : [job]) {
    if (isSource(source)) releaseSource(source);
    else releaseItem(source);
  }
  throw new ConfigError('the job was refused', problems);
}

/** Sources by name; a payload is an object, too. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || isItems(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function isSource(value: unknown): value is JobSource {
  return typeof value === 'function' || isItems(value);
}

function isItems(value: unknown): value is Items {
  if (isFileOnly(value)) return true;
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

/** What will not be read: packets and payloads are released, streams are destroyed. */
export function releaseSource(source: JobSource): void {
  if (typeof source === 'function') return; // it was never called
  if (isFileOnly(source)) {
    releaseFile(source);
    return;
  }
  if (source instanceof Packet) source.close();
  else if (isList(source)) for (const item of source) releaseItem(item);
  else if ('destroy' in source && typeof source.destroy === 'function') source.destroy();
  else if ('getReader' in source) {
    // It fails if somebody else reads it, or if it has failed: then nothing of it is this job's.
    (source as ReadableStream<unknown>).cancel().catch(() => {});
  }
}

/** What it holds is there already, and nobody else will release it. */
function isList(source: unknown): source is Iterable<unknown> {
  return Array.isArray(source) || source instanceof Set;
}

/** Hands everything a source gives to a graph, at its pace. */
export class Pump {
  /** The file that it hands to a decoder: to be closed when the job has ended. */
  file: JobFileInput | undefined;
  private readonly waiting = new Cut();

  /**
   * @param input Name of the input stream.
   * @param takesFiles The input stream takes whole files.
   * @param push resolves when the packet, which it takes over, has found room; false: nobody wants more.
   */
  constructor(
    private readonly input: string,
    private readonly source: JobSource,
    private readonly takesFiles: boolean,
    private readonly push: (packet: Packet) => Promise<boolean>,
  ) {}

  /** Leaves the source wherever it is: it may be silent for ever. */
  cut(): void {
    this.waiting.cut();
  }

  /**
   * @throws what the source throws, MillraceError ERR_MILLRACE_PAYLOAD for a signal in it, ERR_MILLRACE_CLOSED for a packet
   *   that was released.
   */
  async run(): Promise<void> {
    const source = typeof this.source === 'function' ? await this.open(this.source) : this.source;
    if (this.waiting.isCut) {
      if (isItems(source)) releaseSource(source);
      return;
    }
    if (!isItems(source)) {
      const hint = 'A Packet, bytes, or anything that can be iterated over';
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `the function returned ${describeValue(source)}`, { hint });
    }
    this.file = this.takesFiles ? openJobFile(source) : undefined;
    if (this.file) {
      this.file.open();
      await this.push(new Packet(this.file.payload));
      return;
    }
    if (isFileOnly(source)) throw new MillraceError('ERR_MILLRACE_PAYLOAD', `what the function returned ${NO_FILES}`);
    mindErrors(source);
    const items = source instanceof Packet ? [source] : source;
    const iterator = iterate(items, this.input);
    try {
      for (;;) {
        const next = await this.waiting.next(iterator);
        if (next?.done) return;
        const packet = next && toPacket(next.value);
        const problem = packet && problemOf(packet);
        if (packet === undefined || problem !== undefined) leave(iterator, items);
        if (packet === undefined) return;
        if (problem !== undefined) throw problem;
        if (packet.isEof || !(await this.push(packet))) {
          await this.end(iterator);
          return;
        }
      }
    } finally {
      if (isList(items)) releaseRest(iterator as Iterator<unknown>);
    }
  }

  /** Leaves a source that has something left. What it does then is part of the job, unless the job ends before it has done. */
  private async end(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<void> {
    try {
      await this.waiting.or(Promise.resolve(iterator.return?.()), () => {});
    } catch (error) {
      if (!this.waiting.isCut) throw error;
    }
  }

  /** What the function returns; undefined when it was cut off before. */
  private open(source: () => Items | Promise<Items>): Promise<Items | undefined> {
    return this.waiting.or(Promise.resolve(source()), (late) => isItems(late) && releaseSource(late));
  }
}

function releaseRest(iterator: Iterator<unknown>): void {
  for (let next = iterator.next(); !next.done; next = iterator.next()) releaseItem(next.value);
}

/** What is wrong with a packet that cannot be fed. */
function problemOf({ control, closed, isEof }: Packet): MillraceError | undefined {
  if (control !== undefined && !isEof) {
    return new MillraceError('ERR_MILLRACE_PAYLOAD', `the signal '${control}' cannot be fed`, {
      hint: 'A job ends when its sources do',
    });
  }
  if (closed && !isEof) {
    return new MillraceError('ERR_MILLRACE_CLOSED', 'the packet was released before', {
      hint: 'A job consumes its packets: submit a clone() to keep one, or to feed it again',
    });
  }
  return undefined;
}

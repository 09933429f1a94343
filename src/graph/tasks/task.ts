/** What the short functions have in common: `thumbnails`, `sprite`, `gif`, `trim`, `concat`, `extractAudio`, `waveform`. */
import { stat } from 'node:fs/promises';
import * as v from 'valibot';
import { localPath, type MediaInfo, namesDescriptor } from '../../catalog/ffmpeg.js';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { type Bytes, openSource, type SeekableSource } from '../../media/bytes/source.js';
import type { LogListener } from '../../module/log.js';
import type { Progress, Report } from '../../scheduler/run/report.js';
import { callable, parsed, type Schema } from '../../schema/schema.js';
import type { DecoderOptions, EncoderOptions } from '../build/module-options.js';
import type { Stream } from '../build/stream.js';
import { Graph } from '../graph.js';
import type { GraphOptionsInput } from '../options/graph-options.js';
import { signalSchema } from '../options/run-options.js';
import { probe, probeSync } from '../probe.js';
import type { Runtime } from '../runtime.js';
import type { Outlet, TaskResult } from './output.js';

/** A file or URL, as text or as a URL object; bytes in memory, a Blob, or a source that can be read from anywhere. */
export type TaskInput = string | URL | Bytes | SeekableSource;

export interface TaskOptions {
  /** Ends it at any moment: it rejects with ERR_MILLRACE_ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Called about four times a second, and once at the end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Threads of its graph, as of `new Graph`. Default: the graph's. */
  readonly threads?: number | 'auto' | undefined;
  /** Threads that live on: many short tasks one after the other start none of their own. */
  readonly runtime?: Runtime | undefined;
  readonly onLog?: LogListener | undefined;
}

export const taskEntries = {
  signal: v.optional(signalSchema),
  onProgress: v.optional(callable<(progress: Progress) => void>()),
  // The graph checks these three, and says what would be right.
  threads: v.optional(v.custom<number | 'auto'>(() => true)),
  runtime: v.optional(v.custom<Runtime>(() => true)),
  onLog: v.optional(v.custom<LogListener>(() => true)),
};

/** Options of an encoder, but those that say where it writes; the encoder checks them. */
export type TaskEncoding = Omit<EncoderOptions, (typeof PLACES)[number]>;

const PLACES = ['output', 'output_path', 'output_prefix', 'push_output', 'null_output'] as const;

export const encoding: Schema<TaskEncoding> = parsed(
  `an object with options of the encoder, without ${PLACES.join(', ')}`,
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return PLACES.some((place) => place in value) ? undefined : (value as TaskEncoding);
  },
);

/** An input that was looked into. */
export interface OpenInput {
  readonly info: MediaInfo;
  /** Where a decoder reads it. */
  readonly source: Pick<DecoderOptions, 'input_path' | 'input'>;
}

/**
 * Looks into an input. Where everything is to run on the calling thread, a look at a file starts none either.
 * @throws MillraceError ERR_MILLRACE_CONFIG for what is no input, and as `probe`.
 */
export async function openInput(input: TaskInput, what: string, options: TaskOptions): Promise<OpenInput> {
  const { signal, threads } = options;
  if ((typeof input === 'string' && input !== '') || input instanceof URL) {
    const path = String(input);
    if (await isPipe(path)) {
      throw new MillraceError(
        'ERR_MILLRACE_INPUT',
        `${what} cannot read ${path}: it is a pipe, which can be read once only, and it is looked into first`,
        {
          hint: 'Give a file, or decode it in a graph: graph.decode({ input_path })',
        },
      );
    }
    const isHere = threads === 0 && localPath(path) !== undefined && !signal?.aborted;
    return { info: isHere ? probeSync(path) : await probe(path, { signal }), source: { input_path: path } };
  }
  if (typeof input === 'string' || openSource(input) === undefined || Symbol.asyncIterator in (input as object)) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `${what} cannot read ${describeValue(input)}`, {
      hint: 'Give a path, a URL, bytes, a Blob or an object with size and read',
    });
  }
  return { info: await probe(keptOpen(input), { signal }), source: { input } };
}

/** The look would take from it what the run needs. */
async function isPipe(path: string): Promise<boolean> {
  if (namesDescriptor(path)) return true;
  const file = localPath(path);
  // What cannot be looked at is told by whoever opens it.
  const found = file === undefined ? undefined : await stat(file).catch(() => undefined);
  return found?.isFIFO() === true || found?.isSocket() === true;
}

/** The look would close it, and the run reads it after that. */
function keptOpen(input: Bytes | SeekableSource): Bytes | SeekableSource {
  if (!('read' in input) || typeof input.read !== 'function') return input;
  return { size: input.size, read: (offset, length, signal) => input.read(offset, length, signal) };
}

export function taskGraph({ threads, runtime, onLog }: TaskOptions): Graph {
  const options: GraphOptionsInput = {
    ...(threads !== undefined && { threads }),
    ...(runtime !== undefined && { runtime }),
    ...(onLog !== undefined && { onLog }),
  };
  return new Graph(options);
}

/** Runs a graph that makes a file. @param warnings beside those of the run. */
export async function write<O>(
  graph: Graph,
  outlet: Outlet,
  { signal, onProgress }: TaskOptions,
  warnings: readonly string[] = [],
): Promise<TaskResult<O>> {
  const report = await graph.run({ signal, onProgress });
  return outlet.finish({ ...report, warnings: [...warnings, ...report.warnings] }) as TaskResult<O>;
}

/**
 * Runs a graph and reads a stream of it.
 * @param take is given each payload, which is released behind it.
 */
export async function read<T>(
  stream: Stream,
  { signal, onProgress }: TaskOptions,
  take: (payload: T) => void | Promise<void>,
): Promise<Report> {
  const { graph } = stream;
  const packets = stream.packets<T>();
  await graph.start({ signal, onProgress });
  for await (const packet of packets.closing()) await take(packet.payload);
  return graph.close();
}

/** @throws MillraceError ERR_MILLRACE_INPUT where the input has no stream of this kind. */
export function requireKind(info: MediaInfo, kind: 'video' | 'audio', what: string): void {
  if (info.streams.some((stream) => stream.kind === kind && !stream.disposition.includes('attached_pic'))) return;
  const found = info.streams.map((stream) => `${stream.kind} (${stream.codec})`).join(', ') || 'nothing';
  throw new MillraceError('ERR_MILLRACE_INPUT', `${what}: ${info.path} has no ${kind}, but ${found}`);
}

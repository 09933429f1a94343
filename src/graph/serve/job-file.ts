/** A whole file as the source of a job: a path, a URL, or what the program has, handed to a decoder that reads it itself. */
import { IndexCheck } from '../../catalog/ffmpeg.js';
import { FilePayload } from '../../media/bytes/file-payload.js';
import { ServedSource } from '../../media/bytes/served.js';
import { openSource, type SeekableSource } from '../../media/bytes/source.js';
import { closeInTime } from '../../scheduler/run/program-sources.js';
import { pathOf } from '../options/urls.js';

/** What a decoder reads from anywhere in it. Byte arrays are fed in order, unless they are an mp4 with its index at the end. */
export type JobFile = string | URL | Uint8Array | ArrayBuffer | SharedArrayBuffer | Blob | SeekableSource;

/** Of what a decoder can only read as a whole; byte arrays can be fed to anything. */
export function isFileOnly(value: unknown): value is Exclude<JobFile, Uint8Array> {
  if (typeof value === 'string') return value !== '';
  if (value instanceof URL) return true;
  // Other arrays are lists of numbers.
  return !ArrayBuffer.isView(value) && openSource(value)?.size !== undefined;
}

/** As it is to be handed to a decoder; undefined for what is fed in order. */
export function openJobFile(value: unknown): JobFileInput | undefined {
  if (typeof value === 'string' || value instanceof URL) return new JobFileInput(pathOf(value));
  if (value instanceof Uint8Array && !hasIndexBehind(value)) return undefined;
  if (ArrayBuffer.isView(value) && !(value instanceof Uint8Array)) return undefined;
  const source = openSource(value);
  if (source?.size === undefined) return undefined;
  return new JobFileInput(new ServedSource(source, value as object, false));
}

function hasIndexBehind(bytes: Uint8Array): boolean {
  return !new IndexCheck('').pass(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** Released without having been read. */
export function releaseFile(value: unknown): void {
  if (typeof value !== 'object' || value instanceof URL) return;
  const source = openSource(value);
  // Nobody is there to be told of a source that cannot be closed.
  if (source) new Promise((resolve) => resolve(source.close())).catch(() => {});
}

export class JobFileInput {
  readonly payload: FilePayload;
  readonly #served: ServedSource | undefined;

  constructor(file: string | ServedSource) {
    this.#served = typeof file === 'string' ? undefined : file;
    if (typeof file === 'string') this.payload = new FilePayload({ path: file });
    else {
      const { name, size, channel } = file.ref;
      this.payload = new FilePayload({ source: { name, size, channel } });
    }
  }

  open(): void {
    this.#served?.open();
  }

  /** When its job has ended. @returns what went wrong. */
  async close(): Promise<string | undefined> {
    return this.#served && closeInTime(this.#served);
  }
}

/** Where bytes can come from, all alike: so many from there on. */
import { anObject } from '../../errors/naming.js';

/** Bytes that can be read from anywhere in them. */
export interface SeekableSource {
  /** Bytes. */
  readonly size: number;
  /**
   * Exactly `length` bytes from there on, which never reach beyond the end; fewer or more fail whoever reads. Called for
   * one piece after the other, and for the next only when the one before has come.
   * @param signal Aborted when nobody waits for the bytes any more.
   */
  read(offset: number, length: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Called once, when nobody reads it any more. */
  close?(): void | Promise<void>;
}

/** Chunks of bytes, one after the other: a Node.js or web stream, or a generator. */
export type ByteChunks = AsyncIterable<Uint8Array>;

/** What holds bytes. */
export type Bytes = ArrayBufferView | ArrayBuffer | SharedArrayBuffer | Blob;

export interface OpenSource {
  /** What it is called in messages. */
  readonly name: string;
  /** All of it, where it lies in memory. */
  readonly bytes?: Uint8Array;
  /** Bytes; undefined for what comes one after the other. */
  readonly size: number | undefined;
  read(offset: number, length: number, signal: AbortSignal): Uint8Array | Promise<Uint8Array>;
  close(): void | Promise<void>;
}

/** Undefined for anything else. */
export function openSource(input: unknown): OpenSource | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  if (ArrayBuffer.isView(input)) {
    return inMemory(new Uint8Array(input.buffer, input.byteOffset, input.byteLength), input);
  }
  if (input instanceof ArrayBuffer || input instanceof SharedArrayBuffer) return inMemory(new Uint8Array(input), input);
  if (input instanceof Blob) return ofBlob(input);
  if (isChunks(input)) return ofChunks(input);
  return isSource(input) ? ofSource(input) : undefined;
}

function nameOf(input: object, size: number | undefined, what = anObject(input)): string {
  const { name, path } = input as { name?: unknown; path?: unknown };
  for (const given of [name, path]) if (typeof given === 'string' && given !== '') return given;
  return size === undefined ? what : `${what} of ${size} bytes`;
}

function inMemory(bytes: Uint8Array, input: object): OpenSource {
  return {
    name: nameOf(input, bytes.length),
    size: bytes.length,
    bytes,
    read: (offset, length) => bytes.subarray(offset, offset + length),
    close: () => {},
  };
}

function ofBlob(blob: Blob): OpenSource {
  return {
    name: nameOf(blob, blob.size),
    size: blob.size,
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
    close: () => {},
  };
}

function isSource(input: object): input is SeekableSource {
  const { size, read } = input as Partial<SeekableSource>;
  return Number.isSafeInteger(size) && Number(size) >= 0 && typeof read === 'function';
}

function ofSource(source: SeekableSource): OpenSource {
  return {
    name: nameOf(source, source.size, 'a source'),
    size: source.size,
    read: (offset, length, signal) => source.read(offset, length, signal),
    close: () => source.close?.(),
  };
}

function isChunks(input: object): input is ByteChunks {
  return Symbol.asyncIterator in input;
}

function ofChunks(chunks: ByteChunks): OpenSource {
  const iterator = chunks[Symbol.asyncIterator]();
  let rest: Uint8Array | undefined;
  return {
    name: nameOf(chunks, undefined),
    size: undefined,
    async read(_offset, length) {
      while (rest === undefined || rest.length === 0) {
        const { done, value } = await iterator.next();
        if (done) return new Uint8Array();
        rest = value;
      }
      const part = rest.subarray(0, length);
      rest = rest.subarray(part.length);
      return part;
    },
    // A stream is destroyed by it, also while it is waited for.
    async close() {
      const { destroy } = chunks as { destroy?: unknown };
      if (typeof destroy === 'function') destroy.call(chunks);
      else await iterator.return?.();
    },
  };
}

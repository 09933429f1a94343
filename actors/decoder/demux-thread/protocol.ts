/** What the decoder and the thread that demuxes for it say to each other. */
import type { ErrorWire } from '../../../src/errors/wire.js';
import type { ThreadLink } from '../../../src/media/native/native-thread.js';
import type { PacketMeta } from '../../../src/media/wire/packet.js';
import type { Chapter } from '../../shared/media-info.js';
import type { InputOptions } from '../input/opening.js';
import type { StreamFacts } from '../input/source-stream.js';
import type { StreamChoice } from '../input/stream-choice.js';

export interface DemuxerData extends ThreadLink {
  /** Name of the bytes in messages. */
  readonly name: string;
  readonly format: string | undefined;
  readonly options: InputOptions['options'];
  readonly required: InputOptions['required'];
  readonly protocolWhitelist: InputOptions['protocolWhitelist'];
  /** For each output that is consumed. */
  readonly choices: readonly StreamChoice[];
  /** Chapters are wanted. */
  readonly chapters: boolean;
  /** FFmpeg's level of messages. */
  readonly loglevel: string | undefined;
}

/** Bytes of a file; its end, behind which another one may begin; the end of all. */
export type ToDemuxer = Uint8Array | 'end-of-file' | 'end';

/** What is known of a file before its first packet. */
export interface FileFacts {
  /** Name of the demuxer. */
  readonly format: string;
  /** Microseconds; undefined if unknown. */
  readonly startTime: bigint | undefined;
  readonly duration: bigint | undefined;
  readonly discontinuous: boolean;
  readonly withoutTimestamps: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** Undefined if nobody wants them, or they cannot be known. */
  readonly chapters: readonly Chapter[] | undefined;
  /** What was found of the streams that are wanted; one stream may be that of several outputs. */
  readonly chosen: readonly { readonly output: number; readonly stream: StreamFacts }[];
  /** Those of dec_params that the demuxer knows, and all that it would know. */
  readonly knownOptions: readonly string[];
  readonly optionNames: readonly string[];
}

export type FromDemuxer =
  | { readonly type: 'file'; readonly facts: FileFacts }
  | { readonly type: 'packet'; readonly meta: PacketMeta; readonly parts: readonly Uint8Array[] }
  /** `error`: it could not be read further. */
  | { readonly type: 'file-end'; readonly error?: ErrorWire }
  /** Everything up to message number `fed` has been used, and the next one is waited for. */
  | { readonly type: 'hungry'; readonly fed: number }
  /** The stream has ended; another one may follow. */
  | { readonly type: 'end' };

/** Output that may be under way, in bytes: with more the demuxer waits until some has been taken. */
export const OUTPUT_LIMIT = 4 << 20;

/** What a packet counts for. */
export function weight(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { byteLength }) => sum + byteLength, 256);
}

/** What was sent of it and not taken yet leaves room for more; both modulo 2^32. */
export function roomFor(sent: number, taken: number): boolean {
  return ((sent - taken) | 0) < OUTPUT_LIMIT;
}

/** The memory of parts that is nobody else's: it need not be copied on the way. */
export function ownBuffers(parts: readonly Uint8Array[]): ArrayBuffer[] {
  return parts.flatMap(({ buffer, byteLength }) =>
    buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && byteLength > 0 ? [buffer] : [],
  );
}

/** What the decoder and the thread that reads from the network for it say to each other. */
import type { ErrorWire } from '../../../src/errors/wire.js';
import type { SourceRef } from '../../../src/media/bytes/ref.js';
import type { ThreadLink } from '../../../src/media/native/native-thread.js';
import type { PacketMeta } from '../../../src/media/wire/packet.js';
import type { Reconnect } from '../../shared/live/reconnect.js';
import type { MediaInfo } from '../../shared/media-info.js';
import type { FileFacts } from '../demux-thread/protocol.js';
import type { InputOptions } from '../input/opening.js';
import type { Place } from '../input/seeking.js';
import type { StreamChoice } from '../input/stream-choice.js';

export interface ReaderData extends ThreadLink {
  readonly input: Omit<InputOptions, 'io'>;
  /** ms that one step may take; undefined: for ever. */
  readonly limit: number | undefined;
  /** For each output that is consumed. */
  readonly choices: readonly StreamChoice[];
  /** Chapters are wanted. */
  readonly chapters: boolean;
  /** FFmpeg's level of messages. */
  readonly loglevel: string | undefined;
  /** What was lost is opened again; absent: it fails, or has ended. */
  readonly reconnect?: Reconnect | undefined;
  /** Whether its end means that it was lost; undefined: as it seems, which is so where no length is known. */
  readonly live?: boolean | undefined;
  /** It only looks what the input holds: a file that is near, or one that may keep it waiting. */
  readonly probes: 'near' | 'far' | undefined;
  /** Where its bytes are, if they are the program's. */
  readonly source?: SourceRef | undefined;
}

export type ToReader =
  /** Packets of these streams are wanted, from now on; nothing is read before. Of another connection it means nothing. */
  | { readonly type: 'keep'; readonly streams: readonly number[]; readonly connection: number | undefined }
  /**
   * Goes there (microseconds on the container's clock), and drops what it has read before.
   * `lead`: index of the stream of which a key frame is to follow, where that can be looked for.
   */
  | { readonly type: 'seek'; readonly time: bigint; readonly lead: number | undefined };

/** One of those that follow one another. */
export interface Connection {
  /** From 1 on. */
  readonly number: number;
  /** When its first bytes came, or what is new of it, ms on `now` (clock.ts). */
  readonly began: number;
  /** Where on the container's clock that is, in microseconds, if what was there before is left out. */
  readonly start?: bigint | undefined;
  /** Its end means that it was lost. */
  readonly endless: boolean;
}

export type FromReader =
  | {
      readonly type: 'file';
      readonly facts: FileFacts;
      /** Of what is opened again when it is lost. */
      readonly connection?: Connection | undefined;
    }
  | { readonly type: 'info'; readonly info: MediaInfo }
  /** `bytes` were read so far; it came at `arrival`, ms on `now` (clock.ts). */
  | {
      readonly type: 'packet';
      readonly meta: PacketMeta;
      readonly parts: readonly Uint8Array[];
      readonly bytes: number;
      readonly arrival?: number | undefined;
    }
  /** The answer to `seek`. */
  | { readonly type: 'sought'; readonly place: Place; readonly reasons: readonly string[] }
  /** It was lost, or could not be opened, and is opened (again) after so many ms. Nothing of the connection before follows. */
  | {
      readonly type: 'lost';
      readonly why: string;
      readonly attempt: number;
      readonly attempts: number;
      readonly wait: number;
      /** When, ms on `now` (clock.ts). */
      readonly at: number;
    }
  /** `warning`: it was lost and given up. */
  | { readonly type: 'end'; readonly warning?: string | undefined }
  | { readonly type: 'failed'; readonly error: ErrorWire }
  /** It waits for others: so many calls may wait for peers at once. */
  | { readonly type: 'crowd'; readonly limit: number };

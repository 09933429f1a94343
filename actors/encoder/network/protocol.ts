/** What the encoder and the thread that writes to the network for it say to each other. */
import type { ErrorWire } from '../../../src/errors/wire.js';
import type { Rational, StreamInfoData } from '../../../src/media/index.js';
import type { ThreadLink } from '../../../src/media/native/native-thread.js';
import type { StreamKind } from '../../../src/media/packet/stream-info.js';
import type { PacketMeta } from '../../../src/media/wire/packet.js';
import type { NextTry } from '../../shared/live/outages.js';
import type { EncoderOptions } from '../options.js';
import type { FileTexts } from '../output/file-texts.js';

export interface WriterData extends ThreadLink {
  readonly options: EncoderOptions;
  readonly inputs: readonly number[];
  /** Number of the job. */
  readonly job: number;
  /** FFmpeg's list of the protocols that may be opened; undefined: any. */
  readonly protocolWhitelist: string | undefined;
  /** ms that one step may take; undefined: for ever. */
  readonly limit: number | undefined;
}

export type ToWriter =
  | { readonly type: 'texts'; readonly texts: FileTexts }
  | {
      readonly type: 'stream';
      readonly input: number;
      readonly kind: StreamKind;
      readonly timeBase: Rational;
      readonly keepTimes: boolean;
      readonly info: StreamInfoData;
    }
  | { readonly type: 'absent'; readonly input: number }
  | {
      readonly type: 'packet';
      readonly input: number;
      readonly meta: PacketMeta;
      readonly parts: readonly Uint8Array[];
    }
  | { readonly type: 'end' };

export type FromWriter =
  /** So much of what was sent (`weight`) has been written, or left out. */
  | { readonly type: 'taken'; readonly weight: number; readonly leftOut?: 'slow' | 'away' | undefined }
  /** The peer was lost, or is not there yet, and is looked for again after so many ms. */
  | ({ readonly type: 'lost'; readonly wasThere: boolean } & NextTry)
  /** It is there (again), after so many ms. */
  | { readonly type: 'back'; readonly milliseconds: number }
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly error: ErrorWire };

/** What may be under way to the peer, in bytes: with more the encoder waits until some has been written. */
export const INPUT_LIMIT = 512 << 10;

/** What a packet counts for. */
export function weight(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { byteLength }) => sum + byteLength, 256);
}

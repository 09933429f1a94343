/** What the application is told of an encoder's packets: `graph.addCallback('packet', fn)`. */

import type { StreamKind } from '../media/packet/stream-info.js';
import type { Rational } from '../media/time.js';

/** Keys of this callback: its name, and what BMF calls LATEST_TIMESTAMP. */
export const PACKET_KEYS = ['packet', 0] as const;

/** A packet that an encoder has handed to its output: encoded or copied, in the order of each stream. */
export interface WrittenPacket {
  /** Of the file, if every input of the encoder brings a stream: by kind (video, audio, subtitle, data, attachment), then by input. */
  readonly stream: number;
  readonly kind: StreamKind;
  /** Input of the encoder from which it comes. */
  readonly input: number;
  /** In units of `timeBase`; undefined for packets without a time. */
  readonly pts: bigint | undefined;
  readonly dts: bigint | undefined;
  /** 0n if unknown. */
  readonly duration: bigint;
  readonly timeBase: Rational;
  /** `pts` in microseconds. */
  readonly timestamp: number | undefined;
  /** Bytes. */
  readonly size: number;
  /** A key frame. */
  readonly key: boolean;
}

/** Where the packets of an encoder go: a file, its bytes (both ../mux/muxer.ts), or the packets themselves (packet-output.ts). */
import type { Packet, Stream } from 'node-av/lib';
import type { Rational } from '../../../src/media/index.js';
import type { StreamKind } from '../../../src/media/packet/stream-info.js';

import type { FileTexts } from './file-texts.js';

/** How a stream presents itself when it is known. */
export interface StreamDescription {
  readonly kind: StreamKind;
  /** Of the packets that will be written. */
  readonly timeBase: Rational;
  /** Leave decoding times as they are: copied VP9 has packets that are never shown. */
  readonly keepTimes?: boolean;
  /** Fills the codec parameters and whatever else the muxer should know. */
  describe(stream: Stream): void;
}

export interface Output {
  readonly name: string;
  /** Bytes written so far. */
  readonly bytes: number;
  /** Nothing has come that could be written. */
  readonly waiting: boolean;
  /** Something has been written and the end has not. */
  readonly writing: boolean;
  /** There are chapters, and no place for them. */
  readonly chaptersLost?: boolean;
  /** What of them there is no room for, in words. */
  readonly chaptersCut?: readonly string[];
  /** What the file says of the whole; known at the latest before the last stream is added. */
  describe?(texts: FileTexts): void;
  /** Whether the next picture is to be a key frame; asked once for each. */
  takeKeyWish?(): boolean;
  /** A stream is known. */
  add(input: number, description: StreamDescription): void;
  /** An input ended before a stream came. */
  leaveOut(input: number): void;
  /** Writes a packet whose times are in the time base of its description. The caller keeps the packet object. */
  write(input: number, packet: Packet): void;
  /** Calls back when the packet that was written last has gone out; absent: it has. */
  whenWritten?(told: () => void): void;
  /** Every input has been added or left out, and has ended. */
  end(): void;
  /**
   * Waits until there is room for more, or after the end until everything is written; absent where that is at once.
   * @throws MillraceError ERR_MILLRACE_OUTPUT, ERR_MILLRACE_ABORTED.
   */
  settled?(): void | Promise<void>;
  /** Best effort for a graph that stops early. */
  finalise(): void;
  close(): void | Promise<void>;
}

/** A stream of text subtitles, for whoever wants to read them. */
import type { Packet as NativePacket } from 'node-av/lib';
import { Packet } from '../../../src/media/index.js';
import { type Charset, inUtf8, type ReadableFormat, SubtitleDecoder } from '../../subtitles/index.js';
import { CopiedTrack } from './copied-track.js';
import type { TrackOptions } from './track.js';

/** Each packet as a Subtitle. */
export class SubtitleTrack extends CopiedTrack {
  readonly #decoder: SubtitleDecoder;

  constructor(options: TrackOptions, format: ReadableFormat, charset: Charset | undefined) {
    super(options, charset);
    this.#decoder = new SubtitleDecoder(format, options.stream.codecpar.extradata ?? new Uint8Array(0));
  }

  /** Subtitles say of themselves what there is to know. */
  protected override announceNow(): void {}

  override get unreadable(): number {
    return this.#decoder.unreadable;
  }

  protected override handOn(packet: NativePacket): Packet | undefined {
    const own = this.charset && inUtf8(packet, this.charset);
    try {
      const subtitle = this.#decoder.decode(own ?? packet, this.timeBase);
      return subtitle && new Packet(subtitle);
    } finally {
      own?.free();
    }
  }
}

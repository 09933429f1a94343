/** A stream of text subtitles, for whoever wants to read them. */
import type { Packet as NativePacket } from 'node-av/lib';
import { Packet } from '../../../src/media/index.js';
import { SubtitleDecoder, type TextFormat } from '../../subtitles/index.js';
import { CopiedTrack } from './copied-track.js';
import type { TrackOptions } from './track.js';

/** Each packet as a Subtitle. */
export class SubtitleTrack extends CopiedTrack {
  readonly #decoder: SubtitleDecoder;

  constructor(options: TrackOptions, format: TextFormat) {
    super(options);
    this.#decoder = new SubtitleDecoder(format, options.stream.codecpar.extradata ?? new Uint8Array(0));
  }

  /** Subtitles say of themselves what there is to know. */
  protected override announceNow(): void {}

  protected override handOn(packet: NativePacket): Packet | undefined {
    const subtitle = this.#decoder.decode(packet, this.timeBase);
    return subtitle && new Packet(subtitle);
  }
}

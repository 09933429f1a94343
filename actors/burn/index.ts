/**
 * `burn_subtitles`: draws the subtitles of input 1 into the pictures of input 0. It takes all of input 1 before the first
 * picture, because nobody can say of a stream with so few packets how far it is.
 */
import { MillraceError } from '../../src/errors/errors.js';
import { payloadName } from '../../src/errors/naming.js';
import { EncodedPacket, Packet, StreamInfo, Subtitle, VideoFrame } from '../../src/media/index.js';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import type { Drawer } from './drawer.js';
import { type BurnOptions, burnOptions } from './options.js';
import { PictureDrawer, packed, pictureDecoder } from './picture-drawer.js';
import type { PictureDecoder } from './pictures/display.js';
import { TextDrawer } from './text-drawer.js';

const PICTURES = 0;
const SUBTITLES = 1;

export default class BurnSubtitles implements Module<BurnOptions> {
  static readonly schema = burnOptions;

  #ctx!: ModuleContext<BurnOptions>;
  readonly #fonts: StreamInfo[] = [];
  readonly #texts: Subtitle[] = [];
  /** Of subtitles that are pictures. */
  #pictures: { readonly info: StreamInfo; readonly decoder: PictureDecoder } | undefined;
  readonly #packets: ReturnType<typeof packed>[] = [];
  #complete = false;
  #drawer: Drawer | undefined;

  init(ctx: ModuleContext<BurnOptions>): void {
    this.#ctx = ctx;
  }

  wants(): readonly number[] {
    return this.#complete ? [PICTURES] : [SUBTITLES];
  }

  process(task: Task): void {
    for (const packet of task.inputs.get(SUBTITLES) ?? []) {
      if (packet.isEof) this.#begin();
      else this.#collect(packet.payload);
    }
    for (const packet of task.inputs.get(PICTURES) ?? []) {
      if (packet.isEof) task.done();
      else this.#draw(packet, task);
    }
  }

  /** All subtitles are there. */
  #begin(): void {
    this.#complete = true;
    const count = this.#texts.length + this.#packets.length;
    if (count === 0) this.#ctx.log.warn('nothing is drawn: no subtitles came on input 1');
  }

  #collect(payload: unknown): void {
    if (payload instanceof Subtitle) this.#texts.push(payload);
    else if (payload instanceof StreamInfo && payload.kind === 'attachment') this.#fonts.push(payload);
    else if (payload instanceof StreamInfo) this.#announce(payload);
    else if (payload instanceof EncodedPacket && this.#pictures) {
      this.#packets.push(packed(payload, this.#pictures.info.timeBase));
    } else throw unusable(SUBTITLES, payload);
  }

  #announce(info: StreamInfo): void {
    const decoder = pictureDecoder(info);
    if (!decoder) {
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `Subtitles in ${info.codec} cannot be drawn`, {
        hint: 'Text (subrip, ass, webvtt, mov_text) and the pictures of hdmv_pgs_subtitle, dvd_subtitle and dvb_subtitle can',
      });
    }
    const idle = Object.keys(this.#ctx.options);
    if (idle.length > 0) this.#ctx.log.warn(`${idle.join(' and ')} has no effect: these subtitles are pictures`);
    this.#pictures = { info, decoder };
  }

  #draw(packet: Packet, task: Task): void {
    const { payload } = packet;
    if (!(payload instanceof VideoFrame)) throw unusable(PICTURES, payload);
    this.#ctx.meter.frames++;
    this.#drawer ??= this.#pictures
      ? new PictureDrawer(this.#pictures.decoder, this.#packets.splice(0))
      : new TextDrawer(this.#ctx, this.#texts, this.#fonts);
    const drawn = this.#drawer.draw(payload);
    task.output(0).push(drawn ? new Packet(drawn, { timestamp: packet.timestamp }) : packet);
  }

  reset(): void {
    this.close();
    this.#complete = false;
    this.#texts.length = 0;
    this.#fonts.length = 0;
    this.#packets.length = 0;
    this.#pictures = undefined;
  }

  close(): void {
    this.#drawer?.close();
    this.#drawer = undefined;
  }
}

function unusable(input: number, payload: unknown): MillraceError {
  const message = `Input ${input} of burn_subtitles received ${payloadName(payload)}`;
  return new MillraceError('ERR_MILLRACE_PAYLOAD', message, {
    hint: `Input ${PICTURES} takes VideoFrames, input ${SUBTITLES} Subtitles, or the packets of subtitles that are pictures`,
  });
}

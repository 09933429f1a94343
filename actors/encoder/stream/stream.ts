/** What the streams of an output have in common. */
import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { OutputFormat, Packet } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { type Rational, toMicroseconds } from '../../../src/media/index.js';
import type { StreamKind } from '../../../src/media/packet/stream-info.js';
import type { Log, Meter } from '../../../src/module/contract.js';
import type { EncoderSettings } from '../codec/codec.js';
import type { StreamOptions } from '../options.js';
import type { Output } from '../output/output.js';
import type { ShortestStream } from './shortest.js';
import type { SourceTexts } from './texts.js';

/** What a stream of the output is given by the module. */
export interface StreamContext {
  /** Input of the node whose frames or packets it takes. */
  readonly input: number;
  readonly kind: StreamKind;
  /** Among the streams of its kind, from 0 on. */
  readonly number: number;
  readonly muxer: Output;
  /** The container the stream is made for. */
  readonly format: OutputFormat;
  /** undefined: the stream is copied. */
  readonly settings: EncoderSettings | undefined;
  readonly options: StreamOptions;
  readonly meter: Meter;
  readonly log: Log;
  /** Names the output in errors. */
  readonly name: string;
  /** What its source says of itself, as soon as a frame has come; undefined where it has none, or several. */
  source(): SourceTexts | undefined;
  /** Packets that went into the output, and packets that could not because nothing they refer to came before. */
  readonly tally: { written: number; skipped: number };
  /** Told of every packet that goes into the output. */
  tell(packet: Packet, timeBase: Rational): void;
  /** With `shortest`: it ends with the first of the streams that ends. */
  readonly shortest: ShortestStream | undefined;
  /** What is to be called when a packet has gone out; undefined where nobody measures that. */
  latencyOf(packet: Packet, timeBase: Rational): (() => void) | undefined;
  /** Its time is the progress of the node: the picture, or the only stream. */
  readonly leading: boolean;
}

/** Of a stream that is encoded. */
export interface EncodingContext extends StreamContext {
  readonly settings: EncoderSettings;
}

/** Hands a packet of a stream to the muxer, and tells how far the output is. @param timeBase of the packet's times. */
export function write(ctx: StreamContext, packet: Packet, timeBase: Rational): void {
  if (ctx.shortest) ctx.shortest.packet(packet, timeBase, (own) => deliver(ctx, own, timeBase));
  else deliver(ctx, packet, timeBase);
}

function deliver(
  { muxer, input, meter, leading, tally, tell, latencyOf }: StreamContext,
  packet: Packet,
  timeBase: Rational,
): void {
  // Progress is that of the picture where there is one.
  const pts = leading ? packet.pts : AV_NOPTS_VALUE;
  if (pts !== AV_NOPTS_VALUE) meter.position = Math.max(meter.position, toMicroseconds(pts, timeBase));
  tally.written++;
  // Before it is the muxer's, which changes its times.
  tell(packet, timeBase);
  const written = leading ? latencyOf(packet, timeBase) : undefined;
  muxer.write(input, packet);
  if (written) {
    if (muxer.whenWritten) muxer.whenWritten(written);
    else written();
  }
  meter.bytes = muxer.bytes;
}

/**
 * @returns the context of a stream that is encoded.
 * @throws MillraceError ERR_MILLRACE_OPTION, ERR_MILLRACE_PAYLOAD where frames come and there is no encoder for them.
 */
export function requireCodec(context: StreamContext, kind: StreamKind): EncodingContext {
  if (isEncoding(context)) return context;
  if (kind === 'video' && context.options.video_params?.codec === undefined) {
    const { format, input } = context;
    throw new MillraceError('ERR_MILLRACE_OPTION', `The format '${format.name}' carries no video but a cover`, {
      hint: `Leave input ${input} unconnected, or let the decoder copy a picture (codec: 'copy') that is for it`,
    });
  }
  throw new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `Input ${context.input} delivered a decoded frame, but ${kind}_params.codec is 'copy'`,
    {
      hint: `Let the decoder copy as well (${kind}_codec: 'copy'), or name an encoder here`,
    },
  );
}

function isEncoding(context: StreamContext): context is EncodingContext {
  return context.settings !== undefined;
}

/** The audio stream of an output: sample format, rate and channels, frames of the encoder's size, encoder. */
import {
  AV_CHANNEL_ORDER_UNSPEC,
  AV_CODEC_CAP_VARIABLE_FRAME_SIZE,
  AV_NOPTS_VALUE,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  type AVSampleFormat,
} from 'node-av/constants';
import { avChannelLayoutDefault, Frame, Rational as NativeRational, type Packet } from 'node-av/lib';
import { describeLayout } from '../../../src/media/frame/channel-layout.js';
import {
  type AudioFrame,
  check,
  isTimeBase,
  ledger,
  MICROSECONDS,
  type Rational,
  rescale,
  sampleFormatName,
  timeBaseOf,
} from '../../../src/media/index.js';
import { FilterLine, type FilterSpec } from '../../shared/filter-line.js';
import { Encoder } from '../codec/codec.js';
import type { AudioParams } from '../options.js';
import { type EncodingContext, write } from './stream.js';
import { presentTexts } from './texts.js';

/** What the samples of a frame are like. */
interface Shape {
  readonly format: string;
  readonly rate: number;
  /** FFmpeg's description. */
  readonly layout: string;
  /** The frames do not say which channels they have, only how many. */
  readonly guessed: boolean;
}

/** What is done with frames of one shape. */
interface Conversion {
  readonly shape: Shape;
  /** One tick for each sample. */
  readonly unit: Rational;
  /** Absent: nothing. */
  readonly filters: FilterLine | undefined;
}

/** Cuts the samples into frames of the size the encoder wants. */
interface Cutter {
  readonly filters: FilterLine;
  readonly size: number;
  /** Samples that wait in it for more. */
  waiting: number;
}

export class AudioStream {
  readonly #ctx: EncodingContext;
  readonly #params: AudioParams;
  #encoder: Encoder | undefined;
  #timeBase: Rational = { num: 1, den: 48000 };
  #conversion: Conversion | undefined;
  /** Set by the first frame that came out of the conversion; later frames are brought to it. */
  #target: Shape | undefined;
  /** Absent where frames of any size will do. */
  #cutter: Cutter | undefined;
  #nextPts = 0n;
  /** So many packets may be written yet. */
  #left: number;
  readonly #frame = new Frame();
  #closed = false;

  constructor(ctx: EncodingContext) {
    this.#ctx = ctx;
    this.#params = ctx.options.audio_params ?? { av: {} };
    this.#left = ctx.options.aframes ?? Number.POSITIVE_INFINITY;
    this.#frame.alloc();
    ledger.opened('scratch-frame');
  }

  /** True when `aframes` packets have been written, or a shorter stream has ended. */
  get full(): boolean {
    return this.#left <= 0 || this.#ctx.shortest?.isFinished || false;
  }

  /** @param shift In microseconds, taken off the frame's time. */
  push(frame: AudioFrame, shift: bigint): void {
    const { av } = frame;
    const shape = shapeOf(av);
    if (!this.#conversion || !sameShape(this.#conversion.shape, shape)) this.#reshape(shape);
    const { unit, filters } = this.#conversion!;
    check(this.#frame.ref(av), 'Cannot reference a frame');
    try {
      const { pts } = av;
      if (pts !== AV_NOPTS_VALUE) {
        const own = timeBaseOf(av);
        const ticks = isTimeBase(own) ? rescale(pts, own, unit) : pts;
        this.#frame.pts = shift === 0n ? ticks : ticks - rescale(shift, MICROSECONDS, unit);
      }
      if (filters) filters.push(this.#frame, (converted) => this.#take(converted));
      else this.#take(this.#frame);
    } finally {
      this.#frame.unref();
    }
  }

  /** Ends the stream: samples kept in the conversion, the last short frame, and what is delayed in the encoder. */
  finish(): void {
    this.#conversion?.filters?.push(null, (converted) => this.#take(converted));
    if (!this.#encoder) {
      this.#ctx.shortest?.isAbsent();
      this.#ctx.muxer.leaveOut(this.#ctx.input);
      return;
    }
    this.#cutter?.filters.push(null, (cut) => this.#encode(cut));
    if (this.#ctx.shortest) this.#ctx.shortest.framesEnd();
    else this.#encoder.flush();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conversion?.filters?.close();
    this.#cutter?.filters.close();
    this.#encoder?.close();
    this.#frame.free();
    ledger.closed('scratch-frame');
  }

  /** Builds the conversion for frames of this shape: none at all where nothing has to change. */
  #reshape(shape: Shape): void {
    const old = this.#conversion?.filters;
    this.#conversion = undefined;
    if (old) {
      try {
        old.push(null, (converted) => this.#take(converted));
      } finally {
        old.close();
      }
    }
    const unit: Rational = { num: 1, den: shape.rate };
    const accepted = this.#accepted();
    const fits =
      !shape.guessed &&
      (accepted.formats?.includes(shape.format) ?? true) &&
      (accepted.rates?.includes(shape.rate) ?? true) &&
      (accepted.layouts?.includes(shape.layout) ?? true);
    if (fits) {
      this.#conversion = { shape, unit, filters: undefined };
      return;
    }
    const wishes = [
      accepted.formats && `sample_fmts=${accepted.formats.join('|')}`,
      accepted.rates && `sample_rates=${accepted.rates.join('|')}`,
      accepted.layouts && `channel_layouts=${accepted.layouts.map(layoutArgument).join('|')}`,
    ].filter((wish) => wish !== undefined);
    const filters: FilterSpec[] = wishes.length > 0 ? [['aformat', wishes.join(':')]] : [];
    const what = `Cannot bring ${shape.rate} Hz ${shape.layout} ${shape.format} audio to the form ${this.#ctx.name} needs`;
    this.#conversion = { shape, unit, filters: new FilterLine('audio', sourceArguments(shape), filters, what) };
  }

  /** What may reach the encoder; undefined: anything. */
  #accepted(): {
    formats?: readonly string[] | undefined;
    rates?: readonly number[] | undefined;
    layouts?: readonly string[] | undefined;
  } {
    if (this.#target) {
      return { formats: [this.#target.format], rates: [this.#target.rate], layouts: [this.#target.layout] };
    }
    const { codec, wishes } = this.#ctx.settings;
    const { sample_rate: rate, sample_fmt: format, channels } = this.#params;
    const layout =
      wishes.layout ?? (channels === undefined ? undefined : describeLayout(avChannelLayoutDefault(channels)));
    return {
      formats: format === undefined ? some(codec.sampleFormats)?.map(sampleFormatName) : [format],
      rates: rate === undefined ? some(codec.supportedSamplerates) : [rate],
      layouts: layout === undefined ? some(codec.channelLayouts)?.map(describeLayout) : [layout],
    };
  }

  #take(converted: Frame): void {
    this.#encoder ??= this.#open(converted);
    const cutter = this.#cutter;
    const samples = cutter === undefined ? 0 : converted.nbSamples;
    // A frame of that size comes out as it is where nothing waits.
    if (cutter === undefined || (cutter.waiting === 0 && samples === cutter.size)) {
      this.#encode(converted);
      return;
    }
    cutter.waiting = (cutter.waiting + samples) % cutter.size;
    cutter.filters.push(converted, (cut) => this.#encode(cut));
  }

  #encode(frame: Frame): void {
    if (this.#left <= 0 || !this.#encoder) return;
    let { pts } = frame;
    if (pts === AV_NOPTS_VALUE) {
      // Samples without a time follow those before them.
      pts = this.#nextPts;
      frame.pts = pts;
    }
    this.#nextPts = pts + BigInt(frame.nbSamples);
    frame.quality = this.#encoder.quality;
    const { shortest } = this.#ctx;
    if (shortest) shortest.frame(frame, this.#nextPts, this.#timeBase);
    else this.#encoder.send(frame);
  }

  #open(frame: Frame): Encoder {
    const { settings, muxer, input } = this.#ctx;
    const shape: Shape = {
      format: sampleFormatName(frame.format as AVSampleFormat),
      rate: frame.sampleRate,
      layout: describeLayout(frame.channelLayout),
      guessed: false,
    };
    this.#target = shape;
    this.#timeBase = { num: 1, den: shape.rate };
    const encoder = new Encoder(
      settings,
      (packet) => this.#write(packet),
      (context) => {
        context.sampleFormat = frame.format as AVSampleFormat;
        context.sampleRate = shape.rate;
        context.timeBase = new NativeRational(1, shape.rate);
        // By name, because the native map of a custom layout belongs to the frame.
        const layout = layoutArgument(shape.layout);
        const ret = context.setOption('ch_layout', layout, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
        check(ret, `Cannot set the channel layout ${shape.layout}`);
      },
    );
    // Known to this object before anything else can fail, so that close() finds it.
    this.#encoder = encoder;
    this.#ctx.shortest?.encodes({
      send: (frame) => encoder.send(frame),
      drop() {},
      ended: () => {
        encoder.flush();
        this.#ctx.shortest?.packetsEnd();
      },
    });
    const size = encoder.context.frameSize;
    if (size > 0 && !settings.codec.hasCapabilities(AV_CODEC_CAP_VARIABLE_FRAME_SIZE)) {
      const what = `Cannot cut audio into frames of ${size} samples for ${this.#ctx.name}`;
      const filters = new FilterLine('audio', sourceArguments(shape), [['asetnsamples', `n=${size}:p=0`]], what);
      this.#cutter = { filters, size, waiting: 0 };
    }
    muxer.add(input, {
      kind: 'audio',
      timeBase: this.#timeBase,
      describe: (stream) => {
        encoder.describe(stream);
        presentTexts(stream, this.#ctx, this.#ctx.source());
      },
    });
    return encoder;
  }

  #write(packet: Packet): void {
    if (this.#left <= 0) return;
    this.#left--;
    write(this.#ctx, packet, this.#timeBase);
  }
}

function shapeOf({ channelLayout, channels, format, sampleRate: rate }: Frame): Shape {
  const guessed = channelLayout.order === AV_CHANNEL_ORDER_UNSPEC;
  const layout = describeLayout(guessed ? avChannelLayoutDefault(channels) : channelLayout);
  return { format: sampleFormatName(format as AVSampleFormat), rate, layout, guessed };
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.format === b.format && a.rate === b.rate && a.layout === b.layout && a.guessed === b.guessed;
}

function sourceArguments(shape: Shape): string {
  return `time_base=1/${shape.rate}:sample_rate=${shape.rate}:sample_fmt=${shape.format}:channel_layout=${layoutArgument(shape.layout)}`;
}

/** A custom layout is described as '2 channels (FR+FL)' and read back as 'FR+FL'. */
function layoutArgument(description: string): string {
  return /^\d+ channels \((.+)\)$/.exec(description)?.[1] ?? description;
}

/** An encoder's empty list means the same as none. */
function some<T>(list: readonly T[] | null): readonly T[] | undefined {
  return list && list.length > 0 ? list : undefined;
}

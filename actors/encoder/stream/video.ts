/** The video stream of an output: size and pixel format, frame rate, encoder. */
import {
  AV_CODEC_ID_MJPEG,
  AV_CODEC_ID_MPEG4,
  AV_FRAME_FLAG_INTERLACED,
  AV_FRAME_FLAG_TOP_FIELD_FIRST,
  AV_NOPTS_VALUE,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PKT_DATA_QUALITY_STATS,
  AV_PKT_FLAG_KEY,
  AVFMT_VARIABLE_FPS,
  type AVPixelFormat,
} from 'node-av/constants';
import { Frame, Rational as NativeRational, type Packet } from 'node-av/lib';
import { limitTerms } from '../../../src/media/fractions.js';
import {
  check,
  framesOf,
  isTimeBase,
  ledger,
  MICROSECONDS,
  type Rational,
  rescale,
  type VideoFrame,
} from '../../../src/media/index.js';
import type { AVOptionValue } from '../../../src/schema/schema.js';
import { localPath } from '../../shared/location.js';
import { NOW, type VideoChange } from '../change.js';
import { Encoder } from '../codec/codec.js';
import { describeFrame, hdrParameters, lostSideData, sideDataOf, unwrittenSideData } from '../codec/hdr.js';
import { setColours } from '../codec/wishes.js';
import { FrameMatches } from '../frame-matches.js';
import type { VideoParams } from '../options.js';
import { defaultVsync } from '../output/format.js';
import { pixelAspect } from './aspect.js';
import { LOOK_AHEAD, type MeasuredRate, rateOf } from './frame-rate.js';
import { PictureTypes } from './key-frames.js';
import { PictureConverter } from './picture-converter.js';
import { QualityMeter } from './psnr.js';
import { type EncodingContext, write } from './stream.js';
import { presentTexts } from './texts.js';
import { type Placement, roundHalfEven, VideoSync, type VsyncMethod } from './video-sync.js';

/** Frame rate when neither the frames, their times nor the options tell one, as in the ffmpeg command. */
const ASSUMED_RATE: Rational = { num: 25, den: 1 };

/** Seconds by which pictures may begin later than the output, without a word about what fills the time. */
const ORDINARY_LEAD = 0.5;

export class VideoStream {
  readonly #ctx: EncodingContext;
  readonly #params: VideoParams;
  #encoder: Encoder | undefined;
  #sync: VideoSync | undefined;
  #timeBase = new NativeRational(1, 25);
  readonly #converter: PictureConverter;
  readonly #current = new Frame();
  readonly #previous = new Frame();
  #hasPrevious = false;
  #counted = { dropped: 0, duplicated: 0 };
  /** The frames come straight from a decoder. */
  #decoded = false;
  readonly #quality: QualityMeter | undefined;
  readonly #matches: FrameMatches | undefined;
  #types: PictureTypes | undefined;
  /** Which pictures are to be key frames. */
  #order: string | undefined;
  /** The first picture is to be one. */
  #keyIsDue = false;
  /** What was changed of the encoder's options. */
  readonly #rates: Record<string, AVOptionValue> = {};
  /** The first frames of those that tell no rate, until it has been read from their times. */
  #held: { readonly frame: VideoFrame; readonly shift: bigint }[] = [];
  #measured: MeasuredRate | undefined;
  /** Frames that were to come after the end of a shorter stream. */
  #beyond = 0;
  #closed = false;

  constructor(ctx: EncodingContext) {
    this.#ctx = ctx;
    this.#params = ctx.options.video_params ?? { av: {} };
    this.#order = this.#params.force_key_frames ?? ctx.options.force_key_frames;
    this.#converter = new PictureConverter(this.#params, ctx.settings, ctx.name);
    this.#quality = this.#params.psnr ? new QualityMeter() : undefined;
    const { io_frm_match, output_path } = ctx.options;
    const path = output_path === undefined ? undefined : localPath(output_path);
    this.#matches = io_frm_match && path !== undefined ? new FrameMatches(`${path}_iofrm.txt`) : undefined;
    for (const frame of [this.#current, this.#previous]) {
      frame.alloc();
      ledger.opened('scratch-frame');
    }
  }

  /** Rates and key frames from the next picture on; what the encoder takes has been checked. */
  change({ rates, keyFrames }: VideoChange): void {
    Object.assign(this.#rates, rates);
    this.#encoder?.change(this.#rates);
    if (keyFrames === undefined) return;
    if (keyFrames !== NOW) this.#order = keyFrames;
    if (this.#types === undefined) this.#keyIsDue ||= keyFrames === NOW;
    else if (keyFrames === NOW) this.#types.orderNext();
    else this.#types.follow(keyFrames);
  }

  /** True when `vframes` have been written, or a shorter stream has ended. */
  get full(): boolean {
    return this.#sync?.full || this.#ctx.shortest?.isFinished || false;
  }

  /** @param shift In microseconds, taken off the frame's time. */
  push(frame: VideoFrame, shift: bigint): void {
    if (this.#encoder === undefined && this.#mustMeasure(frame)) {
      this.#held.push({ frame: frame.clone(), shift });
      if (this.#held.length >= Math.min(LOOK_AHEAD, this.#ctx.options.vframes ?? LOOK_AHEAD)) this.#measure();
      return;
    }
    if (this.#held.length > 0) this.#measure();
    this.#place(frame, shift);
  }

  /** Nobody tells its rate, but it has a time. */
  #mustMeasure(frame: VideoFrame): boolean {
    const own = frame.frameRate && isTimeBase(frame.frameRate);
    return !own && this.#params.r === undefined && frame.av.pts !== AV_NOPTS_VALUE && isTimeBase(frame.timeBase);
  }

  /** Reads the rate from the times of the frames that were held back, and takes these. */
  #measure(): void {
    const [first] = this.#held;
    const held = this.#held.splice(0);
    if (first !== undefined) {
      // The finest of theirs: an input manager that gave them other times may have had to change it.
      const unit = held
        .map(({ frame }) => this.#inputTimeBase(frame))
        .reduce((a, b) => (a.num * b.den <= b.num * a.den ? a : b));
      const times = held.map(({ frame }) =>
        this.#params.in_time_base ? frame.av.pts : rescale(frame.av.pts, frame.timeBase, unit),
      );
      // The only picture lasts as long as it says.
      if (times.length === 1 && first.frame.av.duration > 0n) times.push(times[0]! + first.frame.av.duration);
      this.#measured = rateOf(times, unit);
    }
    try {
      for (const { frame, shift } of held) if (!this.full) this.#place(frame, shift);
    } finally {
      for (const { frame } of held) frame.close();
    }
  }

  #place(frame: VideoFrame, shift: bigint): void {
    const { av } = frame;
    const timeBase = this.#inputTimeBase(frame);
    const own = av.pts;
    const ticks = shift === 0n ? 0n : rescale(shift, MICROSECONDS, timeBase);
    const pts = own === AV_NOPTS_VALUE ? undefined : own - ticks;
    const seconds = Number(av.duration) * (timeBase.num / timeBase.den);
    this.#converter.convert(frame, (converted) => this.#take(converted, frame, pts, timeBase, seconds));
  }

  /** Ends the stream: the last repetitions, and what is delayed in the encoder. */
  finish(): void {
    this.#measure();
    this.#warnOfConversion();
    if (!this.#encoder || !this.#sync) {
      this.#ctx.shortest?.isAbsent();
      this.#ctx.muxer.leaveOut(this.#ctx.input);
      return;
    }
    this.#submit(this.#sync.finish(), undefined, undefined);
    if (this.#ctx.shortest) this.#ctx.shortest.framesEnd();
    else this.#complete(this.#encoder);
  }

  /** The last frame has been encoded. */
  #complete(encoder: Encoder): void {
    encoder.flush();
    this.#ctx.shortest?.packetsEnd();
    this.#count();
    this.#matches?.write();
    const complaint = this.#types?.complaint;
    if (complaint)
      this.#ctx.log.warn(`${this.#ctx.name}: ${complaint}: encoder ${this.#ctx.settings.codec.name} decides`);
    this.#tellQuality(encoder);
  }

  #tellQuality({ context }: Encoder): void {
    const { log, meter, name, settings } = this.#ctx;
    if (!this.#quality) return;
    const quality = this.#quality.report(context.pixelFormat, context.width, context.height);
    if (quality === undefined) {
      log.warn(`${name}: video_params.psnr had no effect: encoder ${settings.codec.name} reports no errors`);
      return;
    }
    meter.psnr = quality.all;
    log.info(quality.text);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { frame } of this.#held.splice(0)) frame.close();
    this.#converter.close();
    this.#encoder?.close();
    this.#types?.close();
    for (const frame of [this.#current, this.#previous]) {
      frame.free();
      ledger.closed('scratch-frame');
    }
  }

  #inputTimeBase(frame: VideoFrame): Rational {
    if (this.#params.in_time_base) return this.#params.in_time_base;
    const { timeBase } = frame;
    return isTimeBase(timeBase) ? timeBase : invert(this.#rate(frame));
  }

  #take(converted: Frame, source: VideoFrame, pts: bigint | undefined, timeBase: Rational, seconds: number): void {
    this.#encoder ??= this.#open(converted, source);
    if (this.#types === undefined) {
      this.#types = new PictureTypes(this.#order, this.#timeBase);
      if (this.#keyIsDue) this.#types.orderNext();
    }
    this.#sync ??= new VideoSync(this.#vsync(), this.#timeBase, {
      ...(this.#ctx.options.vframes !== undefined && { most: this.#ctx.options.vframes }),
      ...(this.#ctx.options.min_frames !== undefined && { least: this.#ctx.options.min_frames }),
    });
    const duration = this.#durationInTicks(source, seconds);
    this.#submit(this.#sync.place(pts, timeBase, duration), converted, source);
    this.#count();
    this.#remember(converted);
  }

  /**
   * How long a frame lasts for the frame-rate conversion, as ffmpeg 5.1 has it: what the container says, in whole ticks,
   * if the frame comes straight from a decoder; the frame rate after a filter, and one tick at most. A container's
   * duration that is not the frame rate's belongs to another frame (it is counted in decoding order) and says nothing.
   */
  #durationInTicks(frame: VideoFrame, seconds: number): number {
    const rate = frame.frameRate;
    const tick = this.#timeBase.num / this.#timeBase.den;
    if (!rate || !isTimeBase(rate)) return Math.min(1, seconds / tick);
    const regular = rate.den / rate.num;
    // Filters clear the decoding time, for a packet's time says nothing of what they made of it. The last frames of a
    // decoder have none either, hence the memory.
    this.#decoded ||= frame.av.pktDts !== AV_NOPTS_VALUE;
    if (this.#decoded && Math.abs(seconds - regular) < 0.01 * regular) {
      const whole = Number(roundHalfEven(seconds / tick));
      if (whole > 0) return whole;
    }
    return Math.min(1, regular / tick);
  }

  #vsync(): VsyncMethod {
    const { vsync = 'auto', r, max_fr } = this.#params;
    if (vsync !== 'auto') return vsync;
    if (this.#isVariable) return 'vfr';
    const { format, options } = this.#ctx;
    return defaultVsync(format, r !== undefined || max_fr !== undefined, options.copyts === true);
  }

  /** Encodes the copies that the frame-rate conversion asks for. */
  #submit(placement: Placement, frame: Frame | undefined, given: VideoFrame | undefined): void {
    if (placement.skippedGap !== undefined) {
      this.#ctx.log.warn(
        `a gap of ${placement.skippedGap} frames before a frame of ${this.#ctx.name} is not filled: its time is not credible`,
      );
    }
    const pictureType = this.#types?.begin(given, placement);
    this.#matches?.begin(given);
    const wished = placement.total > 0 && this.#ctx.muxer.takeKeyWish?.() ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    for (let i = 0; i < placement.total; i++) {
      const isPrevious = i < placement.previous && this.#hasPrevious;
      const source = isPrevious ? this.#previous : frame;
      if (!source || !this.#encoder) return;
      this.#matches?.sent(isPrevious);
      // A reference of our own, because time and type are written into it.
      check(this.#current.ref(source), 'Cannot reference a frame');
      try {
        const pts = placement.pts + BigInt(i);
        this.#current.pts = pts;
        this.#current.duration = placement.duration;
        // What the decoder saw must not force the encoder: key frames only where somebody ordered them.
        this.#current.pictType = (pictureType?.(i, pts) || undefined) ?? (i === 0 ? wished : AV_PICTURE_TYPE_NONE);
        this.#current.quality = this.#encoder.quality;
        const { shortest } = this.#ctx;
        if (shortest) shortest.frame(this.#current, pts + placement.duration, this.#timeBase);
        else this.#encoder.send(this.#current);
      } finally {
        this.#current.unref();
      }
    }
  }

  #remember(frame: Frame): void {
    this.#previous.unref();
    check(this.#previous.ref(frame), 'Cannot reference a frame');
    this.#hasPrevious = true;
  }

  /** Adds to the meter, which other streams of the node count in as well. */
  #count(): void {
    if (!this.#sync) return;
    const { meter } = this.#ctx;
    const { count, dropped, duplicated } = this.#sync;
    meter.frames = count - this.#beyond;
    const counted = this.#counted;
    if (dropped === counted.dropped && duplicated === counted.duplicated) return;
    meter.dropped += dropped - counted.dropped;
    meter.duplicated += duplicated - counted.duplicated;
    this.#counted = { dropped, duplicated };
  }

  /** Output frame rate: the option, else the frames' own, never above `max_fr`, among those the codec has. */
  #rate(frame: VideoFrame): Rational {
    const { r, max_fr } = this.#params;
    const own = frame.frameRate && isTimeBase(frame.frameRate) ? frame.frameRate : undefined;
    let rate = r ?? own ?? this.#measured?.rate ?? max_fr ?? ASSUMED_RATE;
    if (max_fr && max_fr.num * rate.den < rate.num * max_fr.den) rate = max_fr;
    const { codec } = this.#ctx.settings;
    const wanted = rate.num / rate.den;
    const distance = (q: Rational): number => Math.abs(q.num / q.den - wanted);
    const supported = codec.supportedFramerates?.filter(isTimeBase) ?? [];
    const nearest = supported.reduce<Rational | undefined>(
      (best, next) => (best && distance(best) <= distance(next) ? best : next),
      undefined,
    );
    if (nearest) rate = { num: nearest.num, den: nearest.den };
    return codec.id === AV_CODEC_ID_MPEG4 ? limitTerms(rate, 65535) : rate;
  }

  /** The frames keep their times, where the container and the encoder have room for any. */
  get #isVariable(): boolean {
    const { settings, format } = this.#ctx;
    const { max_fr, vsync = 'auto' } = this.#params;
    const unit = this.#measured?.timeBase;
    if (unit === undefined || max_fr !== undefined || (vsync !== 'auto' && vsync !== 'vfr' && vsync !== 'passthrough'))
      return false;
    if (!format.hasFlags(AVFMT_VARIABLE_FPS) || settings.codec.supportedFramerates?.some(isTimeBase)) return false;
    return settings.codec.id !== AV_CODEC_ID_MPEG4 || unit.den <= 65535;
  }

  /** What was left out and repeated to keep a rate that nobody asked for. */
  #warnOfConversion(): void {
    const { r, max_fr, vsync = 'auto' } = this.#params;
    if (!this.#sync || !this.#encoder || r !== undefined || max_fr !== undefined || vsync !== 'auto') return;
    const { dropped } = this.#sync;
    const { num, den } = this.#encoder.context.framerate;
    // In ordinary files the sound begins a little earlier: until the first picture's time it stands, whatever the rate.
    const ordinary = this.#sync.leading <= (ORDINARY_LEAD * num) / den ? this.#sync.leading : 0;
    const duplicated = this.#sync.duplicated - ordinary;
    if (dropped === 0 && duplicated === 0) return;
    this.#ctx.log.warn(
      `${this.#ctx.name}: ${dropped} frames were dropped and ${duplicated} repeated to have ${Number((num / den).toFixed(3))} ` +
        "frames per second; video_params.r names another rate, vsync: 'passthrough' keeps every frame",
    );
  }

  #open(frame: Frame, source: VideoFrame): Encoder {
    const { settings, muxer, input } = this.#ctx;
    const rate = this.#rate(source);
    const { num, den } = this.#isVariable ? this.#measured!.timeBase! : invert(rate);
    this.#timeBase = new NativeRational(num, den);
    const { aspect: whole } = this.#params;
    const aspect = whole
      ? pixelAspect(limitTerms(whole, 255), frame.width, frame.height)
      : (settings.wishes.pixelAspect ?? this.#converter.sampleAspectRatio ?? source.sampleAspectRatio);
    const name = settings.codec.name ?? '';
    const sideData = sideDataOf(frame);
    const lost = lostSideData(frame, name, settings.av);
    if (lost.length > 0) {
      this.#ctx.log.warn(`${lost.join(' and ')} of the frames not written to ${this.#ctx.name}: ${name} is given none`);
    }
    for (const text of unwrittenSideData(sideData.keys(), this.#ctx.format.name ?? '', this.#ctx.options.mux_params)) {
      this.#ctx.log.warn(`${this.#ctx.name}: ${text}`);
    }
    const encoder = new Encoder(
      { ...settings, av: { ...settings.av, ...hdrParameters(name, sideData, settings.av) } },
      (packet) => this.#write(packet),
      (context) => {
        context.timeBase = this.#timeBase;
        context.framerate = new NativeRational(rate.num, rate.den);
        context.width = frame.width;
        context.height = frame.height;
        context.pixelFormat = frame.format as AVPixelFormat;
        const frames = framesOf(frame);
        if (frames) context.hwFramesCtx = frames.context;
        context.sampleAspectRatio = new NativeRational(aspect.num, Math.max(aspect.den, 1));
        setColours(context, frame, settings.wishes);
        if ('field_order' in settings.av) return;
        const order = fieldOrder(frame, settings.codec.id === AV_CODEC_ID_MJPEG);
        context.setOption('field_order', order, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
      },
    );
    // Known to this object before anything else can fail, so that close() finds it.
    this.#encoder = encoder;
    encoder.change(this.#rates);
    this.#ctx.shortest?.encodes({
      send: (frame) => encoder.send(frame),
      drop: (frame) => {
        this.#beyond++;
        this.#types?.forget(frame.pts);
      },
      ended: () => this.#complete(encoder),
    });
    muxer.add(input, {
      kind: 'video',
      timeBase: this.#timeBase,
      describe: (stream) => {
        encoder.describe(stream);
        describeFrame(sideData, stream.codecpar);
        presentTexts(stream, this.#ctx, this.#ctx.source());
        stream.sampleAspectRatio = encoder.context.sampleAspectRatio;
        stream.avgFrameRate = new NativeRational(rate.num, rate.den);
      },
    });
    return encoder;
  }

  #write(packet: Packet): void {
    if (this.#params.vsync === 'drop') {
      packet.pts = AV_NOPTS_VALUE;
      packet.dts = AV_NOPTS_VALUE;
    }
    if (packet.flags & AV_PKT_FLAG_KEY) this.#types?.coded(packet.pts);
    if (this.#quality) this.#quality.add(packet.getSideData(AV_PKT_DATA_QUALITY_STATS));
    write(this.#ctx, packet, this.#timeBase);
  }
}

/** AVFieldOrder by the name of libavcodec's option: how the fields are coded and shown. */
function fieldOrder(frame: Frame, together: boolean): string {
  if (!frame.hasFlags(AV_FRAME_FLAG_INTERLACED)) return 'progressive';
  const top = frame.hasFlags(AV_FRAME_FLAG_TOP_FIELD_FIRST);
  if (together) return top ? 'tt' : 'bb';
  return top ? 'tb' : 'bt';
}

function invert(rate: Rational): Rational {
  return { num: rate.den, den: rate.num };
}

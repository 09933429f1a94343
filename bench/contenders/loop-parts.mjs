// What a loop over node-av is written with: sync calls of the low-level interface, which wait for nothing and make one
// object per stream, not per packet or frame. Encoder.create of node-av hands its options over in a way that ends in a
// crash at exit.
import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  AV_CODEC_FLAG_FRAME_DURATION,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_LOG_ERROR,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AV_PICTURE_TYPE_NONE,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVFMT_GLOBALHEADER,
  AVIO_FLAG_WRITE,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
} from 'node-av/constants';
import {
  avChannelLayoutDescribe,
  avGetSampleFmtName,
  avRescaleQ,
  Codec,
  CodecContext,
  FFmpegError,
  Filter,
  FilterGraph,
  FormatContext,
  Frame,
  IOContext,
  Log,
  Packet,
  Rational,
} from 'node-av/lib';

Log.setLevel(AV_LOG_ERROR);

export function check(code) {
  FFmpegError.throwIfError(code);
  return code;
}

/** A result was had; otherwise more has to be fed in, or it is the end. */
function got(code) {
  return code !== AVERROR_EAGAIN && code !== AVERROR_EOF && check(code) >= 0;
}

function newFrame() {
  const frame = new Frame();
  frame.alloc();
  return frame;
}

function newPacket() {
  const packet = new Packet();
  packet.alloc();
  return packet;
}

function setOptions(context, options) {
  for (const [name, value] of Object.entries(options)) {
    check(context.setOption(name, value, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN));
  }
}

/** A file to read: its first pictures and its first sound. */
export class Input {
  #format = new FormatContext();
  #packet = newPacket();

  constructor(path) {
    check(this.#format.openInputSync(path));
    check(this.#format.findStreamInfoSync());
    const { streams } = this.#format;
    this.video = streams[this.#format.findBestStream(AVMEDIA_TYPE_VIDEO)];
    this.audio = streams[this.#format.findBestStream(AVMEDIA_TYPE_AUDIO)];
  }

  /** Calls `each` with every packet and the index of its stream. The packet is used again afterwards. */
  read(each) {
    while (got(this.#format.readFrameSync(this.#packet))) {
      each(this.#packet, this.#packet.streamIndex);
      this.#packet.unref();
    }
  }

  close() {
    this.#packet.free();
    this.#format.closeInputSync();
  }
}

export class Decoder {
  #context = new CodecContext();
  #frame = newFrame();

  constructor(stream) {
    const codec = Codec.findDecoder(stream.codecpar.codecId);
    this.#context.allocContext3(codec);
    check(this.#context.parametersToContext(stream.codecpar));
    this.#context.pktTimebase = stream.timeBase;
    setOptions(this.#context, { threads: 'auto' });
    check(this.#context.open2Sync(codec, null));
  }

  /** Decodes a packet, or what is delayed inside if it is null; `each` has the frame until it returns. */
  decode(packet, each) {
    check(this.#context.sendPacketSync(packet));
    while (got(this.#context.receiveFrameSync(this.#frame))) {
      each(this.#frame);
      this.#frame.unref();
    }
  }

  close() {
    this.#frame.free();
    this.#context.freeContext();
  }
}

/** Filters with one input and one output, such as 'scale=640:360'. */
export class Filters {
  #graph = new FilterGraph();
  #frame = newFrame();
  #source;
  #sink;

  /** @param stream The frames that come are its decoded ones. */
  constructor(stream, description) {
    const { codecpar: form, timeBase } = stream;
    const kind = form.codecType === AVMEDIA_TYPE_VIDEO ? '' : 'a';
    const time = `time_base=${timeBase.num}/${timeBase.den}`;
    const args =
      kind === ''
        ? `video_size=${form.width}x${form.height}:pix_fmt=${form.format}:${time}:colorspace=${form.colorSpace}` +
          `:range=${form.colorRange}:pixel_aspect=${form.sampleAspectRatio.num}/${Math.max(1, form.sampleAspectRatio.den)}`
        : `${time}:sample_rate=${form.sampleRate}:sample_fmt=${avGetSampleFmtName(form.format)}` +
          `:channel_layout=${avChannelLayoutDescribe(form.channelLayout)}`;
    this.#graph.alloc();
    this.#source = this.#graph.createFilter(Filter.getByName(`${kind}buffer`), 'in', args);
    this.#sink = this.#graph.createFilter(Filter.getByName(`${kind}buffersink`), 'out', null);
    const [name, options] = description.split('=');
    const filter = this.#graph.createFilter(Filter.getByName(name), name, options);
    check(this.#source.link(0, filter, 0));
    check(filter.link(0, this.#sink, 0));
    check(this.#graph.configSync());
  }

  /** Width to height of one pixel of what comes out. */
  get sampleAspectRatio() {
    return this.#sink.buffersinkGetSampleAspectRatio();
  }

  /** Filters a frame, which stays the caller's, or takes out what is left if it is null. */
  filter(frame, each) {
    check(this.#source.buffersrcAddFrameSync(frame, AV_BUFFERSRC_FLAG_KEEP_REF));
    while (got(this.#sink.buffersinkGetFrameSync(this.#frame))) {
      each(this.#frame);
      this.#frame.unref();
    }
  }

  close() {
    this.#frame.free();
    this.#graph.free();
  }
}

export class Encoder {
  #context = new CodecContext();
  #packet = newPacket();
  #from;
  #video;

  /** @param from Time base of the frames to come. @param configure Says what they are like. */
  constructor(name, from, configure, options = {}) {
    const codec = Codec.findEncoderByName(name);
    this.#from = from;
    this.#video = codec.type === AVMEDIA_TYPE_VIDEO;
    this.#context.allocContext3(codec);
    configure(this.#context);
    this.#context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
    if (this.#video) this.#context.setFlags(AV_CODEC_FLAG_FRAME_DURATION);
    setOptions(this.#context, { threads: 'auto', ...options });
    check(this.#context.open2Sync(codec, null));
  }

  get frameSize() {
    return this.#context.frameSize;
  }

  get context() {
    return this.#context;
  }

  /** Encodes a frame, or what is delayed inside if it is null; `each` has the packet until it returns. */
  encode(frame, each) {
    if (frame !== null) {
      frame.pts = avRescaleQ(frame.pts, this.#from, this.#context.timeBase);
      if (this.#video) {
        frame.duration = 1n;
        frame.pictType = AV_PICTURE_TYPE_NONE; // the decoder's choice would bind the encoder
      }
    }
    check(this.#context.sendFrameSync(frame));
    while (got(this.#context.receivePacketSync(this.#packet))) {
      each(this.#packet);
      this.#packet.unref();
    }
  }

  close() {
    this.#packet.free();
    this.#context.freeContext();
  }
}

/** x264 veryfast for pictures of this size and shape of pixels, one per tick of the stream's frame rate. */
export function x264(stream, width, height, sampleAspectRatio) {
  const { num, den } = stream.avgFrameRate;
  return new Encoder(
    'libx264',
    stream.timeBase,
    (context) => {
      context.width = width;
      context.height = height;
      context.pixelFormat = stream.codecpar.format;
      context.timeBase = new Rational(den, num);
      context.framerate = stream.avgFrameRate;
      context.sampleAspectRatio = sampleAspectRatio;
    },
    { preset: 'veryfast' },
  );
}

/** AAC of FFmpeg for the stream's sound as it is. */
export function aac(stream) {
  const { format, sampleRate, channelLayout } = stream.codecpar;
  return new Encoder('aac', stream.timeBase, (context) => {
    context.sampleFormat = format;
    context.sampleRate = sampleRate;
    context.channelLayout = channelLayout;
    context.timeBase = new Rational(1, sampleRate);
  });
}

/** A file to write. */
export class Output {
  #format = new FormatContext();
  #file = new IOContext();
  #streams;

  constructor(path, encoders) {
    check(this.#format.allocOutputContext2(null, null, path));
    if ((this.#format.oformat.flags & AVFMT_GLOBALHEADER) === 0) throw new Error(`${path}: no global header`);
    this.#streams = encoders.map(({ context }) => {
      const stream = this.#format.newStream(null);
      check(stream.codecpar.fromContext(context));
      stream.timeBase = context.timeBase;
      stream.sampleAspectRatio = context.sampleAspectRatio;
      return { index: stream.index, from: context.timeBase, stream };
    });
    check(this.#file.open2Sync(path, AVIO_FLAG_WRITE));
    this.#format.pb = this.#file;
    check(this.#format.writeHeaderSync(null));
    // The muxer has its own idea of time bases; reading one makes an object.
    for (const entry of this.#streams) entry.to = entry.stream.timeBase;
  }

  /** Writes a packet of the encoder with this index. */
  write(packet, encoder) {
    const { index, from, to } = this.#streams[encoder];
    packet.streamIndex = index;
    packet.rescaleTs(from, to);
    check(this.#format.interleavedWriteFrameSync(packet));
  }

  close() {
    check(this.#format.writeTrailerSync());
    this.#format.pb = null;
    this.#file.closepSync();
    this.#format.freeContext();
  }
}

/** Puts metadata on a frame: node-av reads AVFrame.metadata, and has no call to write it. */
import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  AV_CODEC_ID_RAWVIDEO,
  AV_FRAME_DATA_RAW_COLOR_PARAMS,
  AV_PIX_FMT_GRAY8,
  AV_PKT_DATA_STRINGS_METADATA,
  type AVFrameSideDataType,
} from 'node-av/constants';
import {
  avChannelLayoutDescribe,
  Codec,
  CodecContext,
  Filter,
  type FilterContext,
  FilterGraph,
  Frame,
  Packet as NativePacket,
} from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { check } from '../ffmpeg.js';

/**
 * FFmpeg's decoders move side data of the kind AV_PKT_DATA_STRINGS_METADATA into the metadata of the frames they make
 * (ff_decode_frame_props), and av_frame_copy_props carries it to any other frame. The decoder is that of raw video, on
 * one grey pixel; one per thread, made when it is first needed.
 */
let carrier: CodecContext | undefined;

const WHAT = 'Cannot attach metadata to a frame';

/**
 * Gives a frame this metadata. All other properties of the frame except its memory, format and size are reset, so this
 * comes before they are set. Costs about 12 µs.
 */
export function applyMetadata(target: Frame, metadata: Record<string, string>): void {
  withCarrier(metadata, (frame) => check(target.copyProps(frame), WHAT));
}

/** Calls `use` with a frame of this metadata and no other properties. */
function withCarrier(metadata: Record<string, string>, use: (frame: Frame) => void): void {
  const what = WHAT;
  carrier ??= openCarrier(what);
  const packet = new NativePacket();
  const frame = new Frame();
  packet.alloc();
  frame.alloc();
  try {
    packet.data = Buffer.alloc(1);
    const strings = Object.entries(metadata).flatMap(([key, value]) => [key, '\0', value, '\0']);
    check(packet.addSideData(AV_PKT_DATA_STRINGS_METADATA, Buffer.from(strings.join(''))), what);
    check(carrier.sendPacketSync(packet), what);
    check(carrier.receiveFrameSync(frame), what);
    use(frame);
  } finally {
    packet.free();
    frame.free();
  }
}

function openCarrier(what: string): CodecContext {
  const codec = Codec.findDecoder(AV_CODEC_ID_RAWVIDEO);
  if (codec === null) throw new MillraceError('ERR_MILLRACE_FFMPEG', `${what}: this FFmpeg has no rawvideo decoder`);
  const context = new CodecContext();
  context.allocContext3(codec);
  context.width = 1;
  context.height = 1;
  context.pixelFormat = AV_PIX_FMT_GRAY8;
  const ret = context.open2Sync(codec);
  if (ret < 0) context.freeContext();
  check(ret, what);
  return context;
}

/**
 * Makes `wanted` the metadata of a frame and changes nothing else of it.
 * @param present What the frame has.
 */
export function changeMetadata(
  target: Frame,
  present: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): void {
  const stays = Object.entries(present).every(([key, value]) => wanted[key] === value);
  if (!stays) dropMetadata(target);
  const added = Object.entries(wanted).filter(([key]) => !stays || !Object.hasOwn(present, key));
  if (added.length === 0) return;
  const kept = new Frame();
  kept.alloc();
  try {
    check(kept.copyProps(target), WHAT);
    // av_frame_copy_props adds to the metadata and the side data of its target, and sets all the rest.
    applyMetadata(target, Object.fromEntries(added));
    for (let type = 0; type <= AV_FRAME_DATA_RAW_COLOR_PARAMS; type++) {
      if (target.getSideData(type as AVFrameSideDataType) !== null) target.removeSideData(type as AVFrameSideDataType);
    }
    check(target.copyProps(kept), WHAT);
  } finally {
    kept.free();
  }
}

/** Nothing but FFmpeg's filter of this purpose takes metadata away; the memory of the frame stays where it is. */
function dropMetadata(target: Frame): void {
  const video = target.width > 0;
  const { num, den } = target.timeBase;
  const timeBase = num > 0 && den > 0 ? `${num}/${den}` : '1/1000000';
  const { num: across, den: down } = target.sampleAspectRatio;
  const source = video
    ? `video_size=${target.width}x${target.height}:pix_fmt=${target.format}:time_base=${timeBase}` +
      `:pixel_aspect=${across}/${Math.max(down, 1)}:colorspace=${target.colorSpace}:range=${target.colorRange}` +
      `:alpha_mode=${target.alphaMode}`
    : `sample_rate=${target.sampleRate}:sample_fmt=${target.format}:time_base=${timeBase}` +
      (target.channelLayout.mask === 0n
        ? `:channels=${target.channels}`
        : `:channel_layout=${avChannelLayoutDescribe(target.channelLayout)}`);
  const prefix = video ? '' : 'a';
  const graph = new FilterGraph();
  const out = new Frame();
  graph.alloc();
  out.alloc();
  try {
    graph.nbThreads = 1;
    const [input, drop, sink] = [
      create(graph, `${prefix}buffer`, source),
      create(graph, `${prefix}metadata`, 'mode=delete'),
      create(graph, `${prefix}buffersink`, null),
    ];
    check(input.link(0, drop, 0), WHAT);
    check(drop.link(0, sink, 0), WHAT);
    check(graph.configSync(), WHAT);
    check(input.buffersrcAddFrameSync(target, AV_BUFFERSRC_FLAG_KEEP_REF), WHAT);
    check(sink.buffersinkGetFrameSync(out), WHAT);
    out.timeBase = target.timeBase;
    out.sampleAspectRatio = target.sampleAspectRatio;
    target.unref();
    check(target.ref(out), WHAT);
  } finally {
    out.free();
    graph.free();
  }
}

function create(graph: FilterGraph, name: string, args: string | null): FilterContext {
  const filter = Filter.getByName(name);
  const context = filter && graph.createFilter(filter, name, args);
  if (!context) throw new MillraceError('ERR_MILLRACE_FFMPEG', `${WHAT}: FFmpeg refuses the filter ${name}`);
  return context;
}

/** Channel layouts by FFmpeg's descriptions: 'stereo', '5.1(side)', 'FL+FR+LFE', '3 channels', 'ambisonic 1'. */
import {
  AV_CHANNEL_ORDER_CUSTOM,
  AV_CHANNEL_ORDER_NATIVE,
  AV_CHANNEL_ORDER_UNSPEC,
  type AVSampleFormat,
} from 'node-av/constants';
import { avChannelLayoutDescribe, type ChannelLayout, CodecContext, Filter, FilterGraph, Frame } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { check, sampleFormatName } from '../ffmpeg.js';
import { remember } from '../known.js';
import { ledger } from '../ledger.js';

/**
 * Layouts whose channels are in an order of their own ('FR+FL'). Their map is native memory that belongs to one AVFrame,
 * and node-av shows its bare address: such a layout must never be assigned, only described or made by `relabel`.
 */
interface CustomLayout {
  readonly order: typeof AV_CHANNEL_ORDER_CUSTOM;
  readonly nbChannels: number;
  /** The channel names joined by '+'. */
  readonly names: string;
}

export type ParsedLayout = (ChannelLayout & { names?: undefined }) | CustomLayout;

const parsed = new Map<string, ParsedLayout>();
/** By the mask of a layout in FFmpeg's own order, which is all there is to it: every frame of sound is asked. */
const described = new Map<bigint, string>();

/** FFmpeg's description of the layout of an existing frame or codec (av_channel_layout_describe). */
export function describeLayout(layout: ChannelLayout): string {
  if (layout.order !== AV_CHANNEL_ORDER_NATIVE) return describe(layout);
  return described.get(layout.mask) ?? remember(described, layout.mask, describe(layout));
}

function describe(layout: ChannelLayout): string {
  const description = avChannelLayoutDescribe(layout);
  if (description === null) {
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', `FFmpeg cannot describe a layout of ${layout.nbChannels} channels`);
  }
  return description;
}

/**
 * Reads a description (av_channel_layout_from_string).
 * @throws MillraceError ERR_MILLRACE_PAYLOAD for one that FFmpeg does not know.
 */
export function parseLayout(description: string): ParsedLayout {
  return parsed.get(description) ?? remember(parsed, description, parse(description));
}

function parse(description: string): ParsedLayout {
  // A custom layout is described as '2 channels (FR+FL)'; its channel names alone are what is read back.
  const text = /^\d+ channels \((.+)\)$/.exec(description)?.[1] ?? description;
  // Of all that node-av offers, the layout option of a codec context is what reads FFmpeg's notation.
  const codec = new CodecContext();
  codec.allocContext3(null);
  try {
    if (codec.setOption('ch_layout', text) < 0) {
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `FFmpeg knows no channel layout '${description}'`, {
        hint: "Examples: 'mono', 'stereo', '5.1', 'FL+FR+LFE', '3 channels'",
      });
    }
    const layout = codec.channelLayout;
    if (layout.order !== AV_CHANNEL_ORDER_CUSTOM) return layout;
    return { order: AV_CHANNEL_ORDER_CUSTOM, nbChannels: layout.nbChannels, names: text };
  } finally {
    codec.freeContext();
  }
}

/** The layout to give a frame before its memory is allocated; a custom one is put on afterwards by `relabel`. */
export function assignableLayout(layout: ParsedLayout): ChannelLayout {
  if (layout.names === undefined) return layout;
  return { order: AV_CHANNEL_ORDER_UNSPEC, nbChannels: layout.nbChannels, mask: 0n };
}

/**
 * Gives a frame of unspecified channels a custom layout, without touching its samples. FFmpeg's buffer source puts the
 * layout it is configured with on frames that have none (av_buffersrc_add_frame).
 * @returns A frame owned by the caller; `frame` is left empty.
 */
export function relabel(frame: Frame, layout: CustomLayout): Frame {
  const what = `Cannot label the channels of an audio frame as ${layout.names}`;
  const graph = new FilterGraph();
  graph.alloc();
  // Otherwise the graph starts worker threads.
  graph.nbThreads = 1;
  ledger.opened('filter-graph');
  const result = new Frame();
  result.alloc();
  try {
    const format = sampleFormatName(frame.format as AVSampleFormat);
    const rate = frame.sampleRate;
    const args = `time_base=1/${rate}:sample_rate=${rate}:sample_fmt=${format}:channel_layout=${layout.names}`;
    const source = requireFilter(graph.createFilter(findFilter('abuffer'), 'in', args), what);
    const sink = requireFilter(graph.createFilter(findFilter('abuffersink'), 'out'), what);
    check(source.link(0, sink, 0), what);
    check(graph.configSync(), what);
    check(source.buffersrcAddFrameSync(frame), what);
    check(sink.buffersinkGetFrameSync(result), what);
    return result;
  } catch (error) {
    result.free();
    throw error;
  } finally {
    graph.free();
    ledger.closed('filter-graph');
  }
}

function findFilter(name: string): Filter {
  return requireFilter(Filter.getByName(name), `This FFmpeg was built without the filter ${name}`);
}

function requireFilter<T>(value: T | null, what: string): T {
  if (value === null) throw new MillraceError('ERR_MILLRACE_FFMPEG', what);
  return value;
}

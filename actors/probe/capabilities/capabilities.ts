/** What this FFmpeg has. */
import {
  AV_CODEC_ID_NONE,
  type AVCodecID,
  AVFILTER_FLAG_DYNAMIC_INPUTS,
  AVFILTER_FLAG_DYNAMIC_OUTPUTS,
  AVMEDIA_TYPE_AUDIO,
  type AVPixelFormat,
  type AVSampleFormat,
} from 'node-av/constants';
import {
  avGetCodecName,
  avGetMediaTypeString,
  avGetPixFmtName,
  avGetSampleFmtName,
  avImageGetBufferSize,
  avIsHardwarePixelFormat,
  Codec,
  Filter,
  type FilterPad,
  getFFmpegInfo,
  HardwareDeviceContext,
  InputFormat,
  OutputFormat,
} from 'node-av/lib';
import { formatNames } from './node-av-names.js';
import { coderOptions, demuxerOptions, filterOptions, muxerOptions } from './options.js';
import { protocols } from './protocols.js';
import type {
  Capabilities,
  CodecCapability,
  CodecKind,
  CoderCapability,
  FFmpegOption,
  FilterCapability,
  FormatCapability,
  PadKind,
  PixelFormatCapability,
} from './types.js';

let known: Capabilities | undefined;

/** Everything but options, which are asked for when they are read. The same object every time. */
export function capabilities(): Capabilities {
  known ??= Object.freeze(look());
  return known;
}

function look(): Capabilities {
  const coders = Codec.getCodecList().sort((a, b) => compare(a.name, b.name));
  const decoders = coders.filter((codec) => codec.isDecoder()).map(coder);
  const encoders = coders.filter((codec) => codec.isEncoder()).map(coder);
  return {
    ffmpeg: getFFmpegInfo(),
    filters: Filter.getList()
      .sort((a, b) => compare(a.name, b.name))
      .map(filterOf),
    codecs: codecsOf(decoders, encoders),
    decoders,
    encoders,
    formats: formatNames().flatMap(formatOf),
    protocols: protocols(),
    pixelFormats: pixelFormats(),
    sampleFormats: named((n) => avGetSampleFmtName(n as AVSampleFormat)),
    hardware: HardwareDeviceContext.iterateTypes()
      .map((type) => HardwareDeviceContext.getTypeName(type) ?? '')
      .sort(compare),
  };
}

function compare(a: string | null, b: string | null): number {
  return (a ?? '') < (b ?? '') ? -1 : 1;
}

/** Asked for when it is read, and not listed: to ask for all of them would take long, and fill JSON. */
function withLate<T extends object, K extends string>(
  facts: T,
  late: Readonly<Record<K, () => readonly FFmpegOption[]>>,
): T & Readonly<Record<K, readonly FFmpegOption[]>> {
  for (const [name, ask] of Object.entries<() => readonly FFmpegOption[]>(late)) {
    let found: readonly FFmpegOption[] | undefined;
    const get = () => {
      found ??= ask();
      return found;
    };
    Object.defineProperty(facts, name, { get, enumerable: false });
  }
  return facts as T & Readonly<Record<K, readonly FFmpegOption[]>>;
}

function filterOf(filter: Filter): FilterCapability {
  const pads = (list: readonly FilterPad[], dynamic: number): readonly PadKind[] | 'any' =>
    filter.hasFlags(dynamic) ? 'any' : list.map(({ type }) => (type === AVMEDIA_TYPE_AUDIO ? 'audio' : 'video'));
  const facts = {
    name: filter.name ?? '',
    description: filter.description ?? '',
    inputs: pads(filter.inputs, AVFILTER_FLAG_DYNAMIC_INPUTS),
    outputs: pads(filter.outputs, AVFILTER_FLAG_DYNAMIC_OUTPUTS),
  };
  return withLate(facts, { options: () => filterOptions(filter) });
}

function coder(codec: Codec): CoderCapability {
  const { pixelFormats, sampleFormats, supportedSamplerates: sampleRates } = codec;
  const names = <T>(list: readonly T[], nameOf: (one: T) => string | null): string[] =>
    list.flatMap((one) => nameOf(one) ?? []);
  const facts = {
    name: codec.name ?? '',
    description: codec.longName ?? '',
    kind: (avGetMediaTypeString(codec.type) ?? 'data') as CodecKind,
    codec: avGetCodecName(codec.id) ?? '',
    hardware: codec.hasHardwareAcceleration(),
    experimental: codec.isExperimental(),
    ...(pixelFormats?.length && { pixelFormats: names(pixelFormats, avGetPixFmtName) }),
    ...(sampleFormats?.length && { sampleFormats: names(sampleFormats, avGetSampleFmtName) }),
    ...(sampleRates?.length && { sampleRates }),
  };
  return withLate(facts, { options: () => coderOptions(codec) });
}

function codecsOf(decoders: readonly CoderCapability[], encoders: readonly CoderCapability[]): CodecCapability[] {
  const codecs = new Map<string, { kind: CodecKind; decoders: string[]; encoders: string[] }>();
  for (const [use, coders] of [
    ['decoders', decoders],
    ['encoders', encoders],
  ] as const) {
    for (const { codec, kind, name } of coders) {
      const one = codecs.get(codec) ?? { kind, decoders: [], encoders: [] };
      one[use].push(name);
      codecs.set(codec, one);
    }
  }
  return [...codecs].map(([name, rest]) => ({ name, ...rest })).sort((a, b) => compare(a.name, b.name));
}

function formatOf(name: string): FormatCapability[] {
  const demuxer = InputFormat.findInputFormat(name);
  const muxer = OutputFormat.guessFormat(name, null, null);
  if (!demuxer && !muxer) return [];
  const codec = (id: AVCodecID | undefined): string | undefined =>
    id === undefined || id === AV_CODEC_ID_NONE ? undefined : (avGetCodecName(id) ?? undefined);
  const [video, audio, subtitle] = [codec(muxer?.videoCodec), codec(muxer?.audioCodec), codec(muxer?.subtitleCodec)];
  const facts = {
    name,
    description: muxer?.longName ?? demuxer?.longName ?? '',
    extensions: (muxer?.extensions || demuxer?.extensions || '').split(',').filter((one) => one !== ''),
    input: demuxer !== null,
    output: muxer !== null,
    ...(video !== undefined && { video }),
    ...(audio !== undefined && { audio }),
    ...(subtitle !== undefined && { subtitle }),
  };
  return [
    withLate(facts, {
      inputOptions: () => (demuxer ? demuxerOptions(name) : []),
      outputOptions: () => (muxer ? muxerOptions(name) : []),
    }),
  ];
}

/** Formats are numbered without gaps, but for those that other processors have. */
function named(nameOf: (n: number) => string | null): string[] {
  return Array.from({ length: 512 }, (_, n) => nameOf(n)).filter((name) => name !== null);
}

function pixelFormats(): PixelFormatCapability[] {
  const SIDE = 64;
  return Array.from({ length: 512 }, (_, n) => n).flatMap((n): PixelFormatCapability[] => {
    const format = n as AVPixelFormat;
    const name = avGetPixFmtName(format);
    if (name === null) return [];
    const hardware = avIsHardwarePixelFormat(format);
    const bytes = hardware ? 0 : avImageGetBufferSize(format, SIDE, SIDE, 1);
    return [{ name, ...(bytes > 0 && { bitsPerPixel: (8 * bytes) / SIDE ** 2 }), hardware }];
  });
}

/** Options of filters, coders and formats as this FFmpeg describes them. */
import {
  AV_OPT_FLAG_DECODING_PARAM,
  AV_OPT_FLAG_ENCODING_PARAM,
  AV_OPT_TYPE_BINARY,
  AV_OPT_TYPE_BOOL,
  AV_OPT_TYPE_CHLAYOUT,
  AV_OPT_TYPE_COLOR,
  AV_OPT_TYPE_CONST,
  AV_OPT_TYPE_DICT,
  AV_OPT_TYPE_DOUBLE,
  AV_OPT_TYPE_DURATION,
  AV_OPT_TYPE_FLAGS,
  AV_OPT_TYPE_FLOAT,
  AV_OPT_TYPE_IMAGE_SIZE,
  AV_OPT_TYPE_INT,
  AV_OPT_TYPE_INT64,
  AV_OPT_TYPE_PIXEL_FMT,
  AV_OPT_TYPE_RATIONAL,
  AV_OPT_TYPE_SAMPLE_FMT,
  AV_OPT_TYPE_STRING,
  AV_OPT_TYPE_UINT,
  AV_OPT_TYPE_UINT64,
  AV_OPT_TYPE_VIDEO_RATE,
} from 'node-av/constants';
import { type Codec, type Filter, FilterGraph, FormatContext } from 'node-av/lib';
import { findOption, type OptionContext } from '../../shared/avoptions.js';
import { type NamedOption, namedOptions } from './node-av-names.js';
import type { FFmpegOption } from './types.js';

const TYPES: Readonly<Record<number, string>> = {
  [AV_OPT_TYPE_BINARY]: 'binary',
  [AV_OPT_TYPE_BOOL]: 'bool',
  [AV_OPT_TYPE_CHLAYOUT]: 'channel_layout',
  [AV_OPT_TYPE_COLOR]: 'color',
  [AV_OPT_TYPE_DICT]: 'dict',
  [AV_OPT_TYPE_DOUBLE]: 'double',
  [AV_OPT_TYPE_DURATION]: 'duration',
  [AV_OPT_TYPE_FLAGS]: 'flags',
  [AV_OPT_TYPE_FLOAT]: 'float',
  [AV_OPT_TYPE_IMAGE_SIZE]: 'image_size',
  [AV_OPT_TYPE_INT]: 'int',
  [AV_OPT_TYPE_INT64]: 'int64',
  [AV_OPT_TYPE_PIXEL_FMT]: 'pixel_format',
  [AV_OPT_TYPE_RATIONAL]: 'rational',
  [AV_OPT_TYPE_SAMPLE_FMT]: 'sample_format',
  [AV_OPT_TYPE_STRING]: 'string',
  [AV_OPT_TYPE_UINT]: 'uint',
  [AV_OPT_TYPE_UINT64]: 'uint64',
  [AV_OPT_TYPE_VIDEO_RATE]: 'video_rate',
};
const NUMBERS: ReadonlySet<string> = new Set(['int', 'int64', 'uint', 'uint64', 'float', 'double', 'duration']);

interface Described {
  readonly name: string | null;
  readonly help: string | null;
  readonly type: number;
  readonly min: number;
  readonly max: number;
  readonly default: unknown;
}

function describe(option: Described, values: readonly string[]): FFmpegOption {
  const type = TYPES[option.type] ?? String(option.type);
  const isNumber = NUMBERS.has(type) && option.max > option.min;
  const standard = plainValue(option.default, type);
  return {
    name: option.name ?? '',
    ...(option.help && { help: option.help }),
    type,
    ...(standard !== undefined && { default: standard }),
    ...(isNumber && { min: option.min, max: option.max }),
    ...(values.length > 0 && { values }),
  };
}

function plainValue(value: unknown, type: string): string | number | boolean | undefined {
  if (type === 'bool') return value === true || value === 1 ? true : value === -1 ? undefined : false;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number' || (typeof value === 'string' && value !== '')) return value;
  const { num, den } = (typeof value === 'object' && value !== null ? value : {}) as { num?: number; den?: number };
  return num !== undefined && den ? `${num}/${den}` : undefined;
}

/** With the particulars that FFmpeg knows of those that are named. */
function detailed(names: readonly NamedOption[], context: OptionContext): FFmpegOption[] {
  return names.map(({ name, help, values = [] }) => {
    const found = findOption(context, name);
    if (found === undefined) return { name, ...(help && { help }), ...(values.length > 0 && { values }) };
    const { type, min, max, defaultValue } = found;
    return describe({ name, help: found.help ?? help ?? null, type, min, max, default: defaultValue }, values);
  });
}

export function filterOptions(filter: Filter): FFmpegOption[] {
  const names = namedOptions('FilterOptionsMap', filter.name ?? '');
  if (names.length === 0) return [];
  const graph = new FilterGraph();
  graph.alloc();
  try {
    const context = graph.allocFilter(filter, 'options');
    return context ? detailed(names, context) : names;
  } finally {
    graph.free();
  }
}

export function muxerOptions(name: string): FFmpegOption[] {
  const names = namedOptions('MuxerPrivateOptionsMap', name);
  if (names.length === 0) return [];
  const context = new FormatContext();
  if (context.allocOutputContext2(null, name, null) < 0) return names;
  try {
    return detailed(names, context);
  } finally {
    context.freeContext();
  }
}

/** A demuxer has no context before it has opened something: names and help are all that is known. */
export function demuxerOptions(name: string): FFmpegOption[] {
  return namedOptions('DemuxerPrivateOptionsMap', name);
}

export function coderOptions(codec: Codec): FFmpegOption[] {
  const use = codec.isEncoder() ? AV_OPT_FLAG_ENCODING_PARAM : AV_OPT_FLAG_DECODING_PARAM;
  const all = codec.getOptions().filter(({ flags }) => (flags & use) !== 0);
  const isValue = ({ type }: { readonly type: number }): boolean => type === AV_OPT_TYPE_CONST;
  return all
    .filter((option) => !isValue(option))
    .map((option) => {
      const values = all.filter((other) => isValue(other) && option.unit !== null && other.unit === option.unit);
      return describe(
        option,
        values.map(({ name }) => name ?? ''),
      );
    });
}

/** Options of `c_ffmpeg_filter`. */
import * as v from 'valibot';
import type { ChosenDevice } from '../../src/media/index.js';
import { integer, parsed, type Schema, strictOptions, text } from '../../src/schema/schema.js';
import { device } from '../shared/device-option.js';

/** An end of a filter that is one of the node's inputs or outputs. */
export interface StreamPad {
  /** Id of the node's input or output. */
  readonly stream: number;
  /** Number of the filter's pad; the next free one if absent. */
  readonly pin?: number | undefined;
}

/** A connection to a later filter of the same node. */
export interface FilterLink {
  /** This filter's output pad; the next free one if absent. */
  readonly input_pin?: number | undefined;
  /** Index of the other filter in `filters`. */
  readonly output_filter: number;
  /** The other filter's input pad. */
  readonly output_pin: number;
}

export interface FilterEntry {
  readonly name: string;
  readonly para?: string | undefined;
  readonly inputs?: readonly StreamPad[] | undefined;
  readonly outputs?: readonly StreamPad[] | undefined;
  readonly links?: readonly FilterLink[] | undefined;
}

/** Exactly one of `name`, `filters` and `graph` is given. */
export interface FilterOptions {
  /** FFmpeg's name of one filter, optionally with an instance name: `scale` or `scale@small`. */
  readonly name?: string | undefined;
  /**
   * That filter's arguments as they stand after `=` in FFmpeg: `320:240`, `w=320:h=240`. A `:`, `'` or `\` inside of a
   * value is escaped once (`text=10\:30`), as libavfilter takes arguments; commas, semicolons and brackets need nothing,
   * since there is no graph description around them.
   */
  readonly para?: string | undefined;
  /** BMF's form of several linked filters. */
  readonly filters?: readonly FilterEntry[] | undefined;
  /**
   * FFmpeg's filtergraph syntax. A number before a filter is the node's input, a number after it the node's output:
   * `[0][1]overlay=10:20[0]`. Other labels join filters. Pads without a label take the remaining inputs and outputs in
   * order.
   */
  readonly graph?: string | undefined;
  /** Threads FFmpeg may use inside of the filters; 0, the default, leaves it to FFmpeg (one per core). */
  readonly threads: number;
  /** The device for `hwupload`, and for filters of its kind. */
  readonly hwaccel_device?: ChosenDevice | undefined;
}

const para = parsed('a string or a number of filter arguments', (value) =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined,
);
const index = integer({ min: 0 });
const pads = v.optional(v.array(strictOptions({ stream: index, pin: v.optional(index) }), 'must be an array of pads'));

const entry = strictOptions({
  name: text('the name of an FFmpeg filter'),
  para: v.optional(para),
  inputs: pads,
  outputs: pads,
  links: v.optional(
    v.array(
      strictOptions({ input_pin: v.optional(index), output_filter: index, output_pin: index }),
      'must be an array of links',
    ),
  ),
});

export const filterOptions: Schema<FilterOptions> = v.pipe(
  strictOptions({
    name: v.optional(text('the name of an FFmpeg filter')),
    para: v.optional(para),
    filters: v.optional(v.pipe(v.array(entry, 'must be an array of filters'), v.minLength(1, 'must not be empty'))),
    graph: v.optional(text('a filtergraph such as "[0][1]overlay=10:20[0]"')),
    threads: v.optional(integer({ min: 0, max: 1024 }), 0),
    hwaccel_device: v.optional(device()),
  }),
  v.check(
    ({ name, filters, graph }) => [name, filters, graph].filter((form) => form !== undefined).length === 1,
    "needs exactly one of 'name' (one filter), 'filters' (a list of linked filters) and 'graph' (FFmpeg's syntax)",
  ),
  v.check(
    ({ name, para }) => para === undefined || name !== undefined,
    "takes 'para' only together with 'name'; in 'filters' and 'graph' each filter has its own arguments",
  ),
);

/**
 * Grey pictures from FFmpeg's filter graphs. libswscale takes grey for BT.601 whatever the matrix of the pictures it comes
 * from, so that colours of BT.709 or BT.2020 pictures would leak into it. A scaler that is told to read BT.601 too keeps
 * the luma. Only a configured graph shows where pictures become grey: it is read from FFmpeg's own description, and the
 * graph is built once more.
 */
import { isGray, isYuv } from '../../src/media/index.js';

const SAME_MATRIX = 'in_color_matrix=bt601';

/** A filter with one input and one output in avfilter_graph_dump: link, instance, link. */
const STEP =
  /--\[\d+x\d+ \d+:\d+ (?<from>\w+)[^\]]*\]--default\| *(?<name>\S+) *\|default--\[\d+x\d+ \d+:\d+ (?<to>\w+)[^\]]*\]--/g;
/** What FFmpeg calls the scalers that it inserts itself. */
const INSERTED = /^auto_scale_\d+$/;

export interface ToGray {
  /** Scalers of the caller that make grey of YUV. */
  readonly scalers: ReadonlySet<string>;
  /** So do all those that FFmpeg inserted. */
  readonly inserted: boolean;
}

/**
 * Where a configured graph turns YUV into grey; undefined: nowhere.
 * @param dump avfilter_graph_dump.
 * @param scalers Names of the instances of `scale` in it.
 */
export function conversionsToGray(dump: string | null, scalers: ReadonlySet<string>): ToGray | undefined {
  const found = new Set<string>();
  let [inserted, others] = [false, false];
  for (const { groups } of (dump ?? '').matchAll(STEP)) {
    const { from = '', name = '', to = '' } = groups ?? {};
    const toGray = isYuv(from) && isGray(to);
    if (INSERTED.test(name)) {
      inserted ||= toGray;
      others ||= !toGray;
    } else if (toGray && scalers.has(name)) found.add(name);
  }
  // The options are those of all inserted scalers at once: others may need the true matrix.
  const all = inserted && !others;
  return found.size > 0 || all ? { scalers: found, inserted: all } : undefined;
}

/** Arguments of a filter `scale` that keep the luma; the caller's own wish goes before it. */
export function keepingLuma(args: string | undefined): string {
  if (!args) return SAME_MATRIX;
  return args.includes('in_color_matrix') ? args : `${args}:${SAME_MATRIX}`;
}

import { Filter, FilterGraph } from 'node-av/lib';
import { findOption } from '../../../catalog/ffmpeg.js';

/** Whether a positional text is an option of that filter as FFmpeg writes it: `start=0`, `w=320:h=-2`. BMF's programs do. */
export function isOwnOption(filter: string, text: string): boolean {
  const name = /^\s*([A-Za-z_]\w*)\s*=/.exec(text)?.[1];
  const known = name === undefined ? null : Filter.getByName(filter);
  if (name === undefined || known === null) return false;
  const graph = new FilterGraph();
  try {
    graph.alloc();
    const context = graph.allocFilter(known, 'options');
    return context !== null && findOption(context, name) !== undefined;
  } finally {
    graph.free();
  }
}

/** Filters of which one value is a time ('00:01:30'), a ratio ('16:9') or a text. */
const WITH_COLONS: ReadonlySet<string> = new Set(
  'trim atrim segment asegment setdar setsar aspect drawtext subtitles ass sendcmd asendcmd'.split(' '),
);

/**
 * Whether a text that is all a filter is given are several of its values, as BMF's programs write them: '320:240',
 * '2*in_w:2*in_h', '5:5:1', '30:round=up'. The first is a number or an expression of sizes.
 */
export function isSeveralValues(filter: string, text: string): boolean {
  if (WITH_COLONS.has(filter)) return false;
  return /^(?:[-+*/().\d]|iw|ih|in_w|in_h|main_w|main_h|[WHwh](?!\w))+(?::[-+*/().\w=|]+)+$/.test(text);
}

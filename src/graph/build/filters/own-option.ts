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

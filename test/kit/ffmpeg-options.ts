/**
 * The options of this FFmpeg that hold text. libavfilter and libavformat list their private options nowhere that
 * JavaScript reaches, so the names come from node-av's generated types, and what they are from FFmpeg itself.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { AV_OPT_SEARCH_CHILDREN, AV_OPT_TYPE_BINARY, AV_OPT_TYPE_DICT, AV_OPT_TYPE_STRING } from 'node-av/constants';
import { Filter, FilterGraph, FormatContext, InputFormat, Option, OutputFormat } from 'node-av/lib';

export interface TextOption {
  /** Name of the filter, muxer or demuxer. */
  readonly of: string;
  readonly option: string;
}

type Capable = Parameters<typeof Option.find>[0];

/** AV_OPT_TYPE_FLAG_ARRAY. */
const ARRAY = 1 << 16;
const TEXTS: readonly number[] = [AV_OPT_TYPE_STRING, AV_OPT_TYPE_DICT, AV_OPT_TYPE_BINARY];

/** Names of the options by what has them. */
function declared(file: string, map: string): Map<string, string[]> {
  const folder = dirname(createRequire(import.meta.url).resolve('node-av/constants'));
  const lines = readFileSync(join(folder, `${file}.d.ts`), 'utf8').split('\n');
  const found = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of lines.slice(lines.indexOf(`export interface ${map} {`) + 1)) {
    if (line === '}') break;
    const owner = /^ {4}'?([\w,]+)'?: \{/.exec(line)?.[1];
    const option = /^ {8}'?([\w-]+)'?\?: /.exec(line)?.[1];
    if (owner !== undefined) {
      current = [];
      found.set(owner, current);
    } else if (option !== undefined) current?.push(option);
  }
  return found;
}

function textOptions(of: string, names: readonly string[], context: Capable): TextOption[] {
  return names.flatMap((option) => {
    const found = Option.find(context, option, AV_OPT_SEARCH_CHILDREN);
    return found && TEXTS.includes(found.type & ~ARRAY) ? [{ of, option }] : [];
  });
}

export function filterTexts(): TextOption[] {
  const names = declared('filter-options', 'FilterOptionsMap');
  return Filter.getList().flatMap((filter) => {
    const graph = new FilterGraph();
    graph.alloc();
    const context = graph.allocFilter(filter, 'asked');
    const of = filter.name ?? '';
    const found = context ? textOptions(of, names.get(of) ?? [], context.getNative() as unknown as Capable) : [];
    graph.free();
    return found;
  });
}

export function muxerTexts(): TextOption[] {
  return [...declared('format-options', 'MuxerPrivateOptionsMap')].flatMap(([of, names]) => {
    const format = OutputFormat.guessFormat(of, null, null);
    if (!format) return [];
    const context = new FormatContext();
    context.allocOutputContext2(format, null, '');
    const found = textOptions(of, names, context.getNative() as unknown as Capable);
    context.freeContext();
    return found;
  });
}

/** Demuxers of this FFmpeg with all of their options: FFmpeg tells what they are only once a file is open. */
export function demuxerOptions(): TextOption[] {
  return [...declared('format-options', 'DemuxerPrivateOptionsMap')].flatMap(([of, names]) =>
    InputFormat.findInputFormat(of) ? names.map((option) => ({ of, option })) : [],
  );
}

/**
 * The options of the built-in modules for docs/options.md: what an option is for stands once, in the docstrings of
 * src/graph/build/module-options.ts; its default comes from the schema that checks it.
 */
import { readFileSync } from 'node:fs';
import { findBuiltin } from '../../../src/catalog/builtin.js';

const TYPES = new URL('../../../src/graph/build/module-options.ts', import.meta.url);

export interface OptionText {
  readonly name: string;
  /** As TypeScript writes it. */
  readonly type: string;
  readonly meaning: string;
}

/** The body of an interface or of a type, between its outermost braces. */
function bodyOf(source: string, type: string): string {
  const begin = source.search(new RegExp(`^export (interface ${type} |type ${type} =)`, 'm'));
  if (begin < 0) throw new Error(`${TYPES.pathname} has no ${type}`);
  const end = source.slice(begin).search(/^}|^ *[})]+;$/m);
  return source.slice(begin, begin + end);
}

/** The options of an interface, in its order. */
export function optionTexts(type: string): OptionText[] {
  const member = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?^ +(?:readonly )?(\w+)\??: ([^;]+);/gm;
  return [...bodyOf(readFileSync(TYPES, 'utf8'), type).matchAll(member)].map(([, doc = '', name, written]) => ({
    name: name!,
    type: written!.replace(/\s+/g, ' ').replace(/ \| undefined(?= *[}|]|$)/g, ''),
    meaning: doc
      .replace(/^\s*\* ?/gm, '')
      .replace(/\s+/g, ' ')
      .trim(),
  }));
}

/** The names of an interface's options, and of those it extends. What belongs to the node is no option of the module. */
export function optionNames(type: string): string[] {
  const base = /^export interface \w+ extends (\w+)/.exec(bodyOf(readFileSync(TYPES, 'utf8'), type))?.[1];
  const own = optionTexts(type).map(({ name }) => name);
  return base === undefined || base === 'OfTheNode' ? own : [...own, ...optionNames(base)];
}

/** The top-level options that the module's schema knows, with their defaults; undefined: none. */
export function defaultsOf(module: string): Map<string, unknown> {
  const { entries } = findBuiltin(module)!.schema as unknown as { entries: Record<string, { default?: unknown }> };
  return new Map(Object.entries(entries).map(([name, entry]) => [name, entry.default]));
}

const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|');

function shown(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'object' ? '' : code(typeof value === 'string' ? `'${value}'` : String(value));
}

function table(type: string, defaults: ReadonlyMap<string, unknown>): string {
  const lines = optionTexts(type).map(({ name, type: written, meaning }) => {
    const cells = [code(name), code(written), shown(defaults.get(name)), meaning];
    return `| ${cells.map(cell).join(' | ')} |`;
  });
  return ['| option | type | default | meaning |', '|---|---|---|---|', ...lines].join('\n');
}

export interface DocumentedModule {
  readonly module: string;
  readonly type: string;
  readonly about: string;
  /** Objects in it with a table of their own. */
  readonly parts?: Readonly<Record<string, string>>;
}

export const DOCUMENTED: readonly DocumentedModule[] = [
  {
    module: 'c_ffmpeg_decoder',
    type: 'DecoderOptions',
    about:
      '`graph.decode({ … })`, `stream.decode({ … })`. See [streams.md](streams.md), [push.md](push.md), [network.md](network.md).',
  },
  {
    module: 'c_ffmpeg_encoder',
    type: 'EncoderOptions',
    about: '`encode(…, { … })`, `stream.encode({ … })`. See [encoding.md](encoding.md), [streams.md](streams.md).',
    parts: {
      video_params: 'VideoParams',
      audio_params: 'AudioParams',
      subtitle_params: 'SubtitleParams',
      'streams.<kind>[n]': 'StreamTexts',
      'chapters[n]': 'ChapterTexts',
    },
  },
  {
    module: 'c_ffmpeg_filter',
    type: 'FilterOptions',
    about:
      'One of `name`, `filters` and `graph`; `stream.filter(name, …)` and the methods named after filters, such as `stream.scale(320, 180)`, fill them in.',
  },
  { module: 'mux', type: 'MuxOptions', about: 'Puts packets of several inputs together: [sync.md](sync.md).' },
  { module: 'merge', type: 'MergeOptions', about: 'The options of `mux`, and how one packet is made of several.' },
  { module: 'clock', type: 'ClockOptions', about: 'Ticks: [input-managers.md](input-managers.md).' },
  {
    module: 'timestamper',
    type: 'TimestamperOptions',
    about: 'Gives packets times: [input-managers.md](input-managers.md).',
  },
];

export function moduleOptionsDocument(): string {
  return DOCUMENTED.map(({ module, type, about, parts = {} }) => {
    const own = `## ${module}\n\n${about}\n\n${table(type, defaultsOf(module))}\n`;
    const further = Object.entries(parts).map(
      ([path, part]) => `\n### ${module}: ${path}\n\n${table(part, new Map())}\n`,
    );
    return own + further.join('');
  }).join('\n');
}

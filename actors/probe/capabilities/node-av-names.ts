/**
 * Names that FFmpeg gives to nobody who asks through node-av: those of formats, and of the private options of filters and
 * formats. They are in the declarations that node-av generates from the FFmpeg it is built with, and that lie in its package.
 */
import { readFileSync } from 'node:fs';
import { MillraceError } from '../../../src/errors/errors.js';
import { messageOf } from '../../../src/errors/wire.js';
import { nodeAvUrl } from '../../../src/media/native/node-av-place.js';

/** An option as it stands in a declaration. */
export interface NamedOption {
  readonly name: string;
  readonly help?: string;
  readonly values?: readonly string[];
}

export type Owner = 'FilterOptionsMap' | 'MuxerPrivateOptionsMap' | 'DemuxerPrivateOptionsMap';

const FILES: Record<Owner, string> = {
  FilterOptionsMap: 'filter-options.d.ts',
  MuxerPrivateOptionsMap: 'format-options.d.ts',
  DemuxerPrivateOptionsMap: 'format-options.d.ts',
};

const texts = new Map<string, string>();

function declarations(file: string): string {
  const known = texts.get(file);
  if (known !== undefined) return known;
  try {
    const text = readFileSync(new URL(`../constants/${file}`, nodeAvUrl), 'utf8');
    texts.set(file, text);
    return text;
  } catch (cause) {
    throw new MillraceError('ERR_MILLRACE_STATE', `the lists of node-av cannot be read: ${messageOf(cause)}`, {
      hint: 'They are in its package, of which a bundle takes the binary only: keep node-av in node_modules',
      cause,
    });
  }
}

export function formatNames(): string[] {
  const text = declarations('formats.d.ts');
  const names = ['MuxerFormat', 'DemuxerFormat'].flatMap((type) => {
    const [, union = ''] = new RegExp(`type ${type} = ([^;]+);`).exec(text) ?? [];
    return quoted(union);
  });
  return [...new Set(names)].sort();
}

/** Options of a filter, muxer or demuxer; none where it has none of its own. */
export function namedOptions(map: Owner, owner: string): NamedOption[] {
  const text = declarations(FILES[map]);
  const begin = text.indexOf(`export interface ${map} {`);
  const end = text.indexOf('\n}', begin);
  const key = /^[A-Za-z_]\w*$/.test(owner) ? owner : `'${owner}'`;
  const from = text.indexOf(`\n    ${key}: {\n`, begin);
  if (begin < 0 || from < 0 || from > end) return [];
  const body = text.slice(from, text.indexOf('\n    };', from));
  const OPTION = /(?:\/\*\* (.*?) \*\/\s+)?(?:'([^']+)'|(\w+))\?: (.*);/g;
  return [...body.matchAll(OPTION)].map(([, help, quotedName, name, type]): NamedOption => {
    const values = quoted(type!);
    return { name: (quotedName ?? name)!, ...(help && { help }), ...(values.length > 0 && { values }) };
  });
}

function quoted(union: string): string[] {
  return [...union.matchAll(/'((?:[^'\\]|\\.)*)'/g)].map((match) => match[1]!);
}

/** An event taken apart into pieces of one look each, as formats need it that are not ASS. */
import { type AssEvent, assTokens } from '../../src/media/index.js';
import { fromOldAlignment, parseColor, type Script, type Style } from './script.js';

export type Look = Omit<Style, 'alignment'>;

export interface Run {
  /** Lines are divided by \n. */
  readonly text: string;
  readonly look: Look;
}

/** What another format may have no words for, by the words of warnings. */
export type Feature =
  | 'positions'
  | 'alignments'
  | 'effects'
  | 'drawings'
  | 'outlines and shadows'
  | 'fonts'
  | 'sizes'
  | 'colours'
  | 'strike-outs'
  | 'bold, italic and underlined words';

export interface Parts {
  readonly runs: readonly Run[];
  /** As on the keys of a number pad. */
  readonly alignment: number;
  /** What is said beside the looks of the runs. */
  readonly beside: ReadonlySet<Feature>;
}

const BESIDE: Readonly<Record<string, Feature>> = {
  ...{ pos: 'positions', move: 'positions', org: 'positions', clip: 'positions', iclip: 'positions' },
  ...{ fad: 'effects', fade: 'effects', t: 'effects', k: 'effects', K: 'effects', kf: 'effects', ko: 'effects' },
  ...{ kt: 'effects', frx: 'effects', fry: 'effects', frz: 'effects', fr: 'effects', fax: 'effects', fay: 'effects' },
  ...{ fscx: 'sizes', fscy: 'sizes', fsp: 'sizes', be: 'effects', blur: 'effects' },
  ...{ bord: 'outlines and shadows', xbord: 'outlines and shadows', ybord: 'outlines and shadows' },
  ...{ shad: 'outlines and shadows', xshad: 'outlines and shadows', yshad: 'outlines and shadows' },
  ...{ '2c': 'effects', '2a': 'effects', '3c': 'outlines and shadows', '4c': 'outlines and shadows' },
  ...{ '3a': 'outlines and shadows', '4a': 'outlines and shadows' },
};

export function partsOf(event: AssEvent, script: Script): Parts {
  const own = script.styles.get(event.style) ?? script.base;
  const beside = new Set<Feature>();
  const runs: { text: string; look: Look }[] = [];
  let look: Look = lookOf(own);
  let alignment: number | undefined;
  let draws = false;
  if (event.margins.some((margin) => Number(margin) !== 0)) beside.add('positions');
  if (event.effect !== '') beside.add('effects');
  const add = (text: string): void => {
    const last = runs.at(-1);
    if (last && sameLook(last.look, look)) last.text += text;
    else runs.push({ text, look });
  };
  for (const token of assTokens(event.text)) {
    if (token.kind !== 'override') {
      if (draws) beside.add('drawings');
      else add(token.kind === 'newline' ? '\n' : token.text);
      continue;
    }
    const { name, value } = token;
    if (name === 'p') draws = Number.parseInt(value, 10) > 0;
    else if (name === 'an' || name === 'a') {
      // The first one counts.
      const given = Number.parseInt(value, 10);
      alignment ??= name === 'a' ? fromOldAlignment(given) : given;
    } else if (name === 'r') {
      look = lookOf(script.styles.get(value) ?? own);
      draws = false;
    } else if (BESIDE[name]) beside.add(BESIDE[name]);
    else look = overridden(look, name, value, own);
  }
  const isPlace = alignment !== undefined && alignment >= 1 && alignment <= 9;
  return { runs, alignment: isPlace ? alignment! : own.alignment, beside };
}

function lookOf({ alignment: _alignment, ...look }: Style): Look {
  return look;
}

/** An override without a value goes back to the style. */
function overridden(look: Look, name: string, value: string, own: Style): Look {
  const flag = (otherwise: boolean): boolean => (value === '' ? otherwise : Number.parseInt(value, 10) !== 0);
  const number = Number.parseFloat(value);
  switch (name) {
    case 'b':
      // A weight from 100 on.
      return { ...look, bold: number >= 100 ? number >= 600 : flag(own.bold) };
    case 'i':
      return { ...look, italic: flag(own.italic) };
    case 'u':
      return { ...look, underline: flag(own.underline) };
    case 's':
      return { ...look, strike: flag(own.strike) };
    case 'fn':
      return { ...look, font: value === '' || value === '0' ? own.font : value };
    case 'fs': {
      // With a sign it is relative, in tenths.
      const size = /^[+-]/.test(value) ? look.size * (1 + number / 10) : number;
      return { ...look, size: Number.isFinite(size) && size > 0 ? size : own.size };
    }
    case 'c':
    case '1c':
      return { ...look, color: (value === '' ? own : (parseColor(value) ?? look)).color };
    case '1a':
    case 'alpha': {
      const given = value === '' ? own.transparency : parseColor(value)?.color;
      return { ...look, transparency: given === undefined ? look.transparency : given & 0xff };
    }
    default:
      return look;
  }
}

function sameLook(a: Look, b: Look): boolean {
  return (
    a.bold === b.bold &&
    a.italic === b.italic &&
    a.underline === b.underline &&
    a.strike === b.strike &&
    a.font === b.font &&
    a.size === b.size &&
    a.color === b.color &&
    a.transparency === b.transparency
  );
}

/** A run with what it has beyond the look of the script, as nested tags have it: outer ones first. */
export interface TaggedRun {
  readonly text: string;
  readonly tags: readonly string[];
}

/**
 * Writes runs as a text with tags, each of which is closed: what two neighbours have in common stays open.
 * @param close of a tag, e.g. of `<font color="#ff0000">`.
 */
export function nest(runs: readonly TaggedRun[], close: (tag: string) => string): string {
  const open: string[] = [];
  let text = '';
  const shut = (until: number): void => {
    while (open.length > until) text += close(open.pop()!);
  };
  for (const run of runs) {
    let common = 0;
    while (common < open.length && open[common] === run.tags[common]) common++;
    shut(common);
    for (const tag of run.tags.slice(common)) {
      open.push(tag);
      text += tag;
    }
    text += run.text;
  }
  shut(0);
  return text;
}

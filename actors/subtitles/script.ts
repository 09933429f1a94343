/** The header of an ASS script: the size of its screen and the styles that its events name. */
import { DEFAULT_STYLE } from '../../src/media/index.js';

export interface Style {
  readonly font: string;
  readonly size: number;
  /** 0xBBGGRR, and how transparent it is: 0 is opaque, 255 invisible. */
  readonly color: number;
  readonly transparency: number;
  readonly bold: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly strike: boolean;
  /** As on the keys of a number pad: 2 is below in the middle, 8 above. */
  readonly alignment: number;
}

export interface Script {
  /** Of which texts are that say nothing else. */
  readonly base: Style;
  /** By name. */
  readonly styles: ReadonlyMap<string, Style>;
}

/** What FFmpeg's decoders say of subtitles without styles of their own. */
export const DEFAULT_HEADER = [
  '[Script Info]',
  'ScriptType: v4.00+',
  'PlayResX: 384',
  'PlayResY: 288',
  'ScaledBorderAndShadow: yes',
  'YCbCr Matrix: None',
  '',
  '[V4+ Styles]',
  'Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, ' +
    'StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding',
  `Style: ${DEFAULT_STYLE},Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1`,
  '',
  '[Events]',
  'Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text',
  '',
].join('\r\n');

export const PLAIN_STYLE: Style = {
  ...{ font: 'Arial', size: 16, color: 0xffffff, transparency: 0, alignment: 2 },
  ...{ bold: false, italic: false, underline: false, strike: false },
};

/** @param header undefined: FFmpeg's. What it does not say is as in FFmpeg's. */
export function parseScript(header: string | undefined): Script {
  const styles = new Map<string, Style>();
  let section = '';
  let names: string[] = [];
  for (const line of (header ?? DEFAULT_HEADER).split(/\r?\n/)) {
    const begins = /^\s*\[(.+?)\]/.exec(line);
    if (begins) section = begins[1]!.toLowerCase();
    if (!/^v4\+? styles\+?$/.test(section)) continue;
    const [, key, value = ''] = /^\s*(Format|Style)\s*:\s*(.*)$/i.exec(line) ?? [];
    const fields = value.split(',').map((field) => field.trim());
    if (key?.toLowerCase() === 'format') names = fields.map((name) => name.toLowerCase());
    else if (key !== undefined) {
      const said = new Map(names.map((name, i) => [name, fields[i] ?? '']));
      const name = said.get('name')?.replace(/^\*/, '');
      if (name) styles.set(name, styleOf(said, !section.includes('+')));
    }
  }
  const base = styles.get(DEFAULT_STYLE) ?? styles.values().next().value ?? PLAIN_STYLE;
  return { base, styles };
}

function styleOf(said: ReadonlyMap<string, string>, isOld: boolean): Style {
  const number = (name: string, otherwise: number): number => {
    const value = Number.parseFloat(said.get(name) ?? '');
    return Number.isFinite(value) ? value : otherwise;
  };
  const flag = (name: string): boolean => number(name, 0) !== 0;
  const { color, transparency } = parseColor(said.get('primarycolour') ?? '') ?? PLAIN_STYLE;
  const alignment = number('alignment', 2);
  return {
    font: said.get('fontname') || PLAIN_STYLE.font,
    size: number('fontsize', PLAIN_STYLE.size),
    ...{ color, transparency },
    ...{ bold: flag('bold'), italic: flag('italic'), underline: flag('underline'), strike: flag('strikeout') },
    alignment: isOld ? fromOldAlignment(alignment) : alignment,
  };
}

/** `&HAABBGGRR&`, with less digits if the first are 0; or the same number in decimal form. */
export function parseColor(text: string): Pick<Style, 'color' | 'transparency'> | undefined {
  const hex = /^&?H?([\da-f]+)&?$/i.exec(text.trim())?.[1];
  if (hex === undefined) return undefined;
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.parseInt(hex, 16);
  return { color: value % 0x1000000, transparency: Math.floor(value / 0x1000000) % 256 };
}

/** SSA counts 1 to 3 below, 5 to 7 above, 9 to 11 in the middle. */
export function fromOldAlignment(value: number): number {
  const column = ((value - 1) & 3) + 1;
  return value >= 9 ? column + 3 : value >= 5 ? column + 6 : column;
}

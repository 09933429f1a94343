/** SubRip (.srt): a text with the tags b, i, u, s and font, and `{\an8}` for a place. `text` is the same without any of it. */
import { AV_CODEC_ID_SUBRIP, AV_CODEC_ID_TEXT, AV_PKT_DATA_SUBTITLE_POSITION } from 'node-av/constants';
import { escapeText, eventOf } from '../../../src/media/index.js';
import { nest, partsOf, type Run } from '../runs.js';
import { PLAIN_STYLE, parseScript, type Style } from '../script.js';
import { type SideData, type TextFormat, textOf, without, withoutEmptyLines } from './format.js';

/** The screen that places of SubRip are on, and that of events. */
const DVD = { width: 720, height: 480 };
const SCREEN = { width: 384, height: 288 };

export const subrip: TextFormat = {
  name: 'subrip',
  id: AV_CODEC_ID_SUBRIP,
  decoder: () => ({
    header: undefined,
    decode(bytes, sideData) {
      const text = fromMarkup(textOf(bytes));
      return text === '' ? undefined : eventOf(placeOf(sideData) + text);
    },
  }),
  encoder(header) {
    const script = parseScript(header);
    return {
      extradata: undefined,
      encode(event) {
        const { runs, alignment, beside } = partsOf(event, script);
        const place = alignment === 2 ? '' : `{\\an${alignment}}`;
        const own = script.styles.get(event.style) ?? script.base;
        const tagged = runs.map(({ text, look }) => ({ text, tags: tagsOf(look, own) }));
        const text = withoutEmptyLines(nest(tagged, (tag) => `</${/\w+/.exec(tag)![0]}>`));
        const lost = without(beside);
        if (runs.some(({ look }) => look.transparency !== PLAIN_STYLE.transparency)) lost.add('effects');
        if (own.font !== PLAIN_STYLE.font) lost.add('fonts');
        if (own.size !== PLAIN_STYLE.size) lost.add('sizes');
        return { bytes: Buffer.from((place + text).replace(/\n/g, '\r\n')), sideData: [], lost };
      },
    };
  },
};

/** A text and nothing else. */
export const text: TextFormat = {
  name: 'text',
  id: AV_CODEC_ID_TEXT,
  decoder: () => ({
    header: undefined,
    decode(bytes) {
      const plain = textOf(bytes).replace(/[\r\n]+$/, '');
      return plain === '' ? undefined : eventOf(escapeText(plain));
    },
  }),
  encoder(header) {
    const script = parseScript(header);
    return {
      extradata: undefined,
      encode(event) {
        const { runs, alignment, beside } = partsOf(event, script);
        const lost = without(beside);
        if (alignment !== 2) lost.add('alignments');
        for (const { look } of runs) {
          if (look.font !== PLAIN_STYLE.font) lost.add('fonts');
          if (look.size !== PLAIN_STYLE.size) lost.add('sizes');
          if (look.color !== PLAIN_STYLE.color) lost.add('colours');
          if (look.strike) lost.add('strike-outs');
          if (look.bold || look.italic || look.underline) lost.add('bold, italic and underlined words');
        }
        return { bytes: Buffer.from(runs.map((run) => run.text).join('')), sideData: [], lost };
      },
    };
  },
};

/**
 * Fonts and sizes only where an event says them itself: those of a style are made for the screen of its script. Colours,
 * and what is bold, italic, underlined or struck out, of both.
 */
function tagsOf(look: Run['look'], own: Style): string[] {
  const face = look.font === own.font ? '' : ` face="${look.font.replace(/["<>]/g, '')}"`;
  const size = look.size === own.size ? '' : ` size="${Math.round(look.size)}"`;
  const color = look.color === PLAIN_STYLE.color ? '' : ` color="#${rgb(look.color)}"`;
  const font = face + size + color;
  return [
    ...(font === '' ? [] : [`<font${font}>`]),
    ...(look.bold ? ['<b>'] : []),
    ...(look.italic ? ['<i>'] : []),
    ...(look.underline ? ['<u>'] : []),
    ...(look.strike ? ['<s>'] : []),
  ];
}

/** From 0xBBGGRR to six digits in the order of HTML, and back. */
function rgb(color: number): string {
  return swapped(color).toString(16).padStart(6, '0');
}

function swapped(color: number): number {
  return ((color & 0xff) << 16) | (color & 0xff00) | ((color >> 16) & 0xff);
}

/** Players know SubRip by what they make of it: an unknown tag disappears, what only looks like one stays. */
function fromMarkup(source: string): string {
  const fonts: { face?: string; size?: string; color?: string }[] = [];
  const lines = source.replace(/\r/g, '').replace(/\n+$/, '').split('\n');
  const markup = lines.map((line) => line.trim()).join('\n');
  let out = '';
  let placed = false;
  const pattern = /\{([^}\n]*)\}|<(\/?)([a-z]\w*)((?:\s[^<>]*)?\/?)>/gi;
  let from = 0;
  for (const found of markup.matchAll(pattern)) {
    const [whole, braces, closes, name, rest = ''] = found;
    if (braces !== undefined && !/^\\|^[cfopsy]:/i.test(braces)) continue;
    out += escapeText(markup.slice(from, found.index));
    from = found.index + whole.length;
    if (braces !== undefined) {
      // Of the overrides that some write into SubRip players know this one; MicroDVD's are left out as well.
      const place = /\\an([1-9])/.exec(braces);
      if (place && !placed) out = `{\\an${place[1]}}${out}`;
      placed ||= place !== null;
    } else out += tagText(name!.toLowerCase(), closes === '/', rest, fonts);
  }
  return out + escapeText(markup.slice(from));
}

function tagText(
  name: string,
  closes: boolean,
  rest: string,
  fonts: { face?: string; size?: string; color?: string }[],
): string {
  if (/^[bius]$/.test(name)) return `{\\${name}${closes ? 0 : 1}}`;
  if (name === 'br') return '\\N';
  if (name !== 'font') return '';
  if (!closes) {
    const given = fontOf(rest);
    fonts.push({ ...fonts.at(-1), ...given });
    return overridesOf(given);
  }
  const ended = fonts.pop();
  const before = fonts.at(-1) ?? {};
  if (!ended) return '';
  // Back to the font around it, or to the style.
  return overridesOf({
    ...(ended.face !== before.face && { face: before.face ?? '' }),
    ...(ended.size !== before.size && { size: before.size ?? '' }),
    ...(ended.color !== before.color && { color: before.color ?? '' }),
  });
}

function overridesOf({ face, size, color }: { face?: string; size?: string; color?: string }): string {
  return [
    face === undefined ? '' : `{\\fn${face}}`,
    size === undefined ? '' : `{\\fs${size}}`,
    color === undefined ? '' : `{\\c${color}}`,
  ].join('');
}

function fontOf(attributes: string): { face?: string; size?: string; color?: string } {
  const found: { face?: string; size?: string; color?: string } = {};
  for (const [, name, quoted, bare] of attributes.matchAll(/(face|size|color)\s*=\s*(?:"([^"]*)"|([^\s"]+))/gi)) {
    const value = (quoted ?? bare ?? '').trim();
    const key = name!.toLowerCase();
    if (key === 'face') found.face = value.replace(/[{}\\]/g, '');
    else if (key === 'size' && /^\d+$/.test(value)) found.size = value;
    else if (key === 'color') {
      const color = colorOf(value);
      if (color !== undefined) found.color = color;
    }
  }
  return found;
}

/** Those of HTML 4, 0xRRGGBB. */
const COLORS: Readonly<Record<string, number>> = {
  ...{ black: 0x000000, silver: 0xc0c0c0, gray: 0x808080, white: 0xffffff, maroon: 0x800000, red: 0xff0000 },
  ...{ purple: 0x800080, fuchsia: 0xff00ff, green: 0x008000, lime: 0x00ff00, olive: 0x808000, yellow: 0xffff00 },
  ...{ navy: 0x000080, blue: 0x0000ff, teal: 0x008080, aqua: 0x00ffff, cyan: 0x00ffff, magenta: 0xff00ff },
  ...{ orange: 0xffa500, pink: 0xffc0cb, gold: 0xffd700, brown: 0xa52a2a },
};

function colorOf(value: string): string | undefined {
  const digits = /^#*([\da-f]{6})(?:[\da-f]{2})?$/i.exec(value)?.[1];
  const color = digits === undefined ? COLORS[value.toLowerCase()] : Number.parseInt(digits, 16);
  return color === undefined ? undefined : `&H${swapped(color).toString(16).toUpperCase()}&`;
}

/** The place of the text, which the reader of .srt files finds behind the times of a subtitle. */
function placeOf(sideData: SideData): string {
  const bytes = sideData.find(({ type }) => type === AV_PKT_DATA_SUBTITLE_POSITION)?.data;
  if (bytes?.byteLength !== 16) return '';
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const [x1, y1, x2, y2] = [0, 4, 8, 12].map((at) => view.getInt32(at, true)) as [number, number, number, number];
  if (x1 < 0 || y1 < 0) return '';
  const isBox = x2 >= x1 && y2 >= y1 && (x2 !== x1 || y2 !== y1);
  const x = isBox ? Math.floor((x1 + x2) / 2) : x1;
  const y = isBox ? Math.floor((y1 + y2) / 2) : y1;
  const at = `${Math.floor((x * SCREEN.width) / DVD.width)},${Math.floor((y * SCREEN.height) / DVD.height)}`;
  return `{\\an${isBox ? 5 : 1}}{\\pos(${at})}`;
}

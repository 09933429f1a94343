/** WebVTT: a text with the tags b, i and u; where it stands is a setting of its cue. */
import { AV_CODEC_ID_WEBVTT, AV_PKT_DATA_WEBVTT_SETTINGS } from 'node-av/constants';
import { escapeText, eventOf } from '../../../src/media/index.js';
import { type Feature, nest, partsOf } from '../runs.js';
import { PLAIN_STYLE, parseScript } from '../script.js';
import { type SideData, type TextFormat, textOf, without, withoutEmptyLines } from './format.js';

export const webvtt: TextFormat = {
  name: 'webvtt',
  id: AV_CODEC_ID_WEBVTT,
  decoder: () => ({
    header: undefined,
    decode(bytes, sideData) {
      const text = fromMarkup(textOf(bytes).replace(/\r/g, '').replace(/\n+$/, ''));
      if (text === '') return undefined;
      const place = alignmentOf(settingsIn(sideData));
      return eventOf((place === 2 ? '' : `{\\an${place}}`) + text);
    },
  }),
  encoder(header) {
    const script = parseScript(header);
    return {
      extradata: undefined,
      encode(event) {
        const { runs, alignment, beside } = partsOf(event, script);
        const tagged = runs.map(({ text, look }) => ({
          text: text.replace(/[&<>\u00a0]/g, (char) => ENTITIES[char]!),
          tags: [...(look.bold ? ['<b>'] : []), ...(look.italic ? ['<i>'] : []), ...(look.underline ? ['<u>'] : [])],
        }));
        const lost: Set<Feature> = without(beside);
        for (const { look } of runs) {
          if (look.font !== PLAIN_STYLE.font) lost.add('fonts');
          if (look.size !== PLAIN_STYLE.size) lost.add('sizes');
          if (look.color !== PLAIN_STYLE.color) lost.add('colours');
          if (look.transparency !== PLAIN_STYLE.transparency) lost.add('effects');
          if (look.strike) lost.add('strike-outs');
        }
        const text = withoutEmptyLines(nest(tagged, (tag) => tag.replace('<', '</')));
        const settings = settingsFor(alignment);
        const data = { type: AV_PKT_DATA_WEBVTT_SETTINGS, data: Buffer.from(settings) };
        return { bytes: Buffer.from(text), sideData: settings === '' ? [] : [data], lost };
      },
    };
  },
};

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\u00a0': '&nbsp;' };

const CHARACTERS: Readonly<Record<string, string>> = {
  ...{ amp: '&', lt: '<', gt: '>', nbsp: '\u00a0', quot: '"', apos: "'", lrm: '\u200e', rlm: '\u200f' },
};

function fromMarkup(markup: string): string {
  let out = '';
  for (const [, tag, entity, plain] of markup.matchAll(/<([^<>]*)>|&(#?\w+);|([^<&]+|[<&])/g)) {
    if (tag !== undefined) {
      // Classes and languages may follow; other tags say nothing that ASS has a word for.
      const [, closes, name] = /^(\/?)([biu])(?=[\s.]|$)/.exec(tag) ?? [];
      if (name !== undefined) out += `{\\${name}${closes === '/' ? 0 : 1}}`;
    } else if (entity !== undefined) out += escapeText(characterOf(entity));
    else out += escapeText(plain!);
  }
  return out;
}

function characterOf(entity: string): string {
  const known = CHARACTERS[entity];
  if (known !== undefined) return known;
  const [, hex, decimal] = /^#(?:x([\da-f]+)|(\d+))$/i.exec(entity) ?? [];
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : `&${entity};`;
}

function settingsIn(sideData: SideData): string {
  const data = sideData.find(({ type }) => type === AV_PKT_DATA_WEBVTT_SETTINGS)?.data;
  return data ? textOf(data) : '';
}

/** The nearest of the nine places of ASS. */
function alignmentOf(settings: string): number {
  const said = new Map(settings.split(/\s+/).map((setting) => setting.split(':') as [string, string]));
  const [, line, percent] = /^(-?[\d.]+)(%?)/.exec(said.get('line') ?? '') ?? [];
  const height = Number(line);
  // Lines count from above, and with a sign from below.
  const isAbove = line !== undefined && (percent ? height < 100 / 3 : height >= 0 && !Object.is(height, -0));
  const isMiddle = line !== undefined && percent === '%' && height >= 100 / 3 && height < 200 / 3;
  const align = said.get('align') ?? '';
  const column = /^(start|left)$/.test(align) ? 1 : /^(end|right)$/.test(align) ? 3 : 2;
  return column + (isAbove ? 6 : isMiddle ? 3 : 0);
}

function settingsFor(alignment: number): string {
  const row = Math.floor((alignment - 1) / 3);
  const column = (alignment - 1) % 3;
  return [['', 'line:50%', 'line:0'][row]!, ['align:left', '', 'align:right'][column]!].filter(Boolean).join(' ');
}

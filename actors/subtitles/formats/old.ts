/** Forms of text that are read and not written any more: MicroDVD, MPL2, SubViewer, VPlayer, SAMI and their like. */
import {
  AV_CODEC_ID_MICRODVD,
  AV_CODEC_ID_MPL2,
  AV_CODEC_ID_PJS,
  AV_CODEC_ID_REALTEXT,
  AV_CODEC_ID_SAMI,
  AV_CODEC_ID_STL,
  AV_CODEC_ID_SUBVIEWER,
  AV_CODEC_ID_SUBVIEWER1,
  AV_CODEC_ID_VPLAYER,
  type AVCodecID,
} from 'node-av/constants';
import { escapeText, eventOf } from '../../../src/media/index.js';
import { type ReadableFormat, textOf } from './format.js';
import { fromMarkup } from './subrip.js';

/** @param toAss From the text of a packet to one with overrides. */
function format(name: string, id: AVCodecID, toAss: (text: string) => string): ReadableFormat {
  return {
    name,
    id,
    decoder: () => ({
      header: undefined,
      decode(bytes) {
        const text = toAss(textOf(bytes).replace(/\r/g, '').replace(/\n+$/, ''));
        return text === '' ? undefined : eventOf(text);
      },
    }),
  };
}

/** Lines that are divided by a sign. */
const divided = (text: string): string => text.split('|').map(escapeText).join('\\N');

/** Signs in front of a line: italic, bold, underlined. */
function fromMpl2(text: string): string {
  return text
    .split('|')
    .map((line) => {
      const [, signs = '', words = ''] = /^ ?([/\\_]*)(.*)$/s.exec(line) ?? [];
      const tags = [...signs].map((sign) => `{\\${{ '/': 'i', '\\': 'b', _: 'u' }[sign]}1}`).join('');
      return tags + escapeText(words) + (tags === '' ? '' : '{\\r}');
    })
    .join('\\N')
    .replace(/\{\\r\}$/, '');
}

/** Tags in front of a line; those in capitals hold for the lines behind it too. */
function fromMicroDvd(text: string): string {
  let kept = '';
  let before = '';
  const lines = text.split('|').map((line) => {
    let rest = line;
    let tags = '';
    for (;;) {
      const [whole, key, value] = /^(?:\{([CcFfSsYyPoH]):([^}]*)\}|\/)/.exec(rest) ?? [];
      if (whole === undefined) break;
      rest = rest.slice(whole.length);
      const overrides = key === undefined ? '\\i1' : microDvdTag(key.toLowerCase(), value!);
      if (key !== undefined && key !== key.toLowerCase()) kept += overrides;
      else tags += overrides;
    }
    const all = kept + tags;
    const isReset = all !== '' || before !== '';
    before = all;
    return (isReset ? `{\\r${all}}` : '') + escapeText(rest);
  });
  return lines.join('\\N').replace(/^\{\\r/, '{');
}

function microDvdTag(key: string, value: string): string {
  if (key === 'y') return [...value].flatMap((style) => ('ibus'.includes(style) ? [`\\${style}1`] : [])).join('');
  if (key === 'c') return /^[$#]*([\da-f]{1,6})$/i.test(value) ? `\\c&H${value.replace(/^[$#]+/, '')}&` : '';
  if (key === 'f') return `\\fn${value.replace(/[\\{}]/g, '')}`;
  if (key === 's') return /^\d+$/.test(value) ? `\\fs${value}` : '';
  if (key === 'o') return /^\d+,\d+$/.test(value) ? `\\pos(${value})` : '';
  return key === 'p' && value !== '1' ? '\\an8' : '';
}

function fromSami(text: string): string {
  const paragraphs = text.split(/<p(?=[\s>])[^<>]{0,256}>/i).slice(1);
  const words = paragraphs.map((paragraph) =>
    paragraph
      .replace(/\s+/g, ' ')
      .replace(/<br[^<>]{0,32}>/gi, '\n')
      .replace(/<\/?(?:p|sync|body|sami)(?=[\s>])[^<>]{0,256}>/gi, '')
      .replace(/&nbsp;/g, '\u00a0')
      .replace(/&lt;/g, '<')
      .replace(/&gt;/g, '>')
      .replace(/&amp;/g, '&')
      .trim(),
  );
  return fromMarkup(words.filter((each) => each.replace(/\u00a0/g, '').trim() !== '').join('\n'));
}

function fromRealText(text: string): string {
  const words = text
    .replace(/\s+/g, ' ')
    .replace(/<br\/?>/gi, '\n')
    .replace(/<[^<>]{0,256}>/g, '');
  return escapeText(
    words
      .split('\n')
      .map((line) => line.trim())
      .join('\n')
      .trim(),
  );
}

export const OLD_FORMATS: readonly ReadableFormat[] = [
  format('microdvd', AV_CODEC_ID_MICRODVD, fromMicroDvd),
  format('mpl2', AV_CODEC_ID_MPL2, fromMpl2),
  format('pjs', AV_CODEC_ID_PJS, divided),
  format('realtext', AV_CODEC_ID_REALTEXT, fromRealText),
  format('sami', AV_CODEC_ID_SAMI, fromSami),
  format('stl', AV_CODEC_ID_STL, divided),
  format('subviewer', AV_CODEC_ID_SUBVIEWER, (text) => escapeText(text.replaceAll('[br]', '\n'))),
  format('subviewer1', AV_CODEC_ID_SUBVIEWER1, divided),
  format('vplayer', AV_CODEC_ID_VPLAYER, divided),
];

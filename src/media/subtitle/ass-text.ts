/**
 * Text of the Advanced SubStation Alpha format, in which FFmpeg and libass have all text subtitles: an event is a line of
 * fields, the last of which is text with overrides in braces.
 */

/** The fields of an event in FFmpeg's packets: times are those of the packet. */
export interface AssEvent {
  readonly readOrder: number;
  readonly layer: number;
  /** Name of a style of the script's header. */
  readonly style: string;
  /** Who speaks. */
  readonly name: string;
  /** Pixels of the script's own screen; 0: the style's. Kept as they are written. */
  readonly margins: readonly [left: string, right: string, vertical: string];
  readonly effect: string;
  /** With overrides. */
  readonly text: string;
}

export const DEFAULT_STYLE = 'Default';

const EVENT = /^(-?\d+),(-?\d+),([^,]*),([^,]*),(-?\d*),(-?\d*),(-?\d*),([^,]*),(.*)$/s;

/** @returns the event of a line; a text that is no line of fields is the text of an event in the default style. */
export function parseEvent(line: string): AssEvent {
  const fields = EVENT.exec(line);
  if (!fields) return eventOf(line);
  const [, readOrder, layer, style, name, left, right, vertical, effect, text] = fields as unknown as string[];
  return {
    ...{ readOrder: Number(readOrder), layer: Number(layer), style: style!.trim() || DEFAULT_STYLE, name: name! },
    ...{ margins: [left!, right!, vertical!], effect: effect!, text: text! },
  };
}

/** An event in the default style. @param text With overrides. */
export function eventOf(text: string): AssEvent {
  const margins = ['0', '0', '0'] as const;
  return { readOrder: 0, layer: 0, style: DEFAULT_STYLE, name: '', margins, effect: '', text };
}

export function writeEvent({ readOrder, layer, style, name, margins, effect, text }: AssEvent): string {
  return [readOrder, layer, style, name, ...margins, effect, text].join(',');
}

export type AssToken =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'newline' }
  /** `\b1`: name 'b', value '1'; `\pos(1,2)`: name 'pos', value '(1,2)'. */
  | { readonly kind: 'override'; readonly name: string; readonly value: string };

/** Names of overrides, the longer ones first, because values follow without a sign between. */
const OVERRIDE =
  /^(iclip|clip|fscx|fscy|fade|fad|fax|fay|frx|fry|frz|fsp|move|org|pos|xbord|ybord|bord|xshad|yshad|shad|blur|pbo|an|be|fe|fn|fr|fs|kf|ko|kt|alpha|[1-4]c|[1-4]a|[abciKkpqrstu])(.*)$/s;

/** Takes a text with overrides apart. What is in braces and no override is a comment, and nothing of it is left. */
export function assTokens(text: string): AssToken[] {
  const tokens: AssToken[] = [];
  let plain = '';
  const flush = (): void => {
    if (plain !== '') tokens.push({ kind: 'text', text: plain });
    plain = '';
  };
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    const next = text[i + 1];
    const end = char === '{' ? text.indexOf('}', i) : -1;
    if (char === '\\' && next !== undefined && 'Nnh{}\u2060'.includes(next)) {
      i++;
      if (next === 'N' || next === 'n') {
        flush();
        tokens.push({ kind: 'newline' });
      } else plain += next === 'h' ? '\u00a0' : next === '\u2060' ? '\\' : next;
    } else if (end >= 0) {
      flush();
      for (const part of overridesIn(text.slice(i + 1, end))) {
        const [, name, value] = OVERRIDE.exec(part) ?? [];
        if (name !== undefined) tokens.push({ kind: 'override', name, value: value!.trim() });
      }
      i = end;
    } else if (char === '\n') {
      flush();
      tokens.push({ kind: 'newline' });
    } else if (char !== '\r') plain += char;
  }
  flush();
  return tokens;
}

/** The parts of a block, each without its backslash: backslashes in parentheses belong to the value. */
function overridesIn(block: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = -1;
  for (let i = 0; i <= block.length; i++) {
    const char = block[i];
    if (char === '(') depth++;
    else if (char === ')') depth = Math.max(0, depth - 1);
    else if (char === undefined || (char === '\\' && depth === 0)) {
      if (from >= 0) parts.push(block.slice(from, i));
      from = i + 1;
    }
  }
  return parts;
}

/** What is to be read of a text with overrides: lines are divided by \n, and drawings are nothing. */
export function plainText(text: string): string {
  let plain = '';
  let draws = false;
  for (const token of assTokens(text)) {
    if (token.kind === 'override') {
      if (token.name === 'p') draws = Number.parseInt(token.value, 10) > 0;
      else if (token.name === 'r') draws = false;
    } else if (!draws) plain += token.kind === 'newline' ? '\n' : token.text;
  }
  return plain;
}

/** A text in which nothing is an override. */
export function escapeText(plain: string): string {
  return plain
    .replace(/\\(?=[Nnh{}])/g, '\\\u2060')
    .replace(/[{}]/g, '\\$&')
    .replace(/\u00a0/g, '\\h')
    .replace(/\r?\n|\r/g, '\\N');
}

/** Overrides that concern the whole event, wherever they stand in it. */
const OF_THE_EVENT = new Set(['an', 'a', 'pos', 'move', 'org', 'fad', 'fade', 'clip', 'iclip', 'q']);

/** Another text at the same place: of the overrides only those of the whole event are kept. */
export function withText(event: AssEvent, plain: string): AssEvent {
  const kept = assTokens(event.text).flatMap((token) =>
    token.kind === 'override' && OF_THE_EVENT.has(token.name) ? [`\\${token.name}${token.value}`] : [],
  );
  return { ...event, text: (kept.length > 0 ? `{${kept.join('')}}` : '') + escapeText(plain) };
}

/** A filter's arguments as FFmpeg reads them (libavutil/opt.c `av_opt_get_key_value`, avstring.c `av_get_token`). */

export interface Argument {
  /** Absent: the value is for the option whose turn it is. */
  readonly name?: string | undefined;
  /** Without the quoting. */
  readonly value: string;
}

const NAME = /[ \n\t\r]*(?:([A-Za-z0-9_/.-]+)[ \n\t\r]*)?=/y;
const SPACE = ' \n\t\r';

/** @param args What stands behind the filter's `=`. */
export function parseArguments(args: string): Argument[] {
  const found: Argument[] = [];
  let position = 0;
  while (position < args.length) {
    NAME.lastIndex = position;
    const match = NAME.exec(args);
    const name = match ? (match[1] ?? '') : undefined;
    if (match) position = NAME.lastIndex;
    const token = readToken(args, position);
    found.push({ name, value: token.value });
    position = token.end + 1;
  }
  return found;
}

/** Up to the next ':', one level of backslashes and single quotes removed, outer space cut unless it was quoted. */
function readToken(text: string, start: number): { value: string; end: number } {
  let end = start;
  while (end < text.length && SPACE.includes(text[end]!)) end++;
  let value = '';
  let kept = 0;
  while (end < text.length && text[end] !== ':') {
    const char = text[end++]!;
    if (char === '\\' && end < text.length) {
      value += text[end++];
      kept = value.length;
    } else if (char === "'") {
      const close = text.indexOf("'", end);
      value += text.slice(end, close < 0 ? text.length : close);
      end = close < 0 ? text.length : close + 1;
      if (close >= 0) kept = value.length;
    } else {
      value += char;
    }
  }
  while (value.length > kept && SPACE.includes(value.at(-1)!)) value = value.slice(0, -1);
  return { value, end };
}

/** The last lines of FFmpeg's log, and which of them tell why something failed. No threads, no FFmpeg. */

import { withoutSecrets } from '../../errors/secrets.js';

export interface Line {
  /** Counts up, modulo 2^32. */
  readonly number: number;
  /** FFmpeg's: 16 is an error, 24 a warning. */
  readonly level: number;
  /** 0: of no codec. */
  readonly context: number;
  readonly text: string;
}

const ERROR = 16;
const WARNING = 24;
/** Lines kept of each context. */
const KEPT = 64;
/** Reasons given at most, and characters of each. */
const REASONS = 3;
const LONGEST = 300;

/** Said beside the reason, and no reason. */
const EMPTY_WORDS = [
  /^Failed to configure (input|output) pad on/,
  /^Error (re)?initializing (a )?(complex )?filter/i,
  /^Error opening (input|output)( file)?s?\b[^:]*$/,
  /^Conversion failed/,
  /^Task finished with error/,
  /^Terminating thread/,
];

/** How outputs of the network begin inside of the muxer that opens them (actors/encoder/mux/slave.ts): its default. */
export const CONTAINED = '[use_fifo=0:';
/** Of that muxer: it repeats what av_strerror says. */
const OWN_WORDS = [`Slave '${CONTAINED}`, 'All tee outputs failed'];

export class LogLines {
  readonly #lines = new Map<number, Line[]>();

  add(line: Line): void {
    const kept = this.#lines.get(line.context) ?? [];
    this.#lines.set(line.context, kept);
    // Damaged streams say the same thing thousands of times.
    const last = kept.at(-1);
    if (last?.text === line.text && last.level === line.level) kept.pop();
    kept.push(line);
    if (kept.length > KEPT) kept.shift();
  }

  /** Why something failed in that context, of what was said after line `since`. Those lines are nobody else's any more. */
  take(context: number, since: number): string[] {
    const all = this.#lines.get(context) ?? [];
    const recent = all.filter(({ number }) => ((number - since) | 0) > 0);
    this.#lines.set(
      context,
      all.filter((line) => !recent.includes(line)),
    );
    return reasons(recent);
  }
}

/** Whether the muxer around an output says it, of which nobody knows. */
export function isOwnWords(text: string): boolean {
  return OWN_WORDS.some((words) => text.startsWith(words));
}

/** The decisive ones: errors, else warnings; each once, the last ones, in their order. */
export function reasons(lines: readonly Line[]): string[] {
  const errors = lines.filter(({ level }) => level <= ERROR);
  const chosen = errors.length > 0 ? errors : lines.filter(({ level }) => level <= WARNING);
  const texts = [...new Set(chosen.map(({ text }) => cleaned(text)))].filter(
    (text) => text !== '' && !isOwnWords(text),
  );
  const telling = texts.filter((text) => !EMPTY_WORDS.some((words) => words.test(text)));
  return (telling.length > 0 ? telling : texts).slice(-REASONS);
}

/** In one line, without addresses in memory, without the names and passwords of URLs. */
export function cleaned(text: string): string {
  const plain = withoutSecrets(text)
    .replace(/\[[^\]]*? @ 0x[0-9a-f]+\] ?/gi, '')
    .replace(/ ?\(?0x[0-9a-f]{9,16}\)?/gi, '')
    .replace(/\s+/g, ' ')
    .trim();
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST)}…` : plain;
}

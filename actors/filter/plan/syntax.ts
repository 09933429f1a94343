/** FFmpeg's filtergraph description (libavfilter/graphparser.c) as data. */
import { MillraceError } from '../../../src/errors/errors.js';
import type { FilterSpec } from './filter-spec.js';

export interface ParsedFilter extends FilterSpec {
  /** Labels before the filter, in order. */
  readonly inputs: readonly string[];
  /** Labels after it. */
  readonly outputs: readonly string[];
}

export interface ParsedGraph {
  /** Filters of one chain follow one another; chains are joined by labels only. */
  readonly chains: readonly (readonly ParsedFilter[])[];
  /** Options of automatically inserted scalers (`sws_flags=…;` at the beginning). */
  readonly scaleOptions: string | undefined;
}

/** @throws MillraceError ERR_MILLRACE_OPTION, naming the position of what cannot be read. */
export function parseGraph(description: string): ParsedGraph {
  const reader = new Reader(description);
  const scaleOptions = reader.scaleOptions();
  const chains: ParsedFilter[][] = [[]];
  for (;;) {
    chains.at(-1)!.push(reader.filter());
    if (reader.skip(',')) continue;
    if (reader.skip(';')) {
      if (reader.atEnd) break;
      chains.push([]);
      continue;
    }
    if (reader.atEnd) break;
    reader.fail("',', ';' or the end");
  }
  return { chains, scaleOptions };
}

const SPACE = ' \n\t\r';

class Reader {
  #position = 0;

  constructor(readonly text: string) {}

  get atEnd(): boolean {
    this.#skipSpace();
    return this.#position >= this.text.length;
  }

  skip(char: string): boolean {
    this.#skipSpace();
    if (this.text[this.#position] !== char) return false;
    this.#position++;
    return true;
  }

  fail(expected: string): never {
    const found = this.atEnd ? 'the end' : `'${this.text.slice(this.#position, this.#position + 12)}'`;
    throw new MillraceError(
      'ERR_MILLRACE_OPTION',
      `In the filtergraph '${this.text}', at position ${this.#position}: expected ${expected}, found ${found}`,
    );
  }

  scaleOptions(): string | undefined {
    const match = /^\s*sws_flags=([^;]*);/.exec(this.text);
    if (match === null) return undefined;
    this.#position = match[0].length;
    // FFmpeg takes the whole `flags=…` assignment here.
    return `flags=${match[1]}`;
  }

  filter(): ParsedFilter {
    const inputs = this.#labels();
    const [name, instance] = this.#token('=,;[').split('@', 2);
    if (!name) this.fail('the name of a filter');
    const args = this.skip('=') ? this.#token('[],;') : undefined;
    const outputs = this.#labels();
    return { name, instance, args: args || undefined, inputs, outputs };
  }

  #labels(): string[] {
    const labels: string[] = [];
    while (this.skip('[')) {
      const label = this.#token(']');
      if (label === '') this.fail('a label');
      if (!this.skip(']')) this.fail("']'");
      labels.push(label);
    }
    return labels;
  }

  /** av_get_token: up to one of `terminators`, one level of backslashes and single quotes removed, outer space cut. */
  #token(terminators: string): string {
    this.#skipSpace();
    let token = '';
    // Space that was quoted or escaped stays.
    let kept = 0;
    while (this.#position < this.text.length && !terminators.includes(this.text[this.#position]!)) {
      const char = this.text[this.#position++]!;
      if (char === '\\' && this.#position < this.text.length) {
        token += this.text[this.#position++];
        kept = token.length;
      } else if (char === "'") {
        const end = this.text.indexOf("'", this.#position);
        if (end < 0) this.fail('a closing single quote');
        token += this.text.slice(this.#position, end);
        kept = token.length;
        this.#position = end + 1;
      } else {
        token += char;
      }
    }
    while (token.length > kept && SPACE.includes(token.at(-1)!)) token = token.slice(0, -1);
    return token;
  }

  #skipSpace(): void {
    while (this.#position < this.text.length && SPACE.includes(this.text[this.#position]!)) this.#position++;
  }
}

import { MillraceError } from '../../../src/errors/errors.js';

/** Keeps out pictures that are larger than the application wants to handle. */
export class SizeLimit {
  hits = 0;
  readonly #side: number;
  readonly #maxHits: number | undefined;
  readonly #input: string;

  /** @param side Pixels. */
  constructor(side: number, maxHits: number | undefined, input: string) {
    this.#side = side;
    this.#maxHits = maxHits;
    this.#input = input;
  }

  /** @throws MillraceError ERR_MILLRACE_INPUT after more than the permitted number of larger pictures. */
  refuses({ width, height }: { readonly width: number; readonly height: number }): boolean {
    if (Math.max(width, height) <= this.#side) return false;
    this.hits++;
    if (this.#maxHits === undefined || this.hits <= this.#maxHits) return true;
    throw new MillraceError(
      'ERR_MILLRACE_INPUT',
      `${this.#input}: ${this.hits} pictures of ${width}x${height} exceed max_width_height ${this.#side}`,
      { hint: 'Raise max_width_height or max_limit_hits, or scale the input down beforehand' },
    );
  }
}

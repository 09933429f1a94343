/** What an output is told to lack when it is complete: streams of which nothing could be used, and texts without a place. */
import type { Log } from '../../src/module/contract.js';
import type { EncoderInput } from './encoder-input.js';
import type { EncoderOptions } from './options.js';
import type { Output } from './output/output.js';
import type { EncoderSources } from './sources.js';

/**
 * Packets came, and the output has none of them: the file is whole, and yet something is missing. An input to which
 * nothing came is no loss: a file without sound has its audio connected as well.
 */
export function tellEmptyStreams(inputs: Iterable<EncoderInput>, log: Log): void {
  for (const { id, kind, context } of inputs) {
    const { tally, name } = context;
    if (tally.written > 0 || tally.skipped === 0) continue;
    log.warn(
      `${name} has no ${kind}: ${tally.skipped} packets of input ${id} were left out, because no key frame came that they ` +
        'could begin with',
    );
  }
}

/** One line, of all that the format has no place for. */
export function tellLostTexts(
  sources: EncoderSources,
  { name, chaptersLost = false, chaptersCut = [] }: Pick<Output, 'name' | 'chaptersLost' | 'chaptersCut'>,
  format: string,
  options: EncoderOptions,
  log: Log,
): void {
  for (const text of sources.strangers) log.warn(text);
  const lost = sources.lost(format, chaptersLost, options);
  if (lost !== undefined)
    log.warn(`${name} does not say what its source says: the format '${format}' has no place for ${lost}`);
  if (chaptersLost) return;
  for (const text of chaptersCut) log.warn(`${name}: the format '${format}' has ${text}`);
  const { cut } = sources;
  if (cut !== undefined) log.warn(`${name}: ${cut}`);
}

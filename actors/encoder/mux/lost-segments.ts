/** Files that a muxer could not write and of which its result says nothing: only its lines in the log have their names. */
import { MillraceError, withLines } from '../../../src/errors/errors.js';
import { linesOf, NO_CODEC } from '../../../src/media/index.js';
import type { Log } from '../../../src/module/contract.js';
import type { EncoderOptions } from '../options.js';
import type { Target } from '../output/format.js';

/** Of the hls muxer, at the end. */
const LOST = /^Failed to (open|upload) file '/;

/** A muxer whose last segment may be lost without a result that says so (hls_write_trailer in hlsenc.c). */
export function losesSilently({ muxer }: Target): boolean {
  return muxer.name === 'hls';
}

/**
 * After a trailer that was written.
 * @param since where FFmpeg's log stood when the call began; absent: all lines that are left.
 * @throws MillraceError ERR_MILLRACE_OUTPUT for a file that could not be opened, unless the user has no concern for them.
 */
export function tellLost(target: Target, { mux_params }: EncoderOptions, log: Log, since: number | undefined): void {
  if (!losesSilently(target)) return;
  const lost = linesOf(NO_CODEC, since).filter((line) => LOST.test(line));
  if (lost.length === 0) return;
  const message = `A segment of ${target.name} is missing`;
  const isIgnored = ['1', 'true'].includes(String(mux_params?.ignore_io_errors));
  if (isIgnored) log.warn(`${message}. FFmpeg says: ${lost.join('; ')}`);
  else throw new MillraceError('ERR_MILLRACE_OUTPUT', message, withLines({}, lost));
}

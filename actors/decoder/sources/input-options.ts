/** Which of the decoder's options go to the demuxer. */
import type { InputOptions } from '../input/opening.js';
import type { DecoderOptions } from '../options.js';

/** The demuxer that is asked for by name. */
export function demuxerName({ dec_params: { f } }: DecoderOptions): string | undefined {
  return f === undefined ? undefined : String(f);
}

/**
 * How much of a live input FFmpeg looks at before it goes on: a second, in which every stream that is sent shows itself,
 * and not the five that it waits for one that is announced and does not come. `fflags: nobuffer` is not among these: it
 * throws away what was looked at, and with it the first pictures up to the next key frame, and makes nothing sooner.
 */
const LIVE_PROBING = { analyzeduration: 1_000_000, probesize: 1_000_000 };

/**
 * How often a list of segments is asked for something new: FFmpeg's own three times are over when a segment comes a second too
 * late, and look like an end. How long is waited is up to `stall_ms` and `timeout_ms`.
 */
const PATIENT_LISTS = { max_reload: 2 ** 31 - 1 };

/** What demuxer and protocol are told, beside what only some of them know. */
export function inputParams(options: DecoderOptions): InputOptions['options'] {
  const { dec_params, use_wallclock_as_timestamps, live, reconnect } = options;
  const { f: _demuxer, ...params } = dec_params;
  return {
    ...(live && LIVE_PROBING),
    ...((live || reconnect) && PATIENT_LISTS),
    ...params,
    ...(use_wallclock_as_timestamps && { use_wallclock_as_timestamps: 1 }),
  };
}

/** Options of the decoder that only a certain demuxer has. */
export function requiredOptions({ s, pix_fmt, decryption_key }: DecoderOptions): InputOptions['required'] {
  const required: Record<string, { option: string; value: string }> = {};
  if (s !== undefined) required.s = { option: 'video_size', value: s };
  if (pix_fmt !== undefined) required.pix_fmt = { option: 'pixel_format', value: pix_fmt };
  if (decryption_key !== undefined) required.decryption_key = { option: 'decryption_key', value: decryption_key };
  return required;
}

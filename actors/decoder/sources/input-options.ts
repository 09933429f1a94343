/** Which of the decoder's options go to the demuxer. */
import type { InputOptions } from '../input/opening.js';
import type { DecoderOptions } from '../options.js';

/** The demuxer that is asked for by name. */
export function demuxerName({ dec_params: { f } }: DecoderOptions): string | undefined {
  return f === undefined ? undefined : String(f);
}

/** What demuxer and protocol are told, beside what only some of them know. */
export function inputParams({ dec_params, use_wallclock_as_timestamps }: DecoderOptions): InputOptions['options'] {
  const { f: _demuxer, ...params } = dec_params;
  return { ...params, ...(use_wallclock_as_timestamps && { use_wallclock_as_timestamps: 1 }) };
}

/** Options of the decoder that only a certain demuxer has. */
export function requiredOptions({ s, pix_fmt, decryption_key }: DecoderOptions): InputOptions['required'] {
  const required: Record<string, { option: string; value: string }> = {};
  if (s !== undefined) required.s = { option: 'video_size', value: s };
  if (pix_fmt !== undefined) required.pix_fmt = { option: 'pixel_format', value: pix_fmt };
  if (decryption_key !== undefined) required.decryption_key = { option: 'decryption_key', value: decryption_key };
  return required;
}

/** Which of the decoder's options go to the demuxer. */
import type { InputOptions } from '../input/opening.js';
import type { DecoderOptions } from '../options.js';

/** The demuxer that is asked for by name. */
export function demuxerName({ dec_params: { f } }: DecoderOptions): string | undefined {
  return f === undefined ? undefined : String(f);
}

/** Options of the decoder that only a certain demuxer has. */
export function requiredOptions({ s, pix_fmt, decryption_key }: DecoderOptions): InputOptions['required'] {
  const required: Record<string, { option: string; value: string }> = {};
  if (s !== undefined) required.s = { option: 'video_size', value: s };
  if (pix_fmt !== undefined) required.pix_fmt = { option: 'pixel_format', value: pix_fmt };
  if (decryption_key !== undefined) required.decryption_key = { option: 'decryption_key', value: decryption_key };
  return required;
}

/** Sample formats by name, or by FFmpeg's number (AVSampleFormat), as BMF has them. */
import type { AVSampleFormat } from 'node-av/constants';
import { avGetSampleFmtName } from 'node-av/lib';
import { parsed, type Schema } from '../../src/schema/schema.js';

/** @returns the name. */
export function sampleFormatName(): Schema<string> {
  return parsed('a sample format such as "s16" or "fltp", or the number of one (AVSampleFormat)', (value) => {
    if (typeof value === 'string' && value !== '' && !/^\d+$/.test(value)) return value;
    const number = typeof value === 'string' && value !== '' ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 0) return undefined;
    return avGetSampleFmtName(number as AVSampleFormat) ?? undefined;
  });
}

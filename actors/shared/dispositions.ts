/** What streams are for, by FFmpeg's names (av_disposition_to_string). */

import { parsed, type Schema } from '../../src/schema/schema.js';

/** The position is the bit. */
const NAMES = (
  'default dub original comment lyrics karaoke forced hearing_impaired visual_impaired clean_effects attached_pic ' +
  'timed_thumbnails non_diegetic - - - captions descriptions metadata dependent still_image multilayer'
).split(' ');

const DISPOSITIONS: readonly string[] = NAMES.filter((name) => name !== '-');

/** Schema of an option that takes one name or a list of them. @param list what is said of a list. */
export function dispositionList(list: string): Schema<string[]> {
  return parsed(`FFmpeg's names of uses, ${list}: ${DISPOSITIONS.join(', ')}`, (value) => {
    const names = (Array.isArray(value) ? value : [value]) as unknown[];
    return names.every((name): name is string => DISPOSITIONS.includes(name as string)) ? names : undefined;
  });
}

export function dispositionNames(bits: number): string[] {
  return NAMES.filter((name, bit) => name !== '-' && (bits & (1 << bit)) !== 0);
}

/** 0 for a name that FFmpeg does not have. */
export function dispositionBit(name: string): number {
  const bit = name === '-' ? -1 : NAMES.indexOf(name);
  return bit < 0 ? 0 : 1 << bit;
}

export function dispositionBits(names: readonly string[]): number {
  return names.reduce((bits, name) => bits | dispositionBit(name), 0);
}

/**
 * Names that libx264 takes for preset, tune and profile (x264.h). They are checked here because libx264 says no with a
 * message of its own on stderr, past FFmpeg's log, and FFmpeg then only with "Invalid argument".
 */
import { MillraceError } from '../../../src/errors/errors.js';
import { describeValue } from '../../../src/errors/naming.js';
import { type AVOptionValues, didYouMean } from '../../../src/schema/schema.js';

const PRESETS = 'ultrafast superfast veryfast faster fast medium slow slower veryslow placebo'.split(' ');
const TUNES = 'film animation grain stillimage psnr ssim fastdecode zerolatency touhou'.split(' ');
const PROFILES = 'baseline main high high10 high422 high444'.split(' ');

/** @throws MillraceError ERR_MILLRACE_OPTION for a name libx264 does not know. */
export function checkX264Names({ preset, tune, profile }: AVOptionValues, path: string): void {
  // x264 counts its presets as well: 0 is ultrafast.
  if (preset !== undefined && !/^\d$/.test(String(preset))) refuseUnknown('preset', String(preset), PRESETS, path);
  // Several tunings may be given, for instance 'film,zerolatency'.
  const tunes = tune === undefined ? [] : String(tune).split(/[,./\-+]/);
  for (const name of tunes) if (name !== '') refuseUnknown('tune', name, TUNES, path);
  if (profile !== undefined) refuseUnknown('profile', String(profile), PROFILES, path);
}

function refuseUnknown(option: string, name: string, known: readonly string[], path: string): void {
  if (known.includes(name.toLowerCase())) return;
  throw new MillraceError('ERR_MILLRACE_OPTION', `${path}.${option}: libx264 has no ${option} ${describeValue(name)}`, {
    hint: didYouMean(name, known, `It has ${known.join(', ')}`),
  });
}

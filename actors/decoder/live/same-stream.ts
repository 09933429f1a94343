/** A stream of a live input before and after it was away: what has changed, and whether it may. */
import { MillraceError } from '../../../src/errors/errors.js';
import type { StreamInfo } from '../../../src/media/index.js';

/** @throws MillraceError ERR_MILLRACE_INPUT if packets of both cannot be one copied stream. */
export function requireSame(before: StreamInfo, after: StreamInfo, path: string): void {
  const change = changeOf(before, after) ?? headersOf(before, after);
  if (change === undefined) return;
  throw new MillraceError('ERR_MILLRACE_INPUT', `${path} has come back with another ${before.kind}: ${change}`, {
    hint: "A copied stream stays what it was: decode it (leave out codec 'copy') to let it change",
  });
}

/** What is different, in words; undefined if nothing is, as far as both are known. */
export function changeOf(before: StreamInfo, after: StreamInfo): string | undefined {
  const [old, now] = [wordsOf(before), wordsOf(after)];
  const differs = old.some((word, i) => word !== undefined && now[i] !== undefined && word !== now[i]);
  return differs ? `${textOf(old)} before, ${textOf(now)} now` : undefined;
}

function headersOf(before: StreamInfo, after: StreamInfo): string | undefined {
  const [old, now] = [Buffer.from(before.extradata), Buffer.from(after.extradata)];
  return old.equals(now) ? undefined : `its codec headers are others (${old.length} bytes before, ${now.length} now)`;
}

function wordsOf({ codec, kind, width, height, sampleRate, channels }: StreamInfo): (string | undefined)[] {
  const size = kind === 'video' && width > 0 ? `${width}x${height}` : undefined;
  const rate = kind === 'audio' && sampleRate > 0 ? `${sampleRate} Hz` : undefined;
  const count = kind === 'audio' && channels > 0 ? `${channels} channels` : undefined;
  return [codec, size, rate, count];
}

function textOf(words: readonly (string | undefined)[]): string {
  return words.filter((word) => word !== undefined).join(' ');
}

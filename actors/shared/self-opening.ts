/**
 * Formats that open what they read or write by themselves, so that FFmpeg's `protocol_whitelist` need not reach it:
 * screens, cameras and sound cards, network protocols that are formats, and muxers that feed further muxers.
 */
import { AVFMT_NOFILE } from 'node-av/constants';
import { InputFormat, OutputFormat } from 'node-av/lib';
import { MillraceError } from '../../src/errors/errors.js';

/**
 * Without a file of FFmpeg's making, and still harmless: whatever these open goes through `io_open` of the context that
 * has the whitelist, or they open nothing. `lavfi` is a graph of filters, which are looked at as such.
 */
const HARMLESS: ReadonlySet<string> = new Set(
  'dash hds hls image2 lavfi null segment smoothstreaming ssegment stream_segment webm_chunk'.split(' '),
);

/** Demuxers that run the file as a script. */
const SCRIPTS: ReadonlySet<string> = new Set(['avisynth', 'vapoursynth']);

/** Name of a format that opens things by itself; undefined for the others, and for one that FFmpeg does not have. */
function nameOf(format: InputFormat | OutputFormat | null): string | undefined {
  const name = format?.name?.split(',')[0];
  if (!format || name === undefined || HARMLESS.has(name)) return undefined;
  const flags = format instanceof InputFormat ? format.flags : format.hasFlags(AVFMT_NOFILE) ? AVFMT_NOFILE : 0;
  return (flags & AVFMT_NOFILE) === 0 ? undefined : name;
}

export function selfOpeningDemuxer(name: string): string | undefined {
  return nameOf(InputFormat.findInputFormat(name));
}

/** @param path The format is guessed from it without a name. */
export function selfOpeningMuxer(name: string | null, path: string | null): string | undefined {
  return nameOf(OutputFormat.guessFormat(name, path, null));
}

export function isLavfi(name: string): boolean {
  return InputFormat.findInputFormat(name)?.name === 'lavfi';
}

/** FFmpeg's names of formats are matched without regard to case, and lists of them match too. */
export function runsScripts(name: string): boolean {
  return name.split(',').some((part) => SCRIPTS.has(part.trim().toLowerCase()));
}

/**
 * The last door: a context that may open certain protocols only is not given to a format that looks at no list.
 * @param whitelist FFmpeg's form; undefined: anything may be opened.
 * @throws MillraceError ERR_MILLRACE_OPTION.
 */
export function refuseSelfOpening(
  format: InputFormat | OutputFormat | null,
  whitelist: string | undefined,
  key: string,
): void {
  const name = nameOf(format);
  if (name === undefined || whitelist === undefined || whitelist.split(',').includes(name)) return;
  throw new MillraceError('ERR_MILLRACE_OPTION', `${key}: the format '${name}' opens things by itself`, {
    hint: 'A graph file of unknown origin may not use it: see `allow` of fromConfig',
  });
}

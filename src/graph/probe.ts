/** Looks into a media file before anything is built on it. */
import * as v from 'valibot';
import {
  type Capabilities,
  capabilities,
  type MediaInfo,
  type ProbeOptions,
  probeInput,
  probePathSync,
} from '../catalog/ffmpeg.js';
import { MillraceError } from '../errors/errors.js';
import { describeValue } from '../errors/naming.js';
import { type ByteChunks, type Bytes, openSource, type SeekableSource } from '../media/bytes/source.js';
import { checked } from '../schema/problems.js';
import { number, type Schema, strictOptions } from '../schema/schema.js';
import { signalSchema } from './options/run-options.js';

/**
 * A path; a URL as text or as an object; bytes in memory, a Blob, or a source that can be read from anywhere, of which
 * only what is needed is read; a stream of bytes, of which the beginning is read, and which is closed then.
 */
export type ProbeInput = string | URL | Bytes | SeekableSource | ByteChunks;

const MAX_TIMEOUT = 2 ** 31 - 1;

const optionsSchema: Schema<ProbeOptions> = strictOptions({
  signal: v.optional(signalSchema),
  timeout_ms: v.optional(number({ min: 0, max: MAX_TIMEOUT })),
});

/**
 * What a media file holds: container, chapters, programs, and every stream with its parameters. Nothing is decoded but
 * what FFmpeg needs to recognise the streams. It works on a thread of its own: the caller's event loop goes on.
 *
 * ```ts
 * const { format, streams } = await probe('in.mkv', { timeout_ms: 5000 });
 * format.duration; // seconds
 * streams.filter(({ kind, language }) => kind === 'audio' && language === 'deu');
 * ```
 * @throws MillraceError ERR_MILLRACE_INPUT for what cannot be read or is no media, with what FFmpeg says to it;
 * ERR_MILLRACE_TIMEOUT, ERR_MILLRACE_ABORTED; ERR_MILLRACE_CONFIG or ERR_MILLRACE_OPTION for wrong arguments.
 */
export async function probe(input: ProbeInput, options: ProbeOptions = {}): Promise<MediaInfo> {
  const given = checked(optionsSchema, options, 'options of probe');
  return probeInput(
    openSource(input) ?? pathOf(input, 'probe', 'Give a path, a URL, bytes or a stream of bytes'),
    given,
  );
}

/**
 * The same of a file, at once: it blocks the calling thread, which suits scripts. URLs of the network could block for
 * ever, and are refused.
 * @throws MillraceError as `probe`, and ERR_MILLRACE_OPTION for a URL of the network.
 */
export function probeSync(input: string | URL): MediaInfo {
  return probePathSync(pathOf(input, 'probeSync', 'Give a path or the URL of a file'));
}

/**
 * What the FFmpeg inside has: filters, codecs and their coders, formats, protocols, pixel formats, each with its options.
 * Nothing is opened; the first call takes some 50 ms.
 *
 * ```ts
 * const { encoders, filters } = probe.capabilities();
 * encoders.some(({ name }) => name === 'h264_nvenc');
 * filters.find(({ name }) => name === 'scale').options; // [{ name: 'w', type: 'string', … }, …]
 * ```
 */
probe.capabilities = (): Capabilities => capabilities();

function pathOf(input: unknown, name: string, hint: string): string {
  if (typeof input === 'string' && input !== '') return input;
  if (input instanceof URL) return input.href;
  throw new MillraceError('ERR_MILLRACE_CONFIG', `${name} cannot look into ${describeValue(input)}`, { hint });
}

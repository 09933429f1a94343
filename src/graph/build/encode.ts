/** Streams into an encoder: which of them is on which of its inputs. */
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { StreamKind } from '../../media/packet/stream-info.js';
import { didYouMean } from '../../schema/schema.js';
import type { EncoderOptions } from './module-options.js';
import type { NodeParameters } from './node.js';
import { encodeShared, isShared, type SharedEncoding } from './outputs.js';
import { type NodeHandle, Stream } from './stream.js';

/** One stream, several, or none. */
export type StreamOrStreams = Stream | null | undefined | readonly Stream[];

/** All that a file is to have, by kind. The streams of a kind stand in the file in the order given. */
export interface EncodeStreams {
  video?: StreamOrStreams;
  audio?: StreamOrStreams;
  /** Subtitles as modules make them, or as `subtitles` of a decoder's handle has them: docs/subtitles.md. */
  subtitle?: StreamOrStreams;
  /** Packets behind their StreamInfo; the same for attachments. */
  data?: StreamOrStreams;
  /** Files that go along, such as fonts. */
  attachment?: StreamOrStreams;
}

const KINDS = ['video', 'audio', 'subtitle', 'data', 'attachment'] as const satisfies readonly StreamKind[];

/**
 * Encodes a video stream, an audio stream, or both into a file.
 * @throws MillraceError ERR_MILLRACE_CONFIG if both are missing.
 */
export function encode(
  video: Stream | null | undefined,
  audio: Stream | null | undefined,
  options: EncoderOptions | SharedEncoding,
  parameters?: NodeParameters,
): NodeHandle;
/**
 * Encodes any number of streams into a file; those that deliver packets are copied into it.
 *
 *     encode({ video: input.video, audio: [input.audios[0], input.audios[1]], subtitle: input.subtitles[0] }, {
 *       output_path: 'out.mkv',
 *       audio_params: [{ bit_rate: '128k' }, { bit_rate: '64k' }],
 *       streams: { audio: [{ language: 'eng' }, { language: 'eng', title: 'Commentary', disposition: 'comment' }] },
 *     });
 *
 * @throws MillraceError ERR_MILLRACE_CONFIG if there is none.
 */
export function encode(streams: EncodeStreams, options: EncoderOptions, parameters?: NodeParameters): NodeHandle;
/**
 * Encodes streams once, into several files and URLs, of which some may fail without the others.
 *
 *     encode({ video, audio }, {
 *       video_params: { bit_rate: '3M' },
 *       outputs: [{ output_path: 'archive.mp4' }, { output_path: 'rtmp://host/key', format: 'flv', on_error: 'drop-branch' }],
 *     });
 *
 * @returns The encoder's node; those of the outputs are behind it.
 * @throws MillraceError ERR_MILLRACE_CONFIG if there is no stream, or no output.
 */
export function encode(streams: EncodeStreams, options: SharedEncoding, parameters?: NodeParameters): NodeHandle;
/** Encodes a video stream alone. */
export function encode(
  video: Stream,
  options: EncoderOptions | SharedEncoding,
  parameters?: NodeParameters,
): NodeHandle;
export function encode(
  first: Stream | EncodeStreams | null | undefined,
  second: Stream | EncoderOptions | SharedEncoding | null | undefined,
  third?: EncoderOptions | NodeParameters,
  fourth?: NodeParameters,
): NodeHandle {
  if (first instanceof Stream && second !== undefined && second !== null && !(second instanceof Stream)) {
    if (isShared(second)) return encodeAll({ video: first }, second, third as NodeParameters | undefined);
    return first.encode(second as EncoderOptions, third as NodeParameters | undefined);
  }
  if (first instanceof Stream || first === null || first === undefined) {
    const streams = { video: first, audio: second as Stream | null | undefined };
    return encodeAll(streams, third as EncoderOptions | SharedEncoding, fourth);
  }
  return encodeAll(first, second as EncoderOptions | SharedEncoding, third as NodeParameters | undefined);
}

function encodeAll(
  streams: EncodeStreams,
  options: EncoderOptions | SharedEncoding,
  parameters: NodeParameters = {},
): NodeHandle {
  const byKind = new Map(KINDS.map((kind) => [kind, listOf(streams[kind])]));
  const unknown = Object.keys(streams).find((key) => !KINDS.some((kind) => kind === key));
  if (unknown !== undefined) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `encode: there are no ${unknown} streams`, {
      hint: didYouMean(unknown, KINDS, `Kinds are ${KINDS.join(', ')}`),
    });
  }
  const graph = [...byKind.values()].flat().find((stream) => stream instanceof Stream)?.graph;
  if (!graph) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', 'encode needs a video stream, an audio stream, or both', {
      hint: 'The second form takes any number: encode({ video, audio: [a, b], subtitle }, options)',
    });
  }
  const [video, ...videos] = byKind.get('video')!;
  const [audio, ...audios] = byKind.get('audio')!;
  const further = KINDS.flatMap((kind) => {
    const own = kind === 'video' ? videos : kind === 'audio' ? audios : byKind.get(kind)!;
    return own.map((stream) => ({ kind, stream }));
  });
  const first = audio || further.length > 0 ? [video ?? null, audio ?? null] : [video ?? null];
  const inputs = [...first, ...further.map(({ stream }) => stream)];
  const kinds = further.map(({ kind }) => kind);
  const own = kinds.length === 0 ? options : { input_kinds: kinds, ...options };
  if (isShared(own)) return encodeShared(inputs, own, parameters);
  return graph.module('c_ffmpeg_encoder', own, { ...parameters, inputs });
}

function listOf(streams: StreamOrStreams): readonly Stream[] {
  const list = Array.isArray(streams) ? (streams as readonly unknown[]) : [streams];
  return list.filter((stream): stream is Stream => {
    if (stream === null || stream === undefined) return false;
    if (stream instanceof Stream) return true;
    throw new MillraceError('ERR_MILLRACE_CONFIG', `encode: ${describeValue(stream)} is no stream`, {
      hint: 'Streams are what decode(), module() and their methods return',
    });
  });
}

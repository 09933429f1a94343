/** Runs a graph for the file that comes of it: in memory, or as the body of a response. */
import { mimeTypeOf } from '../../catalog/ffmpeg.js';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { type EncodeStreams, encode } from '../build/encode.js';
import type { EncoderOptions } from '../build/module-options.js';
import { type NodeHandle, Stream } from '../build/stream.js';
import type { RunOptions } from '../options/run-options.js';
import type { SeekableSink } from './open-sink.js';
import { WholeFile } from './whole-file.js';

/** As `encode` takes them: by their kinds; or the video alone, or video and audio. */
export type CollectedStreams = EncodeStreams | Stream | readonly [video: Stream | null, audio?: Stream | null];

/** Options of an encoder without those that say where the file goes. */
export type CollectedOptions = Omit<
  EncoderOptions,
  'output' | 'output_path' | 'output_prefix' | 'null_output' | 'push_output' | 'avio_buffer_size'
>;

/**
 * Encodes the streams, runs their graph, and gives the file.
 *
 *     const input = new Graph().decode({ input: upload });
 *     const mp4 = await toBuffer({ video: input.video.scale(320, -2), audio: input.audio }, { format: 'mp4' });
 *
 * @param options Of the encoder; `format` is mp4 without it, and `movflags: 'faststart'` has its index first.
 * @param run As of `graph.run`.
 * @throws as `graph.run`; GraphError ERR_MILLRACE_OUTPUT for a file that is larger than a Buffer may be.
 */
export async function toBuffer(
  streams: CollectedStreams,
  options: CollectedOptions = {},
  run: RunOptions = {},
): Promise<Buffer> {
  const file = new WholeFile();
  const sink: SeekableSink = {
    write: async (bytes, offset) => {
      file.write(bytes, offset);
    },
  };
  await encoded('toBuffer', streams, options, sink).graph.run(run);
  return file.take();
}

/** The same as a Blob, whose type says what the file is. @throws as `toBuffer`. */
export async function toBlob(
  streams: CollectedStreams,
  options: CollectedOptions = {},
  run: RunOptions = {},
): Promise<Blob> {
  const buffer = await toBuffer(streams, options, run);
  return new Blob([buffer], { type: mimeTypeOf(options.format) });
}

/**
 * The same as a web Response, whose body brings the file as it is encoded, at the pace of whoever reads it: the container is written from
 * front to back (`streamed`), an mp4 in fragments. A reader that cancels ends the graph; an error of the graph is that of
 * the body.
 *
 *     export const GET = () => toResponse({ video: input.video }, { format: 'webm' });
 *
 * @returns when the graph has been started.
 * @throws ConfigError when the graph is wrong.
 */
export async function toResponse(
  streams: CollectedStreams,
  options: Omit<CollectedOptions, 'streamed'> = {},
  run: RunOptions = {},
): Promise<Response> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const { graph } = encoded(
    'toResponse',
    streams,
    { ...options, streamed: true },
    { write: (bytes) => writer.write(bytes) },
  );
  await graph.start({ ...run, mode: 'normal' });
  // Who reads no further is told of nothing.
  writer.closed.catch(() => graph.forceClose());
  graph
    .close()
    .then(
      () => writer.close(),
      (error: unknown) => writer.abort(error),
    )
    .catch(() => {});
  return new Response(readable, { headers: { 'content-type': mimeTypeOf(options.format) } });
}

function encoded(name: string, streams: unknown, options: unknown, output: SeekableSink): NodeHandle {
  if (typeof streams !== 'object' || streams === null) {
    const hint = 'Give a video stream, [video, audio], or { video, audio, subtitle }';
    throw new MillraceError('ERR_MILLRACE_CONFIG', `${name} cannot encode ${describeValue(streams)}`, { hint });
  }
  const [video, audio] = (Array.isArray(streams) ? streams : [streams]) as (Stream | null | undefined)[];
  const byKind = Array.isArray(streams) || streams instanceof Stream ? { video, audio } : (streams as EncodeStreams);
  return encode(byKind, { ...(options as CollectedOptions), output });
}

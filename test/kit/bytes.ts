/** Sources for graphs that are fed with bytes and packets. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EncodedPacket, Graph, type NodeHandle, Packet } from 'millrace';
import type { SeenPacket, TestSink } from 'millrace/testing';
import { media, run, sinkOn } from './media.js';

const folder = new URL('../fixtures/media/', import.meta.url);

/** The bytes of a file of test/fixtures/media. */
export function bytesOfFile(name: string): Buffer {
  return readFileSync(fileURLToPath(new URL(name, folder)));
}

/** Packets that the beginning of a raw stream has. */
export const RAW_BEGINNING = 20;

/** Makes a file of the first second of one of test/fixtures/media, copied; of a raw stream of its first packets. */
export async function beginningOf(name: string, path: string): Promise<string> {
  if (name.startsWith('raw.')) {
    writeFileSync(path, Buffer.concat([...rawPieces(name)].slice(0, RAW_BEGINNING)));
    return path;
  }
  const graph = new Graph({ threads: 0 });
  const { video, audio } = graph.decode({
    input_path: media(name),
    video_codec: 'copy',
    audio_codec: 'copy',
    end_time: 1,
  });
  const fragments = { movflags: 'frag_keyframe+empty_moov+default_base_moof', frag_duration: 200_000 };
  video.encode(audio, {
    output_path: path,
    ...(name.endsWith('.mpegts') && { format: 'mpegts' }),
    ...(name.startsWith('fragmented') && { mux_params: fragments }),
  });
  await run(graph);
  return path;
}

/** Bytes in pieces of `size`. */
export function* pieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What marks the end of one file; the next one may follow. */
export const END_OF_FILE = new Uint8Array(0);

/** A source that sends these packets, a few with each call; payloads are wrapped. */
export function sourceOf(graph: Graph, payloads: Iterable<unknown>, perCall = 16): NodeHandle {
  const iterator = payloads[Symbol.iterator]();
  return graph.module({
    process(task) {
      for (let i = 0; i < perCall; i++) {
        const { value, done } = iterator.next();
        if (done) {
          task.done();
          return;
        }
        task.output(0).push(value instanceof Packet ? value : new Packet(value));
      }
    },
  });
}

/** The packets of a stream whose packet sizes are in a file beside it. */
function rawPieces(name: string): Uint8Array[] {
  const bytes = bytesOfFile(name);
  const sizes = bytesOfFile(`${name}.sizes`).toString().trim().split(/\s+/).map(Number);
  let end = 0;
  return sizes.map((size) => {
    end += size;
    return bytes.subarray(end - size, end);
  });
}

/** The same as packets of coded data, `count` of them. */
export function* rawPackets(
  name: string,
  each: (n: number) => { pts?: bigint } = () => ({}),
  count = Number.POSITIVE_INFINITY,
): Generator<EncodedPacket> {
  for (const [n, piece] of rawPieces(name).slice(0, count).entries()) yield EncodedPacket.from(piece, each(n));
}

export interface Sinks {
  video: TestSink;
  audio: TestSink;
}

/** A decoder on a source, with a sink on each output. */
export function decode(source: NodeHandle, options: Record<string, unknown> = {}): Sinks {
  const decoder = source.module('c_ffmpeg_decoder', options);
  return { video: sinkOn(decoder.output(0)), audio: sinkOn(decoder.output(1)) };
}

/** Times and contents, to be compared. */
export function essence(packets: readonly SeenPacket[]): string[] {
  return packets.map(({ timestamp, hash }) => `${timestamp} ${hash}`);
}

/** Contents alone. */
export function hashes(packets: readonly SeenPacket[]): (string | undefined)[] {
  return packets.map(({ hash }) => hash);
}

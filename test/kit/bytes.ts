/** Sources for graphs that are fed with bytes and packets. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EncodedPacket, type Graph, type NodeHandle, Packet } from 'millrace';
import type { SeenPacket, TestSink } from 'millrace/testing';
import { sinkOn } from './media.js';

const folder = new URL('../fixtures/media/', import.meta.url);

/** The bytes of a file of test/fixtures/media. */
export function bytesOfFile(name: string): Buffer {
  return readFileSync(fileURLToPath(new URL(name, folder)));
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

/** A packet of coded data, of a stream whose packet sizes are in a file beside it. */
export function* rawPackets(
  name: string,
  each: (n: number) => { pts?: bigint } = () => ({}),
): Generator<EncodedPacket> {
  const bytes = bytesOfFile(name);
  const sizes = bytesOfFile(`${name}.sizes`).toString().trim().split(/\s+/).map(Number);
  let at = 0;
  for (const [n, size] of sizes.entries()) {
    yield EncodedPacket.from(bytes.subarray(at, at + size), each(n));
    at += size;
  }
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

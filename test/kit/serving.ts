/** Graphs that serve jobs, under test. */
import { fileURLToPath } from 'node:url';
import { Graph, type GraphOptionsInput, type NodeHandle, type NodeParameters, Packet, type Stream } from 'millrace';
import { bytesOfFile } from './bytes.js';

const FILE = fileURLToPath(new URL('../fixtures/modules/serving.mjs', import.meta.url));

/** The module Sum behind a stream. */
export function sum(
  stream: Stream,
  options: Record<string, unknown> = {},
  parameters: NodeParameters = {},
): NodeHandle {
  return stream.module({ name: 'sum', path: FILE, entry: 'Sum' }, options, parameters);
}

/** A graph with one input stream, and what is behind it. @param make Graphs on threads that are there already, as well. */
export function summing(
  options: GraphOptionsInput,
  parameters: NodeParameters = {},
  make = (given: GraphOptionsInput): Graph => new Graph(given),
) {
  const graph = make({ time_out: 10, ...options });
  const stream = sum(graph.inputStream('in'), {}, parameters);
  return { graph, stream };
}

export function values(...numbers: readonly number[]): Packet[] {
  return numbers.map((n) => new Packet({ n }));
}

/** Payloads of an output. */
export function payloads(packets: readonly Packet[] | undefined): unknown[] {
  return (packets ?? []).map(({ payload }) => payload);
}

/** Packets of which one makes `Sum` fail. */
export const failed = (fail: string): Packet[] => [...values(7, 8), new Packet({ n: 9, fail }), ...values(10)];

/** A source that never gives what it is asked for. */
export function silent(left: string[] = []): AsyncIterable<Packet> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<never>(() => {}),
      return: () => {
        left.push('left');
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
}

/** The beginning of a FLV file: whole tags, in so many bytes at most. */
function beginning(flv: Buffer, most: number): Buffer {
  for (let at = 13; ; ) {
    const next = at + 11 + flv.readUIntBE(at + 1, 3) + 4;
    if (next > most) return flv.subarray(0, at);
    at = next;
  }
}

/** Files of different containers and sizes; the last one has no sound. */
export const CLIPS = [
  bytesOfFile('clip.mpegts').subarray(0, 250 * 188),
  beginning(bytesOfFile('part1-other-size.flv'), 120_000),
  bytesOfFile('still.jpg'),
];

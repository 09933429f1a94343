/** Where pushed packets come from: anything that `for await` takes. */
import type { ReadableStream } from 'node:stream/web';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { EncodedPacket } from '../../media/packet/encoded-packet.js';
import { Packet } from '../../media/packet/packet.js';
import { isPiece } from '../../scheduler/ports/pieces.js';

/** What can be pushed from: anything `for await` takes, and a byte array, which is one piece. */
export type PushSource = AsyncIterable<unknown> | Iterable<unknown> | ReadableStream<unknown>;

export function iterate(source: PushSource, name: string): AsyncIterator<unknown> | Iterator<unknown> {
  if (source instanceof Uint8Array) return [source][Symbol.iterator](); // bytes, not the numbers they are made of
  if (typeof source === 'object' && source !== null) {
    if ('getReader' in source && typeof source.getReader === 'function')
      return readWeb(source as ReadableStream<unknown>);
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
  }
  throw new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `input stream '${name}': ${describeValue(source)} is no source to push from`,
    {
      hint: 'Give an (async) iterable of packets, payloads or byte arrays, a Readable, a ReadableStream or a Uint8Array',
    },
  );
}

/** Its own iterator could not be left while it waits for the next piece; a reader can. */
function readWeb(source: ReadableStream<unknown>): AsyncIterator<unknown> {
  const reader = source.getReader();
  return {
    next: async () => {
      const { done, value } = await reader.read();
      if (done) reader.releaseLock();
      return done ? { done, value: undefined } : { done, value };
    },
    return: async () => {
      await reader.cancel();
      reader.releaseLock();
      return { done: true, value: undefined };
    },
  };
}

/** Leaves a source that is just being asked for more: it may never answer, so nobody waits for it. */
export function leave(iterator: AsyncIterator<unknown> | Iterator<unknown>, source: object): void {
  if ('destroy' in source && typeof source.destroy === 'function') source.destroy();
  // What it still has to say concerns nobody: the graph has ended.
  else new Promise((resolve) => resolve(iterator.return?.())).catch(() => {});
}

/**
 * Packets as they are, bytes as a piece of an encoded stream, everything else as a payload.
 * @param joins The feed makes a copy of small pieces, which need none of their own then.
 */
export function toPacket(item: unknown, joins = false): Packet {
  if (item instanceof Packet) return item;
  const needsCopy = item instanceof Uint8Array && !(joins && isPiece(item.byteLength));
  return new Packet(needsCopy ? EncodedPacket.from(item) : item);
}

/** A packet or a payload, as if it had been fed to a graph that does not want it. */
export function releaseItem(item: unknown): void {
  if (!(item instanceof Uint8Array)) toPacket(item).close();
}

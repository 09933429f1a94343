/** What `stream.packets()` returns. */
import { Readable } from 'node:stream';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { EncodedPacket } from '../../media/packet/encoded-packet.js';
import type { Packet } from '../../media/packet/packet.js';
import { StreamInfo } from '../../media/packet/stream-info.js';
import type { AppSink } from '../../scheduler/ports/app-sink.js';
import type { GraphPorts } from './graph-ports.js';

/**
 * The packets of a stream, one after the other, at the reader's pace: a reader that does not ask holds the graph back.
 * Each packet is the reader's to close (`using`, or `closing()` for a loop). Signals such as the end of the stream are no
 * packets.
 */
export class PacketReader<T = unknown> implements AsyncIterableIterator<Packet<T>>, AsyncDisposable {
  readonly #session: GraphPorts;
  readonly #tap: AppSink;
  #begun: Promise<void> | undefined;
  #done = false;

  constructor(session: GraphPorts, tap: AppSink) {
    this.#session = session;
    this.#tap = tap;
  }

  /**
   * The next packet. The first call on any reader of a graph starts it, if nobody has. At the end of the graph's last
   * reader it waits until the whole graph has ended.
   * @throws ConfigError when the graph is wrong; the graph's GraphError when it has failed.
   */
  async next(): Promise<IteratorResult<Packet<T>, undefined>> {
    if (this.#done) return { done: true, value: undefined };
    this.#begun ??= this.#session.begin();
    try {
      await this.#begun;
    } catch (error) {
      this.#begun = undefined;
      throw error;
    }
    let packet: Packet | undefined;
    try {
      packet = await this.#tap.take();
    } catch (error) {
      this.#done = true; // told once
      throw error;
    }
    if (this.#done && packet !== undefined) {
      // It was on its way here when the reader was left: nobody waits for it any more.
      packet.close();
      return { done: true, value: undefined };
    }
    if (packet !== undefined) return { done: false, value: packet as Packet<T> };
    this.#done = true;
    await this.#session.afterLast(this.#tap);
    return { done: true, value: undefined };
  }

  /**
   * Leaves the stream; what a loop does that is broken out of. What waits is released. With the last reader that was being
   * read the graph stops (its outputs are finalised), and this waits until it has ended; not with one that came to the graph while
   * it ran. Before the start it takes the reader back.
   * @throws the graph's GraphError when it has failed.
   */
  async return(): Promise<IteratorResult<Packet<T>, undefined>> {
    this.#done = true;
    await this.#session.leave(this.#tap);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** The same packets for a loop that keeps none of them: each is closed when the loop goes on, or is left. */
  closing(): AsyncIterableIterator<Packet<T>, undefined> & AsyncDisposable {
    return new ClosingReader(this);
  }

  /**
   * The bytes as a Node stream: of encoded packets and of byte arrays, in order. For an encoder's muxed bytes
   * (`push_output: 1`) say `streamed: true` to it as well: a muxer that goes back is an error.
   * Destroying the stream leaves the reader; an error of the graph is the stream's error.
   */
  toReadable(): Readable {
    return Readable.from(new ByteReader(this.closing()), { objectMode: false });
  }
}

/**
 * No generators: `return()` of a generator does nothing before the first `next()`, and waits for the one that is pending.
 * A reader has to be left at once in both cases, or it holds its graph for ever.
 */
class ClosingReader<T> implements AsyncIterableIterator<Packet<T>, undefined>, AsyncDisposable {
  readonly #reader: PacketReader<T>;
  /** Given to the loop, which has not come back yet. */
  readonly #given: Packet<T>[] = [];
  #left = false;

  constructor(reader: PacketReader<T>) {
    this.#reader = reader;
  }

  async next(): Promise<IteratorResult<Packet<T>, undefined>> {
    this.#close();
    const result = await this.#reader.next();
    if (!result.done) this.#given.push(result.value);
    // What comes after `return()` is given to nobody, who would close it with the next call.
    if (!this.#left) return result;
    this.#close();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Packet<T>, undefined>> {
    this.#left = true;
    this.#close();
    return this.#reader.return();
  }

  #close(): void {
    for (const packet of this.#given.splice(0)) packet.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/** The bytes of the packets, in order. */
class ByteReader implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #packets: AsyncIterableIterator<Packet, undefined>;
  #position = 0;

  constructor(packets: AsyncIterableIterator<Packet, undefined>) {
    this.#packets = packets;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const { done, value } = await this.#packets.next();
      if (done) return { done: true, value: undefined };
      const { payload } = value;
      if (payload instanceof StreamInfo) continue; // says what the packets after it are
      const bytes = bytesOf(payload);
      if (payload instanceof EncodedPacket) refuseGoingBack(payload.offset ?? this.#position, this.#position);
      this.#position += bytes.byteLength;
      if (bytes.byteLength > 0) return { done: false, value: bytes };
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#packets.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** What has been read cannot be written again. */
function refuseGoingBack(offset: number, position: number): void {
  if (offset === position) return;
  throw new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `toReadable() has given ${position} bytes, and the muxer goes back to byte ${offset}`,
    {
      hint: 'Give the encoder streamed: true, which has it write from front to back; or write the packets by their offset',
    },
  );
}

function bytesOf(payload: unknown): Uint8Array {
  if (payload instanceof EncodedPacket) return payload.data;
  if (payload instanceof Uint8Array) return payload;
  throw new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `toReadable() needs packets of bytes, not ${describeValue(payload)}`,
    {
      hint: 'Read an encoder with push_output 1 or 2, or a module that emits bytes',
    },
  );
}

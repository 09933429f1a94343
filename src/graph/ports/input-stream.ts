/** What `graph.inputStream()` returns: a stream whose packets the user pushes. */
import { Writable } from 'node:stream';
import { Packet } from '../../media/packet/packet.js';
import type { AppSource } from '../../scheduler/ports/app-source.js';
import { flagOption } from '../../schema/flag-option.js';
import { Stream } from '../build/stream.js';
import type { Graph } from '../graph.js';
import { Cut } from './cut.js';
import type { GraphPorts } from './graph-ports.js';
import { iterate, leave, type PushSource, toPacket } from './push-source.js';

export class InputStream extends Stream {
  readonly #session: GraphPorts;
  readonly #feed: AppSource;

  constructor(graph: Graph, nodeId: number, session: GraphPorts, feed: AppSource) {
    super(graph, nodeId, 0);
    this.#session = session;
    this.#feed = feed;
  }

  override get name(): string {
    return this.#feed.name;
  }

  /** Pushing is pointless: the stream has been ended, or nobody takes its packets any more. */
  get closed(): boolean {
    return this.#feed.closed;
  }

  /**
   * Hands a packet to the graph and resolves when it has found room: with true, or with false if it was released because
   * nobody takes it any more (its consumers have closed, the graph has ended). The packet is consumed in any case;
   * `clone()` it to keep it. `Packet.eof()` is the same as `end()`.
   * @throws MillraceError ERR_MILLRACE_STATE before the start and after the end of the stream, ERR_MILLRACE_PAYLOAD for
   * what is no packet, ERR_MILLRACE_CLOSED for one that was released, ERR_MILLRACE_QUEUE_FULL when far more was pushed
   * than awaited. The graph's GraphError when it has failed. All of them as rejections.
   */
  push(packet: Packet): Promise<boolean> {
    try {
      return this.#feed.answer(this.#session.offer(this.#feed, packet));
    } catch (error) {
      const refused = Promise.reject<boolean>(error);
      // As with a push that was pending when the graph failed: see AppSource.answer.
      if (this.#session.hasFailed) refused.catch(() => {});
      return refused;
    }
  }

  /**
   * Ends the stream behind what was pushed; resolves when the last packet has found room, as `push`. Again: does nothing.
   * @throws as `push`
   */
  end(): Promise<boolean> {
    return this.push(Packet.eof());
  }

  /**
   * Pushes everything a source gives, at the pace of the graph, and ends the stream. Packets and payloads are pushed as
   * they are, byte arrays as EncodedPackets; a source that is a byte array itself is one of them. When nobody takes it any
   * more, the source is left. If the source fails, so does the graph, and this rejects with the source's error.
   * @param options.end Whether to end the stream at the end of the source; default true.
   * @throws as `push`, and MillraceError ERR_MILLRACE_PAYLOAD for what is no source, ConfigError for
   * other options.
   */
  async pushFrom(source: PushSource, options: { readonly end?: boolean | undefined } = {}): Promise<void> {
    const end = flagOption(options, 'end', 'pushFrom') ?? true;
    const iterator = iterate(source, this.name);
    const feed = this.#feed;
    // A source may be silent for ever, but the graph's end is not to wait for it.
    const waiting = new Cut();
    const onShut = (): void => waiting.cut();
    feed.onShut.add(onShut);
    feed.sources++;
    let left = false;
    try {
      while (!feed.closed) {
        const next = await waiting.next(iterator);
        if (next === undefined) leave(iterator, source);
        else if (next.done) left = true;
        left ||= next === undefined;
        if (left || !(await this.push(toPacket(next?.value, feed.joins)))) break;
      }
      if (end || this.#session.hasFailed) await this.end();
    } catch (error) {
      if (!this.#session.hasFailed) this.#session.failSource(feed, error);
      throw error;
    } finally {
      feed.sources--;
      feed.onShut.delete(onShut);
      if (!left) await iterator.return?.();
    }
  }

  /**
   * The stream as a Node stream to pipe into, taking what `pushFrom` takes. Finishing it ends the input stream. Destroying
   * it with an error fails the graph; when the graph fails, it is destroyed with the graph's error.
   */
  writable(): Writable {
    const feed = this.#feed;
    const session = this.#session;
    const settle = (work: Promise<unknown>, done: (error?: Error) => void): void => {
      work.then(() => done(), done);
    };
    feed.sources++;
    const onShut = (failure: Error | undefined): void => {
      if (failure) writable.destroy(failure);
    };
    const writable = new Writable({
      objectMode: true,
      highWaterMark: 1,
      write: (chunk: unknown, _encoding, done) => settle(this.push(toPacket(chunk, feed.joins)), done),
      final: (done) => settle(this.end(), done),
      destroy: (error, done) => {
        feed.sources--;
        feed.onShut.delete(onShut);
        if (error && !feed.closed && !session.hasFailed) session.failSource(feed, error);
        if (error || feed.closed || session.hasFailed) done(error);
        else settle(this.end(), done);
      },
    });
    feed.onShut.add(onShut);
    return writable;
  }
}

/**
 * Where the bytes of a file go that the program takes: a node of its own behind the encoder, on the program's thread. A
 * write that has not settled holds it, and through its link the encoder, back.
 */
import { MillraceError } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import { EncodedPacket } from '../../media/packet/encoded-packet.js';
import type { Module, ModuleContext, Task } from '../../module/contract.js';
import { withIndexFirst } from './mp4-index-first.js';
import type { OpenSink } from './open-sink.js';
import { WholeFile } from './whole-file.js';

/** Bytes of a piece; FFmpeg's buffer is as large. */
export const SINK_PIECE = 65_536;

/** Bytes of a piece that was written a second time. */
const LARGE_PIECE = 1 << 20;

const sinks = new WeakSet<object>();

/** The module of the node behind an encoder. @param name Alias of the encoder. @param indexFirst see SinkWriter. */
export function sinkModule(sink: OpenSink, name: string, indexFirst: boolean): Module {
  const writer = new SinkWriter(sink, name, indexFirst);
  const module: Module = {
    init: (ctx) => writer.init(ctx),
    process: (task) => writer.process(task),
    close: () => writer.close(),
  };
  sinks.add(module);
  return module;
}

/** It is such a module. */
export function isSinkModule(definition: object | undefined): boolean {
  return definition !== undefined && sinks.has(definition);
}

class SinkWriter {
  readonly #sink: OpenSink;
  readonly #name: string;
  /** What goes to the sink at the end, with its index before its media data. */
  readonly #whole: WholeFile | undefined;
  #ctx: ModuleContext | undefined;
  /** The last piece has been written. */
  #complete = false;

  /**
   * @param name Alias of the encoder.
   * @param indexFirst The file is an mp4 whose index is to stand at its beginning: it is kept in memory until its end.
   */
  constructor(sink: OpenSink, name: string, indexFirst: boolean) {
    this.#sink = sink;
    this.#name = name;
    this.#whole = indexFirst ? new WholeFile() : undefined;
  }

  init(ctx: ModuleContext): void {
    this.#ctx = ctx;
  }

  async process(task: Task): Promise<void> {
    for (const { payload, isEof } of task.inputs.get(0) ?? []) {
      if (isEof && this.#whole) await this.#writeAll(withIndexFirst(this.#whole.take(), this.#name));
      this.#complete ||= isEof;
      if (!(payload instanceof EncodedPacket)) continue;
      const { data, offset = 0 } = payload;
      if (this.#whole) this.#whole.write(data, offset);
      else await this.#write(data, offset);
    }
  }

  async #writeAll(parts: readonly Uint8Array[]): Promise<void> {
    let offset = 0;
    for (const part of parts) {
      for (let at = 0; at < part.length; at += LARGE_PIECE) {
        const piece = part.slice(at, at + LARGE_PIECE);
        await this.#write(piece, offset);
        offset += piece.length;
      }
    }
  }

  /** A sink that never answers does not keep a graph that is aborted. */
  async #write(bytes: Uint8Array, offset: number): Promise<void> {
    const { signal } = this.#ctx!;
    let leave = (): void => {};
    const aborted = new Promise<void>((_, reject) => {
      leave = () => reject(new MillraceError('ERR_MILLRACE_ABORTED', 'the graph was aborted within a write'));
    });
    if (signal.aborted) return;
    signal.addEventListener('abort', leave);
    try {
      await Promise.race([this.#sink.write(bytes, offset), aborted]);
    } catch (cause) {
      if (signal.aborted) return;
      const what = `the output of ${this.#name} cannot be written: ${messageOf(cause)}`;
      throw new MillraceError('ERR_MILLRACE_OUTPUT', what, { cause });
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  async close(): Promise<void> {
    try {
      await this.#sink.close(this.#complete && !this.#ctx?.signal.aborted);
    } catch (cause) {
      const what = `the output of ${this.#name} cannot be closed: ${messageOf(cause)}`;
      throw new MillraceError('ERR_MILLRACE_OUTPUT', what, { cause });
    }
  }
}

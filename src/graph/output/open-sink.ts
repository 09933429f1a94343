/** What the program takes bytes by, all alike: a sink of its own, a stream of Node.js, a stream of the web. */
import type { Writable } from 'node:stream';
import { MillraceError } from '../../errors/errors.js';

/** Takes the bytes of a file. */
export interface SeekableSink {
  /**
   * Called for one piece after the other, and for the next only when the promise of the one before has resolved. Most
   * containers go back at their end, to what they could not know before.
   * @param bytes The sink's own.
   * @param offset Bytes from the beginning of the file; never beyond what has been written so far.
   */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** Called once behind the last piece, also when the graph has failed. */
  close?(): void | Promise<void>;
}

/** A sink, or a stream of bytes, which is ended behind the last of them, and destroyed if not all of them came. */
export type ByteOutput = SeekableSink | NodeJS.WritableStream | WritableStream<Uint8Array>;

export interface OpenSink {
  /** Nothing can be written but what follows. */
  readonly inOrder: boolean;
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** Called once. @param complete Everything has been written. */
  close(complete: boolean): Promise<void>;
}

/** Undefined for anything else. */
export function openSink(output: unknown): OpenSink | undefined {
  if (typeof output !== 'object' || output === null) return undefined;
  const { write, end, on, getWriter } = output as Partial<Writable & WritableStream>;
  if (typeof getWriter === 'function') return ofWeb(output as WritableStream<Uint8Array>);
  if (typeof write !== 'function') return undefined;
  // A sink may well have an `end` or an `on` of its own, and hardly both.
  if (typeof end === 'function' && typeof on === 'function') return ofNode(output as Writable);
  const sink = output as SeekableSink;
  return {
    inOrder: false,
    write: (bytes, offset) => sink.write(bytes, offset),
    close: async () => sink.close?.(),
  };
}

/** @param send Sends bytes that follow those before. */
function inOrder(send: (bytes: Uint8Array) => Promise<void>, close: OpenSink['close']): OpenSink {
  let position = 0;
  return {
    inOrder: true,
    async write(bytes, offset) {
      if (offset !== position) {
        throw new MillraceError('ERR_MILLRACE_OUTPUT', `a stream cannot go back from byte ${position} to ${offset}`, {
          hint: 'Choose a format that is written from front to back, or give { write(bytes, offset) }',
        });
      }
      position += bytes.length;
      await send(bytes);
    },
    close,
  };
}

function incomplete(): MillraceError {
  return new MillraceError('ERR_MILLRACE_ABORTED', 'the graph ended before the file was complete');
}

function ofNode(stream: Writable): OpenSink {
  let failure: Error | undefined;
  // A stream may fail at any time, and nobody else may listen: without a listener that would end the process.
  stream.on('error', (error) => {
    failure ??= error;
  });
  /** Settles with the call, or when the stream has failed or closed and will never answer it. */
  const settled = (call: (done: (error?: Error | null) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const finish = (error?: Error | null): void => {
        stream.off('error', finish);
        stream.off('close', onClose);
        if (error) reject(error);
        else resolve();
      };
      const onClose = (): void => finish(failure ?? new Error('the stream was closed'));
      if (failure ?? stream.destroyed) return onClose();
      stream.on('error', finish);
      stream.on('close', onClose);
      call(finish);
    });
  return inOrder(
    (bytes) => settled((done) => stream.write(bytes, done)),
    async (complete) => {
      // Those of the process are not ended: others write to them too.
      if (stream === process.stdout || stream === process.stderr) return;
      if (complete) await settled((done) => stream.end(done));
      else stream.destroy(incomplete());
    },
  );
}

function ofWeb(stream: WritableStream<Uint8Array>): OpenSink {
  let writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  const open = (): WritableStreamDefaultWriter<Uint8Array> => {
    if (writer) return writer;
    writer = stream.getWriter();
    // The write that it concerns tells it.
    writer.closed.catch(() => {});
    return writer;
  };
  return inOrder(
    (bytes) => open().write(bytes),
    async (complete) => {
      if (complete) return open().close();
      // It waits for the write that is under way, which may never end; and that the graph has failed is known.
      open()
        .abort(incomplete())
        .catch(() => {});
    },
  );
}

/**
 * A pipe, as FFmpeg reads it in asynchronous calls: its callback is answered when bytes have come, when the pipe has ended, or
 * when it is to be left. A pipe outlives the connections that are made of it (`reconnect`): what a writer has sent is not
 * lost between two of them, and no writer is told that nobody reads.
 *
 * Bound: FFmpeg's buffer, and what libuv reads at once (64 KiB); what comes beyond stays in the pipe, and its writer waits.
 */
import type { Socket } from 'node:net';
import type { IOContext } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { messageOf } from '../../../src/errors/wire.js';
import { closeBytes, openArrivingBytes } from '../../shared/byte-io.js';
import { IndexCheck } from '../demux-thread/mp4-index.js';
import { openPipe, type PipeName } from '../input/pipe.js';

export class PipeReader {
  readonly #name: string;
  readonly #pipe: PipeName;
  readonly #onChange: () => void;
  #socket: Socket | undefined;
  #io: IOContext | undefined;
  #check: IndexCheck;
  /** All who had opened it for writing have closed it. */
  #ended = false;
  #failure: Error | undefined;
  #left = false;
  #wake: (() => void) | undefined;

  /** @param onChange told when bytes have come, and of the end. */
  constructor(name: string, pipe: PipeName, onChange: () => void) {
    this.#name = name;
    this.#pipe = pipe;
    this.#onChange = onChange;
    this.#check = new IndexCheck(name);
  }

  /** For a connection: where that before has ended, the pipe is opened again. @throws MillraceError ERR_MILLRACE_INPUT */
  begin(): IOContext {
    this.#left = false;
    this.#check = new IndexCheck(this.#name);
    if (this.#socket === undefined || this.#ended || this.#failure) this.#open();
    this.#io = openArrivingBytes((length) => this.#read(length));
    return this.#io;
  }

  #open(): void {
    const before = this.#socket;
    const socket = openPipe(this.#name, this.#pipe);
    before?.destroy();
    this.#socket = socket;
    this.#ended = false;
    this.#failure = undefined;
    const changed = (): void => {
      if (this.#socket !== socket) return;
      this.#wake?.();
      this.#onChange();
    };
    socket.on('readable', () => {
      // Whoever does not read does not hear of the end.
      if (socket.readableLength === 0) socket.read();
      changed();
    });
    socket.on('end', () => {
      if (this.#socket === socket) this.#ended = true;
      changed();
    });
    socket.on('error', (cause) => {
      const message = `Cannot read ${this.#name}: ${messageOf(cause)}`;
      if (this.#socket === socket) this.#failure = new MillraceError('ERR_MILLRACE_INPUT', message, { cause });
      changed();
    });
  }

  /** Whether there is anything to be read, or will be nothing. */
  get ready(): boolean {
    return this.#ended || this.#failure !== undefined || (this.#socket?.readableLength ?? 0) > 0;
  }

  /** @throws MillraceError ERR_MILLRACE_INPUT for a pipe that has ended before anything came. */
  requireBytes(): void {
    this.confirm();
    if ((this.#socket?.readableLength ?? 0) > 0) return;
    throw new MillraceError('ERR_MILLRACE_INPUT', `Cannot open ${this.#name}: it has ended, and nothing came`, {
      hint: 'Look at the program that writes into it',
    });
  }

  async #read(length: number): Promise<Buffer | null | 'broken'> {
    const socket = this.#socket!;
    for (;;) {
      if (this.#left || this.#failure) return 'broken';
      // Without a length it asks for more, and hears of the end.
      const there = Math.min(length, socket.readableLength);
      const bytes = socket.read(there || undefined) as Buffer | null;
      if (bytes !== null) return this.#check.pass(bytes) ? bytes : 'broken';
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** @throws why FFmpeg was given no more: it takes that for the end. */
  confirm(): void {
    if (this.#failure) throw this.#failure;
    this.#check.confirm();
  }

  /** Whoever waits for bytes is told that none come, now and until the next connection. */
  leave(): void {
    this.#left = true;
    this.#wake?.();
  }

  /** The connection is over, and FFmpeg does not use it any more. */
  end(): void {
    if (this.#io) closeBytes(this.#io);
    this.#io = undefined;
  }

  close(): void {
    this.end();
    this.#socket?.destroy();
    this.#socket = undefined;
  }
}

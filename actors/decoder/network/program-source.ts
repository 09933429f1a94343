/**
 * Reads what the program has, ahead of its decoder by so many bytes: the same orders and answers as of an input of the
 * network (reader.ts), but this thread sleeps in its calls, which end as soon as it is to leave (native-wait.ts).
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { SourceRef } from '../../../src/media/bytes/ref.js';
import { SourceReader } from '../../../src/media/bytes/source-reader.js';
import { setLogLevel } from '../../../src/media/index.js';
import type { NativeWait } from '../../../src/media/native/native-wait.js';
import { packetParts } from '../../../src/media/wire/packet.js';
import { type ByteEnd, withBytes } from '../../shared/byte-io.js';
import { sourceEnd } from '../../shared/source-io.js';
import { ownBuffers, roomFor, weight } from '../demux-thread/protocol.js';
import { fileFacts } from '../input/file-facts.js';
import { Input } from '../input/input.js';
import type { FromReader, ReaderData, ToReader } from './protocol.js';

/** Until it is to leave. @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION */
export function readProgramSource(data: ReaderData, ref: SourceRef, wait: NativeWait): void {
  if (data.loglevel !== undefined) setLogLevel(data.loglevel);
  const source = new SourceReader(ref, data, wait, { ahead: true, limit: data.limit });
  const end = sourceEnd(source, ref.name);
  try {
    withBytes(end, (io) => {
      const input = new Input({ ...data.input, io });
      try {
        new SourceServing(data, input, end, wait).run();
      } finally {
        input.close();
      }
    });
  } catch (error) {
    // Nobody asks any more why a thread that is to leave got no further.
    if (!wait.stopped) throw error;
  } finally {
    source.close();
  }
}

class SourceServing {
  readonly #port: MessagePort;
  #wanted = false;
  #ended = false;
  /** Weight of what was sent so far, modulo 2^32. */
  #sent = 0;

  constructor(
    private readonly data: ReaderData,
    private readonly input: Input,
    private readonly end: ByteEnd,
    private readonly wait: NativeWait,
  ) {
    this.#port = data.port;
  }

  run(): void {
    this.#tell({ type: 'file', facts: fileFacts(this.input, this.data, this.data.input.options) });
    for (;;) {
      const order = this.wait.until(() => this.#order() ?? this.#mayRead());
      if (order === undefined) return;
      if (order === 'read') this.#read();
      else if (order.type === 'keep') this.#keep(order.streams);
      else this.#seek(order.time, order.lead);
    }
  }

  #order(): ToReader | undefined {
    return (receiveMessageOnPort(this.#port) as { message: ToReader } | undefined)?.message;
  }

  #mayRead(): 'read' | undefined {
    return this.#wanted && !this.#ended && roomFor(this.#sent, this.wait.taken) ? 'read' : undefined;
  }

  #keep(streams: readonly number[]): void {
    this.input.keepOnly(streams.map((index) => ({ index })));
    this.#wanted = true;
  }

  #read(): void {
    const packet = this.input.read();
    if (packet === 'again') return;
    if (packet === 'end') {
      // FFmpeg takes bytes that cannot be had for the end.
      this.end.confirm?.();
      this.#ended = true;
      this.#tell({ type: 'end' });
      return;
    }
    const [meta, parts] = packetParts(packet);
    this.#sent = (this.#sent + weight(parts)) | 0;
    this.#tell({ type: 'packet', meta, parts, bytes: this.input.bytes }, ownBuffers(parts));
  }

  #seek(time: bigint, lead: number | undefined): void {
    const { input } = this;
    const place = lead === undefined ? input.seek(time) : input.seekDecodable(time, lead);
    this.end.confirm?.();
    this.#ended = false;
    this.#tell({ type: 'sought', place, reasons: input.reasons });
  }

  #tell(message: FromReader, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
    this.wait.tell();
  }
}

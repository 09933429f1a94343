/**
 * Entry of the thread that reads an input for a decoder, ahead of it by so many bytes. Of an input of the network every call that
 * waits for the peer is asynchronous: this thread's event loop hears meanwhile that it is to leave (interruptible.ts).
 */

import { workerData } from 'node:worker_threads';
import { sleep } from '../../../ringbuffer/clock.js';
import { packError } from '../../../src/errors/wire.js';
import { setLogLevel } from '../../../src/media/index.js';
import { InterruptibleCalls, type Late } from '../../../src/media/native/interruptible.js';
import { NativeWait } from '../../../src/media/native/native-wait.js';
import { packetParts } from '../../../src/media/wire/packet.js';
import { describeInput } from '../../probe/describe.js';
import { look } from '../../probe/look.js';
import { ownBuffers, roomFor, weight } from '../demux-thread/protocol.js';
import { fileFacts } from '../input/file-facts.js';
import { Input, type PatientCall } from '../input/input.js';
import { readProgramSource } from './program-source.js';
import type { FromReader, ReaderData, ToReader } from './protocol.js';

/** By this the file is known: own-file.ts. */
export const isThreadOfMillrace = true;

type Order = ToReader | 'read';

/** How long to wait for an input that has no packet yet, milliseconds. */
const AGAIN = 10;

const LATE: Late = {
  code: 'ERR_MILLRACE_INPUT',
  why: 'nothing came',
  hint: 'timeout_ms is how long the decoder waits',
};

class Reader {
  readonly #data: ReaderData;
  readonly #wait: NativeWait;
  readonly #input: Input;
  readonly #calls: InterruptibleCalls;
  readonly #orders: ToReader[] = [];
  /** Packets are wanted. */
  #wanted = false;
  #ended = false;
  /** Weight of what was sent so far, modulo 2^32. */
  #sent = 0;

  constructor(data: ReaderData, wait: NativeWait) {
    this.#data = data;
    this.#wait = wait;
    this.#input = new Input(data.input, true);
    this.#calls = new InterruptibleCalls(wait, this.#input, (limit) => this.#tell({ type: 'crowd', limit }));
    data.port.on('message', (order: ToReader) => {
      this.#orders.push(order);
      this.#calls.look();
    });
  }

  async run(): Promise<void> {
    const { input: options, probes, loglevel } = this.#data;
    const input = this.#input;
    try {
      if (loglevel !== undefined) setLogLevel(loglevel);
      await input.connect(options, this.#patiently);
      if (probes) this.#tell({ type: 'info', info: describeInput(input) });
      else await this.#serve();
    } finally {
      input.close();
      this.#calls.close();
    }
  }

  readonly #patiently: PatientCall = (what, call) => this.#calls.orThrow(what, this.#data.limit, call, LATE);

  /** Reads ahead and does as it is told, until it is to leave. */
  async #serve(): Promise<void> {
    this.#tell({ type: 'file', facts: fileFacts(this.#input, this.#data, this.#data.input.options) });
    for (;;) {
      const order = await this.#calls.until((): Order | undefined => this.#orders.shift() ?? this.#mayRead());
      if (order === undefined) return;
      if (order === 'read') await this.#read();
      else if (order.type === 'keep') this.#keep(order.streams);
      else await this.#seek(order.time);
    }
  }

  /** A decoder that is slower than the peer must not make the packets pile up. */
  #mayRead(): 'read' | undefined {
    return this.#wanted && !this.#ended && roomFor(this.#sent, this.#wait.taken) ? 'read' : undefined;
  }

  async #read(): Promise<void> {
    const input = this.#input;
    const packet = await input.readPatiently(this.#patiently);
    if (packet === 'again') return sleep(AGAIN);
    if (packet === 'end') {
      this.#ended = true;
      this.#tell({ type: 'end' });
      return;
    }
    const [meta, parts] = packetParts(packet);
    this.#sent = (this.#sent + weight(parts)) | 0;
    this.#tell({ type: 'packet', meta, parts, bytes: input.bytes }, ownBuffers(parts));
  }

  #keep(streams: readonly number[]): void {
    this.#input.keepOnly(streams.map((index) => ({ index })));
    this.#wanted = true;
  }

  async #seek(time: bigint): Promise<void> {
    const place = await this.#input.seekPatiently(time, this.#patiently);
    this.#ended = false;
    this.#tell({ type: 'sought', place, reasons: this.#input.reasons });
  }

  #tell(message: FromReader, transfer: ArrayBuffer[] = []): void {
    this.#data.port.postMessage(message, transfer);
    this.#wait.tell();
  }
}

const data = workerData as ReaderData;
const wait = NativeWait.attach(data.waits, data.slot, data.claim);
try {
  // These need none of the few calls that may wait for peers.
  if (data.probes === 'near') look(data, wait);
  else if (data.source) readProgramSource(data, data.source, wait);
  else await new Reader(data, wait).run();
} catch (error) {
  data.port.postMessage({ type: 'failed', error: packError(error) } satisfies FromReader);
  wait.tell();
} finally {
  wait.leave();
  data.port.close();
}

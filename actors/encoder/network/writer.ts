/**
 * Entry of the thread that writes an output of the network for an encoder. Every call that waits for the peer is
 * asynchronous: this thread's event loop hears meanwhile that it is to leave (interruptible.ts).
 */
import { workerData } from 'node:worker_threads';
import { Dictionary, Rational as NativeRational, type Stream } from 'node-av/lib';
import { packError } from '../../../src/errors/wire.js';
import { awaitLog, check, isTimeBase, ledger, StreamInfo, setLogLevel } from '../../../src/media/index.js';
import { crowded, InterruptibleCalls, type Late } from '../../../src/media/native/interruptible.js';
import { NativeWait } from '../../../src/media/native/native-wait.js';
import { restorePacket } from '../../../src/media/wire/packet.js';
import { chooseTarget, type Target } from '../output/format.js';
import type { PatientWrite } from '../output/mux-calls.js';
import { Muxer } from '../output/muxer.js';
import { type FromWriter, type ToWriter, type WriterData, weight } from './protocol.js';

/** By this the file is known: own-file.ts. */
export const isThreadOfMillrace = true;

const LATE: Late = {
  code: 'ERR_MILLRACE_OUTPUT',
  why: 'its peer took nothing',
  hint: 'timeout_ms is how long the encoder waits',
};

class Writer {
  readonly #data: WriterData;
  readonly #target: Target;
  readonly #muxer: Muxer;
  readonly #calls: InterruptibleCalls;
  readonly #orders: ToWriter[] = [];

  constructor(data: WriterData, wait: NativeWait) {
    const { options, inputs, job, protocolWhitelist } = data;
    this.#data = data;
    if (options.loglevel !== undefined) setLogLevel(options.loglevel);
    const warn = (text: string): void => this.#tell({ type: 'warning', text });
    const log = { debug() {}, info() {}, warn, error: warn };
    awaitLog();
    this.#target = chooseTarget(options, job);
    this.#muxer = new Muxer(this.#target, inputs, options, { log, protocolWhitelist }, undefined, this.#patiently);
    this.#calls = new InterruptibleCalls(wait, this.#muxer, (limit) => warn(crowded(this.#target.name, limit)));
    data.port.on('message', (order: ToWriter) => {
      this.#orders.push(order);
      this.#calls.look();
    });
  }

  readonly #patiently: PatientWrite = (what, call) => this.#calls.orThrow(what, this.#data.limit, call, LATE);

  async run(): Promise<void> {
    try {
      for (;;) {
        const order = await this.#calls.until(() => this.#orders.shift());
        if (order === undefined) return;
        await this.#obey(order);
        if (order.type === 'end') break;
      }
      this.#tell({ type: 'done' });
    } finally {
      this.#muxer.close();
      this.#calls.close();
    }
  }

  async #obey(order: ToWriter): Promise<void> {
    const muxer = this.#muxer;
    switch (order.type) {
      case 'texts':
        muxer.describe(order.texts);
        break;
      case 'stream': {
        const { input, kind, timeBase, keepTimes, info } = order;
        await muxer.add(input, { kind, timeBase, keepTimes, describe: (stream) => describe(stream, info) });
        break;
      }
      case 'absent':
        await muxer.leaveOut(order.input);
        break;
      case 'packet': {
        const [bytes, ...sideData] = order.parts;
        const packet = restorePacket(order.meta, bytes!, sideData);
        try {
          await muxer.write(order.input, packet.av);
        } finally {
          packet.close();
        }
        this.#tell({ type: 'taken', weight: weight(order.parts) });
        break;
      }
      case 'end':
        await muxer.end();
        break;
    }
  }

  #tell(message: FromWriter): void {
    this.#data.port.postMessage(message);
    wait.tell();
  }
}

/** Gives a stream of the muxer what the encoder's thread knows of it. */
function describe(stream: Stream, data: Parameters<typeof StreamInfo.fromJSON>[0]): void {
  const info = StreamInfo.fromJSON(data);
  const parameters = info.toCodecParameters();
  ledger.opened('codec-parameters');
  try {
    check(parameters.copy(stream.codecpar), 'Cannot describe a stream');
  } finally {
    parameters.free();
    ledger.closed('codec-parameters');
  }
  const { sampleAspectRatio: aspect, frameRate: rate } = info;
  stream.disposition = info.disposition as typeof stream.disposition;
  if (Object.keys(info.metadata).length > 0) stream.metadata = Dictionary.fromObject({ ...info.metadata });
  if (info.kind !== 'video') return;
  if (aspect && aspect.num > 0) stream.sampleAspectRatio = new NativeRational(aspect.num, Math.max(1, aspect.den));
  if (rate && isTimeBase(rate)) stream.avgFrameRate = new NativeRational(rate.num, rate.den);
}

const data = workerData as WriterData;
const wait = NativeWait.attach(data.waits, data.slot, data.claim);
try {
  await new Writer(data, wait).run();
} catch (error) {
  data.port.postMessage({ type: 'failed', error: packError(error) } satisfies FromWriter);
  wait.tell();
} finally {
  wait.leave();
  data.port.close();
}

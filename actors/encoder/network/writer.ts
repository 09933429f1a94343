/**
 * Entry of the thread that writes an output of the network for an encoder. Every call that waits for the peer is
 * asynchronous: this thread's event loop hears meanwhile that it is to leave (interruptible.ts).
 */
import { workerData } from 'node:worker_threads';
import { Dictionary, Rational as NativeRational, type Stream } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { withoutSecrets } from '../../../src/errors/secrets.js';
import { errorOf, packError } from '../../../src/errors/wire.js';
import { awaitLog, check, isTimeBase, ledger, StreamInfo, setLogLevel } from '../../../src/media/index.js';
import { crowded, InterruptibleCalls, type Late } from '../../../src/media/native/interruptible.js';
import { NativeWait } from '../../../src/media/native/native-wait.js';
import { restorePacket } from '../../../src/media/wire/packet.js';
import { now } from '../../shared/live/clock.js';
import { Tries } from '../../shared/live/reconnect.js';
import type { PatientWrite } from '../mux/mux-calls.js';
import { Muxer } from '../mux/muxer.js';
import type { EncoderOptions } from '../options.js';
import { chooseTarget, type Target } from '../output/format.js';
import { Backlog } from './backlog.js';
import { HlsAgain } from './hls-again.js';
import { type FromWriter, type ToWriter, type WriterData, weight } from './protocol.js';

/** By this the file is known: own-file.ts. */
export const isThreadOfMillrace = true;

const LATE: Late = {
  code: 'ERR_MILLRACE_OUTPUT',
  why: 'its peer took nothing',
  hint: 'timeout_ms is how long the encoder waits',
};

/** Of the muxer: it cannot carry what it is given (muxer.ts). */
const UNFIT = /^(Cannot write the header of|Nothing to write to|Too much waits)/;

class Writer {
  readonly #data: WriterData;
  readonly #target: Target;
  readonly #calls: InterruptibleCalls;
  readonly #backlog: Backlog;
  readonly #tries: Tries | undefined;
  readonly #hls: HlsAgain | undefined;
  /** What was said of the whole and of the streams: once more to every muxer. */
  readonly #descriptions: ToWriter[] = [];
  #muxer: Muxer;
  /** The peer has been there. */
  #wasThere = false;
  /** It is away. */
  #away = false;
  /** Nothing more comes. */
  #ending = false;

  constructor(data: WriterData, wait: NativeWait) {
    const { options, job } = data;
    this.#data = data;
    if (options.loglevel !== undefined) setLogLevel(options.loglevel);
    awaitLog();
    this.#target = chooseTarget(options, job);
    this.#tries = options.reconnect ? new Tries(options.reconnect) : undefined;
    this.#hls = HlsAgain.of(this.#target, options);
    this.#backlog = new Backlog(options.drop ?? 'none', ({ parts }, leftOut) => {
      this.#tell({ type: 'taken', weight: weight(parts), leftOut });
    });
    this.#muxer = this.#open((text) => this.#tell({ type: 'warning', text }));
    // Muxers follow one another; calls are made of one at a time.
    const current = { interrupt: () => this.#muxer.interrupt() };
    this.#calls = new InterruptibleCalls(wait, current, (limit) =>
      this.#tell({ type: 'warning', text: crowded(this.#target.name, limit) }),
    );
    data.port.on('message', (order: ToWriter) => {
      this.#ending ||= order.type === 'end';
      if (order.type === 'packet') this.#hls?.came(order);
      else if (order.type === 'stream') this.#hls?.add(order);
      this.#backlog.add(order);
      // Who is away need not come back for the end.
      if (this.#ending && this.#away) this.#muxer.interrupt();
      this.#calls.look();
    });
  }

  #open(warn: (text: string) => void, options = this.#data.options): Muxer {
    const { inputs, protocolWhitelist } = this.#data;
    const log = { debug() {}, info() {}, warn, error: warn };
    return new Muxer(this.#target, inputs, options, { log, protocolWhitelist }, undefined, this.#patiently);
  }

  readonly #patiently: PatientWrite = (what, call) => this.#calls.orThrow(what, this.#data.limit, call, LATE);

  async run(): Promise<void> {
    try {
      for (;;) {
        const order = await this.#calls.until(() => this.#backlog.shift());
        if (order === undefined) return;
        if (isDescription(order)) this.#descriptions.push(order);
        const error = await this.#try(order);
        if (error !== undefined && !(await this.#comeBack(error))) break;
        if (order.type === 'end') break;
      }
      if (!this.#calls.stopped) this.#tell({ type: 'done' });
    } finally {
      this.#muxer.close();
      this.#calls.close();
    }
  }

  /** @returns what it failed of, if that is a reason to look for the peer again. */
  async #try(order: ToWriter): Promise<Error | undefined> {
    try {
      await this.#obey(order);
      return undefined;
    } catch (thrown) {
      const error = errorOf(thrown);
      if (this.#tries === undefined || this.#calls.stopped || !isOfPeer(error)) throw error;
      if (order.type === 'packet') this.#tell({ type: 'taken', weight: weight(order.parts), leftOut: 'away' });
      return error;
    }
  }

  /**
   * Looks for the peer until it is back. What comes meanwhile is left out.
   * @returns false: the end has come before, or the thread is to leave.
   * @throws MillraceError ERR_MILLRACE_OUTPUT when all tries have failed.
   */
  async #comeBack(loss: Error): Promise<boolean> {
    const tries = this.#tries!;
    const since = now();
    this.#away = true;
    this.#backlog.away = true;
    for (let error = loss; ; ) {
      const wait = tries.next();
      if (wait === undefined) throw exhausted(this.#target.name, tries.failed, error);
      const attempts = tries.attempts;
      const why = withoutSecrets(error.message);
      this.#tell({ type: 'lost', wasThere: this.#wasThere, why, attempt: tries.failed, attempts, wait, at: now() });
      this.#muxer.interrupt();
      this.#muxer.close();
      const isLeft = !(await this.#calls.pause(wait, () => this.#ending));
      if (isLeft || this.#ending) return false;
      const next = await this.#openAgain();
      if (this.#ending || this.#calls.stopped) return false;
      if (next === undefined) break;
      error = next;
    }
    this.#away = false;
    this.#backlog.away = false;
    this.#tell({ type: 'back', milliseconds: now() - since });
    return true;
  }

  /** @returns what it failed of. */
  async #openAgain(): Promise<Error | undefined> {
    const options = this.#hls ? await this.#goOn(this.#hls) : this.#data.options;
    if (options === undefined || options instanceof Error) return options;
    this.#muxer = this.#open(() => {}, options);
    for (const order of this.#descriptions) {
      const error = await this.#try(order);
      if (error !== undefined) return error;
    }
    return undefined;
  }

  /** @returns the options with which an hls output goes on; what keeps it from that; undefined when nobody waits for it any more. */
  async #goOn(hls: HlsAgain): Promise<EncoderOptions | Error | undefined> {
    const ends = new AbortController();
    let found: EncoderOptions | Error | undefined;
    const look = (result: EncoderOptions | Error): void => {
      found = result;
      this.#calls.look();
    };
    void hls.options(ends.signal).then(look, (error) => look(errorOf(error)));
    await this.#calls.until(() => found ?? (this.#ending || undefined));
    ends.abort();
    return found;
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
        if (this.#hls ? this.#hls.wrote(order) : muxer.writing) {
          this.#wasThere = true;
          this.#tries?.succeeded();
        }
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

function isDescription({ type }: ToWriter): boolean {
  return type === 'texts' || type === 'stream' || type === 'absent';
}

/** What is wrong with the options, or with what is written, is wrong for ever. */
function isOfPeer(error: Error): boolean {
  return error instanceof MillraceError && error.code === 'ERR_MILLRACE_OUTPUT' && !UNFIT.test(error.message);
}

function exhausted(name: string, count: number, cause: Error): MillraceError {
  const message = `${name} did not come back in ${count} attempt${count === 1 ? '' : 's'} (reconnect). ${cause.message}`;
  return new MillraceError('ERR_MILLRACE_OUTPUT', message, { cause });
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

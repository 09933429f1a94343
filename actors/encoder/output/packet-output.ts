/** `push_output: 2`: no container. Each stream's StreamInfo and packets go to the output of its own number. */
import { FormatContext, type Packet as NativePacket, OutputFormat } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import {
  check,
  EncodedPacket,
  isTimeBase,
  ledger,
  Packet,
  type Rational,
  StreamInfo,
} from '../../../src/media/index.js';
import type { Output, StreamDescription } from './output.js';

export class PacketOutput implements Output {
  readonly name = 'the outputs of the encoder';
  bytes = 0;
  waiting = true;
  /** There is nothing to complete when the graph stops early. */
  readonly writing = false;
  readonly #timeBases = new Map<number, Rational>();
  readonly #emit: (output: number, packet: Packet) => void;

  /** @param emit Takes every packet, and its ownership. */
  constructor(emit: (output: number, packet: Packet) => void) {
    this.#emit = emit;
  }

  add(input: number, { timeBase, describe }: StreamDescription): void {
    this.#timeBases.set(input, timeBase);
    this.#emit(input, new Packet(infoOf(timeBase, describe)));
    this.waiting = false;
  }

  /** The other streams do not wait for it. */
  leaveOut(): void {
    this.waiting = false;
  }

  write(input: number, packet: NativePacket): void {
    const timeBase = this.#timeBases.get(input);
    const copy = packet.clone();
    if (timeBase === undefined || copy === null) {
      copy?.free();
      throw new MillraceError('ERR_MILLRACE_STATE', `Cannot hand on a packet of input ${input}`);
    }
    this.bytes += packet.size;
    this.#emit(input, new Packet(EncodedPacket.wrap(copy, { timeBase })));
  }

  end(): void {}

  finalise(): void {}

  close(): void {}
}

/** A stream describes itself to a muxer; here one that writes nothing. */
export function infoOf(timeBase: Rational, describe: StreamDescription['describe']): StreamInfo {
  const context = new FormatContext();
  check(
    context.allocOutputContext2(OutputFormat.guessFormat('null', null, null), null, ''),
    'Cannot describe a stream',
  );
  ledger.opened('format');
  try {
    const stream = context.newStream(null);
    describe(stream);
    const { avgFrameRate: rate, sampleAspectRatio, disposition, codecpar } = stream;
    return StreamInfo.fromCodecParameters(codecpar, {
      timeBase,
      frameRate: isTimeBase(rate) ? rate : undefined,
      sampleAspectRatio,
      disposition,
      metadata: stream.metadata?.getAll(),
    });
  } finally {
    context.freeContext();
    ledger.closed('format');
  }
}

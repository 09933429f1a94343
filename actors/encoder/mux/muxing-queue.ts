/**
 * What waits in an output because another of its inputs has sent nothing: in front of the header, which needs all streams,
 * and, once that is written, in libavformat, which puts packets in the order of their times. Bounded as in the ffmpeg
 * command, by packets and bytes: a stream that exceeds both (`max_muxing_queue_size`, `muxing_queue_data_threshold`) fails
 * the graph as long as nothing can be written, and is written out of order when something can.
 */
import { MillraceError } from '../../../src/errors/errors.js';

/** Packets, and bytes, that may wait; more is too much when both are exceeded. */
export interface QueueLimits {
  readonly packets: number;
  readonly bytes: number;
}

/** As in the ffmpeg command. */
const PACKETS = 128;
const BYTES = 50 * 1024 * 1024;

export function queueLimits(options: {
  readonly max_muxing_queue_size?: number | undefined;
  readonly muxing_queue_data_threshold?: number | undefined;
}): QueueLimits {
  const { max_muxing_queue_size: packets = PACKETS, muxing_queue_data_threshold: bytes = BYTES } = options;
  return { packets, bytes };
}

/** Seconds after which libavformat gives up waiting. @param delta FFmpeg's option `max_interleave_delta`, in µs. */
export function longestWait(delta: unknown): number {
  const microseconds = Number(delta ?? 10_000_000);
  return microseconds > 0 ? microseconds / 1e6 : Number.POSITIVE_INFINITY;
}

/** What waits for the first packet of another input. */
export class HeaderQueue {
  readonly #sums = new Map<number, { packets: number; bytes: number }>();

  constructor(
    private readonly limits: QueueLimits,
    /** Of the output. */
    private readonly name: string,
  ) {}

  /**
   * One more packet, or frame, of an input waits.
   * @param missing Inputs of which nothing has come.
   * @throws MillraceError ERR_MILLRACE_OUTPUT when it is too much.
   */
  add(input: number, size: number, missing: readonly number[]): void {
    const sum = this.#sums.get(input) ?? { packets: 0, bytes: 0 };
    this.#sums.set(input, sum);
    sum.packets++;
    sum.bytes += size;
    const { packets, bytes } = this.limits;
    if (sum.packets <= packets || sum.bytes <= bytes) return;
    const inputs = `input${missing.length === 1 ? '' : 's'} ${missing.join(' and ')}`;
    throw new MillraceError(
      'ERR_MILLRACE_OUTPUT',
      `Too much waits to be written to ${this.name}: ${sum.packets} packets of input ${input} (${sum.bytes} bytes) have come, ` +
        `and nothing of ${inputs}, without which the file cannot begin`,
      {
        hint:
          'End an input that has nothing, or leave it out. For a stream that begins late raise max_muxing_queue_size ' +
          '(packets) or muxing_queue_data_threshold (bytes)',
      },
    );
  }
}

/**
 * libavformat keeps a packet until every other stream has one that is as late, or until `max_interleave_delta` (10 s) lies
 * between them; with some codecs it waits without end. This counts what it keeps.
 */
export class InterleavingQueue {
  /** Time of the last packet of each input, in seconds. */
  readonly #times: Map<number, number>;
  /** By the order in which they were written: times rise within each stream. */
  #kept: { readonly time: number; readonly size: number }[] = [];
  #bytes = 0;
  #checked = 0;
  /** Up to this time everything was written without waiting any longer. */
  #written = -Infinity;
  /** Packets that came after that. */
  late = 0;

  constructor(
    private readonly limits: QueueLimits,
    inputs: readonly number[],
    /** Seconds by which a stream may be behind before libavformat goes on without it. */
    private readonly longestWait: number,
  ) {
    this.#times = new Map(inputs.map((input) => [input, -Infinity]));
  }

  /**
   * A packet was handed to libavformat.
   * @param time Its decoding time in seconds; undefined if it has none.
   * @returns whether what it keeps is too much and has to be written now, in whatever order.
   */
  add(input: number, time: number | undefined, size: number): boolean {
    if (this.#times.size < 2) return false;
    if (time !== undefined && time < this.#written) this.late++;
    const before = this.#times.get(input) ?? -Infinity;
    const reached = Math.max(before, time ?? before);
    this.#times.set(input, reached);
    this.#kept.push({ time: reached, size });
    this.#bytes += size;
    const { packets, bytes } = this.limits;
    if (this.#kept.length <= packets || this.#bytes <= bytes) {
      // Now and then, so that those that have left do not pile up here.
      if (++this.#checked % packets === 0) this.#forget();
      return false;
    }
    this.#forget();
    if (this.#kept.length <= packets || this.#bytes <= bytes) return false;
    this.#written = Math.max(...this.#times.values());
    this.#kept = [];
    this.#bytes = 0;
    return true;
  }

  /** Those that every stream has reached, and those for which libavformat has waited long enough, are in the file. */
  #forget(): void {
    const times = [...this.#times.values()];
    const reached = Math.max(Math.min(...times), Math.max(...times) - this.longestWait);
    const before = this.#kept;
    this.#kept = [];
    this.#bytes = 0;
    for (const packet of before) {
      if (packet.time <= reached) continue;
      this.#kept.push(packet);
      this.#bytes += packet.size;
    }
  }
}

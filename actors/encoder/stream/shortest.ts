/**
 * The option `shortest`: where the streams of an output wait for one another, as in the ffmpeg command. Streams that are
 * encoded meet in front of their encoders; if others are copied, the packets of all of them meet once more in front of
 * the muxer. Files that go along and covers have no length and do not count.
 */
import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Frame, Packet } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { ledger, type Rational } from '../../../src/media/index.js';
import type { StreamKind } from '../../../src/media/packet/stream-info.js';
import { SyncQueue } from './sync-queue.js';

/** Seconds for which subtitles and data may hold back the others, as the ffmpeg command has it. */
const PATIENCE = 10;

/** Microseconds by which an input may be ahead of the others before it is left waiting. */
const LEAD = 1_000_000;

interface Place {
  readonly input: number;
  readonly kind: StreamKind;
  /** Frames are encoded, unless packets come. */
  readonly settings: unknown;
}

/** What becomes of frames that have waited. They are released afterwards. */
export interface FrameReceiver {
  send(frame: Frame): void;
  /** It begins when the file has ended, or ends later than that. */
  drop(frame: Frame): void;
  /** No further frame will be sent. */
  ended(): void;
}

/** One stream among those that end together. */
export interface ShortestStream {
  /** Nothing more is taken from it. */
  readonly isFinished: boolean;
  /** It is one that is encoded. */
  encodes(receiver: FrameReceiver): void;
  /** It is copied. @param counts It has a length. */
  copies(counts: boolean): void;
  /** It is not in the output. */
  isAbsent(): void;
  /** A frame, which stays the caller's. @param end Ticks of `unit`. */
  frame(frame: Frame, end: bigint, unit: Rational): void;
  framesEnd(): void;
  /** A packet, which stays the caller's. @param deliver Writes it, or a reference to it, when it may go. */
  packet(packet: Packet, unit: Rational, deliver: (packet: Packet) => void): void;
  packetsEnd(): void;
}

interface Waiting {
  readonly packet: Packet;
  readonly deliver: (packet: Packet) => void;
}

export class Shortest {
  readonly #frames: SyncQueue<Frame>;
  readonly #packets: SyncQueue<Waiting>;
  /** Inputs of which it is not known whether they are encoded or copied. */
  readonly #unknown: Set<number>;
  #copied = 0;

  /** @param patience In seconds. */
  constructor(
    private readonly places: readonly Place[],
    patience = PATIENCE,
  ) {
    this.#frames = new SyncQueue(patience * 1e6);
    this.#packets = new SyncQueue(patience * 1e6);
    this.#unknown = new Set(places.map(({ input }) => input));
    for (const { input, kind, settings } of places) {
      if (settings !== undefined) this.#frames.expect(input, false);
      this.#packets.expect(input, kind === 'subtitle' || kind === 'data');
      this.#packets.receive(input, {
        take: (waiting) => free(waiting, true),
        drop: (waiting) => free(waiting, false),
        ended() {},
      });
    }
  }

  of(input: number): ShortestStream {
    const frames = this.#frames;
    const packets = this.#packets;
    return {
      get isFinished() {
        return frames.isFinished(input) || packets.isFinished(input);
      },
      encodes: (receiver) => {
        frames.receive(input, {
          take: (frame) => using(frame, receiver.send),
          drop: (frame) => using(frame, receiver.drop),
          ended: receiver.ended,
        });
        this.#know(input);
      },
      copies: (counts) => {
        frames.leave(input);
        if (counts) this.#copied++;
        else packets.leave(input);
        this.#know(input);
      },
      isAbsent: () => {
        frames.leave(input);
        packets.leave(input);
        this.#know(input);
      },
      frame: (frame, end, unit) => frames.push(input, kept(frame.clone(), 'queued-frame'), end, unit),
      framesEnd: () => frames.finish(input),
      packet: (packet, unit, deliver) => {
        const end = packet.pts === AV_NOPTS_VALUE ? undefined : packet.pts + packet.duration;
        packets.push(input, { packet: kept(packet.clone(), 'queued-packet'), deliver }, end, unit);
      },
      packetsEnd: () => packets.finish(input),
    };
  }

  /**
   * The inputs whose packets are of use now: one that is ahead has to wait, or an endless one would be at any distance
   * from a slow one when that ends.
   * @param live Inputs that have not ended.
   * @returns undefined for any.
   */
  wants(live: readonly number[]): readonly number[] | undefined {
    const isAhead = (id: number): boolean => Math.max(this.#frames.ahead(id), this.#packets.ahead(id)) >= LEAD;
    const timed = this.places.filter(({ kind }) => kind === 'video' || kind === 'audio').map(({ input }) => input);
    const ahead = live.filter((id) => timed.includes(id) && isAhead(id));
    const behind = live.filter((id) => timed.includes(id) && !isAhead(id));
    return ahead.length === 0 || behind.length === 0 ? undefined : live.filter((id) => !ahead.includes(id));
  }

  close(): void {
    this.#frames.close();
    this.#packets.close();
  }

  #know(input: number): void {
    if (!this.#unknown.delete(input) || this.#unknown.size > 0) return;
    if (this.#frames.size < 2) this.#frames.open();
    if (this.#copied === 0) this.#packets.open();
  }
}

function kept<T>(clone: T | null, kind: 'queued-frame' | 'queued-packet'): T {
  if (clone === null) throw new MillraceError('ERR_MILLRACE_FFMPEG', 'Cannot keep what waits: out of memory');
  ledger.opened(kind);
  return clone;
}

function using(frame: Frame, take: (frame: Frame) => void): void {
  try {
    take(frame);
  } finally {
    frame.free();
    ledger.closed('queued-frame');
  }
}

function free({ packet, deliver }: Waiting, isDelivered: boolean): void {
  try {
    if (isDelivered) deliver(packet);
  } finally {
    packet.free();
    ledger.closed('queued-packet');
  }
}

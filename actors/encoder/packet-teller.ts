/** Tells the application of every packet of an encoder's output, if it wants to know (`graph.addCallback('packet', fn)`). */
import { AV_NOPTS_VALUE } from 'node-av/constants';
import type { Packet } from 'node-av/lib';
import { type Rational, toMicroseconds } from '../../src/media/index.js';
import type { ModuleContext } from '../../src/module/contract.js';
import { PACKET_KEYS, type WrittenPacket } from '../../src/module/written-packet.js';
import type { StreamPlace } from './stream-options.js';

export class PacketTeller {
  #answers: Promise<unknown>[] = [];

  private constructor(
    private readonly ctx: Pick<ModuleContext, 'callback'>,
    private readonly key: string | number,
    private readonly places: readonly StreamPlace[],
  ) {}

  /** @returns undefined if nobody wants to know. */
  static of(
    ctx: Pick<ModuleContext, 'callback' | 'hasCallback'>,
    places: readonly StreamPlace[],
  ): PacketTeller | undefined {
    const key = PACKET_KEYS.find((candidate) => ctx.hasCallback(candidate));
    return key === undefined ? undefined : new PacketTeller(ctx, key, places);
  }

  /** @param timeBase of the packet's times. */
  tell(input: number, packet: Packet, timeBase: Rational): void {
    const stream = this.places.findIndex((place) => place.input === input);
    const { pts, dts, duration, size, isKeyframe } = packet;
    const told: WrittenPacket = {
      stream,
      kind: this.places[stream]!.kind,
      input,
      pts: pts === AV_NOPTS_VALUE ? undefined : pts,
      dts: dts === AV_NOPTS_VALUE ? undefined : dts,
      duration,
      timeBase: { num: timeBase.num, den: timeBase.den },
      timestamp: pts === AV_NOPTS_VALUE ? undefined : toMicroseconds(pts, timeBase),
      size,
      key: isKeyframe,
    };
    const answer = this.ctx.callback(this.key, told);
    // It is asked for its outcome in `answered`, which may come too late for Node.
    answer.catch(() => {});
    this.#answers.push(answer);
  }

  /**
   * Once the application has answered for everything that was told: an encoder does not run ahead of it.
   * @returns undefined if there is nothing to wait for.
   */
  answered(): Promise<unknown> | undefined {
    const answers = this.#answers;
    if (answers.length === 0) return undefined;
    this.#answers = [];
    return Promise.all(answers);
  }
}

/**
 * What waits in the thread of an output for its peer, and what of it is left out (`drop`): when more waits than the limit,
 * and while the peer is away. Pictures go on at a key frame only, so that nothing is written that cannot be shown.
 */
import { AV_PKT_FLAG_KEY } from 'node-av/constants';
import type { DropPolicy } from '../../shared/live/drop.js';
import { INPUT_LIMIT, type ToWriter, weight } from './protocol.js';

export type PacketOrder = ToWriter & { readonly type: 'packet' };

/** What is waited with although it is more than the limit: key frames, sound, and a group of pictures that is longer. */
const MOST = 2 * INPUT_LIMIT;

export class Backlog {
  /** Told of each packet that is left out, and of what its peer was. */
  readonly #tell: (order: PacketOrder, peer: 'slow' | 'away') => void;
  readonly #policy: DropPolicy;
  #orders: ToWriter[] = [];
  #weight = 0;
  /** Inputs with pictures. */
  readonly #videos = new Set<number>();
  /** 'non-key': those in which something is missing before the next key frame. */
  readonly #broken = new Set<number>();
  /** Everything is left out up to a key frame. */
  #awaitsKey = false;
  #isAway = false;
  /** No key frame has come since it was. */
  #wasAway = false;

  constructor(policy: DropPolicy, tell: (order: PacketOrder, peer: 'slow' | 'away') => void) {
    this.#policy = policy;
    this.#tell = tell;
  }

  #leaveOut(order: PacketOrder): void {
    this.#tell(order, this.#wasAway ? 'away' : 'slow');
  }

  shift(): ToWriter | undefined {
    const order = this.#orders.shift();
    if (order?.type === 'packet') this.#weight -= weight(order.parts);
    return order;
  }

  /** The peer is away: what comes before it is back is left out, and then what comes before a key frame. */
  set away(away: boolean) {
    this.#isAway = away;
    if (!away) return;
    this.#wasAway = true;
    this.#awaitsKey = true;
    this.#leaveOutWhere(() => true);
  }

  add(order: ToWriter): void {
    if (order.type === 'stream' && order.kind === 'video') this.#videos.add(order.input);
    if (order.type === 'packet') {
      if (!this.#isWanted(order)) {
        this.#leaveOut(order);
        return;
      }
      this.#weight += weight(order.parts);
    }
    this.#orders.push(order);
    if (this.#policy === 'oldest' && this.#weight > INPUT_LIMIT) this.#catchUp();
  }

  #isWanted(order: PacketOrder): boolean {
    if (this.#isAway) return false;
    if (this.#awaitsKey) {
      if (!this.#isPlace(order)) return false;
      this.#awaitsKey = false;
      this.#wasAway = false;
      this.#broken.clear();
    }
    return this.#policy === 'non-key' ? this.#isSound(order) : true;
  }

  /** Key frames and sound have twice the room. */
  #isSound({ input, meta }: PacketOrder): boolean {
    const isVideo = this.#videos.has(input);
    const isKey = !isVideo || (meta.flags & AV_PKT_FLAG_KEY) !== 0;
    const fits = this.#weight <= (isKey ? MOST : INPUT_LIMIT);
    if (!isVideo) return fits;
    if (!fits) this.#broken.add(input);
    else if (isKey) this.#broken.delete(input);
    return !this.#broken.has(input);
  }

  /** To the latest key frame that waits. */
  #catchUp(): void {
    const place = this.#orders.findLastIndex((order) => order.type === 'packet' && this.#isPlace(order));
    const first = this.#orders.findIndex(({ type }) => type === 'packet');
    if (place > first) this.#leaveOutWhere((i) => i < place);
    else if (place < 0 || this.#weight > MOST) {
      this.#awaitsKey = true;
      this.#leaveOutWhere(() => true);
    }
  }

  #leaveOutWhere(isMeant: (index: number) => boolean): void {
    const orders = this.#orders;
    this.#orders = [];
    for (const [i, order] of orders.entries()) {
      if (order.type !== 'packet' || !isMeant(i)) {
        this.#orders.push(order);
        continue;
      }
      this.#weight -= weight(order.parts);
      this.#leaveOut(order);
    }
  }

  /** Whatever follows can be shown. */
  #isPlace({ input, meta }: PacketOrder): boolean {
    if (this.#videos.size === 0) return true;
    return this.#videos.has(input) && (meta.flags & AV_PKT_FLAG_KEY) !== 0;
  }
}

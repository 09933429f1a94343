/**
 * What is left out of a live input when the graph is slower than it (`drop`), so that what comes out stays near to what
 * comes in. It is decided where the decoder takes packets: how long the next one has waited there is how far behind the
 * graph is. Nothing that a later picture needs is missing afterwards, since pictures go on at a key frame only.
 */
import { AV_PKT_FLAG_KEY } from 'node-av/constants';
import { now } from '../../shared/live/clock.js';
import type { DropPolicy } from '../../shared/live/drop.js';
import { OUTPUT_LIMIT } from '../demux-thread/protocol.js';
import type { FromReader } from '../network/protocol.js';

type PacketEvent = FromReader & { readonly type: 'packet' };

/** What reads from the network is about to wait for room, so that the peer would have to. */
const NEARLY_FULL = OUTPUT_LIMIT * 0.75;

export class Lag {
  /** Packets left out so far, and key frames of the picture among them. */
  dropped = 0;
  /** ms by which the graph was behind at most when something was left out. */
  worst = 0;
  readonly #policy: DropPolicy;
  readonly #after: number;
  #videos: ReadonlySet<number> = new Set();
  /** 'non-key': streams in which something is missing before the next key frame. */
  readonly #broken = new Set<number>();
  /** 'oldest': everything before this one goes; 'key': before the next key frame. */
  #target: FromReader | 'key' | undefined;

  /** @param after ms that a packet may have waited. */
  constructor(policy: DropPolicy, after: number) {
    this.#policy = policy;
    this.#after = after;
  }

  /** @param videos Indices of the streams of pictures. */
  begin(videos: Iterable<number>): void {
    this.#videos = new Set(videos);
    this.#broken.clear();
    this.#target = undefined;
  }

  /**
   * Whether a packet is to be decoded.
   * @param queue What has come after it.
   * @param waiting Bytes of that.
   */
  keeps(event: PacketEvent, queue: readonly FromReader[], waiting: number): boolean {
    const age = now() - (event.arrival ?? now());
    const behind = age > this.#after || waiting > NEARLY_FULL;
    const keeps = this.#policy === 'oldest' ? this.#isWanted(event, queue, behind) : this.#isSound(event, behind);
    if (keeps) return true;
    this.dropped++;
    this.worst = Math.max(this.worst, age);
    return false;
  }

  /** Key frames and sound always are. */
  #isSound({ meta: { stream, flags } }: PacketEvent, behind: boolean): boolean {
    if (!this.#videos.has(stream)) return true;
    if ((flags & AV_PKT_FLAG_KEY) !== 0) {
      this.#broken.delete(stream);
      return true;
    }
    if (behind) this.#broken.add(stream);
    return !this.#broken.has(stream);
  }

  #isWanted(event: PacketEvent, queue: readonly FromReader[], behind: boolean): boolean {
    // In the middle of going on it is not asked again: what waits behind the place to go to is what there is.
    if (this.#target === undefined && behind) this.#target = this.#placeToGoOn(queue);
    if (this.#target === undefined) return true;
    if (this.#target === 'key' ? !this.#isPlace(event) : this.#target !== event) return false;
    this.#target = undefined;
    return true;
  }

  /** The latest packet of this connection from which everything can be decoded. */
  #placeToGoOn(queue: readonly FromReader[]): FromReader | 'key' {
    const end = queue.findIndex(({ type }) => type !== 'packet');
    const own = end < 0 ? queue : queue.slice(0, end);
    const isPlace = (event: FromReader): boolean => event.type === 'packet' && this.#isPlace(event);
    return (this.#videos.size > 0 ? own.findLast(isPlace) : own.find(isPlace)) ?? 'key';
  }

  #isPlace({ meta: { stream, flags }, arrival = 0 }: PacketEvent): boolean {
    // Sound can be entered anywhere: there the first one that is not too late.
    if (this.#videos.size === 0) return now() - arrival <= this.#after;
    return this.#videos.has(stream) && (flags & AV_PKT_FLAG_KEY) !== 0;
  }
}

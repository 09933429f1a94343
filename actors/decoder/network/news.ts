/**
 * A list of segments that is opened again begins with segments that have come already, and a server goes on giving out the
 * list of a camera that is gone. Here it is found what of a connection is new: what comes before that is left out, and a list
 * without anything new is not there.
 *
 * Packets are known by their bytes and times. Bound: so many are remembered; a list that begins further back comes again
 * from there.
 */
import { createHash } from 'node:crypto';
import { AV_PKT_FLAG_KEY } from 'node-av/constants';
import type { Packet as NativePacket } from 'node-av/lib';
import { fromNativeTimestamp, MICROSECONDS, rescale } from '../../../src/media/index.js';
import type { StreamFacts } from '../input/source-stream.js';

/** Picture and sound of a minute and more. */
const REMEMBERED = 8192;

/** Demuxers that begin in the middle of what the server has. */
const LISTS = ['hls', 'dash'];

/** Whether what this demuxer reads comes again when it is opened again. */
export function comesAgain(format: string): boolean {
  return LISTS.includes(format);
}

interface First {
  readonly packet: NativePacket;
  readonly start: bigint | undefined;
}

export class News {
  /** Of the connections before, in the order in which they came. */
  readonly #known = new Set<string>();
  /** Of this one: two of its streams may well hold the same. */
  readonly #now = new Set<string>();
  #videos: readonly number[] = [];
  /** Streams of which something new has come in this connection. They may stand in lists of their own, further back or not. */
  readonly #begun = new Set<number>();
  /** Streams of pictures that go on with a key frame: what is before it is missing. */
  readonly #broken = new Set<number>();
  /** Packets of this connection had come before. */
  #repeated = false;

  /** Anything has come at all. */
  get any(): boolean {
    return this.#known.size + this.#now.size > 0;
  }

  /**
   * Another connection begins: the first packet of it that goes on, and its time in microseconds if others had come before.
   * @param streams Those that are read.
   * @throws Error if it ends before.
   */
  async first(streams: readonly StreamFacts[], next: () => Promise<NativePacket | 'end' | 'again'>): Promise<First> {
    this.#videos = streams.flatMap(({ index, info }) => (info.kind === 'video' ? [index] : []));
    for (const name of this.#now) remember(this.#known, name);
    this.#now.clear();
    this.#begun.clear();
    this.#broken.clear();
    this.#repeated = false;
    for (;;) {
      const packet = await next();
      if (packet === 'again') continue;
      if (packet === 'end') throw new Error('it has ended, and nothing new came');
      if (!this.passes(packet)) continue;
      const time = fromNativeTimestamp(packet.pts) ?? fromNativeTimestamp(packet.dts);
      const timeBase = streams.find(({ index }) => index === packet.streamIndex)?.timeBase;
      if (!this.#repeated || time === undefined || !timeBase) return { packet, start: undefined };
      return { packet, start: rescale(time, timeBase, MICROSECONDS) };
    }
  }

  /** Whether a packet is to go on, in the order in which they come. */
  passes(packet: NativePacket): boolean {
    const { streamIndex } = packet;
    const name = nameOf(packet);
    if (!this.#begun.has(streamIndex)) {
      if (this.#known.has(name)) {
        this.#repeated = true;
        return false;
      }
      this.#begun.add(streamIndex);
      if (this.#repeated && this.#videos.includes(streamIndex)) this.#broken.add(streamIndex);
    }
    if (this.#broken.has(streamIndex)) {
      if ((packet.flags & AV_PKT_FLAG_KEY) === 0) return false;
      this.#broken.delete(streamIndex);
    }
    remember(this.#now, name);
    return true;
  }
}

function remember(names: Set<string>, name: string): void {
  names.add(name);
  if (names.size <= REMEMBERED) return;
  const [oldest] = names;
  names.delete(oldest!);
}

/** Without the index of its stream, which another connection may number otherwise. */
function nameOf({ pts, data }: NativePacket): string {
  const digest = createHash('sha1').update(data ?? '');
  return `${pts} ${digest.digest('base64')}`;
}

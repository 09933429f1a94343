/** The packets of a file, one after the other, without decoding any. */
import type { Packet, Stream } from 'node-av/lib';
import { fromNativeTimestamp } from '../../src/media/index.js';
import { kindOf } from '../../src/media/packet/stream-info.js';
import { Input } from '../decoder/input/input.js';
import { seconds } from './describe.js';

/** Times are seconds; what is not known is undefined. */
export interface PacketFacts {
  readonly stream: number;
  readonly kind: string;
  readonly pts: number | undefined;
  readonly dts: number | undefined;
  readonly duration: number | undefined;
  /** Bytes. */
  readonly size: number;
  readonly key: boolean;
}

/**
 * Reads while it is iterated, and blocks the thread meanwhile.
 * @param path of a file.
 * @throws MillraceError ERR_MILLRACE_INPUT
 */
export function* packetsOf(path: string): Generator<PacketFacts> {
  const input = new Input({ path, format: undefined, options: {}, required: {} });
  try {
    for (let packet = input.read(); packet !== 'end'; packet = input.read()) {
      if (packet === 'again') continue;
      const stream = input.streams[packet.streamIndex];
      if (stream) yield describe(packet, stream);
    }
  } finally {
    input.close();
  }
}

function describe(packet: Packet, { timeBase, codecpar }: Stream): PacketFacts {
  return {
    stream: packet.streamIndex,
    kind: kindOf(codecpar.codecType),
    pts: seconds(fromNativeTimestamp(packet.pts), timeBase),
    dts: seconds(fromNativeTimestamp(packet.dts), timeBase),
    duration: packet.duration > 0n ? seconds(packet.duration, timeBase) : undefined,
    size: packet.size,
    key: packet.isKeyframe,
  };
}

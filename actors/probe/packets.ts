/** The packets of a file, one after the other, without decoding any. */
import type { Packet, Stream } from 'node-av/lib';
import { fromNativeTimestamp } from '../../src/media/index.js';
import { kindOf } from '../../src/media/packet/stream-info.js';
import { Input } from '../decoder/input/input.js';

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
      if (stream) yield factsOf(packet, stream);
    }
  } finally {
    input.close();
  }
}

function factsOf(packet: Packet, { timeBase: { num, den }, codecpar }: Stream): PacketFacts {
  const seconds = (ticks: bigint | undefined) => (ticks === undefined ? undefined : (Number(ticks) * num) / den);
  return {
    stream: packet.streamIndex,
    kind: kindOf(codecpar.codecType),
    pts: seconds(fromNativeTimestamp(packet.pts)),
    dts: seconds(fromNativeTimestamp(packet.dts)),
    duration: packet.duration > 0n ? seconds(packet.duration) : undefined,
    size: packet.size,
    key: packet.isKeyframe,
  };
}

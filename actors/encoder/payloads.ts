/** What comes on the inputs of an encoder. */
import { MillraceError } from '../../src/errors/errors.js';
import { payloadName } from '../../src/errors/naming.js';
import { AudioFrame, EncodedPacket, StreamInfo, Subtitle, VideoFrame } from '../../src/media/index.js';
import type { StreamKind } from '../../src/media/packet/stream-info.js';

export type Payload = VideoFrame | AudioFrame | EncodedPacket | StreamInfo | Subtitle;

interface Taker {
  readonly id: number;
  readonly kind: StreamKind;
}

/** @throws MillraceError ERR_MILLRACE_PAYLOAD for anything but what this input takes. */
export function expect(input: Taker, payload: unknown): Payload {
  if (payload instanceof StreamInfo || payload instanceof EncodedPacket) return payload;
  if (input.kind === 'video' && payload instanceof VideoFrame) return payload;
  if (input.kind === 'audio' && payload instanceof AudioFrame) return payload;
  if (input.kind === 'subtitle' && payload instanceof Subtitle) return payload;
  throw unexpected(input, payloadName(payload));
}

export function unexpected(input: Taker, what: string): MillraceError {
  const frames = { video: 'VideoFrames', audio: 'AudioFrames', subtitle: 'Subtitles' }[input.kind as string];
  const packets = 'a StreamInfo and then EncodedPackets';
  const takes = frames === undefined ? packets : `${frames}, or ${packets}`;
  const other = input.kind === 'audio' ? 'Pictures belong to input 0' : 'Sound belongs to input 1';
  return new MillraceError('ERR_MILLRACE_PAYLOAD', `Encoder input ${input.id} (${input.kind}) received ${what}`, {
    hint: `It takes ${takes}. ${other}; input_kinds says what further inputs take`,
  });
}

/** About how many bytes of memory it holds. */
export function sizeOf(payload: Payload): number {
  if (payload instanceof VideoFrame) return payload.width * payload.height * 4;
  if (payload instanceof AudioFrame) return payload.samples * payload.channels * 4;
  return payload instanceof EncodedPacket ? payload.size : 0;
}

export function keep(payload: Payload): Payload {
  return payload instanceof StreamInfo || payload instanceof Subtitle ? payload : payload.clone();
}

export function release(payload: Payload): void {
  if (!(payload instanceof StreamInfo || payload instanceof Subtitle)) payload.close();
}

export function timestampOf(payload: Payload): number | undefined {
  return payload instanceof StreamInfo ? undefined : payload.timestamp;
}

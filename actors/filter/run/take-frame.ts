/** From a packet to a frame that a filter graph can take. */
import { AV_NOPTS_VALUE } from 'node-av/constants';
import { MillraceError } from '../../../src/errors/errors.js';
import { payloadName } from '../../../src/errors/naming.js';
import { AudioFrame, isTimeBase, MICROSECONDS, type Packet, rescale, VideoFrame } from '../../../src/media/index.js';
import { takePayload } from '../../../src/media/packet/packet.js';

export type MediaFrame = VideoFrame | AudioFrame;

/**
 * Takes the frame of a packet over, and closes the packet.
 * @param title How errors call the filter.
 * @param id Of the input it came on.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD for a payload that is no frame.
 */
export function adopt(packet: Packet, title: string, id: number): MediaFrame {
  const { payload } = packet;
  if (!(payload instanceof VideoFrame || payload instanceof AudioFrame)) {
    throw new MillraceError(
      'ERR_MILLRACE_PAYLOAD',
      `The ${title} takes frames, ${payloadName(payload)} came on input ${id}`,
      {
        hint: 'Put a decoder in front of it, or a module that emits VideoFrame or AudioFrame',
      },
    );
  }
  if (payload.av.pts === AV_NOPTS_VALUE && packet.timestamp !== undefined) {
    if (!isTimeBase(payload.timeBase)) payload.timeBase = MICROSECONDS;
    payload.pts = rescale(BigInt(Math.round(packet.timestamp)), MICROSECONDS, payload.timeBase);
  }
  // No second reference: filters that work in place need not copy.
  takePayload(packet);
  return payload;
}

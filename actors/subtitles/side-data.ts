/** What packets of text subtitles have beside their text. */
import {
  AV_PKT_DATA_SUBTITLE_POSITION,
  AV_PKT_DATA_WEBVTT_IDENTIFIER,
  AV_PKT_DATA_WEBVTT_SETTINGS,
  type AVPacketSideDataType,
} from 'node-av/constants';
import type { Packet as NativePacket } from 'node-av/lib';

const TYPES = [AV_PKT_DATA_SUBTITLE_POSITION, AV_PKT_DATA_WEBVTT_IDENTIFIER, AV_PKT_DATA_WEBVTT_SETTINGS] as const;

export function sideDataOf(packet: NativePacket): { type: AVPacketSideDataType; data: Uint8Array }[] {
  return TYPES.flatMap((type) => {
    const data = packet.getSideData(type);
    return data === null ? [] : [{ type, data: Uint8Array.from(data) }];
  });
}

/** Pictures that belong to the whole of a file, as its cover. */
import { AV_DISPOSITION_ATTACHED_PIC, AVMEDIA_TYPE_ATTACHMENT } from 'node-av/constants';
import type { CodecParameters } from 'node-av/lib';
import type { EncodedPacket, StreamInfo } from '../../../src/media/index.js';

export function isCover({ disposition }: Pick<StreamInfo, 'disposition'>): boolean {
  return (disposition & AV_DISPOSITION_ATTACHED_PIC) !== 0;
}

const TYPES: Readonly<Record<string, readonly [extension: string, type: string]>> = {
  mjpeg: ['jpg', 'image/jpeg'],
  png: ['png', 'image/png'],
  gif: ['gif', 'image/gif'],
  bmp: ['bmp', 'image/bmp'],
  webp: ['webp', 'image/webp'],
  tiff: ['tiff', 'image/tiff'],
};

/** A cover as a file that goes along: what a muxer is told of it, and the tags that it needs. */
export function attachmentOf(
  info: StreamInfo,
  packet: EncodedPacket,
): { codecpar(parameters: CodecParameters): void; readonly name: Readonly<Record<string, string>> } {
  const [extension, type] = TYPES[info.codec] ?? [info.codec, `image/${info.codec}`];
  const { codecId } = info.toJSON();
  // The muxer asks when the packet is gone.
  const picture = Buffer.from(packet.av.data ?? []);
  return {
    codecpar(parameters) {
      parameters.codecType = AVMEDIA_TYPE_ATTACHMENT;
      parameters.codecId = codecId as typeof parameters.codecId;
      parameters.extradata = picture;
    },
    name: { filename: info.metadata.filename ?? `cover.${extension}`, mimetype: info.metadata.mimetype ?? type },
  };
}

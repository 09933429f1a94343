/** Encoded packets across threads, by copy. */
import { AV_PKT_DATA_HEVC_CONF, type AVPacketFlag, type AVPacketSideDataType } from 'node-av/constants';
import { Packet as NativePacket } from 'node-av/lib';
import { check } from '../ffmpeg.js';
import { EncodedPacket } from '../packet/encoded-packet.js';
import { type Blob, blobOf } from './blob.js';

export interface PacketMeta {
  pts: bigint;
  dts: bigint;
  duration: bigint;
  num: number;
  den: number;
  flags: number;
  pos: bigint;
  stream: number;
  /** AVPacketSideDataType of each blob after the first. */
  sideData: number[];
  /** Of an EncodedPacket that is a piece of a file. */
  offset?: number;
  whence?: number;
}

// The last kind of side data this FFmpeg knows.
const LAST_SIDE_DATA = AV_PKT_DATA_HEVC_CONF;

export function packetMeta({ av, offset, whence }: EncodedPacket): [PacketMeta, Blob[]] {
  const [meta, parts] = packetParts(av);
  if (offset !== undefined) meta.offset = offset;
  if (whence !== undefined) meta.whence = whence;
  return [meta, parts.map(blobOf)];
}

/** A packet taken apart: its bytes come first, then the side data. All are copies of their own. */
export function packetParts(av: NativePacket): [PacketMeta, Uint8Array[]] {
  const { num, den } = av.timeBase;
  const sideData: number[] = [];
  const parts: Uint8Array[] = [av.data ?? new Uint8Array(0)];
  for (let type = 0; type <= LAST_SIDE_DATA; type++) {
    const data = av.getSideData(type as AVPacketSideDataType);
    if (data === null) continue;
    sideData.push(type);
    parts.push(data);
  }
  const { pts, dts, duration, pos, flags } = av;
  return [{ pts, dts, duration, num, den, flags, pos, stream: av.streamIndex, sideData }, parts];
}

export function restorePacket(meta: PacketMeta, bytes: Uint8Array, sideData: readonly Uint8Array[]): EncodedPacket {
  const av = new NativePacket();
  av.alloc();
  try {
    // Before everything else: setting the data resets all other fields (av_new_packet).
    av.data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    av.pts = meta.pts;
    av.dts = meta.dts;
    av.duration = meta.duration;
    av.timeBase = { num: meta.num, den: meta.den };
    av.flags = meta.flags as AVPacketFlag;
    av.pos = meta.pos;
    av.streamIndex = meta.stream;
    meta.sideData.forEach((type, i) => {
      const { buffer, byteOffset, byteLength } = sideData[i]!;
      const ret = av.addSideData(type as AVPacketSideDataType, Buffer.from(buffer, byteOffset, byteLength));
      check(ret, `Cannot add side data of type ${type} to a packet`);
    });
  } catch (error) {
    av.free();
    throw error;
  }
  const packet = EncodedPacket.wrap(av);
  packet.offset = meta.offset;
  packet.whence = meta.whence;
  return packet;
}

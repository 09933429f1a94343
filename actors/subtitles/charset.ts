/** Text subtitles that are not UTF-8, as `sub_charenc` of the ffmpeg command says. */
import { Packet as NativePacket } from 'node-av/lib';
import { MillraceError } from '../../src/errors/errors.js';
import { check } from '../../src/media/index.js';
import { sideDataOf } from './side-data.js';

/** What reads text of one encoding. */
export type Charset = InstanceType<typeof TextDecoder>;

/** @throws MillraceError ERR_MILLRACE_OPTION for a name that is not known. */
export function charsetCalled(name: string): Charset {
  try {
    return new TextDecoder(name);
  } catch (cause) {
    throw new MillraceError('ERR_MILLRACE_OPTION', `dec_params.sub_charenc: '${name}' is no character encoding`, {
      hint: "It is a name of the WHATWG's list such as 'windows-1252', 'iso-8859-2', 'gbk' or 'shift_jis'",
      cause,
    });
  }
}

/** @returns a packet of the same text in UTF-8, which is the caller's. */
export function inUtf8(packet: NativePacket, charset: Charset): NativePacket {
  const copy = new NativePacket();
  copy.alloc();
  try {
    // Before everything else: setting the data resets all other fields (av_new_packet).
    copy.data = Buffer.from(charset.decode(packet.data ?? undefined));
    const { pts, dts, duration, flags, timeBase, streamIndex } = packet;
    Object.assign(copy, { pts, dts, duration, flags, timeBase, streamIndex });
    for (const { type, data } of sideDataOf(packet)) {
      check(copy.addSideData(type, Buffer.from(data)), 'Cannot add to a subtitle');
    }
    return copy;
  } catch (error) {
    copy.free();
    throw error;
  }
}

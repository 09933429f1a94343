/** Protocols, which FFmpeg lists to nobody who asks through node-av: each that it may have is asked for. */
import { AVERROR_EIO, AVERROR_PROTOCOL_NOT_FOUND } from 'node-av/constants';
import { Dictionary, FormatContext } from 'node-av/lib';
import type { ProtocolCapability } from './types.js';

/** Of libavformat/protocols.c; those that can be written to. */
const WRITABLE = new Set(
  (
    'crypto dtls fd ffrtmpcrypt ffrtmphttp file ftp gopher gophers http httpproxy https icecast libamqp librist librtmp ' +
    'librtmpe librtmps librtmpt librtmpte libsmbclient libssh libzmq md5 pipe prompeg rtmp rtmpe rtmps rtmpt rtmpte rtmpts ' +
    'rtp sctp smb srt srtp sftp tcp tee tls udp udplite unix'
  ).split(' '),
);
const READABLE =
  'android_content async bluray cache concat concatf data ipfs ipns mmsh mmst rist shared subfile amqp zmq'.split(' ');

export function protocols(): ProtocolCapability[] {
  return [...WRITABLE, ...READABLE].sort().flatMap((name): ProtocolCapability[] => {
    const result = asked(name);
    if (result === AVERROR_PROTOCOL_NOT_FOUND) return [];
    return [{ name, input: result !== AVERROR_EIO, output: WRITABLE.has(name) }];
  });
}

/** Nothing is opened, because no protocol is allowed; FFmpeg looks for the protocol before that, and whether it can be read. */
function asked(name: string): number {
  const context = new FormatContext();
  const options = Dictionary.fromObject({ protocol_whitelist: 'none' });
  try {
    return context.openInputSync(`${name}://x`, null, options);
  } finally {
    options.free();
  }
}

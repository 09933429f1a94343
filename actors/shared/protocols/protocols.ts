/** FFmpeg's protocols: which one a name stands for, which ones a text mentions, and which ones one of them needs. */

/** Protocols, and the demuxers and muxers that open connections of their own by a scheme of their own. */
const KNOWN = (
  'amqp async bluray cache concat concatf content crypto data dtls fd ffrtmpcrypt ffrtmphttp file ftp gopher ' +
  'gophers hls http httpproxy https icecast ipfs ipns md5 mmsh mmst mms mmsu pipe prompeg rist rtmp rtmpe rtmps rtmpt ' +
  'rtmpte rtmpts rtp rtsp rtsps rtspu sap satip sctp sdp sftp shared smb srt srtp subfile tcp tee tls udp udplite unix ' +
  'whip ws wss zmq'
).split(' ');

/** What FFmpeg allows by itself to what a local file names: parts of the file system, and what is written out. */
export const PLAYLIST_PROTOCOLS: readonly string[] = ['file', 'crypto', 'data'];

/** What goes with a protocol, since it is made of it. */
const NEEDS: Readonly<Record<string, string>> = {
  dtls: 'udp',
  ftp: 'tcp',
  gopher: 'tcp',
  gophers: 'tls tcp',
  http: 'tcp',
  https: 'tls tcp httpproxy',
  icecast: 'http tcp',
  mmsh: 'http tcp',
  mmst: 'tcp',
  prompeg: 'udp',
  rtmp: 'tcp',
  rtmpe: 'ffrtmpcrypt tcp',
  rtmps: 'tls tcp',
  rtmpt: 'ffrtmphttp http tcp',
  rtmpte: 'ffrtmpcrypt ffrtmphttp http tcp',
  rtmpts: 'ffrtmphttp https tls tcp httpproxy',
  rtp: 'udp',
  rtsp: 'rtp udp tcp',
  rtsps: 'srtp rtp udp tls tcp',
  sap: 'rtp udp',
  satip: 'rtp udp tcp',
  srtp: 'rtp udp',
  tls: 'tcp',
  whip: 'https tls tcp httpproxy dtls srtp rtp udp',
};

const SCHEME = /^(?:([A-Za-z0-9+.-]+):|(subfile),[^:]*:)/;

/**
 * The protocol FFmpeg would use for a name: what stands before the first ':' if that is a scheme and no drive letter
 * (`url_find_protocol` in libavformat/avio.c).
 */
export function protocolOf(name: string): string {
  if (name === '-') return 'pipe';
  const [, plain, withOptions] = SCHEME.exec(name) ?? [];
  const scheme = plain ?? withOptions;
  return scheme === undefined || scheme.length === 1 ? 'file' : scheme.toLowerCase();
}

// Every part begins where a name can begin, so that the time goes with the length of the text.
const MENTIONED = new RegExp(
  `(?<![A-Za-z0-9+.-])((?:${KNOWN.join('|')})(?:\\+[A-Za-z0-9+.-]*)?)(?::|(?<=subfile),)|` +
    `(?<![^\\s:/|,;=[\\]()"])([^\\s:/|,;=[\\]()"]*)://`,
  'gi',
);

/** A text without FFmpeg's quoting, of any number of levels: whatever FFmpeg reads out of the text is a part of this. */
export function unquoted(text: string): string {
  return text.replace(/[\\']/g, '');
}

/**
 * Whether a text of options has FFmpeg's list of protocols in it, in whatever letters: the keys of FFmpeg's dictionaries
 * are the same in capital and small ones.
 */
export function holdsProtocolList(text: string): boolean {
  return /(?:^|[^a-z\d_])protocol_(?:white|black)list\s*=/i.test(unquoted(text));
}

/**
 * Protocols that any part of a text could be opened with, however it is quoted and in whatever list it stands
 * (`concat:a|tcp:b`, `[f=flv]rtmp://b`, `key=http\://b`): names of FFmpeg's protocols before a ':', and all before '://'.
 */
export function protocolsIn(text: string): string[] {
  return [...unquoted(text).matchAll(MENTIONED)].map((match) => (match[1] ?? match[2] ?? '').toLowerCase());
}

/** Whether a protocol is among these; one that is put together (`crypto+http`) is if its parts are. */
export function isPermitted(protocol: string, permitted: ReadonlySet<string>): boolean {
  return permitted.has(protocol) || (protocol !== '' && protocol.split('+').every((part) => permitted.has(part)));
}

/**
 * FFmpeg's `protocol_whitelist` for a context that may open files and, beside them, these protocols, with what they are
 * made of.
 */
export function whitelistOf(protocols: Iterable<string>): string {
  const parts = [...protocols].flatMap((name) => name.split('+'));
  return [
    ...new Set([...PLAYLIST_PROTOCOLS, ...parts.flatMap((name) => [name, ...(NEEDS[name]?.split(' ') ?? [])])]),
  ].join(',');
}

/** Protocols that read through another one. */
const WRAPPERS: ReadonlySet<string> = new Set(['async', 'cache', 'crypto', 'data', 'hls', 'md5', 'tee']);

/** Protocols behind whose names a local file stands, or may stand. */
const LOCAL: ReadonlySet<string> = new Set(['file', 'concat', 'concatf', 'subfile', 'fd', 'pipe']);

/**
 * That list for the input of a name. What comes from the network names no local files, as FFmpeg has it by itself: a list
 * for the whole graph would allow it.
 */
export function whitelistFor(name: string, whitelist: string): string {
  const mentioned = protocolOf(name) === 'file' ? ['file'] : [protocolOf(name), ...protocolsIn(name)];
  if (mentioned.some((protocol) => LOCAL.has(protocol))) return whitelist;
  const isNetwork = mentioned.some((protocol) => protocol.split('+').some((part) => !WRAPPERS.has(part)));
  return isNetwork
    ? whitelist
        .split(',')
        .filter((protocol) => protocol !== 'file')
        .join(',')
    : whitelist;
}

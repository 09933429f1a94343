/**
 * An endpoint of WHIP on 127.0.0.1, up to where the media would be secret: it answers an offer with a candidate of its own, and
 * checks of the connection (STUN) with what they ask for. It speaks no DTLS: `secret` gets those datagrams.
 */
import { createHmac } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as zlib from 'node:zlib';

// Types of Node.js 20 do not have it.
const { crc32 } = zlib as unknown as { readonly crc32?: (bytes: Buffer) => number };

/** This Node.js can make the check sums of STUN. */
export const canCheck = crc32 !== undefined;

const PASSWORD = 'millrace-whip-password-0';
const UFRAG = 'mill';

export interface WhipEndpoint {
  readonly url: string;
  /** SDP of the last offer. */
  offer: string;
  /** Requests so far: method and path. */
  readonly requests: string[];
  /** Checks of the connection that were answered. */
  checks: number;
  /** Of the media's way: to answer what is secret. */
  readonly socket: Socket;
  /** Told of every datagram that is no STUN. */
  secret: (bytes: Buffer, from: RemoteInfo) => void;
  close(): void;
}

/** @param fingerprint SHA-256 of the certificate, as SDP has it. */
export async function whipEndpoint(fingerprint = Array(32).fill('AB').join(':')): Promise<WhipEndpoint> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.unref();
  const server = createServer((request, answer) => {
    endpoint.requests.push(`${request.method} ${request.url}`);
    let text = '';
    request.on('data', (piece) => {
      text += piece;
    });
    request.on('end', () => {
      if (request.method !== 'POST') return void answer.writeHead(200).end();
      if (request.url !== '/whip') return void answer.writeHead(404).end();
      endpoint.offer = text;
      answer.writeHead(201, { location: '/resource', 'content-type': 'application/sdp' });
      answer.end(answerTo(text, socket.address().port, fingerprint));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const endpoint: WhipEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/whip`,
    offer: '',
    requests: [],
    checks: 0,
    socket,
    secret: () => {},
    close() {
      server.close();
      server.closeAllConnections();
      socket.close();
    },
  };
  socket.on('message', (bytes, from) => {
    if (bytes[0]! > 1) return endpoint.secret(bytes, from);
    // A request; answers are nobody's here.
    if (bytes.readUInt16BE(0) !== 1) return;
    endpoint.checks++;
    socket.send(stunAnswer(bytes, from), from.port, from.address);
  });
  return endpoint;
}

/** An answer that takes every stream of an offer. */
function answerTo(offer: string, port: number, fingerprint: string): string {
  const media = offer.split(/^m=/m).slice(1);
  const lines = media.map((section, mid) => {
    const [first, ...rest] = section.trim().split(/\r?\n/);
    const maps = rest.filter((line) => /^a=(rtpmap|fmtp|rtcp-fb|mid|rtcp-mux)/.test(line));
    return [
      `m=${first}`,
      'c=IN IP4 127.0.0.1',
      `a=ice-ufrag:${UFRAG}`,
      `a=ice-pwd:${PASSWORD}`,
      `a=fingerprint:sha-256 ${fingerprint}`,
      'a=setup:active',
      'a=recvonly',
      ...maps,
      ...(mid === 0 ? [`a=candidate:1 1 udp 2130706431 127.0.0.1 ${port} typ host`] : []),
    ];
  });
  const head = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=ice-lite', 'a=group:BUNDLE 0 1'];
  return `${[...head, ...lines.flat()].join('\r\n')}\r\n`;
}

/** RFC 5389: a success with the address of who asks, with its integrity and fingerprint. */
function stunAnswer(request: Buffer, { address, port }: RemoteInfo): Buffer {
  const mapped = Buffer.alloc(12);
  mapped.writeUInt32BE(0x00200008, 0);
  mapped.writeUInt16BE(1, 4);
  mapped.writeUInt16BE(port ^ 0x2112, 6);
  for (const [i, part] of address.split('.').entries()) mapped[8 + i] = Number(part) ^ [0x21, 0x12, 0xa4, 0x42][i]!;
  const head = Buffer.concat([Buffer.from([1, 1, 0, 0]), request.subarray(4, 20)]);
  const withLength = (length: number, ...parts: Buffer[]): Buffer => {
    head.writeUInt16BE(length, 2);
    return Buffer.concat([head, ...parts]);
  };
  const hash = createHmac('sha1', PASSWORD)
    .update(withLength(mapped.length + 24, mapped))
    .digest();
  const integrity = Buffer.concat([Buffer.from([0, 8, 0, 20]), hash]);
  const check = Buffer.alloc(8);
  check.writeUInt32BE(0x80280004, 0);
  check.writeUInt32BE((crc32!(withLength(mapped.length + 32, mapped, integrity)) ^ 0x5354554e) >>> 0, 4);
  return withLength(mapped.length + 32, mapped, integrity, check);
}

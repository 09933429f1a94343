/** Peers on 127.0.0.1 that answer, and at some point say no more; none of them keeps the process alive. */
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A peer that `said` holds for has taken a connection, a request or a datagram. */
export interface Peer {
  readonly port: number;
  /** Resolves when somebody has come. */
  readonly met: Promise<void>;
  close(): void;
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return (server.address() as AddressInfo).port;
}

async function peer(server: Server, event: 'connection' | 'request', meet: (who: never) => void): Promise<Peer> {
  const sockets = new Set<Socket>();
  let seen: () => void;
  const met = new Promise<void>((resolve) => {
    seen = resolve;
  });
  server.on('connection', (socket: Socket) => {
    socket.unref();
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.on(event as 'connection', (...who: unknown[]) => {
    meet(who.at(-1) as never);
    seen();
  });
  const port = await listening(server);
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port, met, close };
}

/** Accepts, says `bytes` and nothing more, and reads what it is sent only if it is to. */
export function quietTcp(bytes?: Uint8Array, reads = true): Promise<Peer> {
  return peer(createServer(), 'connection', (socket: Socket) => {
    if (bytes) socket.write(bytes);
    if (reads) socket.resume();
  });
}

/** Answers every request with the beginning of an answer of unknown length. */
export function quietHttp(bytes: Uint8Array): Promise<Peer> {
  return peer(createHttp(), 'request', (answer: import('node:http').ServerResponse) => {
    answer.writeHead(200, { 'content-type': 'video/mp2t' });
    answer.write(bytes);
  });
}

/** Ports of this range are given to nobody who asks the system for any port, on Linux (32768…), macOS and Windows (49152…). */
const PORTS = { first: 10_000, count: 20_000 };
/** Processes that run at once begin far from one another. */
let turn = (process.pid * 61) % PORTS.count;

/**
 * A port nobody listens on, by TCP or UDP, nor will before who asked does: the system gives it to nobody else, and this
 * process gives it once.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS.count; tries++) {
    const port = PORTS.first + (turn++ % PORTS.count);
    if (
      (await isFree(createSocket('udp4'), (socket) => socket.bind(port, '127.0.0.1'))) &&
      (await isFree(createServer(), (server) => server.listen(port, '127.0.0.1')))
    )
      return port;
  }
  throw new Error(`no port from ${PORTS.first} on is free`);
}

async function isFree<T extends Datagrams | Server>(one: T, open: (one: T) => void): Promise<boolean> {
  const opened = once(one, 'listening');
  open(one);
  try {
    await opened;
  } catch {
    // Somebody has it.
    return false;
  }
  await new Promise<void>((resolve) => one.close(() => resolve()));
  return true;
}

/** Sends bytes in datagrams of seven packets of MPEG-TS, again and again until it is closed. */
export function udpSender(port: number, bytes: Uint8Array, rounds = Number.POSITIVE_INFINITY): { close(): void } {
  const socket = createSocket('udp4');
  socket.unref();
  let at = 0;
  let round = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < 8 && round < rounds; i++) {
      socket.send(bytes.subarray(at, at + 1316), port, '127.0.0.1', () => {});
      at += 1316;
      if (at < bytes.length) continue;
      at = 0;
      round++;
    }
  }, 2);
  timer.unref();
  const close = (): void => {
    clearInterval(timer);
    socket.close();
  };
  return { close };
}

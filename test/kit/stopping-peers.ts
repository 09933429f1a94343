/** Between two who talk: passes on so many bytes, both ways counted together, and then neither says nor takes any more. */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** On 127.0.0.1; keeps no process alive. */
export interface Between {
  readonly port: number;
  close(): void;
}

/** What of a number of bytes may still pass. */
class Allowance {
  constructor(private left: number) {}

  /** As much of it as may pass; undefined: nothing may any more. */
  take(bytes: Buffer): Buffer | undefined {
    if (this.left === 0) return undefined;
    const taken = bytes.subarray(0, this.left);
    this.left -= taken.length;
    return taken;
  }
}

export async function stoppingTcp(to: number, bytes: number): Promise<Between> {
  const allowance = new Allowance(bytes);
  const sockets = new Set<Socket>();
  const join = (from: Socket, other: Socket): void => {
    sockets.add(from);
    from.unref();
    from.on('error', () => {});
    from.on('close', () => other.destroy());
    from.on('data', (piece) => {
      const taken = allowance.take(piece);
      if (taken && !other.destroyed) other.write(taken);
      if (taken?.length !== piece.length) from.pause();
    });
  };
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    join(near, far);
    join(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

/** Of one who calls: whoever comes first. */
export async function stoppingUdp(to: number, bytes: number): Promise<Between> {
  const allowance = new Allowance(bytes);
  let caller: RemoteInfo | undefined;
  const [near, far] = [createSocket('udp4'), createSocket('udp4')];
  const pass = (socket: UdpSocket, piece: Buffer, port: number | undefined): void => {
    const taken = port === undefined ? undefined : allowance.take(piece);
    if (taken) socket.send(taken, port, '127.0.0.1', () => {});
  };
  near.on('message', (piece, from) => {
    caller ??= from;
    pass(far, piece, to);
  });
  far.on('message', (piece) => pass(near, piece, caller?.port));
  for (const socket of [near, far]) {
    socket.on('error', () => {});
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.unref();
  }
  const close = (): void => {
    near.close();
    far.close();
  };
  return { port: near.address().port, close };
}

/** Sources on 127.0.0.1 that die and come back on the same port; none of them keeps the process alive. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { Graph } from 'millrace';
import { freePort } from './quiet-peers.js';

export interface LivePeer {
  readonly url: string;
  /** Takes one connection, and gives it these bytes. */
  start(bytes: Uint8Array): Promise<void>;
  /** Is gone, with the connection that it had. */
  die(): Promise<void>;
}

/** What a peer does when it has said everything: it ends, as a camera that is turned off, breaks off, or says no more. */
export type Farewell = 'end' | 'break' | 'silence';

abstract class TcpPeer implements LivePeer {
  abstract readonly url: string;
  #served: { readonly server: Server; readonly closed: Promise<void> } | undefined;
  /** The one connection has not come yet. */
  #open = false;
  readonly #sockets = new Set<Socket>();
  protected constructor(
    protected readonly port: number,
    protected readonly farewell: Farewell,
  ) {}

  protected abstract serve(bytes: Uint8Array): Server;

  async start(bytes: Uint8Array): Promise<void> {
    if (this.#open) return;
    this.#open = true;
    const server = this.serve(bytes);
    // Listened for from the beginning: it says so once, before the last of its sockets does.
    const closed = new Promise<void>((resolve) => server.once('close', resolve));
    const served = { server, closed };
    this.#served = served;
    server.on('connection', (socket: Socket) => {
      socket.unref();
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
      this.#sockets.add(socket);
      // Nobody else is let in, from now on.
      server.close();
      this.#open = false;
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    server.unref();
    // It died before it listened.
    if (this.#served !== served) server.close();
  }

  async die(): Promise<void> {
    const served = this.#served;
    this.#served = undefined;
    this.#open = false;
    if (served === undefined) return;
    if (served.server.listening) served.server.close();
    for (const socket of this.#sockets) socket.destroy();
    await served.closed;
  }
}

class PlainPeer extends TcpPeer {
  readonly url = `tcp://127.0.0.1:${this.port}`;
  static async make(farewell: Farewell): Promise<PlainPeer> {
    return new PlainPeer(await freePort(), farewell);
  }
  protected serve(bytes: Uint8Array): Server {
    return createServer((socket) => {
      socket.resume();
      if (this.farewell === 'end') socket.end(bytes);
      else socket.write(bytes, () => this.farewell === 'break' && socket.resetAndDestroy());
    });
  }
}

class HttpPeer extends TcpPeer {
  readonly url = `http://127.0.0.1:${this.port}/live`;
  static async make(farewell: Farewell): Promise<HttpPeer> {
    return new HttpPeer(await freePort(), farewell);
  }
  protected serve(bytes: Uint8Array): Server {
    return createHttp((_request, answer) => {
      if (this.farewell === 'end') answer.end(bytes);
      else answer.write(bytes, () => this.farewell === 'break' && answer.socket?.destroy());
    });
  }
}

export const tcpPeer = PlainPeer.make;
export const httpPeer = HttpPeer.make;

/** Sends its bytes in datagrams, again and again: nobody knows whether they are heard. */
export async function udpPeer(): Promise<LivePeer> {
  const port = await freePort();
  let timer: NodeJS.Timeout | undefined;
  const send = async (bytes: Uint8Array): Promise<void> => {
    const socket = createSocket('udp4');
    socket.unref();
    for (let at = 0; at < bytes.length; at += 1316) {
      await new Promise<void>((resolve) => {
        socket.send(bytes.subarray(at, at + 1316), port, '127.0.0.1', () => resolve());
      });
    }
    socket.close();
  };
  return {
    url: `udp://127.0.0.1:${port}`,
    async start(bytes) {
      timer ??= setInterval(() => void send(bytes), 300).unref();
    },
    async die() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

/** A short clip with picture and sound, written to a path. */
export async function makeClip(
  path: string,
  { format = 'mpegts', size = '64x48', frames = 10, codec = 'mpeg2video', g = 5 } = {},
): Promise<void> {
  const graph = new Graph({ threads: 0 });
  const seconds = frames / 25;
  graph.filter('testsrc2', { size, rate: 25, duration: seconds }).encode(graph.filter('sine', { duration: seconds }), {
    output_path: path,
    format,
    video_params: { codec, g, bf: 0, threads: 1 },
    audio_params: { codec: format === 'flv' ? 'aac' : 'mp2', sample_rate: 44_100 },
  });
  await graph.run();
}

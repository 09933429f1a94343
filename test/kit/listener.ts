/**
 * Sockets on 127.0.0.1 that count who comes: TCP, UDP and a Unix socket, in a thread of their own, since FFmpeg may block
 * the one that tests. Who connects is disconnected at once.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

const CODE = `
const { workerData: { counter, path }, parentPort } = require('node:worker_threads');
const count = () => { Atomics.add(counter, 0, 1); Atomics.notify(counter, 0); };
const gone = (socket) => { count(); socket.on('error', () => {}); socket.destroy(); };
const net = require('node:net');
const tcp = net.createServer(gone);
const unix = net.createServer(gone);
const udp = require('node:dgram').createSocket('udp4');
udp.on('message', (_, from) => { count(); udp.send('seen', from.port, from.address); });
const listening = (server, ...where) => new Promise((resolve) => server.listen(...where, resolve));
Promise.all([
  listening(tcp, 0, '127.0.0.1'),
  listening(unix, path),
  new Promise((resolve) => udp.bind(0, '127.0.0.1', resolve)),
]).then(() => parentPort.postMessage({ tcp: tcp.address().port, udp: udp.address().port }));
parentPort.on('message', () => { tcp.close(); unix.close(); udp.close(); parentPort.close(); });
`;

export class Listener {
  private constructor(
    private readonly worker: Worker,
    private readonly counter: Int32Array,
    readonly tcp: number,
    readonly udp: number,
    /** Path of the Unix socket. */
    readonly path: string,
  ) {}

  static async open(): Promise<Listener> {
    const counter = new Int32Array(new SharedArrayBuffer(4));
    const path = join(tmpdir(), `millrace-listener-${process.pid}-${Date.now()}.sock`);
    const worker = new Worker(CODE, { eval: true, workerData: { counter, path } });
    const ports = await new Promise<{ tcp: number; udp: number }>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    return new Listener(worker, counter, ports.tcp, ports.udp, path);
  }

  /** Our own. */
  #marks = 0;

  /** Connections and datagrams so far; those of the last moment once it has settled. */
  get visits(): number {
    return Atomics.load(this.counter, 0) - this.#marks;
  }

  /** Waits until more than so many have come. @returns false if none does within a minute. */
  visited(before: number): boolean {
    return this.visits > before || Atomics.wait(this.counter, 0, before + this.#marks, 60_000) !== 'timed-out';
  }

  /** Whoever came before has been counted: the sockets take what comes in order, and we are the last. */
  async settle(): Promise<void> {
    const gone = (socket: Socket): Promise<unknown> => {
      socket.on('error', () => undefined).resume();
      return once(socket, 'close');
    };
    const udp = createSocket('udp4');
    const seen = once(udp, 'message');
    udp.send('mark', this.udp, '127.0.0.1');
    await Promise.all([gone(connect(this.tcp, '127.0.0.1')), gone(connect(this.path)), seen]);
    udp.close();
    this.#marks += 3;
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.worker.once('exit', resolve));
    this.worker.postMessage('close');
    await gone;
    rmSync(this.path, { force: true });
  }

  /** Names by which FFmpeg reaches the sockets. */
  urls(): string[] {
    const { tcp, udp, path } = this;
    const server = `127.0.0.1:${tcp}`;
    return [
      `tcp://${server}`,
      `http://${server}/a.m3u8`,
      `udp://127.0.0.1:${udp}`,
      `unix:${path}`,
      `tcp:${server}`,
      `rtmp://${server}/live/a`,
      `crypto+tcp://${server}`,
      `crypto:tcp://${server}`,
      `async:tcp://${server}`,
      `cache:http://${server}/a`,
      `concat:tcp://${server}|a.ts`,
      `concat:a.ts|tcp://${server}`,
      `subfile,,start,0,end,64,,:tcp://${server}`,
      `hls+http://${server}/a.m3u8`,
      `rtp://127.0.0.1:${udp}`,
      `rtsp://${server}/a`,
      `sap://127.0.0.1:${udp}`,
      `icecast://${server}/a`,
      `ftp://${server}/a`,
      `gopher://${server}/a`,
      `mmsh://${server}/a`,
      `srt://127.0.0.1:${udp}`,
      `tee:tcp://${server}|a`,
      `md5:tcp://${server}`,
      `tls://${server}`,
      `https://${server}/a`,
      `ffrtmphttp://${server}/a`,
      `ipfs://a?gateway=http://${server}`,
      `[f=mpegts]tcp://${server}|[f=mpegts]a.ts`,
      // A text in C ends there.
      `tcp://${server}\0.ts`,
      `a.ts\0tcp://${server}`,
    ];
  }
}

/** Inputs and outputs of the network whose peers keep them waiting, at every stage, and the ways to end such a graph. */
import { readFileSync } from 'node:fs';
import type { Graph } from 'millrace';
import { makeFifo } from './fifo.js';
import { freePort, type Peer, quietHttp, quietTcp } from './quiet-peers.js';

const clip = new URL('../fixtures/media/clip-4s.mp4', import.meta.url);

const ts = readFileSync(new URL('../fixtures/media/clip.mpegts', import.meta.url));

/** The clip is shorter than what FFmpeg looks at by itself. */
export const SHORT_PROBE = { analyzeduration: 500_000 };

export interface InputCase {
  readonly url: string;
  readonly peer?: Peer;
  /** Frames come before the silence. */
  readonly frames?: boolean;
}

export const inputs: Readonly<Record<string, () => Promise<InputCase>>> = {
  'udp nobody sends to': async () => ({ url: `udp://127.0.0.1:${await freePort()}` }),
  'a tcp peer that says nothing': async () => withPeer(await quietTcp(), (port) => `tcp://127.0.0.1:${port}`),
  'an http server that does not answer': async () =>
    withPeer(await quietTcp(), (port) => `http://127.0.0.1:${port}/a.mp4`),
  'a tls server that does not answer': async () =>
    withPeer(await quietTcp(), (port) => `https://127.0.0.1:${port}/a.mp4`),
  'an rtsp server that does not answer': async () => withPeer(await quietTcp(), (port) => `rtsp://127.0.0.1:${port}/a`),
  'an rtmp server that does not answer': async () =>
    withPeer(await quietTcp(), (port) => `rtmp://127.0.0.1:${port}/a/b`),
  'srt nobody answers': async () => ({ url: `srt://127.0.0.1:${await freePort()}` }),
  'a peer that is waited for by tcp': async () => ({ url: `tcp://127.0.0.1:${await freePort()}?listen` }),
  'a list of segments that does not come': async () =>
    withPeer(await quietTcp(), (port) => `http://127.0.0.1:${port}/a.m3u8`),
  'streams that do not show': async () =>
    withPeer(await quietHttp(ts.subarray(0, 40 * 188)), (port) => `http://127.0.0.1:${port}/a.ts`),
  'a server that falls silent': async () => ({
    ...withPeer(await quietHttp(ts), (port) => `http://127.0.0.1:${port}/a.ts`),
    frames: true,
  }),
  'a tcp peer that falls silent': async () => ({
    ...withPeer(await quietTcp(ts), (port) => `tcp://127.0.0.1:${port}`),
    frames: true,
  }),
  'a FIFO that nobody writes into': async () => fifo(),
  'a FIFO whose writer says nothing': async () => fifo(new Uint8Array(0)),
  'a FIFO whose writer falls silent': async () => ({ ...fifo(ts), frames: true }),
};

/** @param bytes Of its writer; undefined: there is none. */
function fifo(bytes?: Uint8Array): InputCase {
  const { path, write, remove } = makeFifo();
  if (bytes) write(bytes);
  return { url: path, peer: { port: 0, met: Promise.resolve(), close: remove } };
}

function withPeer(peer: Peer, url: (port: number) => string): InputCase {
  return { url: url(peer.port), peer };
}

export interface OutputCase {
  readonly url: string;
  readonly format: string;
  readonly peer?: Peer;
}

/** The peer takes connections and reads nothing; those with a handshake are never answered. */
export const outputs: Readonly<Record<string, () => Promise<OutputCase>>> = {
  'a tcp peer that stops reading': async () => unread((port) => `tcp://127.0.0.1:${port}`, 'nut'),
  'an http server that stops reading': async () => unread((port) => `http://127.0.0.1:${port}/a.nut`, 'nut'),
  'an rtmp server that does not answer': async () => unread((port) => `rtmp://127.0.0.1:${port}/a/b`, 'flv'),
  'an rtsp server that does not answer': async () => unread((port) => `rtsp://127.0.0.1:${port}/a`, 'rtsp'),
  'srt nobody answers': async () => ({ url: `srt://127.0.0.1:${await freePort()}`, format: 'mpegts' }),
  'a peer that is waited for by tcp': async () => ({
    url: `tcp://127.0.0.1:${await freePort()}?listen`,
    format: 'nut',
  }),
  'segments for a server that does not answer': async () => unread((port) => `http://127.0.0.1:${port}/a.m3u8`, 'hls'),
};

async function unread(url: (port: number) => string, format: string): Promise<OutputCase> {
  const peer = await quietTcp(undefined, false);
  return { url: url(peer.port), format, peer };
}

/** What ends the graph, and how that must read. */
export const ways: Readonly<Record<string, { end(graph: Graph, abort: AbortController): void; code?: string }>> = {
  'stop()': { end: (graph) => void graph.stop() },
  'an abort signal': { end: (_graph, abort) => abort.abort(), code: 'ERR_MILLRACE_ABORTED' },
  'forceClose()': { end: (graph) => void graph.forceClose(), code: 'ERR_MILLRACE_ABORTED' },
};

/**
 * A segment is kept in memory until it is complete, and what a socket takes by itself would be gone before its peer can
 * be told from one that reads.
 */
const LARGE_SEGMENTS: Readonly<Record<string, object>> = { hls: { mux_params: { hls_time: 8 } } };

/**
 * Plays the clip for ever into the outputs, each with a decoder of its own.
 */
export function endless(graph: Graph, cases: readonly OutputCase[], options: object = {}): Graph {
  for (const { url, format } of cases) {
    const codec = { nut: 'rawvideo', hls: 'rawvideo', flv: 'flv' }[format] ?? 'mpeg4';
    const video_params = { codec, ...(codec !== 'rawvideo' && { bit_rate: 20_000_000 }) };
    graph
      .decode({ input_path: clip, loop: -1 })
      .video.encode(null, { output_path: url, format, video_params, ...LARGE_SEGMENTS[format], ...options });
  }
  return graph;
}

/**
 * Peers that stop in the middle of a byte stream, after any number of bytes, and graphs that are ended at any moment: by stop(), an
 * abort, forceClose() and Ctrl-C. Part of `npm run stress:network`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Graph } from 'millrace';
import { makeFifo } from '../../kit/fifo.js';
import { quietHttp, quietTcp } from '../../kit/quiet-peers.js';
import { endless, SHORT_PROBE, ways } from '../../kit/quiet-stages.js';

const CLI = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
const media = (name: string): Buffer => readFileSync(new URL(`../../fixtures/media/${name}`, import.meta.url));
const clips = { ts: media('clip.mpegts'), flv: media('part0.flv'), mp4: media('fragmented.mp4') };

interface Silenced {
  readonly url: string;
  close(): void;
}

type Serve = (bytes: Uint8Array, name: string) => Promise<Silenced>;

const serves: Readonly<Record<string, Serve>> = {
  http: async (bytes, name) => {
    const peer = await quietHttp(bytes);
    return { url: `http://127.0.0.1:${peer.port}/${name}`, close: () => peer.close() };
  },
  tcp: async (bytes) => {
    const peer = await quietTcp(bytes);
    return { url: `tcp://127.0.0.1:${peer.port}`, close: () => peer.close() };
  },
  fifo: async (bytes) => {
    const { path, write, remove } = makeFifo();
    write(bytes);
    return { url: path, close: remove };
  },
};

export interface End {
  readonly what: string;
  /** ms. */
  readonly took: number;
}

/** One of them. @param random From 0 to 1. */
export async function stopSomewhere(random: () => number): Promise<End> {
  const pick = <T>(of: Readonly<Record<string, T>>): readonly [string, T] => {
    const all = Object.entries(of);
    return all[Math.floor(random() * all.length)]!;
  };
  const moment = random() * 1500;
  const [way, { end }] = pick(ways);
  if (random() < 0.25) {
    const peer = await quietTcp(undefined, false);
    const output = { url: `tcp://127.0.0.1:${peer.port}`, format: 'nut' };
    return ended(
      `an output by tcp, ${way} after ${moment.toFixed()} ms`,
      endless(new Graph({ threads: 1 }), [output]),
      moment,
      end,
      () => peer.close(),
    );
  }
  const [kind, serve] = pick(serves);
  const [name, clip] = pick(clips);
  const bytes = Math.floor(random() * clip.length);
  const source = await serve(clip.subarray(0, bytes), `a.${name}`);
  const what = `${name} by ${kind}, ${bytes} bytes`;
  if (random() < 0.25) return interrupted(`${what}, Ctrl-C after ${moment.toFixed()} ms`, source, moment);
  const graph = new Graph({ threads: 1 });
  graph.decode({ input_path: source.url, dec_params: SHORT_PROBE }).video.module('null_sink', {});
  return ended(`${what}, ${way} after ${moment.toFixed()} ms`, graph, moment, end, () => source.close());
}

async function ended(
  what: string,
  graph: Graph,
  moment: number,
  end: (graph: Graph, abort: AbortController) => void,
  close: () => void,
): Promise<End> {
  const abort = new AbortController();
  const settled = (): void => {};
  const run = graph.run({ signal: abort.signal }).then(settled, settled);
  try {
    await Promise.race([sleep(moment), run]);
    const begun = performance.now();
    end(graph, abort);
    await run;
    return { what, took: performance.now() - begun };
  } finally {
    close();
  }
}

async function interrupted(what: string, source: Silenced, moment: number): Promise<End> {
  const child = spawn(process.execPath, [CLI, 'transcode', source.url, '/dev/null', '--format', 'null'], {
    stdio: 'ignore',
  });
  const exit = once(child, 'exit');
  try {
    // The command has to be there to hear it.
    await Promise.race([sleep(1500 + moment), exit]);
    const begun = performance.now();
    child.kill('SIGINT');
    await exit;
    return { what, took: performance.now() - begun };
  } finally {
    source.close();
  }
}

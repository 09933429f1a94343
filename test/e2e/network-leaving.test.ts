/** Leaving while a peer of the network is waited for: the process ends by itself, soon, and is never aborted. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort, quietTcp } from '../kit/quiet-peers.js';

const SCRIPT = fileURLToPath(new URL('../fixtures/modules/leaving-network.mjs', import.meta.url));
const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const MEDIA = fileURLToPath(new URL('../fixtures/media/clip-4s.mp4', import.meta.url));
const test = suite('leaving while a peer is waited for');

interface End {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
}

function run(args: readonly string[], interrupt?: number): Promise<End> {
  // A process that hangs is killed, which the assertions see: far sooner than the 30 s that a peer has by itself.
  const child = spawn(process.execPath, args, { timeout: 20_000, killSignal: 'SIGKILL' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += data;
    });
  }
  if (interrupt !== undefined) setTimeout(() => child.kill('SIGINT'), interrupt);
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, output })));
}

const ways: readonly [how: string, code: number | null, signal: string | null, words: RegExp][] = [
  ['exit', 3, null, /^$/],
  ['throw', 1, null, /Error: uncaught/],
  ['signal', 0, null, /rejected ERR_MILLRACE_ABORTED/],
  ['interrupt', null, 'SIGINT', /^$/],
  ['stop', 0, null, /^$/],
];

for (const threads of [0, 1]) {
  for (const [how, code, signal, words] of ways) {
    test(`${how}, ${threads} threads: inputs and outputs`, async () => {
      const peer = await quietTcp(undefined, false);
      const url = `tcp://127.0.0.1:${peer.port}`;
      const cases = [
        ['input', `udp://127.0.0.1:${await freePort()}`],
        ['input', url],
        ['output', url],
      ] as const;
      const ends = cases.map(([side, to]) => run([SCRIPT, side, to, MEDIA, how, String(threads)]));
      for (const [i, end] of (await Promise.all(ends)).entries()) {
        assert.equal([end.code, end.signal], [code, signal], `${cases[i]}: ${end.output}`);
        assert.match(end.output, words);
      }
      peer.close();
    });
  }
}

test('a blocking call that was given up keeps no process', async () => {
  const end = await run([SCRIPT, 'input', `udp://127.0.0.1:${await freePort()}`, MEDIA, 'call', '1']);
  assert.equal([end.code, end.signal], [0, null], end.output);
  assert.match(end.output, 'rejected ERR_MILLRACE_TIMEOUT');
});

test('Ctrl-C ends inspect and transcode of what says nothing', async () => {
  const url = `udp://127.0.0.1:${await freePort()}`;
  for (const args of [
    ['inspect', url],
    ['transcode', url, '/dev/null'],
  ]) {
    const end = await run([CLI, ...args], 2500);
    assert.ok(end.signal === 'SIGINT' || end.code === 130, `${args}: ${end.code} ${end.signal} ${end.output}`);
  }
});

test('Ctrl-C ends a transcode whose peer stops reading', async () => {
  const peer = await quietTcp(undefined, false);
  const output = `tcp://127.0.0.1:${peer.port}`;
  const graph = {
    nodes: [
      {
        id: 0,
        module_info: { name: 'c_ffmpeg_decoder' },
        option: { input_path: MEDIA, loop: -1 },
        output_streams: [{ identifier: 'v' }],
      },
      {
        id: 1,
        module_info: { name: 'c_ffmpeg_encoder' },
        option: { output_path: output, format: 'nut', video_params: { codec: 'rawvideo' } },
        input_streams: [{ identifier: 'v' }],
      },
    ],
  };
  const folder = mkdtempSync(join(tmpdir(), 'millrace-network-'));
  writeFileSync(`${folder}/graph.json`, JSON.stringify(graph));
  try {
    const end = await run([CLI, 'run', `${folder}/graph.json`, '--allow-protocol', 'tcp'], 3000);
    assert.is(end.code, 130, `${end.signal} ${end.output}`);
  } finally {
    rmSync(folder, { recursive: true });
    peer.close();
  }
});

test.run();

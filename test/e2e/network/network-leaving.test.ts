/** Leaving while a peer of the network is waited for: the process ends by itself, soon, and is never aborted. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crossed } from '../../kit/long.js';
import { freePort, quietTcp } from '../../kit/quiet-peers.js';

const SCRIPT = fileURLToPath(new URL('../../fixtures/modules/leaving-network.mjs', import.meta.url));
const CLI = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
const MEDIA = fileURLToPath(new URL('../../fixtures/media/clip-4s.mp4', import.meta.url));
const test = suite('leaving while a peer is waited for');

interface End {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
}

/** @param ready Settles when the process may go on or be interrupted. */
function run(args: readonly string[], ready?: Promise<unknown>, interrupts = false): Promise<End> {
  // A process that hangs is killed, which the assertions see: far sooner than the 30 s that a peer has by itself.
  const child = spawn(process.execPath, args, { timeout: 20_000, killSignal: 'SIGKILL' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += data;
    });
  }
  child.stdin.on('error', () => {});
  void ready?.then(() => (interrupts ? child.kill('SIGINT') : child.stdin.write('go\n')));
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, output })));
}

const ways: readonly [how: string, code: number | null, signal: string | null, words: RegExp][] = [
  ['exit', 3, null, /^$/],
  ['throw', 1, null, /Error: uncaught/],
  ['signal', 0, null, /rejected ERR_MILLRACE_ABORTED/],
  ['interrupt', null, 'SIGINT', /^$/],
  ['stop', 0, null, /^$/],
];

for (const [[how, code, signal, words], numbers] of crossed(ways, [1, 0], 1)) {
  for (const threads of numbers) {
    test(`${how}, ${threads} threads: inputs and an output`, async () => {
      const silent = await quietTcp();
      const full = await quietTcp(undefined, false);
      const inputs = [`udp://127.0.0.1:${await freePort()}`, `tcp://127.0.0.1:${silent.port}`];
      const args = [SCRIPT, how, String(threads), MEDIA, `tcp://127.0.0.1:${full.port}`, ...inputs];
      const end = await run(args, Promise.all([silent.met, full.met]));
      assert.equal([end.code, end.signal], [code, signal], end.output);
      assert.match(end.output, words);
      for (const peer of [silent, full]) peer.close();
    });
  }
}

test('a blocking call that was given up keeps no process', async () => {
  const end = await run([SCRIPT, 'call', '1', MEDIA, 'none', `udp://127.0.0.1:${await freePort()}`]);
  assert.equal([end.code, end.signal], [0, null], end.output);
  assert.match(end.output, 'rejected ERR_MILLRACE_TIMEOUT');
});

test('Ctrl-C ends inspect and transcode of what says nothing', async () => {
  const commands = [
    ['inspect', `udp://127.0.0.1:${await freePort()}`],
    ['transcode', `udp://127.0.0.1:${await freePort()}`, '/dev/null'],
  ];
  const ends = commands.map((args) => run([CLI, ...args], sleep(2500), true));
  for (const [i, { code, signal, output }] of (await Promise.all(ends)).entries()) {
    assert.ok(signal === 'SIGINT' || code === 130, `${commands[i]}: ${code} ${signal} ${output}`);
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
    const end = await run(
      [CLI, 'run', `${folder}/graph.json`, '--allow-protocol', 'tcp'],
      peer.met.then(() => sleep(300)),
      true,
    );
    assert.is(end.code, 130, `${end.signal} ${end.output}`);
  } finally {
    rmSync(folder, { recursive: true });
    peer.close();
  }
});

test.run();

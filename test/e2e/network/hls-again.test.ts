/** An hls output whose server or folder goes away and comes back: what was written stays, and the list goes on. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { Graph } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scratch } from '../../kit/media.js';
import { freePort } from '../../kit/quiet-peers.js';
import { failureOf, soon, untilRight } from '../../kit/soon.js';

const test = suite('hls outputs that are opened again');
const at = scratch();
const reconnect = { attempts: -1, backoff_ms: 20 };
const video_params = { codec: 'mpeg2video', g: 5, bf: 0, threads: 1 };
const mux_params = { hls_time: 0.4, hls_list_size: 0 };

/** Takes files, and gives them back unless it is write-only. */
class FileServer {
  /** Every file that was put, in its order. */
  readonly puts: string[] = [];
  readonly files = new Map<string, string>();
  #server: Server | undefined;

  constructor(
    readonly port: number,
    readonly gives: boolean,
  ) {}

  start(): void {
    this.#server = createServer((request, answer) => {
      const name = request.url!.slice(1);
      if (request.method === 'GET') {
        const text = this.gives ? this.files.get(name) : undefined;
        answer.writeHead(text === undefined ? 405 : 200).end(text);
        return;
      }
      let text = '';
      request.setEncoding('latin1').on('data', (piece: string) => {
        text += piece;
      });
      request.on('end', () => {
        this.puts.push(name);
        this.files.set(name, text);
        answer.writeHead(201).end();
      });
      request.on('error', () => {});
    });
    this.#server.listen(this.port, '127.0.0.1');
    this.#server.unref();
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  get list(): string {
    return this.files.get('live.m3u8') ?? '';
  }

  get segments(): string[] {
    return this.puts.filter((name) => name.endsWith('.ts'));
  }
}

function build(output_path: string, options: object = {}): Graph {
  const graph = new Graph({ threads: 0 });
  graph
    .filter('testsrc2', { size: '64x48', rate: 25 })
    .filter('realtime', { speed: 4 })
    .encode(null, { output_path, format: 'hls', reconnect, video_params, mux_params, ...options }, { alias: 'out' });
  return graph;
}

for (const gives of [true, false]) {
  test(`a server that ${gives ? 'gives the list back' : 'only takes files'}: no file is written over, and the list goes on`, async () => {
    const watch = new LeakWatch();
    const server = new FileServer(await freePort(), gives);
    server.start();
    const graph = build(`http://127.0.0.1:${server.port}/live.m3u8`, { mux_params: { ...mux_params, method: 'PUT' } });
    const run = graph.run();
    const reached = (holds: () => boolean) =>
      soon(holds.toString(), Promise.race([untilRight(() => assert.ok(holds())), run]));
    await reached(() => namesIn(server.list).length >= 2);
    server.stop();
    await reached(() => graph.stats().nodes.at(-1)!.dropped > 10);
    const before = server.segments.length;
    const list = server.list;
    server.start();
    await reached(() => server.segments.length >= before + 2);
    graph.stop();
    const { warnings } = await soon('the end', run);
    server.stop();
    assert.match(warnings.join('\n'), /was away for \d+\.\d\d s \(.*\) and came back/);
    // A segment that no list had named yet may be written once more.
    const named = namesIn(list);
    assert.ok(named.length > 0);
    assert.equal(
      server.segments.slice(before).filter((name) => named.includes(name)),
      [],
    );
    assert.match(server.list, '#EXT-X-DISCONTINUITY');
    if (gives) assert.equal(namesIn(server.list).slice(0, named.length), named);
    assert.ok(firstNumber(server.list) >= firstNumber(list));
    watch.check();
  });
}

test('a folder that goes away and comes back', async () => {
  const [folder, elsewhere] = [at('mount'), at('elsewhere')];
  mkdirSync(folder);
  const graph = build(`${folder}/live.m3u8`);
  const run = graph.run();
  const reached = (holds: () => boolean) =>
    soon(holds.toString(), Promise.race([untilRight(() => assert.ok(holds())), run]));
  const segments = (where: string) =>
    existsSync(where) ? readdirSync(where).filter((name) => name.endsWith('.ts')) : [];
  await reached(() => segments(folder).length >= 3);
  renameSync(folder, elsewhere);
  await reached(() => graph.stats().nodes.at(-1)!.dropped > 10);
  const there = segments(elsewhere).length;
  renameSync(elsewhere, folder);
  await reached(() => segments(folder).length >= there + 2);
  graph.stop();
  await soon('the end', run);
  const list = readFileSync(`${folder}/live.m3u8`, 'utf8');
  assert.match(list, '#EXT-X-DISCONTINUITY');
  assert.match(list, 'live0.ts');
});

test('a server that never comes uses up the tries, and lists that are whole at their end are refused', async () => {
  const nobody = `http://127.0.0.1:${await freePort()}/live.m3u8`;
  const error = await failureOf('no server', build(nobody, { reconnect: { attempts: 2, backoff_ms: 5 } }).run());
  assert.match(error.message, /did not come back in 2 attempts \(reconnect\)\. Cannot reach .*refused/i);
  for (const [options, words] of [
    [{ mux_params: { hls_flags: 'single_file' } }, /reconnect: with hls_flags: single_file/],
    [{ mux_params: { hls_playlist_type: 'vod' } }, /reconnect: with hls_playlist_type: vod/],
    [{ format: 'dash', mux_params: {} }, /reconnect: the format 'dash' writes files one by one.*ignore_io_errors: 1/s],
  ] as const) {
    assert.match((await failureOf(JSON.stringify(options), build(nobody, options).run())).message, words);
  }
});

function namesIn(list: string): string[] {
  return list.split('\n').filter((line) => line.endsWith('.ts'));
}

/** Of the first segment of a list. */
function firstNumber(list: string): number {
  return Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(list)?.[1]);
}

test.run();

/** The short form of fuzz-trust.ts, what shows that it would see a connection, and the second door by itself. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EncodedPacket, Graph, Packet } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Listener } from '../../kit/listener.js';
import { times } from '../../kit/long.js';
import { attack, behindTheFirstDoor, call, decoderFile, encoderFile, filterFile, picture } from './fuzz-trust.js';

const test = suite('attacks by graph files');

let listener: Listener;
let folder: string;
test.before(async () => {
  listener = await Listener.open();
  folder = mkdtempSync(join(tmpdir(), 'millrace-doors-'));
});
test.after(async () => {
  rmSync(folder, { recursive: true, force: true });
  // Where variants may connect, the hls muxer takes their address for a folder too, and makes it.
  rmSync(`http:/127.0.0.1:${listener.tcp}`, { recursive: true, force: true });
  if (existsSync('http:') && readdirSync('http:').length === 0) rmdirSync('http:');
  await listener.close();
});

test('no option of any filter, muxer or demuxer opens a connection', async () => {
  const { refused, run, connected } = await attack(times(797, 401));
  assert.equal(connected, []);
  assert.ok(refused > 100 && run > 50, `${refused} graph files were refused, ${run} run`);
});

/** Options that connect where they are let through, and what stands in their place in a harmless file. */
function attacks(): {
  what: string;
  file: (options: object) => object;
  node: number;
  plain: object;
  options: object;
}[] {
  const tcp = `tcp://127.0.0.1:${listener.tcp}`;
  const http = `http://127.0.0.1:${listener.tcp}/%d`;
  const path = join(folder, 'out.m3u8');
  const segment = { output_path: join(folder, '%d.ts'), format: 'segment' };
  const output = { file: encoderFile, node: 1, plain: { output_path: path } };
  const input = { file: decoderFile, node: 0, plain: { input_path: path } };
  // The name of the variant stream, which FFmpeg puts in for %v, is the protocol.
  const variant = { hls_segment_filename: `%v://127.0.0.1:${listener.tcp}/%d`, var_stream_map: 'v:0,name:http' };
  return [
    { what: 'an input', ...input, options: { input_path: tcp } },
    { what: 'an output', ...output, options: { output_path: tcp, format: 'mpegts' } },
    { what: 'segments', ...output, options: { output_path: path, mux_params: { hls_segment_filename: http } } },
    { what: 'variants', ...output, options: { output_path: path, mux_params: variant } },
    { what: 'a list of segments', ...output, options: { ...segment, mux_params: { segment_list: tcp } } },
    {
      what: 'movie',
      file: (options: object) => filterFile(options, true),
      node: 1,
      plain: { name: 'movie', para: path },
      options: { name: 'movie', para: tcp.replaceAll(':', '\\:') },
    },
  ].map((attack) => ({ ...attack, node: attack.file === decoderFile ? 0 : 1 }));
}

test('attacks connect where everything is allowed', () => {
  const tcp = `tcp://127.0.0.1:${listener.tcp}`;
  const escaped = tcp.replaceAll(':', '\\:');
  const list = join(folder, 'list.ffconcat');
  writeFileSync(list, `ffconcat version 1.0\nfile '${tcp}'\n`);
  const loose = { f: 'concat', safe: 0, protocol_whitelist: 'file,tcp' };
  const files = [
    ...attacks().map(({ what, file, options, node }) => ({
      what,
      file: file(options),
      node,
      packet: !/input|movie/.test(what),
    })),
    { what: 'a list', file: decoderFile({ input_path: list, dec_params: loose }), node: 0, packet: false },
    ...['subtitles', 'removelogo'].map((name) => {
      return { what: name, file: filterFile({ name, para: escaped }, false), node: 1, packet: true };
    }),
    {
      what: 'metadata',
      file: filterFile({ name: 'metadata', para: `print:file=${escaped}` }, false),
      node: 1,
      packet: true,
    },
  ];
  for (const { what, file, node, packet } of files) {
    const before = listener.visits;
    call(Graph.fromConfig(file, { allow: { protocols: ['*'] } }), `n${node}`, packet ? picture : undefined);
    assert.ok(listener.visited(before), what);
    assert.throws(() => Graph.fromConfig(file), /cannot be used/, what);
  }
});

test('what the file check does not know connects nowhere either, called or run, in one thread or several', async () => {
  const before = listener.visits;
  for (const { what, file, node, plain, options } of attacks()) {
    const called = behindTheFirstDoor(file(plain), node, options as Record<string, unknown>);
    call(called, `n${node}`, /input|movie/.test(what) ? undefined : picture);
    await listener.settle();
    assert.is(listener.visits, before, `${what}, called`);
  }
  const { file, node, plain, options } = attacks().find(({ what }) => what === 'a list of segments')!;
  for (const threads of [0, 2]) {
    const graph = behindTheFirstDoor({ option: { threads }, ...file(plain) }, node, { ...options, vframes: 3 });
    await graph.run().then(
      () => assert.unreachable('it ran'),
      (error: Error) => assert.match(error.message, /Invalid argument/),
    );
    await listener.settle();
    assert.is(listener.visits, before, `${threads} threads`);
  }
});

test('bytes that are a playlist or a session description open nothing, whoever built the graph', async () => {
  const url = `tcp://127.0.0.1:${listener.tcp}`;
  const before = listener.visits;
  const session = 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n';
  const texts = {
    concat: `ffconcat version 1.0\nfile '${url}'\n`,
    hls: `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:${listener.tcp}/a.ts\n#EXT-X-ENDLIST\n`,
    sdp: `${session}m=video ${listener.udp + 2} RTP/AVP 96\n`,
  };
  for (const [f, text] of Object.entries(texts)) {
    const graph = new Graph({ threads: 0 });
    const source = graph.inputStream('bytes');
    source.decode({ dec_params: { f } }).video.module('null_sink', {});
    await graph.start({ mode: 'push' });
    const given = source.push(new Packet(EncodedPacket.from(Buffer.from(text)))).then(() => source.end());
    // What failed is told by close().
    await given.catch(() => undefined);
    await graph.close().then(
      () => assert.unreachable(`it ran: ${f}`),
      (error: Error) => assert.match(error.message, /bytes on input 0/),
    );
  }
  await listener.settle();
  assert.is(listener.visits, before);
});

test('bytes may name files where that is allowed', async () => {
  const clip = new URL('../../fixtures/media/one-frame.mp4', import.meta.url);
  const text = `ffconcat version 1.0\nfile '${relative(process.cwd(), fileURLToPath(clip))}'\n`;
  const decoded = async (dec_params: Record<string, string>): Promise<number> => {
    const graph = new Graph({ threads: 0 });
    const source = graph.inputStream('bytes');
    const packets = source.decode({ dec_params }).video.packets();
    await graph.start({ mode: 'push' });
    await source.push(new Packet(EncodedPacket.from(Buffer.from(text))));
    await source.end();
    let frames = 0;
    for await (const packet of packets) {
      packet.close();
      frames++;
    }
    await graph.close();
    return frames;
  };
  assert.is(await decoded({ protocol_whitelist: 'file' }), 1);
  await decoded({}).then(
    () => assert.unreachable('a file was opened'),
    (error: Error) => assert.match(error.message, /bytes on input 0/),
  );
});

test('files are read and written as before', async () => {
  const path = join(folder, 'file: plain.m3u8');
  const params = { hls_segment_filename: join(folder, 'plain-%d.ts'), hls_base_url: 'https://cdn.example/' };
  const encoder = { output_path: path, format: 'hls', vframes: 3, mux_params: params };
  await Graph.fromConfig({ option: { threads: 0 }, ...encoderFile(encoder) }).run();
  assert.match(readFileSync(path, 'utf8'), /^https:\/\/cdn\.example\/plain-0\.ts$/m);
  const movie = { name: 'movie', para: `filename='${join(folder, 'plain-0.ts')}'` };
  const module = Graph.fromConfig(filterFile(movie, true)).getModule('n1', { thread: 'inline' });
  const [packet] = module.process().outputs[0] ?? [];
  assert.ok(packet, 'movie reads a file');
  packet.close();
  module.close();
});

test.run();

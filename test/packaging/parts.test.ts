/** What a thread has to load: few files, one copy of every class. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { node, temporaryFolder } from '../cli/kit.js';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));

/** The files of ours that a file imports, and theirs; and the packages. */
function imported(file: string, files = new Set<string>(), packages = new Set<string>()) {
  files.add(file);
  const text = readFileSync(join(dist, file), 'utf8');
  for (const [, name] of text.matchAll(/(?:\bfrom|\bimport) ?"([^",]+)"/g)) {
    if (!name!.startsWith('./')) packages.add(name!);
    else if (!files.has(name!.slice(2))) imported(name!.slice(2), files, packages);
  }
  return { files: [...files], packages: [...packages].filter((name) => !name.startsWith('node:')) };
}

const boot = readdirSync(dist).find((file) => /^boot-\w+\.js$/.test(file))!;
const parts = suite('the files of the build');

parts('are few for a worker thread, and import no package', () => {
  const { files, packages } = imported(boot);
  assert.equal(packages, []);
  assert.ok(files.length <= 8, files.join(' '));
});

parts('are few for the program that imports the package, and import no package', () => {
  const { files, packages } = imported('index.js');
  assert.equal(packages, []);
  assert.ok(files.length <= 8, files.join(' '));
});

parts('are few for a command of `millrace`', () => {
  const commands = readdirSync(dist).find((file) => /^commands-\w+\.js$/.test(file))!;
  const files = new Set(['cli.js', 'program.js', commands].flatMap((file) => imported(file).files));
  assert.ok(files.size <= 13, [...files].join(' '));
});

parts('are one for each thread in which nothing but ours runs', () => {
  for (const name of ['demuxer.js', 'network-reader.js', 'network-writer.js', 'ffmpeg-log.js']) {
    assert.equal(imported(name), { files: [name], packages: [] });
  }
});

parts('do not load FFmpeg for rings and policies', () => {
  const big = imported(boot).files.filter((file) =>
    readFileSync(join(dist, file), 'utf8').includes('Could not load the node-av'),
  );
  assert.is(big.length, 1);
  for (const entry of ['ringbuffer.js', 'sync.js']) assert.not.ok(imported(entry).files.includes(big[0]!), entry);
});

/** A module that is loaded in a thread of a graph, beside what the thread has loaded itself. */
const PROBE = `
import { MillraceError, Packet, VideoFrame } from 'millrace';
import { MillraceError as OfSync } from 'millrace/sync';
import 'millrace/ringbuffer';
import 'millrace/testing';
import { Filter, FilterGraph, Frame } from 'node-av/lib';
import { AV_BUFFERSRC_FLAG_KEEP_REF } from 'node-av/constants';

export default class Probe {
  init(ctx) { this.ctx = ctx; }
  process(task) {
    const [packet] = task.inputs.get(0) ?? [];
    if (packet === undefined || packet.isEof) return;
    const frame = packet.payload;
    // Ours goes into a filter graph of another copy of node-av, and theirs into ours.
    const graph = new FilterGraph();
    graph.alloc();
    const source = graph.createFilter(Filter.getByName('buffer'), 'in', 'video_size=16x16:pix_fmt=gray:time_base=1/25');
    const sink = graph.createFilter(Filter.getByName('buffersink'), 'out', null);
    source.link(0, sink, 0);
    graph.configSync(null);
    const own = new Frame();
    own.alloc();
    const given = source.buffersrcAddFrameSync(frame.av, AV_BUFFERSRC_FLAG_KEEP_REF);
    const taken = sink.buffersinkGetFrameSync(own);
    graph.free();
    const wrapped = VideoFrame.wrap(own, { frameRate: { num: 25, den: 1 } });
    let thrown;
    try { VideoFrame.alloc({ width: 0, height: 0, format: 'gray' }); } catch (error) { thrown = error; }
    this.ctx.callback('seen', {
      packet: packet instanceof Packet, frame: frame instanceof VideoFrame, error: thrown instanceof MillraceError,
      errors: MillraceError === OfSync, given, taken, size: [own.width, own.height],
      luma: wrapped.planes()[0].data[5] === frame.planes()[0].data[5],
    });
    task.output(0).push(new Packet(wrapped));
    frame.close();
  }
}`;

const PROGRAM = `
import { Graph } from 'millrace';
const path = process.argv[2];
for (const threads of [1, 0]) {
  const graph = new Graph({ threads });
  const seen = [];
  const picture = graph.filter('testsrc2', { size: '16x16', duration: 0.04 }).filter('format', 'gray');
  const out = picture.module({ name: 'probe', path }, {}, { callback: (key, value) => seen.push(value) });
  out.vflip().module('null_sink');
  const { leaked } = await graph.run();
  console.log(JSON.stringify({ seen, leaked }));
}`;

parts('are one copy for a module of an application, whose node-av takes our frames and gives its own', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(dist, '..'), join(folder, 'node_modules', 'millrace'));
  symlinkSync(join(dist, '../node_modules/node-av'), join(folder, 'node_modules', 'node-av'));
  writeFileSync(join(folder, 'probe.mjs'), PROBE);
  writeFileSync(join(folder, 'program.mjs'), PROGRAM);
  const { code, stdout, stderr } = await node(join(folder, 'program.mjs'), [join(folder, 'probe.mjs')]);
  assert.is(stderr, '');
  assert.is(code, 0);
  const held = { packet: true, frame: true, error: true, errors: true, given: 0, taken: 0, size: [16, 16], luma: true };
  for (const line of stdout.trim().split('\n')) assert.equal(JSON.parse(line), { seen: [held], leaked: {} });
});

parts.run();

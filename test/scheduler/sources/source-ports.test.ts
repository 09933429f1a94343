/** The ways on which decoders tell encoders of other threads what their inputs say of themselves. */
import { once } from 'node:events';
import { receiveMessageOnPort, type Transferable } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SourceListener, tellSource } from '../../../actors/shared/source-facts.js';
import type { GraphSpec } from '../../../src/scheduler/plan/spec.js';
import { SourcePorts } from '../../../src/scheduler/sources/source-ports.js';

const ports = suite('ports of sources');

/** A file is read by node 1 and written by node 2. */
const spec = {
  nodes: [
    { id: 1, module: { name: 'c_ffmpeg_decoder' }, options: {} },
    { id: 2, module: { name: 'c_ffmpeg_encoder' }, options: {} },
  ],
  links: [{ from: { node: 1, output: 0 }, to: { node: 2, input: 0 } }],
} as unknown as GraphSpec;

/** Handles of the event loop that wake it from other threads: every port has one. */
const wakers = (): number => {
  const { libuv } = process.report.getReport() as unknown as { libuv: { type: string }[] };
  return libuv.filter(({ type }) => type === 'async').length;
};

ports('there are none before a part of the graph is told of them, and none in one thread', () => {
  const before = wakers();
  const across = new SourcePorts(spec, (node) => node);
  assert.is(wakers(), before);
  const within = new SourcePorts(spec, () => 0);
  const transfer: Transferable[] = [];
  assert.equal(within.of(0, transfer)?.tell, []);
  assert.equal(within.of(1, transfer)?.hear, []);
  assert.equal(transfer, []);
  const [decoder, encoder] = [across.of(0, transfer)!, across.of(1, transfer)!];
  assert.equal(transfer, [...decoder.tell, ...encoder.hear]);
  assert.is(transfer.length, 2);
  for (const port of decoder.tell) port.close();
});

ports('what is told is there when it is asked for, and is kept for nobody when the encoder has closed', async () => {
  const ways = new SourcePorts(spec, (node) => node);
  const [decoder, encoder] = [ways.of(0, []), ways.of(1, [])];
  const listener = new SourceListener({ id: 2, alias: 'out', job: 0, sources: encoder });
  const tell = (title: string): void =>
    tellSource({ id: 1, alias: 'in', job: 0, sources: decoder }, { tags: { title }, chapters: [], streams: [] });
  tell('one');
  tell('two');
  assert.equal(listener.known.get(1)?.tags, { title: 'two' });
  const [hear] = encoder!.hear;
  const closed = once(decoder!.tell[0]!, 'close');
  listener.close();
  // A port keeps nothing alive.
  const alive = setInterval(() => {}, 1000);
  await closed;
  clearInterval(alive);
  tell('late');
  assert.is(receiveMessageOnPort(hear!), undefined);
});

ports.run();

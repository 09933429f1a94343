/** Every public method of what users hold says by a code what is wrong with what it is given. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stream } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  AudioFrame,
  EncodedPacket,
  Graph,
  Packet,
  Runtime,
  type SpawnedActor,
  StreamInfo,
  syncModule,
  Tensor,
  VideoFrame,
} from 'millrace';
import { Doorbell, RingBuffer } from 'millrace/ringbuffer';
import { Synchronizer } from 'millrace/sync';
import { FakeClock, LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const methods = suite('methods');

const NOTHING = Symbol('nothing');
const VALUES = [null, 5, 'x', {}, NOTHING];
/** A call that is given what it cannot use, and neither refuses it nor comes to an end. */
const PATIENCE_MS = 2000;

interface Held {
  readonly object: object;
  /** Ends what `object` stands in. */
  readonly end?: () => unknown;
}

function inGraph(make: (graph: Graph) => object): () => Held {
  return () => {
    const graph = new Graph({ threads: 0 });
    return { object: make(graph), end: () => graph.forceClose() };
  };
}

async function started(): Promise<Held> {
  const graph = new Graph({ threads: 0 });
  const object = graph.inputStream('in');
  object.module('null_sink');
  await graph.start({ mode: 'push' });
  return { object, end: () => graph.forceClose() };
}

async function actor(): Promise<Held> {
  const runtime = new Runtime({ threads: 0 });
  const spec = { name: 'pass_through', inputs: [0], outputs: [0] } as const;
  const object: SpawnedActor = (await runtime.spawn(spec)) as unknown as SpawnedActor;
  return { object, end: () => runtime.close() };
}

async function server(): Promise<Held> {
  const graph = new Graph({ threads: 0 });
  graph.inputStream('in').module('null_sink');
  const object = await graph.serve();
  return { object, end: () => object.forceClose() };
}

const through = (graph: Graph) => graph.inputStream('in').module('pass_through');
const samples = () => AudioFrame.from([new Float32Array(64)], { sampleRate: 48_000, format: 'fltp' });
const numbers = {
  ...{ codecType: 0, codecId: 27, codecTag: 0, bitRate: 0, format: 0, profile: -99, level: -99 },
  ...{ bitsPerCodedSample: 0, bitsPerRawSample: 0, width: 16, height: 16, colorRange: 0, colorPrimaries: 2 },
  ...{ colorTransfer: 2, colorSpace: 2, chromaLocation: 0, videoDelay: 0, sampleRate: 0, channels: 0, frameSize: 0 },
  ...{ initialPadding: 0, blockAlign: 0, fieldOrder: 0, disposition: 0 },
};
const stream = (): StreamInfo =>
  StreamInfo.fromJSON({
    ...numbers,
    kind: 'video',
    codec: 'h264',
    timeBase: { num: 1, den: 25 },
    sampleAspectRatio: { num: 1, den: 1 },
    channelLayout: '',
    extradata: '',
    sideData: [],
    metadata: {},
  });

const HELD: Record<string, () => Held | Promise<Held>> = {
  Graph: inGraph((graph) => {
    through(graph);
    return graph;
  }),
  NodeHandle: inGraph(through),
  Stream: inGraph((graph) => through(graph).output(0)),
  InputStream: inGraph((graph) => graph.inputStream('in')),
  'InputStream of a running graph': started,
  PacketReader: inGraph((graph) => graph.module('clock', { realtime: false, count: 0 }).packets()),
  Server: server,
  Runtime: () => {
    const object = new Runtime({ threads: 0 });
    return { object, end: () => object.close() };
  },
  SpawnedActor: actor,
  SyncModule: () => ({ object: syncModule('pass_through', {}, [0], [0], { thread: 'inline' }) }),
  Packet: () => ({ object: new Packet(5, { timestamp: 0 }) }),
  VideoFrame: () => ({ object: VideoFrame.alloc({ width: 16, height: 16, format: 'yuv420p' }) }),
  AudioFrame: () => ({ object: samples() }),
  EncodedPacket: () => ({ object: EncodedPacket.from(new Uint8Array(8)) }),
  StreamInfo: () => ({ object: stream() }),
  Tensor: () => ({ object: Tensor.from(new Float32Array(4), [2, 2]) }),
  Synchronizer: () => ({ object: new Synchronizer({ mode: 'slowest', pads: 2 }) }),
  RingBuffer: () => ({ object: RingBuffer.create({ capacity: 4096 }) }),
  RingProducer: () => ({ object: RingBuffer.create({ capacity: 4096 }).producer() }),
  RingConsumer: () => ({ object: RingBuffer.create({ capacity: 4096 }).consumer() }),
  Doorbell: () => ({ object: Doorbell.create() }),
  FakeClock: () => ({ object: new FakeClock() }),
  LeakWatch: () => ({ object: new LeakWatch() }),
  TestSink: () => ({ object: new TestSink() }),
};

/** Methods of each class that are not for users, read from the source: at run time they look like the others. */
function hiddenMethods(): Map<string, Set<string>> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const hidden = new Map<string, Set<string>>();
  for (const folder of ['src', 'ringbuffer']) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const text = readFileSync(join(root, folder, name), 'utf8');
      const names = [
        ...text.matchAll(/^ {2}(?:private|protected) (?:async |override |\*|get |set )*(\w+)[(<]/gm),
        ...text.matchAll(/@internal[^/]*\*\/\n {2}(?:async |override |\*|get |set )*(\w+)[(<]/g),
      ];
      for (const [, owner] of text.matchAll(/\bclass (\w+)/g))
        hidden.set(owner!, new Set(names.map((match) => match[1]!)));
    }
  }
  return hidden;
}

const hidden = hiddenMethods();

/** Methods and setters of an object's classes, but those that are hidden. */
function membersOf(object: object): { name: string; isSetter: boolean }[] {
  const found = new Map<string, boolean>();
  const away = new Set(['constructor']);
  for (
    let type = Object.getPrototypeOf(object);
    type && type !== Object.prototype;
    type = Object.getPrototypeOf(type)
  ) {
    for (const name of hidden.get(type.constructor.name.replace(/^_/, '')) ?? []) away.add(name);
    for (const [name, { value, set }] of Object.entries(Object.getOwnPropertyDescriptors(type))) {
      if (found.has(name) || away.has(name)) continue;
      if (typeof value === 'function' || set !== undefined) found.set(name, set !== undefined);
    }
  }
  return [...found].map(([name, isSetter]) => ({ name, isSetter }));
}

/** What waits, as it should, until another thread does something: most of it blocks this one. */
const WAITS = /^wait(?!ing)|^nap$/;

async function settled(result: unknown): Promise<unknown> {
  // A Node stream tells its errors by an event.
  if (result instanceof Stream) result.on('error', () => {});
  if (!(result instanceof Promise)) return result;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('did not come to an end')), PATIENCE_MS);
  });
  return Promise.race([result, late]).finally(() => clearTimeout(timer));
}

for (const [name, make] of Object.entries(HELD)) {
  methods(`${name}: a coded error, or a result`, async () => {
    const wrong: string[] = [];
    const first = await make();
    const members = membersOf(first.object).filter((member) => !WAITS.test(member.name));
    await first.end?.();
    assert.ok(members.length > 0 || name === 'Tensor' || name === 'TestSink', 'it has methods');
    for (const { name: member, isSetter } of members) {
      for (const value of VALUES) {
        const { object, end } = await make();
        try {
          const own = object as Record<string, unknown>;
          if (isSetter) {
            if (value !== NOTHING) own[member] = value;
          } else {
            const args = value === NOTHING ? [] : [value, value, value].slice(0, member === 'packets' ? 1 : 3);
            await settled((own[member] as (...args: unknown[]) => unknown).apply(object, args));
          }
        } catch (error) {
          const { code, message } = error as { code?: unknown; message?: string };
          if (typeof code !== 'string' || !code.startsWith('ERR_MILLRACE_'))
            wrong.push(`${name}.${member}(${value === NOTHING ? '' : JSON.stringify(value)}): ${message}`);
        }
        await settled(end?.()).catch(() => {});
        const { close } = object as { close?: () => unknown };
        if (end === undefined && close !== undefined) await settled(close.call(object)).catch(() => {});
      }
    }
    assert.equal(wrong, []);
  });
}

methods('the data of a stream is checked where it comes in', () => {
  const data = stream().toJSON();
  for (const name of Object.keys(data).filter((key) => key !== 'frameRate')) {
    assert.throws(
      () => StreamInfo.fromJSON({ ...data, [name]: null }),
      ({ code, message }: { code: string; message: string }) =>
        code === 'ERR_MILLRACE_PAYLOAD' && message.includes(name),
      name,
    );
  }
});

methods.run();

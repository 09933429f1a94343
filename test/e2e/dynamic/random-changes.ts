/**
 * Random sequences of changes on random running graphs: branches and sub-graphs come and leave, sources join, also a mixer of
 * pictures or sound, readers and sinks of the program come, options change, the graph pauses, and in the end it is stopped or
 * aborted. Every operation must end; whoever stays must get every packet, in order; nothing may be left.
 */
import { defineGraph, Graph, type GraphOptionsInput, type NodeHandle } from 'millrace';
import { TestSink, TestSource } from 'millrace/testing';
import { random } from '../../fixtures/modules/plain.mjs';
import { add } from '../../kit/modules.js';
import { soon } from '../../kit/soon.js';

/** A consumer, and what it reads. */
interface Reader {
  readonly sink: TestSink;
  readonly alias: string;
}

const INTERVAL = 40_000;
const KINDS = ['value', 'video', 'audio'] as const;
/** Samples of a packet of sound. */
const SAMPLES = 1024;

const twig = defineGraph((graph: Graph, [stream]) => add(graph, 'Relay', {}, { inputs: [stream!], alias: 'inside' }), {
  name: 'twig',
});

export interface ChangesOptions {
  readonly threads: number;
  readonly steps: number;
  readonly graphOn?: (options: GraphOptionsInput) => Graph;
}

/** @throws Error naming what went wrong. */
export async function changeAtRandom(seed: number, { threads, steps, graphOn }: ChangesOptions): Promise<void> {
  const next = random(seed);
  const below = (n: number): number => Math.floor(next() * n);
  const make = threads === 0 || graphOn === undefined ? (given: GraphOptionsInput) => new Graph(given) : graphOn;
  const graph = make({ threads, queue_length_limit: 1 + below(4) });
  const place = (): { scheduler?: number } => (threads > 1 && next() < 0.5 ? { scheduler: below(threads) } : {});
  let names = 0;
  const name = (what: string): string => `${what} ${++names}`;
  const kind = KINDS[below(KINDS.length)]!;

  const source = new TestSource({ kind, interval: INTERVAL });
  const root = graph.module(source.spec, source.options, { alias: 'root', ...place() });
  const relay = (stream: NodeHandle, what: string): NodeHandle =>
    add(graph, next() < 0.3 ? 'SlowRelay' : 'Relay', { every: 4 }, { inputs: [stream], alias: name(what), ...place() });
  const read = (stream: NodeHandle, what: string): Reader & { handle: NodeHandle } => {
    const sink = new TestSink();
    const alias = name(what);
    const handle = graph.module(sink.spec, sink.options, { inputs: [stream], callback: sink.callback, alias });
    return { sink, alias, handle };
  };
  // Those that stay: nobody touches them or what leads to them.
  const trunk = next() < 0.5 ? relay(root, 'trunk') : root;
  const staying: Reader[] = [read(root, 'stays'), read(trunk, 'stays')];
  const hub = graph.module('pass_through', {}, { inputs: [trunk], alias: 'hub' });
  staying.push(read(hub, 'stays'));
  // Packets of values cannot be mixed.
  const stage =
    kind === 'value'
      ? undefined
      : kind === 'audio'
        ? root.filter('amix', { inputs: 1, normalize: false, duration: 'first', alias: 'stage' })
        : root.module('c_ffmpeg_filter', { graph: '[0]null[0]' }, { alias: 'stage' });
  const mixed = stage && read(stage, 'mixed');
  /** Branches that came, by the node that leads to all of theirs. */
  const branches: NodeHandle[] = [];
  const late: Reader[] = [];

  /** Numbers of inputs of the mixer. */
  const taken: number[] = [];
  const operations: (() => Promise<unknown>)[] = [
    async () => {
      const from = [root, trunk, hub, ...branches][below(3 + branches.length)]!;
      const [head, reader] = await graph.addNode(() => {
        const first = relay(from, 'branch');
        return [first, read(next() < 0.5 ? relay(first, 'twig') : first, 'late')] as const;
      });
      branches.push(head);
      late.push(reader);
    },
    async () => {
      const { handle, ...reader } = await graph.addNode(() => read([root, trunk][below(2)]!, 'late'));
      late.push(reader);
      if (next() < 0.5) await graph.removeNode(handle);
    },
    async () => {
      const [branch] = branches.splice(below(branches.length), 1);
      if (branch !== undefined) await graph.removeNode(branch);
    },
    async () => {
      const guest = new TestSource({ kind, interval: INTERVAL, start: 1e12, count: below(30) });
      await graph.addNode(() => {
        graph.connect(graph.module(guest.spec, guest.options, { alias: name('guest'), ...place() }), 'hub');
      });
    },
    async () => {
      const factor = await graph.addNode(() => add(graph, 'Relay', {}, { inputs: [root], alias: name('fixed') }));
      await refused(factor.reset({ any: 1 }));
      await refused(
        graph.addNode(() => add(graph, 'Failing', { where: 'init' }, { inputs: [root], alias: name('bad') })),
      );
      branches.push(factor);
    },
    async () => {
      if (stage === undefined) return;
      const guest = new TestSource({ kind, interval: INTERVAL, count: below(30) });
      const made = await graph.addNode(() => {
        const stream = graph.module(guest.spec, guest.options, { alias: name('guest'), ...place() });
        const input = Math.max(0, ...taken) + 1;
        graph.connect(stream, stage, input, kind === 'video' ? over(input) : undefined);
        taken.push(input);
        return stream;
      });
      if (next() < 0.5) await graph.removeNode(made);
    },
    async () => {
      // It may be laid over by another one by then.
      if (kind === 'video') await stage!.reset({ graph: '[0]null[0]' });
      else if (kind === 'audio') await stage!.reset({ duration: 'first' });
      else {
        const factor = await graph.addNode(() =>
          add(graph, 'Factor', { factor: 1 }, { inputs: [root], alias: name('factor') }),
        );
        await factor.reset({ factor: 1 + below(5) });
        await graph.removeNode(factor);
      }
    },
    async () => {
      const reader = await graph.addNode(() => [root, trunk, hub][below(3)]!.packets());
      let last: number | undefined;
      let count = below(12);
      for await (const { timestamp } of reader.closing()) {
        if (timestamp! >= 1e12) continue;
        if (last !== undefined && timestamp !== last + INTERVAL) throw new Error(`${timestamp} follows ${last}`);
        last = timestamp!;
        if (--count <= 0) break;
      }
    },
    async () => {
      const alias = name('sub-graph');
      const [handle, reader] = await graph.addNode((g) => {
        const made = g.module(twig, {}, { inputs: [[root, trunk][below(2)]!], alias });
        return [made, read(made, 'late')] as const;
      });
      late.push(reader);
      await graph.removeNode(next() < 0.5 ? handle : alias);
    },
    async () => {
      if (kind !== 'video') return;
      let written = 0;
      let closed = 0;
      const output = {
        async write(bytes: Uint8Array) {
          written += bytes.length;
        },
        close() {
          closed++;
        },
      };
      const video_params = { codec: 'rawvideo' };
      const encoder = await graph.addOutput(root, { output, format: 'nut', video_params }, { alias: name('encoder') });
      await graph.removeNode(encoder);
      if (closed !== 1) throw new Error(`${written} bytes were written, closed ${closed} times`);
    },
    async () => {
      graph.pause();
      await new Promise((resolve) => setTimeout(resolve, below(3)));
      graph.resume();
    },
  ];

  await graph.start();
  let pending: Promise<unknown>[] = [];
  for (let step = 0; step < steps; step++) {
    // A branch that was to be read may have been removed meanwhile.
    pending.push(
      soon(`seed ${seed} on ${threads} threads, step ${step}`, refusedOr(operations[below(operations.length)]!())),
    );
    if (next() < 0.6) {
      await Promise.all(pending);
      pending = [];
    }
  }
  const aborted = next() < 0.15;
  if (aborted) {
    await soon(`seed ${seed}: the abort`, graph.forceClose());
    await soon(`seed ${seed}: what was under way`, Promise.all(pending));
    return;
  }
  await Promise.all(pending);
  graph.stop();
  const report = await soon(`seed ${seed} on ${threads} threads`, graph.close());
  const made = report.nodes.find(({ alias }) => alias === 'root')!.packetsOut;
  for (const { sink, alias } of staying) {
    const own = times(sink).filter((time) => time < 1e12);
    requireRun(seed, alias, own, 0);
    if (own.length !== made) throw new Error(`seed ${seed}: ${alias} has ${own.length} of ${made} packets`);
  }
  if (mixed !== undefined) {
    const given = mixed.sink.packets.filter(({ kind: what }) => what === kind);
    if (kind === 'video') {
      requireRun(seed, 'the mixer', times(mixed.sink), 0);
      if (given.length !== made) throw new Error(`seed ${seed}: the mixer has ${given.length} of ${made} pictures`);
    } else {
      let samples = 0;
      for (const packet of given) {
        if (packet.pts !== BigInt(samples))
          throw new Error(`seed ${seed}: sample ${samples} of the mixer is at ${packet.pts}`);
        samples += packet.samples!;
      }
      if (samples !== made * SAMPLES)
        throw new Error(`seed ${seed}: the mixer has ${samples} of ${made * SAMPLES} samples`);
    }
  }
  for (const { sink, alias } of late) {
    const own = times(sink).filter((time) => time < 1e12);
    requireRun(seed, alias, own, own[0] ?? 0);
  }
  if (Object.keys(report.leaked).length > 0) throw new Error(`seed ${seed}: ${JSON.stringify(report.leaked)} is left`);
}

/** Lays another input over the first. */
function over(input: number): { graph: string } {
  return { graph: `[0][${input}]overlay=x=2:y=2:eof_action=pass[0]` };
}

function times(sink: TestSink): number[] {
  return sink.packets.map(({ timestamp }) => timestamp!);
}

/** Every packet, in order. */
function requireRun(seed: number, alias: string, seen: readonly number[], first: number): void {
  const wrong = seen.findIndex((time, at) => time !== first + at * INTERVAL);
  if (wrong >= 0) throw new Error(`seed ${seed}: packet ${wrong} of ${alias} is ${seen[wrong]! / INTERVAL}`);
}

/** Who is refused is told why, and nothing else happens. */
async function refused(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!String((error as { code?: string }).code).startsWith('ERR_MILLRACE_')) throw error;
    return;
  }
  throw new Error('it was not refused');
}

/** What came too late, or is not what its mixer can take now. */
const REFUSALS = ['ERR_MILLRACE_CLOSED', 'ERR_MILLRACE_CONFIG', 'ERR_MILLRACE_ABORTED', 'ERR_MILLRACE_OPTION'];

/** It is done, or came too late for a node that has left. */
async function refusedOr(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const { code } = error as { code?: string };
    if (!REFUSALS.includes(String(code))) throw error;
  }
}

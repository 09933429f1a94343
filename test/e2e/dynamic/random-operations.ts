/**
 * What can be done to a running graph, one operation each: random-changes.ts draws them. Each resolves when it has been done
 * and, where it can see that by itself, has found out that it was done right; `play.atEnd` takes what is to be looked at after the end.
 */
import { type createModule, defineGraph, type Graph, type NodeHandle, Packet, toBuffer } from 'millrace';
import { type TestSink, TestSource } from 'millrace/testing';
import { add } from '../../kit/modules.js';

/** A consumer, and what it reads. */
export interface Reader {
  readonly sink: TestSink;
  readonly alias: string;
}

export type Kind = 'value' | 'video' | 'audio';

/** One running graph, and what has been drawn for it. */
export interface Play {
  readonly graph: Graph;
  readonly kind: Kind;
  readonly threads: number;
  /** A whole number below `n`. */
  below(n: number): number;
  chance(share: number): boolean;
  /** Never given before. */
  name(what: string): string;
  place(): { scheduler?: number };
  relay(stream: NodeHandle, what: string): NodeHandle;
  read(stream: NodeHandle, what: string): Reader & { handle: NodeHandle };
  /** The source, what hands its packets on, and what guests join. Nobody touches them. */
  readonly root: NodeHandle;
  readonly trunk: NodeHandle;
  readonly hub: NodeHandle;
  /** A module of the tests that takes further inputs. */
  readonly joint: NodeHandle;
  /** A mixer; packets of values cannot be mixed. */
  readonly stage: NodeHandle | undefined;
  /** Merged filters; absent where there are none. */
  readonly row: { readonly inside: NodeHandle; readonly last: NodeHandle } | undefined;
  /** A node in parallel copies. */
  readonly copies: NodeHandle | undefined;
  readonly warm: Awaited<ReturnType<typeof createModule>> | undefined;
  /** Branches that came, by the node that leads to all of theirs. */
  readonly branches: NodeHandle[];
  /** Consumers that came. */
  readonly late: Reader[];
  /** Numbers of inputs that the mixer has been given. */
  readonly taken: number[];
  readonly atEnd: (() => void)[];
}

export const INTERVAL = 40_000;
/** Packets of guests are those from this time on. */
export const GUEST = 1e12;

const twig = defineGraph((graph: Graph, [stream]) => add(graph, 'Relay', {}, { inputs: [stream!], alias: 'inside' }), {
  name: 'twig',
});
const bough = defineGraph((graph: Graph, [stream]) => graph.module(twig, {}, { inputs: [stream!], alias: 'twig' }), {
  name: 'bough',
});

/** A file of five pictures. */
let file: Promise<Buffer> | undefined;

async function fiveFrames(graph: Graph): Promise<Buffer> {
  const Own = graph.constructor as new (options: { threads: number }) => Graph;
  const made = new Own({ threads: 0 });
  const source = new TestSource({ kind: 'video', count: 5, interval: INTERVAL });
  const video = made.module(source.spec, source.options);
  return toBuffer({ video }, { format: 'nut', video_params: { codec: 'rawvideo' } });
}

/** Lays another input over the first. */
function over(input: number): { graph: string } {
  return { graph: `[0][${input}]overlay=x=2:y=2:eof_action=pass[0]` };
}

/** A source whose packets are told from those of the graph. */
function guest({ graph, kind, below, name, place }: Play, start = GUEST): NodeHandle {
  const source = new TestSource({ kind, interval: INTERVAL, start, count: below(30) });
  return graph.module(source.spec, source.options, { alias: name('guest'), ...place() });
}

/** A file that the program takes. */
function sink(): { output: { write(bytes: Uint8Array): Promise<void>; close(): void }; closed(): number } {
  let closed = 0;
  return {
    output: {
      async write() {},
      close() {
        closed++;
      },
    },
    closed: () => closed,
  };
}

export const OPERATIONS: Readonly<Record<string, (play: Play) => Promise<unknown>>> = {
  async 'a branch comes'(play) {
    const { graph, root, trunk, hub, joint, branches, below, late } = play;
    const from = [root, trunk, hub, joint, ...branches][below(4 + branches.length)]!;
    const [head, reader] = await graph.addNode(() => {
      const first = play.relay(from, 'branch');
      return [first, play.read(play.chance(0.5) ? play.relay(first, 'twig') : first, 'late')] as const;
    });
    branches.push(head);
    late.push(reader);
  },

  async 'a consumer comes, and may leave'({ graph, root, trunk, below, chance, read, late }) {
    const { handle, ...reader } = await graph.addNode(() => read([root, trunk][below(2)]!, 'late'));
    late.push(reader);
    if (chance(0.5)) await graph.removeNode(chance(0.5) ? handle : reader.alias);
  },

  async 'a branch leaves'({ graph, branches, below }) {
    const [branch] = branches.splice(below(branches.length), 1);
    if (branch !== undefined) await graph.removeNode(branch);
  },

  async 'a source joins'(play) {
    const { graph, hub, joint, below } = play;
    await graph.addNode(() => {
      graph.connect(guest(play), [hub, joint][below(2)]!);
    });
  },

  async 'what cannot be is refused'({ graph, root, branches, row, name }) {
    const fixed = await graph.addNode(() => add(graph, 'Relay', {}, { inputs: [root], alias: name('fixed') }));
    branches.push(fixed);
    await refused(fixed.reset({ any: 1 }));
    await refused(
      graph.addNode(() => add(graph, 'Failing', { where: 'init' }, { inputs: [root], alias: name('bad') })),
    );
    await refused(graph.addNode(() => graph.module('null_sink', { unknown: 1 } as never, { inputs: [root] })));
    if (row !== undefined) await refused(graph.addNode(() => row.inside.module('null_sink')));
  },

  async 'an input joins the mixer, and may leave'(play) {
    const { graph, kind, stage, taken } = play;
    if (stage === undefined) return;
    const made = await graph.addNode(() => {
      const stream = guest(play, 0);
      const input = Math.max(0, ...taken) + 1;
      graph.connect(stream, stage, input, kind === 'video' ? over(input) : undefined);
      taken.push(input);
      return stream;
    });
    if (play.chance(0.5)) await graph.removeNode(made);
  },

  async 'options change'(play) {
    const { graph, kind, stage, root, copies, below, name } = play;
    // It may be laid over by another one by then.
    if (kind === 'video') await stage!.reset({ graph: '[0]null[0]' });
    else if (kind === 'audio') await stage!.reset({ duration: 'first' });
    else {
      const factor = await graph.addNode(() =>
        add(graph, 'Factor', { factor: 1 }, { inputs: [root], alias: name('factor') }),
      );
      await factor.reset({ factor: 1 + below(5) });
      await graph.removeNode(factor);
      await copies?.reset({ factor: 1 });
    }
  },

  async 'a filter comes, changes and may leave'(play) {
    const { graph, kind, root, name, chance } = play;
    if (kind === 'value') return;
    const [filter, reader] = await graph.addNode(() => {
      const alias = name('filter');
      const made = kind === 'video' ? root.filter('eq', { alias }) : root.filter('volume', 1, { alias });
      return [made, play.read(made, 'filtered')] as const;
    });
    if (kind === 'video') play.late.push(reader);
    // By a command of FFmpeg's, and by another filter graph.
    await filter.reset(kind === 'video' ? { brightness: 0.1 } : { volume: 0.5 });
    await filter.reset({ graph: kind === 'video' ? '[0]hflip[0]' : '[0]anull[0]' });
    if (chance(0.5)) await graph.removeNode(filter);
  },

  async 'a reader comes, and leaves'({ graph, root, trunk, hub, below }) {
    const reader = await graph.addNode(() => [root, trunk, hub][below(3)]!.packets());
    let last: number | undefined;
    let count = below(12);
    for await (const { timestamp } of reader.closing()) {
      if (timestamp! >= GUEST) continue;
      if (last !== undefined && timestamp !== last + INTERVAL) throw new Error(`${timestamp} follows ${last}`);
      last = timestamp!;
      if (--count <= 0) break;
    }
  },

  async 'a sub-graph comes, and leaves as a whole'({ graph, root, trunk, below, chance, name, read, late }) {
    const alias = name('sub-graph');
    const [handle, reader] = await graph.addNode((g) => {
      const made = g.module(chance(0.5) ? twig : bough, {}, { inputs: [[root, trunk][below(2)]!], alias });
      return [made, read(made, 'late')] as const;
    });
    late.push(reader);
    await graph.removeNode(chance(0.5) ? handle : alias);
  },

  async 'an output comes, and may leave'({ graph, kind, root, name, chance, atEnd }) {
    if (kind === 'value') return;
    const { output, closed } = sink();
    const encoder = await (kind === 'video'
      ? graph.addOutput(
          root,
          { output, format: 'nut', video_params: { codec: 'rawvideo' } },
          { alias: name('encoder') },
        )
      : graph.addOutput(
          { audio: root },
          { output, format: 'nut', audio_params: { codec: 'pcm_s16le' } },
          { alias: name('encoder') },
        ));
    const look = (): void => {
      if (closed() !== 1) throw new Error(`the sink of an output was closed ${closed()} times`);
    };
    if (chance(0.5)) atEnd.push(look);
    else {
      await graph.removeNode(encoder);
      look();
    }
  },

  async 'a file of the program is read'({ graph, kind, name, read, chance, atEnd }) {
    if (kind === 'value') return;
    file ??= fiveFrames(graph);
    const input = await file;
    const [node, reader] = await graph.addNode(() => {
      const made = graph.decode({ input }, { alias: name('decoder') });
      return [made, read(made.video as NodeHandle, 'decoded')] as const;
    });
    const leaves = chance(0.3);
    if (leaves) await graph.removeNode(node);
    atEnd.push(() => {
      const { length } = reader.sink.packets;
      if (length > 5) throw new Error(`${reader.alias} has ${length} of 5 pictures`);
    });
  },

  async 'the program pushes'({ graph, hub, joint, below, chance, name }) {
    const stream = await graph.addNode(() => {
      const made = graph.inputStream(name('pushed'));
      graph.connect(made, [hub, joint][below(2)]!);
      return made;
    });
    const count = below(6);
    for (let n = 0; n < count; n++) await stream.push(new Packet({ n }, { timestamp: GUEST + n * INTERVAL }));
    if (chance(0.5)) await stream.end();
  },

  async 'changes as data'({ graph, kind, name, chance }) {
    const [relay, end] = [name('by data'), name('its end')];
    await graph.update({
      nodes: [
        {
          action: 'add',
          alias: relay,
          module_info: { name: 'pass_through' },
          input_streams: [{ identifier: 'root.0_0' }],
          output_streams: [{ identifier: relay }],
        },
        { action: 'add', alias: end, module_info: { name: 'null_sink' }, input_streams: [{ identifier: relay }] },
        ...(kind === 'video' ? [{ action: 'reset' as const, alias: 'stage', option: { graph: '[0]null[0]' } }] : []),
      ],
    });
    if (chance(0.7)) await graph.update({ nodes: [relay, end].map((alias) => ({ action: 'remove', alias })) });
  },

  async 'a branch fails, and is dropped'({ graph, root, below, chance, name, read, late, atEnd }) {
    const alias = name('failing');
    const after = below(5);
    const where = chance(0.5) ? 'process' : 'reject';
    const reader = await graph.addNode(() => {
      const made = add(graph, 'Failing', { where, after }, { inputs: [root], alias, on_error: 'drop-branch' });
      return read(made, 'late');
    });
    late.push(reader);
    atEnd.push(() => {
      // A call may take several packets.
      if (reader.sink.ends.length > 1) throw new Error(`${reader.alias} ended ${reader.sink.ends.length} times`);
    });
  },

  async 'streams are put together, and may leave'({ graph, root, trunk, chance, name }) {
    const alias = name('together');
    const inputManager = chance(0.5) ? 'default' : 'framesync';
    const made = await graph.addNode(() => {
      const node = add(graph, 'Relay', {}, { inputs: [root, trunk], alias, inputManager });
      node.module('null_sink');
      return node;
    });
    if (chance(0.5)) await graph.removeNode(made);
  },

  async 'a warm module comes, and leaves'({ graph, root, warm, name }) {
    if (warm === undefined) return;
    const node = await graph.addNode(() => {
      const made = graph.module(warm, {}, { inputs: [root], alias: name('warm') });
      made.module('null_sink');
      return made;
    });
    await graph.removeNode(node);
  },

  async 'the graph pauses'({ graph, below }) {
    graph.pause();
    await wait(below(3));
    graph.resume();
  },

  async 'an input pauses'({ graph, below }) {
    graph.pause('root');
    await wait(below(3));
    graph.resume('root');
  },

  async 'its status is read'({ graph }) {
    const { nodes, queues, state } = graph.status();
    if (!['starting', 'running', 'paused', 'stopping'].includes(state)) throw new Error(`it is ${state}`);
    for (const { alias, packetsIn, packetsOut } of nodes) {
      if (packetsIn < 0 || packetsOut < 0) throw new Error(`${alias} took ${packetsIn}, gave ${packetsOut}`);
    }
    const negative = queues.find(({ queued }) => queued < 0);
    if (negative !== undefined) throw new Error(`a queue holds ${negative.queued} packets`);
  },
};

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
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

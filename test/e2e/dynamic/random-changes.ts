/**
 * Random sequences of changes on random running graphs: the operations of random-operations.ts, and in the end a stop or an abort.
 * Every operation must end; whoever stays must get every packet, in order, as without the operations; nothing may be left.
 */
import { Graph, type GraphError, type GraphOptionsInput, type NodeHandle } from 'millrace';
import { type SeenPacket, TestSink, TestSource } from 'millrace/testing';
import { random } from '../../fixtures/modules/plain.mjs';
import { add } from '../../kit/modules.js';
import { soon } from '../../kit/soon.js';
import { GUEST, INTERVAL, type Kind, OPERATIONS, type Play, type Reader } from './random-operations.js';

const KINDS = ['value', 'video', 'audio'] as const;
/** Samples of a packet of sound. */
const SAMPLES = 1024;

export interface ChangesOptions {
  readonly threads: number;
  readonly steps: number;
  readonly graphOn?: (options: GraphOptionsInput) => Graph;
  readonly warm?: Play['warm'];
  /** Milliseconds after which an operation counts as one that does not end. */
  readonly limit?: number;
  /** Is told of every operation that has come to its end, and why, if it was refused. */
  readonly onEnd?: (operation: string, refusal?: Error) => void;
}

/** @throws Error naming what went wrong. */
export async function changeAtRandom(seed: number, options: ChangesOptions): Promise<void> {
  const { threads, graphOn, warm } = options;
  const next = random(seed);
  const below = (n: number): number => Math.floor(next() * n);
  const chance = (share: number): boolean => next() < share;
  const make = threads === 0 || graphOn === undefined ? (given: GraphOptionsInput) => new Graph(given) : graphOn;
  const graph = make({ threads, queue_length_limit: 1 + below(4) });
  const place = (): { scheduler?: number } => (threads > 1 && chance(0.5) ? { scheduler: below(threads) } : {});
  let names = 0;
  const name = (what: string): string => `${what} ${++names}`;
  const kind = KINDS[below(KINDS.length)]!;

  // Links fill up at full speed; at a pace most of the time goes into the changes.
  const source = new TestSource({ kind, interval: INTERVAL, ...(chance(0.9) && { delay: 1 + below(4) }) });
  const root = graph.module(source.spec, source.options, { alias: 'root', ...place() });
  const relay = (stream: NodeHandle, what: string): NodeHandle =>
    add(graph, chance(0.3) ? 'SlowRelay' : 'Relay', { every: 4 }, { inputs: [stream], alias: name(what), ...place() });
  const read = (stream: NodeHandle, what: string): Reader & { handle: NodeHandle } => {
    const sink = new TestSink();
    const alias = name(what);
    const handle = graph.module(sink.spec, sink.options, { inputs: [stream], callback: sink.callback, alias });
    return { sink, alias, handle };
  };
  // Those that stay: nobody touches them or what leads to them.
  const trunk = chance(0.5) ? relay(root, 'trunk') : root;
  const hub = graph.module('pass_through', {}, { inputs: [trunk], alias: 'hub' });
  const joint = chance(0.5) ? add(graph, 'Relay', {}, { inputs: [trunk], alias: 'joint' }) : hub;
  const staying: Reader[] = [root, trunk, hub, joint].map((stream) => read(stream, 'stays'));
  const copies =
    threads > 1 && kind === 'value' && chance(0.1)
      ? add(graph, 'Factor', { factor: 1 }, { inputs: [root], alias: 'copies', distNums: 2 })
      : undefined;
  if (copies !== undefined) staying.push(read(copies, 'stays'));
  const stage = kind === 'value' ? undefined : mixerOf(kind, root);
  const mixed = stage && read(stage, 'mixed');
  const row = kind === 'video' && chance(0.3) ? mergedFilters(root) : undefined;
  const filtered = row && read(row.last, 'filtered');
  const play: Play = {
    ...{
      graph,
      kind,
      threads,
      below,
      chance,
      name,
      place,
      relay,
      read,
      root,
      trunk,
      hub,
      joint,
      stage,
      row,
      copies,
      warm,
    },
    ...{ branches: [], late: [], taken: [], atEnd: [] },
  };

  const where = `seed ${seed} on ${threads} threads`;
  await graph.start();
  try {
    if (!(await playedToTheEnd(where, play, options))) return;
  } catch (error) {
    const { nodes, threads: hosts } = graph.status();
    const open = nodes.filter(({ state }) => state !== 'closed');
    console.log(JSON.stringify(open.map(({ alias, state, call, waitsFor }) => ({ alias, state, call, waitsFor }))));
    console.log(JSON.stringify(hosts.map(({ thread, state, asleep }) => ({ thread, state, asleep }))));
    await graph.forceClose();
    throw error;
  }
  const report = await soon(where, graph.close(), options.limit);

  const made = report.nodes.find(({ alias }) => alias === 'root')!.packetsOut;
  const expected = await withoutChanges(kind, made);
  for (const { sink, alias } of staying) {
    const own = sink.packets.filter(({ timestamp }) => timestamp! < GUEST);
    requireRun(where, alias, own, 0, expected);
    if (own.length !== made) throw new Error(`${where}: ${alias} has ${own.length} of ${made} packets`);
  }
  if (mixed !== undefined) requireMixed(where, mixed, made, kind, play.taken.length === 0 ? expected : undefined);
  if (filtered !== undefined) requireMixed(where, filtered, made, kind, undefined);
  for (const { sink, alias } of play.late) {
    const own = sink.packets.filter(({ timestamp }) => timestamp! < GUEST);
    const same = alias.startsWith('late') ? expected : undefined;
    requireRun(where, alias, own, own[0]?.timestamp ?? 0, same);
  }
  try {
    for (const look of play.atEnd) look();
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`);
  }
  requireNothing(where, report.leaked);
}

/** Draws the operations, and stops or aborts the graph. @returns whether it comes to its end by itself. @throws Error of what did not end. */
async function playedToTheEnd(where: string, play: Play, { steps, limit, onEnd }: ChangesOptions): Promise<boolean> {
  const { graph, below, chance } = play;
  const drawn = Object.entries(OPERATIONS);
  let pending: Promise<unknown>[] = [];
  for (let step = 0; step < steps; step++) {
    const [what, operation] = drawn[below(drawn.length)]!;
    // A branch that was to be read may have been removed meanwhile.
    const work = refusedOr(operation(play)).then((refusal) => onEnd?.(what, refusal));
    pending.push(soon(`${where}, step ${step}: ${what}`, work, limit));
    if (chance(0.6)) {
      await Promise.all(pending);
      pending = [];
    }
  }
  if (chance(0.15)) {
    await soon(`${where}: the abort`, graph.forceClose(), limit);
    await soon(`${where}: what was under way`, Promise.all(pending), limit);
    const { leaked } = await graph.close().catch((error: GraphError) => error);
    requireNothing(where, leaked);
    return false;
  }
  const early = chance(0.2);
  if (early) graph.stop();
  await Promise.all(pending);
  if (!early) graph.stop();
  return true;
}

function mixerOf(kind: Kind, root: NodeHandle): NodeHandle {
  if (kind === 'video') return root.module('c_ffmpeg_filter', { graph: '[0]null[0]' }, { alias: 'stage' });
  return root.filter('amix', { inputs: 1, normalize: false, duration: 'first', alias: 'stage' });
}

function mergedFilters(root: NodeHandle): { inside: NodeHandle; last: NodeHandle } {
  const inside = root.filter('hflip', { alias: 'inside' });
  return { inside, last: inside.filter('vflip', { alias: 'last' }) };
}

/** What a consumer of the source gets when nothing is changed, by kind. */
const undisturbed = new Map<Kind, SeenPacket[]>();

/** @param count packets at least. */
async function withoutChanges(kind: Kind, count: number): Promise<readonly SeenPacket[]> {
  const known = undisturbed.get(kind) ?? [];
  if (known.length >= count) return known;
  const graph = new Graph({ threads: 0 });
  const source = new TestSource({ kind, interval: INTERVAL, count: 2 * count });
  const sink = new TestSink();
  graph.module(source.spec, source.options).module(sink.spec, sink.options, { callback: sink.callback });
  await graph.run();
  undisturbed.set(kind, sink.packets);
  return sink.packets;
}

/** Every packet, in order. @param expected what they are like without the changes, if they are like that. */
function requireRun(
  where: string,
  alias: string,
  seen: readonly SeenPacket[],
  first: number,
  expected: readonly SeenPacket[] | undefined,
): void {
  seen.forEach((packet, at) => {
    const { timestamp } = packet;
    if (timestamp !== first + at * INTERVAL) {
      throw new Error(`${where}: packet ${at} of ${alias} is ${timestamp! / INTERVAL}`);
    }
    const { hash, value } = expected?.[timestamp / INTERVAL] ?? packet;
    if (hash !== packet.hash || (value as { n?: number })?.n !== (packet.value as { n?: number })?.n) {
      throw new Error(`${where}: packet ${timestamp / INTERVAL} of ${alias} is not what the source has made`);
    }
  });
}

/** A filter that stays gives every picture or sample, whoever joins it. */
function requireMixed(
  where: string,
  { sink, alias }: Reader,
  made: number,
  kind: Kind,
  expected: readonly SeenPacket[] | undefined,
): void {
  const given = sink.packets.filter((packet) => packet.kind === kind);
  if (kind === 'video') {
    requireRun(where, alias, given, 0, expected);
    if (given.length !== made) throw new Error(`${where}: ${alias} has ${given.length} of ${made} pictures`);
    return;
  }
  let samples = 0;
  for (const packet of given) {
    if (packet.pts !== BigInt(samples)) throw new Error(`${where}: sample ${samples} of ${alias} is at ${packet.pts}`);
    samples += packet.samples!;
  }
  if (samples === made * SAMPLES) return;
  throw new Error(`${where}: ${alias} has ${samples} of ${made * SAMPLES} samples`);
}

function requireNothing(where: string, leaked: Readonly<Record<string, number>>): void {
  if (Object.keys(leaked).length > 0) throw new Error(`${where}: ${JSON.stringify(leaked)} is left`);
}

/** What came too late, or is not what its mixer can take now. */
const REFUSALS = ['ERR_MILLRACE_CLOSED', 'ERR_MILLRACE_CONFIG', 'ERR_MILLRACE_ABORTED', 'ERR_MILLRACE_OPTION'];

/** It is done, or came too late for a node that has left. */
async function refusedOr(work: Promise<unknown>): Promise<Error | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    const { code } = error as { code?: string };
    if (!REFUSALS.includes(String(code))) throw error;
    return error as Error;
  }
}

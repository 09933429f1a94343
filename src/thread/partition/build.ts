/** Puts an actor together from what its thread was told: the faces of its links, its context, its validated options. */
import { performance } from '../../../ringbuffer/clock.js';
import type { Doorbell } from '../../../ringbuffer/index.js';
import type { Module, ModuleContext } from '../../module/contract.js';
import { requireTraced } from '../../module/door.js';
import { type LogSeverity, logTo } from '../../module/log.js';
import { Actor } from '../actor/actor.js';
import { appPortOf } from '../actor/app-port.js';
import { ActorInputs } from '../actor/inputs.js';
import { type ActorInput, Jobs } from '../actor/jobs.js';
import { Deliveries } from '../actor/output.js';
import { ActorOutputs } from '../actor/outputs.js';
import type { Board } from '../board/board.js';
import { NodeTimer } from '../board/node-timer.js';
import { runSleep } from '../board/run-sleep.js';
import type { TraceRecorder } from '../board/trace-recorder.js';
import { DirectLink } from '../link/direct-link.js';
import type { LinkReceiver, LinkSender } from '../link/link.js';
import { RingReceiver, RingSender } from '../link/ring-link.js';
import { boardMeter } from '../meter.js';
import { ModuleInstance } from '../module-instance.js';
import type { PartitionNode, PartitionSpec } from '../protocol.js';
import { isAnswered } from './callbacks.js';

/** This thread's faces of the links that touch it, by index of the link. */
export interface LinkFaces {
  ins: Map<number, LinkReceiver>;
  outs: Map<number, LinkSender>;
}

export function makeLinks(spec: PartitionSpec, board: Board, bells: readonly Doorbell[]): LinkFaces {
  const ins = new Map<number, LinkReceiver>();
  const outs = new Map<number, LinkSender>();
  for (const link of spec.links) {
    const holdAt = link.patient ? spec.hardCap : Number.POSITIVE_INFINITY;
    if (link.ring === undefined) {
      const direct = new DirectLink(link.index, board, link.limit, holdAt, link.free);
      ins.set(link.index, direct);
      outs.set(link.index, direct);
    } else if (link.producerThread === spec.thread) {
      const bell = bells[link.consumerThread]!;
      const { buffer, port } = link.ring;
      const byReference = spec.transport !== 'copy';
      const { index, limit } = link;
      outs.set(index, new RingSender(index, board, limit, spec.bytesLimit, buffer, port, bell, byReference, holdAt));
    } else {
      const bell = bells[link.producerThread]!;
      ins.set(link.index, new RingReceiver(link.index, board, link.ring.buffer, link.ring.port, bell));
    }
  }
  return { ins, outs };
}

/** What an actor asks of its part. */
export interface ActorHooks {
  log(node: PartitionNode, level: LogSeverity, message: unknown): void;
  tell(node: PartitionNode, event: string, facts: Readonly<Record<string, unknown>>): void;
  callback(node: PartitionNode, key: string | number, value: unknown): Promise<unknown>;
  onError(node: PartitionNode, error: unknown): void;
  onDelivered(actor: Actor): void;
  onJob(node: PartitionNode, job: number, files: string[]): void;
  /** Something has happened to it: it may be able to run. */
  onEvent(actor: Actor): void;
}

export function makeActor(
  spec: Pick<PartitionSpec, 'links' | 'startedAt'>,
  board: Board,
  node: PartitionNode,
  module: Module,
  links: LinkFaces,
  hooks: ActorHooks,
  trace?: TraceRecorder,
): Actor {
  const inlets: ActorInput[] = [];
  const outputs = new Map<number, LinkSender[]>();
  for (const link of spec.links) {
    if (link.consumer === node.index) {
      const { serving } = link;
      inlets.push({
        id: link.input,
        link: links.ins.get(link.index)!,
        serving,
        ended: false,
        over: false,
        last: false,
      });
    }
    if (link.producer === node.index) {
      const list = outputs.get(link.output) ?? [];
      list.push(links.outs.get(link.index)!);
      outputs.set(link.output, list);
    }
  }
  inlets.sort((a, b) => a.id - b.id);
  const connected = inlets.map((inlet) => inlet.id);
  const unconnected: number[] = [];
  for (let id = 0; id < (connected.at(-1) ?? 0); id++) if (!connected.includes(id)) unconnected.push(id);
  const aborter = new AbortController();
  const jobs = node.firstJob === undefined ? undefined : new Jobs(node.firstJob, inlets);
  const context: ModuleContext = {
    options: node.options,
    id: node.id,
    alias: node.alias,
    inputs: connected,
    outputs: [...outputs.keys()].sort((a, b) => a - b),
    log: logTo((level, message) => hooks.log(node, level, message)),
    meter: boardMeter(board, node.index),
    callback: (key, value) => hooks.callback(node, key, value),
    hasCallback: (key) => isAnswered(node, key),
    signal: aborter.signal,
    get stopping() {
      return board.stopping;
    },
    protocolWhitelist: node.protocolWhitelist,
    sources: node.sources,
    elapsed: () => Number(board.clock.elapsed) / 1000,
    sleep: runSleep(board, node.index, aborter.signal),
    get job() {
      return jobs?.number ?? 0;
    },
    trace: (name, data, phase) => {
      requireTraced(name, phase);
      trace?.user(node.index, name, data, phase);
    },
    wrote: (path) => {
      jobs?.files.push(path);
    },
    tell: (event, facts) => hooks.tell(node, event, facts),
  };
  const { index, alias, rank } = node;
  const times = new NodeTimer(board, index, epochOf(spec), trace);
  const onDelivered = (): void => hooks.onDelivered(actor);
  const deliveries = new Deliveries({ onError: (error) => hooks.onError(node, error), onDelivered });
  const instance = new ModuleInstance(module, context, {
    inputs: new ActorInputs(inlets, unconnected, module, jobs, { board, node: index }),
    outputs: new ActorOutputs(outputs, deliveries, `node ${alias}`, jobs),
    deliveries,
    aborter,
  });
  const actor: Actor = new Actor({
    node: index,
    rank,
    instance,
    inlets,
    jobs,
    outside: appPortOf(module),
    board,
    times,
    wake: onDelivered,
    onJob: (job, files) => hooks.onJob(node, job, files),
  });
  const onEvent = (): void => hooks.onEvent(actor);
  for (const { link } of inlets) if (link instanceof DirectLink) link.onArrival = onEvent;
  for (const link of [...outputs.values()].flat()) if (link instanceof DirectLink) link.onRoom = onEvent;
  return actor;
}

/** What makes milliseconds after the start of the run of this thread's performance.now(). */
export function epochOf({ startedAt }: Pick<PartitionSpec, 'startedAt'>): number {
  return performance.timeOrigin - startedAt;
}

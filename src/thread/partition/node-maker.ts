/** Loads and initialises the modules of a part, one after the other, and makes actors of them. */
import { performance } from '../../../ringbuffer/clock.js';
import type { Phase } from '../../errors/errors.js';
import type { Actor } from '../actor/actor.js';
import type { Board } from '../board/board.js';
import { NodeCall } from '../board/states.js';
import type { TraceRecorder } from '../board/trace-recorder.js';
import type { ManagerHost } from '../input-manager/index.js';
import type { PartitionLink, PartitionNode } from '../protocol.js';
import { type ActorHooks, epochOf, type LinkFaces, makeActor } from './build.js';
import { load } from './load-node.js';

export class NodeMaker {
  private readonly epoch: number;

  /** @param rouse an actor may be able to run, and the thread may be asleep. */
  constructor(
    private readonly startedAt: number,
    private readonly board: Board,
    private readonly hooks: ActorHooks,
    private readonly rouse: (actor: Actor) => void,
    private readonly trace: TraceRecorder | undefined,
  ) {
    this.epoch = epochOf({ startedAt });
  }

  /** @param actors to which it is added as soon as it has to be closed. */
  async make(
    node: PartitionNode,
    linksOf: ReadonlyMap<number, PartitionLink[]>,
    faces: LinkFaces,
    actors: Actor[],
    failed: (phase: Phase, error: unknown) => void,
  ): Promise<void> {
    const { board, startedAt } = this;
    let phase: Phase = 'load';
    board.beginCall(node.index, NodeCall.load, performance.now() + this.epoch);
    try {
      const { module, failure } = await load(node);
      const own = { links: linksOf.get(node.index) ?? [], startedAt };
      const actor = makeActor(own, board, node, module, faces, this.hooks, this.trace);
      actors.push(actor);
      if (failure !== undefined) throw failure.cause;
      phase = 'init';
      await actor.init(node.inputManager, this.surroundings(actor));
    } catch (error) {
      failed(phase, error);
    }
    board.endCall(node.index);
  }

  /** What the actor's input manager knows of it. Time stands still until the graph runs: nobody is silent before. */
  private surroundings(actor: Actor): ManagerHost {
    const { inputs } = actor.context;
    const { board } = this;
    return {
      now: () => board.clock.elapsed,
      ...(board.clock.byHand && { looked: (time: bigint) => board.setLooked(actor.node, time) }),
      wake: () => this.rouse(actor),
      available: (id) => actor.inlets.some((inlet) => inlet.id === id && inlet.link.available),
      trace: this.trace && ((event) => actor.times.told(event, inputs[event.pad]!)),
    };
  }
}

/**
 * The orders that a part of a graph is given while it runs: they wait until the part is between two steps, are done one
 * after the other, and each is answered whatever comes of it.
 */
import { MillraceError, type Phase } from '../../errors/errors.js';
import { packError } from '../../errors/wire.js';
import type { Actor } from '../actor/actor.js';
import type { Board } from '../board/board.js';
import { NodeFate, NodePhase, NodeStatus } from '../board/states.js';
import type { LinkFaces } from '../partition/build.js';
import { linksByNode } from '../partition/load-node.js';
import type { Blame } from '../partition/node-error.js';
import type { FromHost, Growth, Order, PartitionLink, PartitionNode, PartitionSpec } from '../protocol.js';
import { type Arrival, askConsumers, ConsumerError, joinLinks } from './arrivals.js';

/** The part, as far as its changes concern it. */
export interface ChangingPart {
  /** It may be able to run, and the thread may be asleep. */
  rouse(actor: Actor): void;
  note(actor: Actor): void;
  /** Wakes the thread's host. */
  wake(): void;
  /** Nothing is scheduled any more. */
  isEnding(): boolean;
  hasEnded(): boolean;
  /** An abort waits for it, as for calls under way. It never rejects. */
  awaitAtEnd(work: Promise<void>): void;
  /** Learns of all that comes anywhere. */
  meet(growth: Growth): LinkFaces;
  /** Loads and initialises one module. */
  make(
    node: PartitionNode,
    linksOf: ReadonlyMap<number, PartitionLink[]>,
    faces: LinkFaces,
    actors: Actor[],
    failed: (phase: Phase, error: unknown) => void,
  ): Promise<void>;
  /** Actors take part from now on. @param ranks of all nodes. */
  join(actors: readonly Actor[], ranks: readonly number[]): void;
}

export class Changes {
  private readonly orders: Order[] = [];
  /** What comes and has not joined, by its number. */
  private readonly arrivals = new Map<number, Arrival>();
  /** Arrivals that are awaited: until then the part does not end. */
  private growing: number;
  /** The part comes to a running graph, and has not been told what for. */
  private awaitsFirst: boolean;
  private readonly run: number;
  private readonly thread: number;
  /** Orders that have been given and not been answered, but for those that wait for a node to end by itself. */
  private unanswered = 0;

  constructor(
    spec: PartitionSpec,
    private readonly board: Board,
    private readonly actors: readonly Actor[],
    private readonly part: ChangingPart,
    private readonly blame: Blame,
    private readonly tell: (message: FromHost) => void,
  ) {
    this.run = spec.run;
    this.thread = spec.thread;
    this.awaitsFirst = spec.late === true;
    this.growing = this.awaitsFirst ? 1 : 0;
  }

  /** Something has been ordered and not been done. */
  get pending(): boolean {
    return this.orders.length > 0;
  }

  /** Something that was ordered goes on. */
  get areUnderWay(): boolean {
    return this.unanswered > 0;
  }

  /** The part does not end before what it has been told of has come. */
  get isGrowing(): boolean {
    return this.growing > 0;
  }

  /** Actors that have been made and have not joined. */
  get arriving(): Actor[] {
    return [...this.arrivals.values()].flatMap(({ actors }) => actors);
  }

  /** The part has ended: what has not been done is not done any more. */
  end(): void {
    for (const order of this.orders.splice(0)) this.answer(order, whenEnded(order));
  }

  /** Takes an order, which is done between two steps, also when it is given within one. It is answered in any case. */
  obey(order: Order): void {
    if (order.type !== 'await-end') this.unanswered++;
    if (this.part.hasEnded()) this.answer(order, whenEnded(order));
    else this.orders.push(order);
    this.part.wake();
  }

  /** The next order that waits, if any. @returns false if there is none. */
  doNext(): boolean {
    const order = this.orders.shift();
    if (order !== undefined) this.execute(order);
    return order !== undefined;
  }

  private execute(order: Order): void {
    switch (order.type) {
      case 'grow':
        if (concerns(order.growth)) this.part.awaitAtEnd(this.grow(order));
        else {
          this.meet(order.growth);
          this.join(order, order.growth.id);
        }
        break;
      case 'join':
        this.join(order, order.growth);
        break;
      case 'give-up':
        this.part.awaitAtEnd(this.giveUp(order));
        break;
      default:
        this.changeNode(order);
    }
  }

  /** See arrivals.ts. Whatever goes wrong, the thread knows of all that comes. */
  private async grow(order: Order & { type: 'grow' }): Promise<void> {
    const { growth, joins } = order;
    const { faces, actors } = this.meet(growth);
    let failure: Error | undefined;
    try {
      await askConsumers(growth.links, this.actors, (actor) => this.part.rouse(actor));
    } catch (error) {
      failure =
        error instanceof ConsumerError
          ? this.blame.errorIn(error.actor.node, 'reset', error.cause)
          : (error as MillraceError);
    }
    const linksOf = linksByNode(growth.links);
    for (const node of growth.nodes) {
      if (failure !== undefined || this.part.isEnding()) break;
      await this.part.make(node, linksOf, faces, actors, (phase, error) => {
        failure = this.blame.errorIn(node.index, phase, error);
      });
    }
    if (!joins) this.answer(order, failure);
    else if (failure !== undefined) {
      await this.close(growth.id);
      this.answer(order, failure);
    } else if (this.part.isEnding()) this.answer(order, endedError());
    else this.join(order, growth.id);
    this.part.wake();
  }

  /** The thread learns of what comes anywhere. */
  private meet(growth: Growth): Arrival {
    if (!this.awaitsFirst) this.growing++;
    this.awaitsFirst = false;
    if (growth.announced) this.board.letIn(this.thread);
    const arrival: Arrival = { growth, faces: this.part.meet(growth), actors: [] };
    this.arrivals.set(growth.id, arrival);
    return arrival;
  }

  private join(order: Order, id: number): void {
    const arrival = this.arrivals.get(id)!;
    this.arrivals.delete(id);
    this.growing--;
    const ended = joinLinks(arrival, this.actors, (actor) => this.part.note(actor));
    this.part.join(arrival.actors, arrival.growth.ranks);
    this.answer(order, undefined, ended);
  }

  private async giveUp(order: Order & { type: 'give-up' }): Promise<void> {
    this.answer(order, await this.close(order.growth));
    this.part.wake();
  }

  /** What came is closed. @returns what went wrong in it. */
  private async close(id: number): Promise<Error | undefined> {
    const { growth, actors } = this.arrivals.get(id)!;
    this.arrivals.delete(id);
    let failure: Error | undefined;
    for (const actor of actors) {
      try {
        await actor.close();
      } catch (error) {
        failure = this.blame.errorIn(actor.node, 'close', error);
      }
      actor.discard();
    }
    for (const { index } of growth.nodes) {
      this.board.setPhase(index, NodePhase.closed);
      this.board.setStatus(index, NodeStatus.over);
    }
    this.growing--;
    return failure;
  }

  private changeNode(order: Order & { type: 'reset' | 'remove' | 'await-end' }): void {
    const actor = this.actors.find((candidate) => candidate.node === order.node);
    if (actor === undefined) {
      this.answer(order, whenEnded(order));
      return;
    }
    const answer = (phase: Phase, member?: number) => (error?: unknown) => {
      this.answer(order, error === undefined ? undefined : this.blame.errorIn(order.node, phase, error, member));
    };
    switch (order.type) {
      case 'reset': {
        const { member, options } = order;
        const run = (): void | Promise<void> => actor.change(member === undefined ? options : { member, options });
        actor.commands.add({ run, answer: answer('reset', member) });
        break;
      }
      case 'await-end':
        actor.whenClosed(answer('close'));
        break;
      case 'remove':
        // Before anybody can see its outputs end: what gets nothing because of it has not failed.
        this.board.setFate(order.node, NodeFate.removed);
        actor.remove(answer('close'), order.drains);
        break;
    }
    this.part.note(actor);
  }

  private answer({ type, order }: Order, error: Error | undefined, ended?: number[]): void {
    if (type !== 'await-end') this.unanswered--;
    this.tell({ type: 'answer', run: this.run, order, error: error && packError(error), ...(ended && { ended }) });
  }
}

/** Whether anything of it is this thread's. */
function concerns({ nodes, links }: Growth): boolean {
  return nodes.length > 0 || links.length > 0;
}

/** What becomes of an order when the node, or the part, has ended. @returns undefined where that is what was wanted. */
function whenEnded({ type }: Order): MillraceError | undefined {
  return type === 'remove' || type === 'await-end' ? undefined : endedError();
}

function endedError(): MillraceError {
  return new MillraceError('ERR_MILLRACE_CLOSED', 'the node has ended, and so has its thread');
}

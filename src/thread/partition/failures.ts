/**
 * What becomes of a part when something goes wrong in it. As a rule the graph fails. A node that is told to (`on_error`), and
 * one that nobody waits for, ends alone, once, and its branch with it; one that was removed fails for itself.
 */
import { GraphError, type Phase } from '../../errors/errors.js';
import { messageOf, packError } from '../../errors/wire.js';
import type { Actor } from '../actor/actor.js';
import type { Board } from '../board/board.js';
import { isCutOff } from '../board/branches.js';
import { GraphState, NodeFate } from '../board/states.js';
import type { TraceRecorder } from '../board/trace-recorder.js';
import type { FromHost, PartitionNode, PartitionSpec } from '../protocol.js';
import type { Blame } from './node-error.js';

/** The part, as far as its failures concern it. */
export interface FailingPart {
  readonly spec: PartitionSpec;
  readonly board: Board;
  readonly actors: readonly Actor[];
  readonly trace: TraceRecorder | undefined;
  tell(message: FromHost): void;
  /** It may be able to run, and the thread may be asleep. */
  rouse(actor: Actor): void;
  /** Ends the graph. */
  fail(error: GraphError): void;
}

export class Failures {
  constructor(
    private readonly part: FailingPart,
    private readonly blame: Blame,
  ) {}

  /** Something was thrown in or for a node. */
  inNode(index: number, phase: Phase, thrown: unknown): void {
    const { part } = this;
    const error = this.blame.errorIn(index, phase, thrown);
    part.trace?.error(index, error.message);
    this.blame.tellFFmpegLines(index, thrown);
    const runner = part.spec.nodes.find((n) => n.index === index)!;
    const actor = this.endsAlone(runner) && part.actors.find((one) => one.node === index);
    if (actor && part.board.state !== GraphState.aborting) this.dropBranch(actor, error);
    else part.fail(error);
  }

  /** A call of its module went wrong. */
  inCall(actor: Actor, phase: Phase, error: unknown): void {
    if (actor.isRemoved) actor.failRemoved(error);
    else this.inNode(actor.node, phase, error);
  }

  /** Moving what waits can fail (a payload that cannot cross threads), and so can a module's `wants`. */
  inMoving(actor: Actor, error: unknown): void {
    this.inNode(actor.node, actor.inputs.asking ? 'process' : 'transport', error);
  }

  private endsAlone({ index, onError }: PartitionNode): boolean {
    if (onError !== undefined) return onError === 'drop-branch';
    return isCutOff(this.part.board, this.part.spec.allLinks, index);
  }

  /** The node ends alone, once. What goes wrong in it after that is told, unless it is what its end has made of a call. */
  private dropBranch(actor: Actor, error: GraphError): void {
    const { part } = this;
    const { run } = part.spec;
    if (actor.dropped) {
      const text = `after its branch was dropped: ${error.message}`;
      if (error.phase !== 'process') part.tell({ type: 'warning', run, text });
    } else {
      // Before anybody can see its outputs end.
      part.board.setFate(actor.node, NodeFate.dropped);
      const packets = actor.drop(error);
      part.tell({ type: 'dropped', run, node: actor.node, error: packError(error), packets });
      try {
        actor.finish();
      } catch (later) {
        this.inNode(actor.node, 'transport', later);
      }
    }
    part.rouse(actor);
  }

  /**
   * Something was thrown in this thread outside of any call. Only where there is one node is it known whose it was.
   * @param alone the thread serves nobody else.
   */
  uncaught(cause: unknown, alone: boolean): void {
    const { nodes } = this.part.spec;
    const [node] = nodes;
    if (alone && nodes.length === 1 && node?.onError === 'drop-branch') {
      this.inNode(node.index, 'run', cause);
      return;
    }
    const message = `uncaught exception in the thread of ${nodes.map(({ alias }) => alias).join(', ')}: ${messageOf(cause)}`;
    this.part.fail(new GraphError('ERR_MILLRACE_MODULE', message, { phase: 'run', cause }));
  }
}

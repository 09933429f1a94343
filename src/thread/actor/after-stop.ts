/**
 * When a node ends of which the graph was asked to stop. Sources end at once; all others when their inputs have ended, as ever.
 * What makes packets of its own and never asks for more (an endless loop) would go on for ever: it ends after a while.
 */
import type { Log } from '../../module/contract.js';

/** Calls in a row in which a module takes no input after a stop: enough for any frame rate, not for an endless loop. */
const CALLS_AFTER_STOP = 256;

/** The node, as far as its end is concerned. */
export interface StoppedNode {
  readonly isSource: boolean;
  readonly finished: boolean;
  readonly context: { readonly log: Log };
  readonly inputs: { readonly allEnded: boolean; readonly wantsNone: boolean };
  readonly outputs: { readonly areConnected: boolean };
}

export class AfterStop {
  private calls = 0;
  /** The time is over in which those whose input has ended may finish. */
  private overdue = false;

  constructor(private readonly node: StoppedNode) {}

  /** It has taken input. */
  took(): void {
    this.calls = 0;
  }

  /** The grace of the stop is over. */
  expire(): void {
    this.overdue = true;
  }

  /** Whether it ends instead of being called. */
  ends(): boolean {
    const { isSource, inputs, context } = this.node;
    if (isSource) return true;
    if (this.isEndless) {
      context.log.warn(
        'ended: it still made packets of its own long after its input had ended and the graph was asked to stop',
      );
      return true;
    }
    if (inputs.allEnded || !inputs.wantsNone) return false;
    if (++this.calls <= CALLS_AFTER_STOP) return false;
    context.log.warn(`ended: it made packets of its own in ${CALLS_AFTER_STOP} calls after the stop`);
    return true;
  }

  /** What has an output and is not through with what it had by then goes on for ever: a filter such as `loop`. */
  get isEndless(): boolean {
    const { isSource, inputs, finished, outputs } = this.node;
    return this.overdue && !isSource && inputs.allEnded && !finished && outputs.areConnected;
  }
}

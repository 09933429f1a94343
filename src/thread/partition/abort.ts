/** The end of a part that is not waited for: calls under way, and modules that are closed, have half of the grace each. */
import { clearTimeout, setTimeout, type Timer } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../errors/errors.js';
import type { Actor } from '../actor/actor.js';

export interface AbortedPart {
  /** ms; after them the scheduler terminates the thread. */
  readonly grace: number;
  /** Actors that arrive meanwhile included. */
  actors(): Actor[];
  /** What has begun, by its promises. */
  underWay(): Promise<unknown>[];
  /** Answers of the program are not waited for any more. */
  rejectCallbacks(reason: MillraceError): void;
  closeFailed(actor: Actor, error: unknown): void;
}

/** Closes every module, releases every packet. */
export async function abortPart(part: AbortedPart): Promise<void> {
  const reason = new MillraceError('ERR_MILLRACE_ABORTED', 'the graph is being stopped');
  for (const actor of part.actors()) {
    actor.abort(reason);
    // Who waits for an answer of theirs, as an addition does for a node that is to take another input, is awaited below.
    actor.commands.end();
  }
  part.rejectCallbacks(reason);
  await withinGrace(Promise.all(part.underWay()), part.grace / 2);
  const actors = part.actors();
  await withinGrace(Promise.all(actors.map((actor) => close(part, actor))), part.grace / 2);
  for (const actor of actors) actor.discard();
}

async function close(part: AbortedPart, actor: Actor): Promise<void> {
  try {
    await actor.close();
  } catch (error) {
    part.closeFailed(actor, error);
  }
}

/** A module's promise may never settle; the end of the graph must not depend on it. */
async function withinGrace(work: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: Timer | undefined;
  const grace = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, grace]);
  clearTimeout(timer);
}

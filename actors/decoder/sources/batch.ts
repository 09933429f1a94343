/**
 * How much a decoder gives in one call. A call, with all that follows it (scheduling, delivery, the figures), costs the same
 * for one packet as for eight, and sound comes in pieces of 20 ms: of a file, of which the next piece is there at once, a call
 * goes on while every output takes more.
 *
 * It ends with a picture: that is large, and goes through the nodes behind while it is in the processor's cache. And it ends
 * before a packet has to wait: what a call gives never makes a queue longer than its limit (the packets of one packet of the
 * input excepted, as ever). What is not known to be there at once is handed on as it comes, so nothing live is held back.
 */
import { VideoFrame } from '../../../src/media/index.js';
import type { OutputPort } from '../../../src/module/contract.js';
import type { Ready } from '../track/track-set.js';

/** Whether a call that has `ready` may go on to the next packet of the input. */
export function mayGoOn(ready: readonly Ready[], outputOf: (id: number) => OutputPort): boolean {
  const last = ready.at(-1);
  if (last === undefined) return true;
  if (last.packet.payload instanceof VideoFrame) return false;
  // Whose packet comes next is not known: it is to have room in any case.
  return ready.every(({ output }) => outputOf(output).room > ready.length);
}

export interface Steps {
  /** The input has no packet now. */
  readonly starved: boolean;
  /** What a step failed of that came after others had brought something: to be thrown when that has been handed on. */
  readonly failure?: { readonly error: unknown };
}

/**
 * Takes steps, each of which adds to `ready`. What came before one that fails is kept, as if it had been given by itself.
 * @param step false: the input has no packet now.
 * @throws what the first that was to bring something fails of, with nothing in `ready`.
 */
export function takeSteps(ready: Ready[], goesOn: () => boolean, step: () => boolean): Steps {
  let before = 0;
  try {
    while (goesOn()) {
      before = ready.length;
      if (!step()) return { starved: true };
    }
    return { starved: false };
  } catch (error) {
    for (const { packet } of ready.splice(before)) packet.close();
    if (before === 0) throw error;
    return { starved: false, failure: { error } };
  }
}

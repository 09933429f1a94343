/**
 * How much a decoder gives in one call. A call, with all that follows it (scheduling, delivery, the figures), costs the same
 * for one packet as for eight, and what runs eight times in a row finds its code and data in the processor's cache, which
 * pictures empty each time: of a file, of which the next piece is there at once, a call goes on while every output takes more.
 *
 * It ends before a packet has to wait: what a call gives never makes a queue longer than its limit (the packets of one packet
 * of the input excepted, as ever). It ends with so many pixels, behind which the calls count for little, and which are memory
 * and time until the nodes behind get theirs. And it begins with one picture and doubles: who wants one has no eight decoded.
 * What is not known to be there at once is handed on as it comes, so nothing live is held back.
 */
import { VideoFrame } from '../../../src/media/index.js';
import type { OutputPort } from '../../../src/module/contract.js';
import type { Ready } from '../track/track-set.js';

/** Six pictures of 720p, two of 1080p: more than so many end a call. */
const PIXELS = 5e6;

/** The calls of one source. */
export class Batches {
  /** Pictures that a call may bring. */
  #most = 1;
  #seen = 0;
  #pictures = 0;
  #pixels = 0;
  /** Packets of the call, by output. */
  readonly #packets = new Map<number, number>();

  /** A call begins. */
  begin(): void {
    if (this.#pictures > 0) this.#most *= 2;
    this.#seen = 0;
    this.#pictures = 0;
    this.#pixels = 0;
    this.#packets.clear();
  }

  /** Whether the call may go on to the next packet of the input, when it has `ready`. */
  mayGoOn(ready: readonly Ready[], outputOf: (id: number) => OutputPort): boolean {
    const { length } = ready;
    let isRoom = true;
    for (; this.#seen < length; this.#seen++) {
      const { output, packet } = ready[this.#seen]!;
      const packets = (this.#packets.get(output) ?? 0) + 1;
      this.#packets.set(output, packets);
      // Whose packet comes next is not known: it is to have room in any case. Where none has come since, there is as much.
      if (outputOf(output).room <= packets) isRoom = false;
      const { payload } = packet;
      if (!(payload instanceof VideoFrame)) continue;
      this.#pictures++;
      const { width, height } = payload.av;
      this.#pixels += width * height;
    }
    return isRoom && this.#pictures < this.#most && this.#pixels <= PIXELS;
  }
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

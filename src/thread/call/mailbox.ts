/**
 * Where a caller and a called actor meet: a few words of shared memory. The packets of a call go through two links
 * (link/ring-link.ts), so that frames go by reference, rings grow with what they carry, and what finds no room waits; a call
 * without packets touches nothing but these words.
 *
 *   line 0   caller   CALL number | OP
 *   line 1   actor    ANSWER number | FLAGS
 *   line 2 … caller   packets for each input, in declared order, then 1 if a value follows them (options)
 *   then   … actor    packets of each output, in declared order, then 1 if a value follows them (an error)
 *
 * A line is 128 bytes. Each side stores its other words plainly and then its number with an atomic store, which makes
 * them visible; the other side reads the number first. There is one call at a time: a word is not written again before
 * the other side has read it. Numbers are 32-bit and wrap; they are compared for equality with the one that is awaited,
 * which cannot be missed, because the next call waits for it.
 */
const LINE = 32; // int32 per line
const [CALL, OP] = [0, 1] as const;
const [ANSWER, FLAGS] = [LINE, LINE + 1] as const;
const COUNTS = 2 * LINE;

export const CallOp = { init: 0, process: 1, sendEof: 2, dynamicReset: 3, close: 4 } as const;
/** Of an answer. */
export const CallFlag = { done: 1, failed: 2 } as const;

export class Mailbox {
  private readonly words: Int32Array;
  private readonly answersAt: number;

  private constructor(
    readonly buffer: SharedArrayBuffer,
    inputs: number,
  ) {
    this.words = new Int32Array(buffer);
    this.answersAt = COUNTS + linesFor(inputs) * LINE;
  }

  static create(inputs: number, outputs: number): Mailbox {
    const lines = COUNTS / LINE + linesFor(inputs) + linesFor(outputs);
    return new Mailbox(new SharedArrayBuffer(lines * LINE * 4), inputs);
  }

  static attach(buffer: SharedArrayBuffer, inputs: number): Mailbox {
    return new Mailbox(buffer, inputs);
  }

  // --- written by the caller ----------------------------------------------------------------------------------------

  /** Number of the last call. */
  get call(): number {
    return Atomics.load(this.words, CALL);
  }

  get op(): number {
    return this.words[OP]!;
  }

  /** @param place of the input in the declared list, or one behind it for the value. */
  packetsIn(place: number): number {
    return this.words[COUNTS + place]!;
  }

  setPacketsIn(place: number, count: number): void {
    this.words[COUNTS + place] = count;
  }

  /** After the counts. */
  place(call: number, op: number): void {
    this.words[OP] = op;
    Atomics.store(this.words, CALL, call);
  }

  // --- written by the actor -----------------------------------------------------------------------------------------

  /** Number of the last call that was answered. */
  get answer(): number {
    return Atomics.load(this.words, ANSWER);
  }

  get flags(): number {
    return this.words[FLAGS]!;
  }

  packetsOut(place: number): number {
    return this.words[this.answersAt + place]!;
  }

  setPacketsOut(place: number, count: number): void {
    this.words[this.answersAt + place] = count;
  }

  /** After the counts. */
  reply(call: number, flags: number): void {
    this.words[FLAGS] = flags;
    Atomics.store(this.words, ANSWER, call);
  }
}

/** With one more count for the value. */
function linesFor(ports: number): number {
  return Math.ceil((ports + 1) / LINE);
}

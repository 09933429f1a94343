/** The calls of FFmpeg that write an output, in a form that can block the thread or wait for a peer. */

/** How the calls of a muxer are made that wait for its peer. @throws if one was given up; `what` says what it does. */
export type PatientWrite = (what: string, call: () => Promise<number>) => Promise<number>;

/** Calls of FFmpeg that are to be made one after the other, each with its result. */
export type Writing<T = void> = Generator<WriteCall, T, number>;

export interface WriteCall {
  readonly what: string;
  now(): number;
  patiently(): Promise<number>;
}

/** Blocks the thread with each of them. */
export function runNow(writing: Writing): void {
  let step = writing.next();
  while (!step.done) step = writing.next(step.value.now());
}

/** @param before Told before each call. */
export async function runPatiently(writing: Writing, patiently: PatientWrite, before: () => void): Promise<void> {
  let step = writing.next();
  while (!step.done) {
    const { value } = step;
    const call = (): Promise<number> => {
      before();
      return value.patiently();
    };
    step = writing.next(await patiently(value.what, call));
  }
}

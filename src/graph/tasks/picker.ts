/** The pictures of a stream at given times. */
import type { Packet } from '../../media/packet/packet.js';
import type { Module, Task } from '../../module/contract.js';

/** Seconds that are decoded from each time on where the input is entered there. */
const REACH = 1;
/** Where times are nearer to each other, everything is decoded: entering costs more than going on. */
const NEAR = 4;

/** Formats with an index: others are entered somewhere, and pictures before the next key frame are missing then. */
const INDEXED = /^(mov|matroska|avi|mxf)\b/;

/** Ranges for a decoder, so that it goes from time to time; undefined where it is to go through all. */
export function rangesOf(
  times: readonly number[],
  format: string,
  frameRate: number | undefined,
): number[] | undefined {
  if (!INDEXED.test(format)) return undefined;
  // Pictures farther apart than REACH would be missed.
  if (frameRate === undefined || frameRate < 2 / REACH) return undefined;
  const gaps = times.slice(1).map((time, n) => time - times[n]!);
  if (gaps.some((gap) => gap < NEAR)) return undefined;
  return times.flatMap((time) => [time, time + REACH]);
}

export interface PickedPictures {
  /** Runs on the calling thread; hands on the picked frames, which is all that goes through it by reference. */
  readonly module: Module;
  /** Seconds, of the frames that were picked. */
  readonly times: readonly number[];
}

/**
 * Picks the first picture at or after each time; one that is so for several counts once.
 * @param times Ascending seconds from the beginning of the input.
 * @param start What the input's clock shows at its beginning, in seconds.
 */
export function pictures(times: readonly number[], start: number): PickedPictures {
  const picked: number[] = [];
  let next = 0;
  const pick = (packet: Packet, task: Task): void => {
    const time = (packet.timestamp ?? 0) / 1e6 - start;
    // Times come rounded to microseconds.
    if (next >= times.length || time < times[next]! - 2e-6) return;
    while (next < times.length && times[next]! <= time + 2e-6) next++;
    picked.push(Math.max(0, time));
    task.output(0).push(packet);
  };
  return {
    times: picked,
    module: {
      process(task) {
        for (const packet of task.inputs.get(0) ?? []) if (!packet.isEof) pick(packet, task);
        if (next >= times.length) task.done();
      },
    },
  };
}

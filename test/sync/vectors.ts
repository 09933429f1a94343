/** The recorded cases of NNStreamer, and how to run one. */
import { readFileSync } from 'node:fs';
import { Synchronizer, type SyncMode, type SyncOutput } from '../../src/sync/index.js';

export interface Vector {
  name: string;
  policy: SyncMode;
  options: { basePad?: number; duration?: string };
  pads: { id: string; pts: string }[][];
  arrival: string[];
  expected: { pts: string; inputs: string[]; at: number }[];
  end: { sent: boolean; at: number };
}

export function vectors(policy: SyncMode): Vector[] {
  return JSON.parse(readFileSync(new URL(`../fixtures/sync/${policy}.json`, import.meta.url), 'utf8')) as Vector[];
}

export function synchronizerFor({ policy, pads, options }: Vector): Synchronizer<string> {
  return new Synchronizer<string>({
    mode: policy,
    pads: pads.length,
    ...(policy === 'basepad' && { option: options }),
  });
}

/** Calls `step` for each arrival with what came out by it. */
export function replay(
  vector: Vector,
  synchronizer: Synchronizer<string>,
  step: (outputs: SyncOutput<string>[], at: number) => void,
): void {
  const places = new Map(vector.pads.flatMap((pad, index) => pad.map(({ id, pts }) => [id, { index, pts }] as const)));
  vector.arrival.forEach((arrival, at) => {
    const place = places.get(arrival);
    if (place) step(synchronizer.push(place.index, { pts: BigInt(place.pts), value: arrival }), at);
    else step(synchronizer.end(Number(arrival.slice('eos:'.length))), at);
  });
}

export type Seen = Pick<Vector, 'expected' | 'end'>;

/** What a vector says, from what came out. */
export function observe(vector: Vector, synchronizer = synchronizerFor(vector)): Seen {
  const seen: Seen = { expected: [], end: { sent: false, at: -1 } };
  replay(vector, synchronizer, (outputs, at) => {
    for (const { pts, inputs } of outputs) {
      seen.expected.push({ pts: String(pts), inputs: inputs.map(({ value }) => value), at });
    }
    if (synchronizer.finished && !seen.end.sent) seen.end = { sent: true, at };
  });
  return seen;
}

/** A transcode of several runs: the passes of an encoder, and what is made again until it is no larger than it may be. */
import type { Graph } from '../../graph/graph.js';
import { fitSize, type Rates, type SizeJob } from '../../graph/rate/fit-size.js';
import { type Pass, type PassProgress, twoPass } from '../../graph/rate/two-pass.js';
import type { Report } from '../../scheduler/run/report.js';
import { type OutputFlags, perform } from '../execute.js';

export interface PassesJob {
  /** What the report line is about. */
  readonly output: string;
  readonly flags: OutputFlags;
  /** Beside those of the runs. */
  readonly warnings: readonly string[];
  /** How large the file may be; undefined: the bit rate is given, and both passes reach it. */
  readonly size: Omit<SizeJob, 'build'> | undefined;
  /** The same graph each time. */
  build(pass?: Pass, rates?: Rates): Graph;
}

/** @returns the exit code. */
export async function performPasses({ output, flags, warnings, size, build }: PassesJob): Promise<number> {
  let running: { graph: Graph; number: 1 | 2 } | undefined;
  let isDouble = false;
  const begin = (number: 1 | 2, graph: Graph): Graph => {
    isDouble ||= number === 1;
    running = { graph, number };
    return graph;
  };
  const told = ({ report, ...more }: { report: Report }): Report => {
    return { ...report, warnings: [...warnings, ...report.warnings], ...more };
  };
  return perform(
    output,
    flags,
    async ({ signal, onProgress }) => {
      const options = {
        signal,
        ...(onProgress && {
          onProgress: ({ pass, ...progress }: PassProgress) => onProgress(isDouble ? { ...progress, pass } : progress),
        }),
      };
      if (size === undefined)
        return told({ report: await twoPass((pass) => begin(pass.number, build(pass)), options) });
      return told(
        await fitSize({ ...size, build: (rates, pass) => begin(pass?.number ?? 2, build(pass, rates)) }, options),
      );
    },
    () => {
      // The first pass has written nothing that could be finished.
      if (running?.number !== 2) return false;
      running.graph.stop();
      return true;
    },
  );
}

/** Two passes over the same graph: the first finds out what the pictures need, the second spends the bits by that. */
import { join } from 'node:path';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { Progress, Report } from '../../scheduler/run/report.js';
import { requireObject } from '../../schema/argument.js';
import type { EncoderOptions } from '../build/module-options.js';
import { Stream } from '../build/stream.js';
import { Graph } from '../graph.js';
import { checkRunOptions, type RunOptions } from '../options/run-options.js';
import { withFolder } from './folder.js';

/** Options for an encoder in one of the passes: one call for each encoder, in the same order in both. */
export interface Pass {
  (): Pick<EncoderOptions, 'pass' | 'passlogfile'>;
  readonly number: 1 | 2;
}

/** The graph of a pass, or a node of it. */
export type PassGraph = Graph | Stream;

/** Of both passes together: the first goes to 50 percent, and has no `eta`. */
export interface PassProgress extends Progress {
  pass: 1 | 2;
}

export interface TwoPassOptions extends Omit<RunOptions, 'onProgress' | 'trace'> {
  /** The statistics are kept in files whose names begin with this. Default: a folder of their own, which is removed. */
  passlogfile?: string | undefined;
  onProgress?: ((progress: PassProgress) => void) | undefined;
}

/**
 * Builds a graph and runs it, twice.
 *
 *     const report = await twoPass((pass) => {
 *       const input = new Graph().decode({ input_path: 'in.mp4' });
 *       return input.video.encode(input.audio, { ...pass(), output_path: 'out.mp4', video_params: { bit_rate: '1M' } });
 *     });
 *
 * @param build Makes the same graph each time. In the first pass its encoders write nothing but statistics, and take no
 *   other streams than the pictures.
 * @returns The report of the second pass, with the warnings of both.
 * @throws as `Graph.run`; ERR_MILLRACE_OPTION for an encoder that has no two passes: libx264 and libx265 do.
 */
export async function twoPass(
  build: (pass: Pass) => PassGraph | Promise<PassGraph>,
  options: TwoPassOptions = {},
): Promise<Report> {
  requireObject(options, 'options of twoPass');
  return withStatistics(options, async (run) => {
    const first = await run(1, build);
    const second = await run(2, build);
    return { ...second, warnings: [...new Set([...first.warnings, ...second.warnings])] };
  });
}

type RunPass = (number: 1 | 2, build: (pass: Pass) => PassGraph | Promise<PassGraph>) => Promise<Report>;

/** What runs passes as long as their statistics are there. */
export async function withStatistics<T>(options: TwoPassOptions, work: (run: RunPass) => Promise<T>): Promise<T> {
  const { passlogfile, onProgress, ...rest } = options;
  const runOptions = checkRunOptions({ ...rest, ...(onProgress !== undefined && { onProgress }) });
  if (passlogfile !== undefined && (typeof passlogfile !== 'string' || passlogfile === '')) {
    throw wrong(`passlogfile cannot be ${describeValue(passlogfile)}`, 'It is the beginning of a file name');
  }
  if (passlogfile === undefined) {
    return withFolder('pass', (folder) => withStatistics({ ...options, passlogfile: join(folder, 'pass') }, work));
  }
  let isDouble = false;
  let percent: number | undefined;
  /** No figure goes back, also if the second pass is made again. */
  const tell = (progress: Progress, number: 1 | 2): void => {
    const told = isDouble ? ofBoth(progress, number) : { ...progress, pass: number };
    if (told.percent !== undefined) percent = Math.max(percent ?? 0, told.percent);
    onProgress?.({ ...told, percent });
  };
  return work(async (number, build) => {
    isDouble ||= number === 1;
    const graph = await graphOf(build, number, passlogfile);
    return graph.run({
      ...runOptions,
      ...(onProgress && { onProgress: (progress: Progress) => tell(progress, number) }),
    });
  });
}

async function graphOf(
  build: (pass: Pass) => PassGraph | Promise<PassGraph>,
  number: 1 | 2,
  prefix: string,
): Promise<Graph> {
  if (typeof build !== 'function') {
    throw wrong(`${describeValue(build)} builds no graph`, 'Give a function that returns the graph of a pass');
  }
  let asked = 0;
  const options = (): ReturnType<Pass> => ({ pass: number, passlogfile: `${prefix}-${asked++}` });
  const built: unknown = await build(Object.assign(options, { number }));
  if (asked === 0) throw wrong('no encoder was told of the pass', 'Encode with { ...pass(), … }');
  if (built instanceof Graph) return built;
  if (built instanceof Stream) return built.graph;
  throw wrong(`the function returned ${describeValue(built)}`, 'It returns the graph, or a node of it');
}

function ofBoth(progress: Progress, pass: 1 | 2): PassProgress {
  const { percent, eta } = progress;
  return {
    ...progress,
    pass,
    percent: percent === undefined ? undefined : (pass - 1) * 50 + percent / 2,
    eta: pass === 1 ? undefined : eta,
  };
}

function wrong(what: string, hint: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_CONFIG', `twoPass: ${what}`, { hint });
}

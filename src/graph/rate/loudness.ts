/** How loud something is, measured by FFmpeg's `loudnorm` (EBU R 128), and what brings it to a target in a second pass. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { checked } from '../../schema/problems.js';
import { boolean, number, type Schema, strictOptions } from '../../schema/schema.js';
import type { FilterArguments } from '../build/filters/args.js';
import { Stream } from '../build/stream.js';
import { Graph } from '../graph.js';
import { checkRunOptions, type RunOptions } from '../options/run-options.js';
import { withFolder } from './folder.js';

export interface LoudnessTarget {
  /** LUFS, -70 to -5. Default -24. */
  integrated?: number | undefined;
  /** dBTP, -9 to 0. Default -2. */
  truePeak?: number | undefined;
  /** LU, 1 to 50. Default 7. With what is measured it is raised to the range that there is: nothing is compressed for it. */
  range?: number | undefined;
  /**
   * The target is lowered where peaks would be above `truePeak`, so that all is made louder alike. Default false: loudnorm
   * compresses then.
   */
  alwaysLinear?: boolean | undefined;
}

export interface Loudness {
  /** As it is: LUFS, dBTP, LU, LUFS. */
  integrated: number;
  truePeak: number;
  range: number;
  threshold: number;
  /** dB by which the second pass changes it, if that is linear. */
  gain: number;
  /** LUFS after the second pass. */
  reached: number;
  /** The second pass makes everything louder or quieter alike; false: it compresses, because of the peaks. */
  isLinear: boolean;
  /** For the second pass: `stream.filter('loudnorm', loudness.arguments)`. */
  arguments: FilterArguments;
}

const targetSchema: Schema<LoudnessTarget> = strictOptions({
  integrated: v.optional(number({ min: -70, max: -5 })),
  truePeak: v.optional(number({ min: -9, max: 0 })),
  range: v.optional(number({ min: 1, max: 50 })),
  alwaysLinear: v.optional(boolean()),
});

/**
 * Measures the loudness of a sound from beginning to end.
 *
 *     const loudness = await measureLoudness('in.mp4', { integrated: -16, truePeak: -1.5 });
 *     input.audio.filter('loudnorm', loudness.arguments).…
 *
 * @param input A path or URL, whose best sound is measured; or a function that makes the stream in a graph of its own.
 * @throws as `Graph.run`; ERR_MILLRACE_CONFIG for a wrong target; ERR_MILLRACE_INPUT for silence, which has no loudness.
 */
export async function measureLoudness(
  input: string | URL | ((graph: Graph) => Stream),
  target: LoudnessTarget = {},
  options: RunOptions = {},
): Promise<Loudness> {
  const wanted = checked(targetSchema, target, 'the target of measureLoudness');
  const runOptions = checkRunOptions(options);
  const graph = new Graph();
  const stream = streamOf(input, graph);
  return withFolder('loudness', async (folder) => {
    const stats_file = join(folder, 'stats.json');
    stream.filter('loudnorm', { print_format: 'json', stats_file }).module('null_sink');
    await stream.graph.run(runOptions);
    return judge(JSON.parse(readFileSync(stats_file, 'utf8')) as Readonly<Record<string, string>>, wanted);
  });
}

function streamOf(input: unknown, graph: Graph): Stream {
  if (typeof input === 'string' || input instanceof URL) return graph.decode({ input_path: input }).audio;
  const made: unknown = typeof input === 'function' ? (input as (graph: Graph) => unknown)(graph) : input;
  if (typeof input === 'function' && made instanceof Stream) return made;
  throw new MillraceError('ERR_MILLRACE_CONFIG', `measureLoudness cannot measure ${describeValue(made)}`, {
    hint: 'Give a path, or a function that makes a stream of sound: (graph) => graph.decode({ … }).audio',
  });
}

function judge(measured: Readonly<Record<string, string>>, target: LoudnessTarget): Loudness {
  const { integrated: wanted = -24, truePeak: peak = -2, range: wantedRange = 7, alwaysLinear = false } = target;
  const [integrated, truePeak, range, threshold] = ['input_i', 'input_tp', 'input_lra', 'input_thresh'].map((key) =>
    Number(measured[key]),
  ) as [number, number, number, number];
  if (![integrated, truePeak, range, threshold].every(Number.isFinite) || integrated <= -70) {
    throw new MillraceError('ERR_MILLRACE_INPUT', 'measureLoudness: the sound is silent, and has no loudness');
  }
  const fits = truePeak + (wanted - integrated) <= peak;
  const I = fits || !alwaysLinear ? wanted : Math.max(-70, roundDown(integrated + peak - truePeak));
  const gain = Math.round((I - integrated) * 100) / 100;
  // A little of it, because loudnorm takes a range of nothing for one that is not known, and is dynamic then.
  const measuredRange = Math.max(0.01, range);
  return {
    ...{ integrated, truePeak, range, threshold, gain },
    reached: I,
    isLinear: truePeak + gain <= peak,
    arguments: {
      ...{ I, TP: peak, LRA: Math.min(50, Math.max(wantedRange, measuredRange)), linear: true },
      ...{ measured_I: integrated, measured_TP: truePeak, measured_LRA: measuredRange, measured_thresh: threshold },
      offset: Number(measured.target_offset ?? 0),
    },
  };
}

/** To hundredths, as loudnorm measures: what is lowered must not be above by a rounding. */
function roundDown(value: number): number {
  return Math.floor(value * 100) / 100;
}

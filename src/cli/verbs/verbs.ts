/** The short commands: each is a function of the package, with progress and a line about what it did. */
import { basename } from 'node:path';
import { concat as concatFiles } from '../../graph/tasks/concat.js';
import { gif as makeGif } from '../../graph/tasks/gif.js';
import { sprite as makeSprite } from '../../graph/tasks/sprite.js';
import type { TaskEncoding, TaskOptions } from '../../graph/tasks/task.js';
import { thumbnails } from '../../graph/tasks/thumbnails.js';
import { trim as cut, extractAudio as extract } from '../../graph/tasks/trim.js';
import { waveform as drawWaveform } from '../../graph/tasks/waveform.js';
import type { Report } from '../../scheduler/run/report.js';
import { UsageError } from '../errors.js';
import { type OutputFlags, perform } from '../execute.js';
import { isStandard, isStandardOutput, wholeInput } from '../look.js';

/** Flags as the command line has them; what they mean and may be is checked by the functions. */
export interface VerbFlags extends OutputFlags {
  readonly threads?: number | 'auto';
  readonly every?: number;
  readonly count?: number;
  readonly at?: readonly number[];
  readonly start?: number;
  readonly end?: number;
  readonly width?: number;
  readonly height?: number;
  readonly quality?: number;
  readonly columns?: number;
  readonly rows?: number;
  readonly vtt?: string;
  readonly url?: string;
  readonly fps?: number;
  readonly plays?: number;
  readonly colors?: number;
  readonly dither?: string;
  readonly palette?: 'clip' | 'frame';
  readonly copy?: boolean;
  readonly vcodec?: string;
  readonly acodec?: string;
  readonly preset?: string;
  readonly crf?: string;
  readonly bitrate?: string;
  readonly track?: string;
  readonly points?: number;
  readonly samplesPerPoint?: number;
  readonly channels?: 'mix' | 'split';
  readonly bits?: string;
  readonly color?: string;
  readonly background?: string;
}

interface Done {
  readonly report: Report;
  /** What `--json` has beside the report. */
  readonly more?: object;
}

/** @param work is given what all functions take. */
async function act(name: string, flags: VerbFlags, work: (options: TaskOptions) => Promise<Done>): Promise<number> {
  const { threads, json } = flags;
  const toStdout = isStandardOutput(name);
  if (toStdout && json) throw new UsageError('--json and the output would both go to the standard output');
  return perform(name, { ...flags, toStdout }, async ({ signal, onProgress }) => {
    const { report, more } = await work({ signal, onProgress, threads });
    return { ...report, ...more };
  });
}

/** What the function writes to. */
function place(output: string): string | NodeJS.WriteStream {
  return isStandardOutput(output) ? process.stdout : output;
}

export async function thumbnail(input: string, output: string, flags: VerbFlags): Promise<number> {
  const { every, count, at, width, height, quality } = flags;
  if (every === undefined && count === undefined && at === undefined) {
    throw new UsageError('say which pictures: --every seconds, --count n or --at time');
  }
  return act(output, flags, async (options) => {
    const made = await thumbnails(await wholeInput(input), {
      ...options,
      every,
      count,
      at,
      width,
      height,
      quality,
      output: place(output),
    });
    return { report: made.report, more: { thumbnails: made.thumbnails.map(({ data, ...rest }) => rest) } };
  });
}

export async function sprite(input: string, output: string, flags: VerbFlags): Promise<number> {
  const { every, count, width, height, quality, columns, rows, url } = flags;
  const vtt = flags.vtt ?? output.replace(/[-_.]?%\d*d/, '').replace(/\.\w+$/, '.vtt');
  if (basename(vtt) === basename(output))
    throw new UsageError(`${output} does not tell a name for the WebVTT file: give --vtt`);
  const spread = every === undefined && count === undefined ? { every: 10 } : { every, count };
  return act(output, flags, async (options) => {
    const all = { ...options, ...spread, width, height, quality, columns, rows, url, output: place(output), vtt };
    const { report, sheets, cues } = await makeSprite(await wholeInput(input), all);
    return { report, more: { sheets: sheets.map(({ data, ...rest }) => rest), cues, vtt } };
  });
}

export async function gif(input: string, output: string, flags: VerbFlags): Promise<number> {
  const { start, end, width, height, fps, plays, colors, palette } = flags;
  // What it may be is checked with the rest.
  const dither = flags.dither as 'none' | undefined;
  return act(output, flags, async (options) =>
    makeGif(await wholeInput(input), {
      ...options,
      start,
      end,
      width,
      height,
      fps,
      plays,
      colors,
      dither,
      palette,
      output: place(output),
    }),
  );
}

export async function trim(input: string, output: string, flags: VerbFlags): Promise<number> {
  const { start, end, copy } = flags;
  const encode = encodingOf(flags);
  if (copy && encode !== undefined) throw new UsageError('--copy and options of an encoder contradict each other');
  return act(output, flags, async (options) =>
    cut(await wholeInput(input), { ...options, start, end, copy, output, encode }),
  );
}

export async function concat(paths: readonly string[], flags: VerbFlags): Promise<number> {
  const [inputs, output] = [paths.slice(0, -1), paths.at(-1)!];
  if (inputs.filter(isStandard).length > 1) throw new UsageError('the standard input can be read once only');
  if (inputs.length === 0) throw new UsageError('concat needs inputs and, behind them, an output');
  const { width, height } = flags;
  return act(output, flags, async (options) =>
    concatFiles(await Promise.all(inputs.map(wholeInput)), {
      ...options,
      width,
      height,
      output,
      encode: encodingOf(flags),
    }),
  );
}

export async function extractAudio(input: string, output: string, flags: VerbFlags): Promise<number> {
  const { start, end, track, acodec, bitrate } = flags;
  const encode = bitrate === undefined ? undefined : { audio_params: { bit_rate: bitrate } };
  if (acodec === 'copy' && encode) throw new UsageError('--bitrate has no effect with --acodec copy');
  return act(output, flags, async (options) =>
    extract(await wholeInput(input), { ...options, start, end, track, codec: acodec, encode, output }),
  );
}

export async function waveform(input: string, output: readonly string[], flags: VerbFlags): Promise<number> {
  const { points, samplesPerPoint, channels, width, height, color, background } = flags;
  const bits = flags.bits === undefined ? undefined : (Number(flags.bits) as 8 | 16);
  const wanted = { points, samplesPerPoint, channels, bits, width, height, color, background };
  return act(output.join(' and '), flags, async (options) => {
    const { report, peaks } = await drawWaveform(await wholeInput(input), { ...options, ...wanted, output });
    const { data, ...rest } = peaks;
    return { report, more: { peaks: rest } };
  });
}

function encodingOf({ vcodec, acodec, preset, crf, bitrate }: VerbFlags): TaskEncoding | undefined {
  const given = (params: Record<string, string | undefined>) =>
    Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined));
  const video = given({ codec: vcodec, preset, crf, bit_rate: bitrate });
  const audio = given({ codec: acodec });
  const both = {
    ...(Object.keys(video).length > 0 && { video_params: video }),
    ...(Object.keys(audio).length > 0 && { audio_params: audio }),
  };
  return Object.keys(both).length > 0 ? both : undefined;
}

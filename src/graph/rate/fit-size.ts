/** A file of a given size: the bit rate follows from how long it lasts, and what comes out is looked at. */
import { statSync } from 'node:fs';
import { MillraceError } from '../../errors/errors.js';
import type { Report } from '../../scheduler/run/report.js';
import { type Pass, type PassGraph, type TwoPassOptions, withStatistics } from './two-pass.js';

/** Bits per second of every stream. */
export interface Rates {
  readonly video: number;
  readonly audio: number;
}

export interface SizeJob {
  /** Who asks, in errors. */
  readonly what: string;
  /** The file that is made. */
  readonly path: string;
  /** Bytes at most. */
  readonly bytes: number;
  /** That it lasts. */
  readonly seconds: number;
  /** The encoder of the pictures, by any of its names. */
  readonly codec: string | undefined;
  /** Streams that are encoded. */
  readonly videos: number;
  readonly sounds: number;
  /** Bits per second of every sound, where that is not to be found. */
  readonly soundRate?: number | undefined;
  /** How they are given less. */
  readonly lessSound: string;
  /** @param pass Where the encoder has two passes. */
  build(rates: Rates, pass?: Pass): PassGraph;
}

export interface Sized {
  report: Report;
  /** Bytes of the file. */
  size: number;
  /** Bits per second that the encoders were told. */
  videoBitRate: number;
  audioBitRate: number;
  /** How often the output was made: again, with less, when it was too large. */
  attempts: number;
}

/** Encoders that have two passes, by all of their names. */
const TWO_PASSES = /^(h264|avc|libx264|libx264rgb|hevc|h265|libx265)$/;

/** Of the bytes, for the container. */
const OVERHEAD = 0.015;

const ATTEMPTS = 3;

/** Bits per second of a picture, at least. */
const LEAST = 1000;

/** @throws MillraceError ERR_MILLRACE_CONFIG where nothing is left for the pictures; as `Graph.run`. */
export async function fitSize(job: SizeJob, runOptions: TwoPassOptions): Promise<Sized> {
  const { path, bytes, seconds, sounds } = job;
  let rates = firstRates(job);
  const build = (pass?: Pass): PassGraph => job.build(rates, pass);
  return withStatistics(runOptions, async (run) => {
    const isDouble = TWO_PASSES.test(job.codec ?? '');
    const warnings = isDouble ? (await run(1, build)).warnings : [];
    for (let attempts = 1; ; attempts++) {
      const report = await run(2, isDouble ? build : single(build));
      const size = statSync(path).size;
      if (size <= bytes || attempts === ATTEMPTS || report.stopped) {
        const told = new Set([...warnings, ...report.warnings]);
        if (size > bytes) {
          told.add(`${path} has ${size} bytes, ${size - bytes} more than wanted: ${attempts} attempts were made`);
        }
        const { video: videoBitRate, audio: audioBitRate } = rates;
        return { report: { ...report, warnings: [...told] }, size, videoBitRate, audioBitRate, attempts };
      }
      // What is too much is the picture's, and a little less is asked for than would be right.
      const sound = (sounds * rates.audio * seconds) / 8;
      const share = Math.max(0.05, (bytes - sound) / Math.max(1, size - sound));
      rates = { ...rates, video: Math.max(LEAST, Math.floor(rates.video * share * 0.98)) };
    }
  });
}

function firstRates({ what, bytes, seconds, videos, sounds, soundRate, lessSound }: SizeJob): Rates {
  if (videos === 0) {
    throw wrong(
      what,
      'there are no pictures',
      'Their bit rate is what is found: that of a sound is given to its encoder',
    );
  }
  const whole = (bytes * 8 * (1 - OVERHEAD)) / seconds;
  const audio = soundRate ?? Math.round(Math.min(128_000, Math.max(32_000, whole / 7)));
  const video = Math.floor((whole - sounds * audio) / videos);
  if (video >= LEAST) return { video, audio };
  const left = `${bytes} bytes for ${seconds.toFixed(1)} s leave ${Math.max(0, video)} bit/s for the picture`;
  throw wrong(what, left, `Allow more, cut the input, or give the sound less (${lessSound})`);
}

/** One pass is all that the encoder has. */
function single(build: (pass?: Pass) => PassGraph): (pass: Pass) => PassGraph {
  return (pass) => {
    pass();
    return build();
  };
}

function wrong(what: string, why: string, hint: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_CONFIG', `${what}: ${why}`, { hint });
}

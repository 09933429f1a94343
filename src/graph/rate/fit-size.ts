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

/** What came of a bit rate of the pictures. */
interface Try {
  readonly rate: number;
  readonly size: number;
  readonly report: Report;
}

/** @throws MillraceError ERR_MILLRACE_CONFIG where nothing is left for the pictures; as `Graph.run`. */
export async function fitSize(job: SizeJob, runOptions: TwoPassOptions): Promise<Sized> {
  const { path, bytes } = job;
  let rates = firstRates(job);
  const tries: Try[] = [];
  const build = (pass?: Pass): PassGraph => job.build(rates, pass);
  return withStatistics(runOptions, async (run) => {
    const isDouble = TWO_PASSES.test(job.codec ?? '');
    const warnings = isDouble ? (await run(1, build)).warnings : [];
    const again = async (): Promise<boolean> => {
      try {
        const report = await run(2, isDouble ? build : single(build));
        tries.push({ rate: rates.video, size: statSync(path).size, report });
      } catch (error) {
        // So low a rate that the encoder refuses it: what was made before is still there, as nothing had been written.
        const { code } = error as { code?: string };
        if (tries.length === 0 || code !== 'ERR_MILLRACE_OPTION' || statSync(path).size !== tries.at(-1)!.size)
          throw error;
        return false;
      }
      const { size, report } = tries.at(-1)!;
      return size > bytes && tries.length < ATTEMPTS && !report.stopped;
    };
    while (await again()) rates = { ...rates, video: lower(job, tries) };
    const { rate, size, report } = tries.at(-1)!;
    const told = new Set([...warnings, ...report.warnings]);
    const attempts = tries.length;
    if (size > bytes) {
      told.add(`${path} has ${size} bytes, ${size - bytes} more than wanted: ${attempts} attempts were made`);
    }
    return {
      report: { ...report, warnings: [...told] },
      size,
      videoBitRate: rate,
      audioBitRate: rates.audio,
      attempts,
    };
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

/**
 * The bit rate after one with which the file became too large. What is too much is taken from the pictures alone, as the rest
 * (sound, container, covers) stays as it is; how many bytes less they bring is seen from the second try on.
 */
function lower({ bytes, seconds, videos }: SizeJob, tries: readonly Try[]): number {
  const [last, before] = [tries.at(-1)!, tries.at(-2)];
  const usual = (videos * seconds) / 8;
  const seen = before ? (before.size - last.size) / (before.rate - last.rate) : usual;
  const bytesPerRate = Math.min(usual, Math.max(usual / 4, seen));
  // A little less is asked for than would be right.
  const next = last.rate - (last.size - bytes * 0.99) / bytesPerRate;
  return Math.max(LEAST, Math.floor(Math.max(next, last.rate * 0.1)));
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

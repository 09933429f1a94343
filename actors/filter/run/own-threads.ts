/**
 * Whether FFmpeg's threads inside of a filter graph pay. It starts them, one for each core, before it knows what the graph is for,
 * and ends them with it: for a small picture that takes longer than the filters do.
 */
import { AVFILTER_FLAG_SLICE_THREADS } from 'node-av/constants';
import { Filter } from 'node-av/lib';
import { factsOf } from '../catalogue.js';
import type { Plan } from '../plan/plan.js';
import type { StreamFormat } from './stream-format.js';

/** Milliseconds of work on one frame that are worth sharing. */
const WORTH_MS = 0.1;
/** What the costs of the catalogue are for. */
const PIXELS = 1280 * 720;

/** @returns FFmpeg's number: 0 is one for each core. */
export function ownThreads(plan: Plan, formats: ReadonlyMap<number, StreamFormat>): number {
  if (plan.threads > 0) return plan.threads;
  const areas = [...formats.values()].map(({ area }) => area);
  if (areas.length === 0) return 0;
  // What is inserted for sound never divides its work. For pictures it may be a scaler, which does.
  if (areas.every((area) => area === undefined)) return plan.filters.some(({ name }) => divides(name)) ? 0 : 1;
  const pixels = areas.reduce<number>((sum, area = 0) => sum + area, 0);
  const cost = plan.filters.reduce((sum, { name }) => sum + (factsOf(name).cost ?? Number.POSITIVE_INFINITY), 0);
  return (cost * pixels) / PIXELS < WORTH_MS ? 1 : 0;
}

function divides(name: string): boolean {
  return Filter.getByName(name)?.hasFlags(AVFILTER_FLAG_SLICE_THREADS) ?? false;
}

/** When `millrace transcode` takes no thread: none is asked for, and the main one is as fast or faster alone. */
import { localPath, type MediaInfo } from '../../catalog/ffmpeg.js';
import type { Graph } from '../../graph/graph.js';
import { entryAt } from '../entry.js';

/** Seconds times pixels of 12 frames of 720p at 25 a second, or of a minute of sound: less work than starting a thread for it. */
const BRIEF_PIXELS = 0.5 * 1280 * 720;
const BRIEF_SOUND = 60;

/** Whether it is done before a thread has started. */
export function isBrief(infos: readonly MediaInfo[]): boolean {
  const durations = infos.map(({ format }) => format.duration ?? Number.POSITIVE_INFINITY);
  const work = infos.map(({ streams }, n) => {
    const pixels = streams.map(({ width = 0, height = 0 }) => width * height);
    return durations[n]! * Math.max(0, ...pixels);
  });
  return Math.max(...durations) <= BRIEF_SOUND && work.reduce((sum, one) => sum + one) <= BRIEF_PIXELS;
}

/**
 * One thread beside the main one would start, and compile everything once more, while the main one waits for it. A file keeps no
 * call waiting for long, so that signals are heard here as well; who else is at the other end may.
 * @param graph As it is to run.
 * @param inputs Their paths, of what has one.
 */
export function isOneThread(graph: Graph, inputs: readonly (string | undefined)[], output: string): boolean {
  if (inputs.some((input) => input === undefined || !entryAt(input)?.isFile())) return false;
  const isWritten = localPath(output) !== undefined && (entryAt(output)?.isFile() ?? true);
  return isWritten && graph.explainPlacement().threads === 1;
}

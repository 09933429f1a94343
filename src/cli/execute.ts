/** Runs a graph for the command line: progress, signals, report, exit code. */

import { withoutSecrets } from '../errors/secrets.js';
import type { Graph } from '../graph/graph.js';
import type { RunOptions } from '../graph/options/run-options.js';
import type { InputStream } from '../graph/ports/input-stream.js';
import type { Report } from '../scheduler/run/report.js';
import { INTERRUPTED, summarise, tellError } from './errors.js';
import { leavePipes } from './look.js';
import type { ProgressDisplay, ShownProgress } from './progress.js';
import { reportLine } from './text.js';

export interface OutputFlags {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly trace?: string | undefined;
  /** The media go to the standard output: the report does not. */
  readonly toStdout?: boolean | undefined;
}

/** An input stream of the graph, and what is pushed into it. */
export interface Feed {
  readonly stream: InputStream;
  readonly source: AsyncIterable<Uint8Array>;
}

export interface ExecuteFlags extends OutputFlags {
  readonly feeds?: readonly Feed[] | undefined;
}

/** What a run is given. */
interface Watching extends Pick<RunOptions, 'signal'> {
  readonly onProgress?: ((progress: ShownProgress) => void) | undefined;
}

/**
 * Runs the graph to its end. The first SIGINT or SIGTERM stops it cleanly (the output is finalised), the second aborts
 * it, the third ends the process as if nobody listened.
 * @param name What the report line is about.
 * @param warnings What is to be told beside those of the run.
 * @returns The exit code.
 */
export async function execute(
  graph: Graph,
  name: string,
  flags: ExecuteFlags,
  warnings: readonly string[] = [],
): Promise<number> {
  const { trace, feeds = [] } = flags;
  const run = async (watching: Watching): Promise<Report> => {
    const report = await runFed(graph, feeds, { ...watching, trace });
    return { ...report, warnings: [...warnings, ...report.warnings] };
  };
  return perform(name, flags, run, () => {
    graph.stop();
    return true;
  });
}

/**
 * The same of anything that works on media and reports.
 * @param stop ends it early and cleanly, unless there is nothing to be finished: false. Then, and without it, the first
 *   signal aborts it.
 */
export async function perform(
  name: string,
  { json, quiet, toStdout }: OutputFlags,
  run: (watching: Watching) => Promise<Report>,
  stop?: () => boolean,
): Promise<number> {
  const progress = json || quiet || !process.stderr.isTTY ? undefined : await showProgress();
  const note = (text: string): void => {
    if (!quiet) process.stderr.write(`millrace: ${text}\n`);
  };
  const abort = new AbortController();
  let signals = 0;
  const onSignal = (): void => {
    signals++;
    if (signals === 1 && stop?.()) {
      progress?.end();
      note('finishing the output; interrupt again to abort');
    } else {
      listen('off');
      abort.abort(signals > 1 ? 'interrupted twice' : 'interrupted');
    }
  };
  const listen = (how: 'on' | 'off'): void => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process[how](signal, onSignal);
  };

  // SVT-AV1 writes to stderr past FFmpeg's log; 1: errors only.
  process.env.SVT_LOG ??= '1';
  listen('on');
  let report: Report;
  try {
    const onProgress = progress && ((now: ShownProgress) => progress.update(now));
    report = await run({ signal: abort.signal, onProgress });
  } catch (error) {
    progress?.end();
    if (json) process.stdout.write(`${JSON.stringify({ ok: false, error: summarise(error) })}\n`);
    const code = tellError(error);
    // Stopped before there was anything to write is a failure too, but not the one that matters.
    return signals > 0 ? INTERRUPTED : code;
  } finally {
    listen('off');
  }
  progress?.end();
  for (const warning of report.warnings) note(`warning: ${warning}`);
  const dropped = report.dropped.map((branch) => ({ ...branch, error: summarise(branch.error) }));
  if (json) process.stdout.write(`${JSON.stringify({ ok: true, ...report, dropped })}\n`);
  else if (!quiet) (toStdout ? process.stderr : process.stdout).write(`${reportLine(withoutSecrets(name), report)}\n`);
  return signals > 0 ? INTERRUPTED : 0;
}

/** Imported when there is a terminal to show it on: a bar takes longer to load than some graphs to run. */
async function showProgress(): Promise<ProgressDisplay> {
  const { ProgressDisplay } = await import('./progress.js');
  return new ProgressDisplay(process.stderr);
}

async function runFed(graph: Graph, feeds: readonly Feed[], options: RunOptions): Promise<Report> {
  if (feeds.length === 0) return graph.run(options);
  await graph.start({ mode: 'push', ...options });
  try {
    await Promise.all(feeds.map(({ stream, source }) => stream.pushFrom(source)));
    return await graph.close();
  } finally {
    leavePipes();
  }
}

/** The one start of a graph, to run or to serve jobs, and what was started. */

import type { MillraceError } from '../errors/errors.js';
import { stateError } from '../errors/make.js';
import { setLogLevel } from '../media/ffmpeg.js';
import type { LogListener } from '../module/log.js';
import type { GraphStats, Progress, Report } from '../scheduler/run/report.js';
import { GraphRun } from '../scheduler/run/run.js';
import { type GraphStatus, statusOfBuilt } from '../scheduler/run/status.js';
import type { GraphDefinition } from './build/definition.js';
import type { RunOptions } from './options/run-options.js';
import type { GraphPorts } from './ports/graph-ports.js';
import type { Runtime } from './runtime.js';
import { Server } from './serve/server.js';
import { type CheckedServeOptions, served, servingProblems, withOutputs } from './serve/serving.js';

export class Lifecycle {
  private stopAsked = false;
  private pauseAsked = false;
  private current: GraphRun | undefined;
  private starting: Promise<GraphRun> | undefined;
  private server: Server | undefined;
  private serving = false;

  constructor(
    private readonly blueprint: GraphDefinition,
    private readonly session: GraphPorts,
    private readonly runtime: Runtime | undefined,
    private readonly onLog: LogListener | undefined,
  ) {}

  /** From here on the graph is as it is. A start that is under way counts, and one that was refused does not any more. */
  get begun(): boolean {
    return this.starting !== undefined || this.serving;
  }

  /** What was started, if it was. */
  get run(): GraphRun | undefined {
    return this.current;
  }

  // --- starting -----------------------------------------------------------------------------------------------------

  /** Starts the graph if nobody has. */
  async ensure(): Promise<void> {
    await (this.starting ?? this.begin({}));
  }

  begin(options: RunOptions): Promise<GraphRun> {
    if (this.begun) return Promise.reject(stateError('the graph has been run', 'A graph runs once; build a new one'));
    if (this.blueprint.building) return Promise.reject(isBuilding());
    this.starting = this.beginOnce(options).catch((error: unknown) => {
      // Nothing was started: the graph may be completed and run again.
      if (this.current === undefined) {
        this.starting = undefined;
        this.stopAsked = false;
        this.pauseAsked = false;
      }
      throw error;
    });
    return this.starting;
  }

  private async beginOnce(options: RunOptions): Promise<GraphRun> {
    const { blueprint, runtime, onLog } = this;
    const { signal, onProgress, clock, trace = blueprint.resolved.tracePath } = options;
    const { problems, later } = blueprint.check();
    // Without asynchronous schemas the run exists when this call returns: stop() and stats() may follow at once.
    if (later.length > 0) for (const found of await Promise.all(later)) problems.push(...found);
    blueprint.refuse(problems);
    const warnings = [...blueprint.idle, ...blueprint.dump()];
    if (blueprint.resolved.loglevel) setLogLevel(blueprint.resolved.loglevel);
    const spec = blueprint.spec();
    const run = new GraphRun(spec, {
      warnings,
      ...(runtime && { threads: runtime.source() }),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
      ...(clock && { clock }),
      ...(onLog && { onLog }),
      ...(trace && { trace }),
    });
    runtime?.watch(run);
    const started = run.start();
    if (!run.begun) await started; // it was refused
    this.current = run;
    if (this.pauseAsked) run.pause();
    if (this.stopAsked) run.stop();
    await this.session.attach(run, started, spec);
    return run;
  }

  async serve(options: CheckedServeOptions): Promise<Server> {
    if (this.begun) throw stateError('the graph has been run', 'A graph runs once; build a new one');
    if (this.blueprint.building) throw isBuilding();
    this.serving = true;
    try {
      return await this.serveOnce(options);
    } catch (error) {
      // As above.
      if (this.current === undefined) {
        this.serving = false;
        this.server = undefined;
        this.session.serve(false);
      }
      throw error;
    }
  }

  private async serveOnce(options: CheckedServeOptions): Promise<Server> {
    const { blueprint, runtime } = this;
    const { problems, later } = blueprint.check(withOutputs(blueprint.spec(), options.outputs));
    problems.push(...servingProblems(blueprint.spec(), blueprint.pathOf));
    for (const found of await Promise.all(later)) problems.push(...found);
    blueprint.refuse(problems);
    const warnings = [...blueprint.idle, ...blueprint.dump()];
    if (blueprint.resolved.loglevel) setLogLevel(blueprint.resolved.loglevel);
    this.session.serve(true);
    this.server = new Server(
      served(blueprint.spec(), options, {
        trace: blueprint.resolved.tracePath,
        runtime,
        onLog: this.onLog,
        warnings,
        onRun: (run) => {
          this.current = run;
          runtime?.watch(run);
        },
      }),
    );
    return this.server.start(options.signal);
  }

  // --- what was started ---------------------------------------------------------------------------------------------

  async close(): Promise<Report> {
    await this.starting;
    return this.session.close();
  }

  async forceClose(): Promise<void> {
    if (this.server) return this.server.forceClose();
    // A start that is refused has started nothing that would have to be closed.
    if (!this.current) await this.starting?.catch(() => {});
    await this.session.forceClose();
  }

  stop(): void {
    if (!this.begun) throw stateError('stop() was called before the run', 'Call run() first');
    this.stopAsked = true;
    this.current?.stop();
    this.server?.stop();
  }

  async *progress(): AsyncGenerator<Progress, void, undefined> {
    if (!this.begun) throw stateError('progress() was called before the run', 'Call run() first');
    const run = this.current ?? (await this.starting?.catch(() => undefined));
    if (run !== undefined) yield* run.progress();
  }

  status(): GraphStatus {
    return this.current?.status() ?? statusOfBuilt(this.blueprint.spec());
  }

  /** @param id of a node; undefined: the graph. */
  pause(id: number | undefined): void {
    if (!this.begun) throw stateError('pause() was called before the run', 'Call run() or start() first');
    if (id === undefined) this.pauseAsked = true;
    else this.runningFor('pause()').pause(id);
    if (id === undefined) this.current?.pause();
  }

  resume(id: number | undefined): void {
    if (!this.begun) throw stateError('resume() was called before the run', 'Call run() or start() first');
    if (id === undefined) this.pauseAsked = false;
    else this.runningFor('resume()').resume(id);
    if (id === undefined) this.current?.resume();
  }

  /** The run that is changed. @throws MillraceError ERR_MILLRACE_STATE when there is none yet. */
  private runningFor(what: string): GraphRun {
    if (this.current) return this.current;
    throw stateError(`${what} was called before the graph was started`, 'Await graph.start() first');
  }

  stats(): GraphStats {
    if (!this.current) throw stateError('stats() was called before the run', 'Call run() first');
    return this.current.stats();
  }
}

function isBuilding(): MillraceError {
  return stateError('the graph was started by the function of a sub-graph', 'Run it where it is built as a whole');
}

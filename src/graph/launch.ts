/** The one start of a graph, to run or to serve jobs, and what was started. */
import type { LogListener } from '../log.js';
import { setLogLevel } from '../media/ffmpeg.js';
import type { GraphStats, Report } from '../scheduler/report.js';
import { GraphRun } from '../scheduler/run.js';
import { TraceWriter } from '../scheduler/trace-writer.js';
import type { Blueprint } from './blueprint.js';
import type { RunOptions } from './options.js';
import type { Runtime } from './runtime.js';
import { Server } from './server.js';
import { type CheckedServeOptions, served, servingProblems, withOutputs } from './serving.js';
import type { Session } from './session.js';
import { stateError } from './state-error.js';

export class Launch {
  /** From here on the graph is as it is; false again if the start was refused. */
  begun = false;
  private stopAsked = false;
  private current: GraphRun | undefined;
  private starting: Promise<GraphRun> | undefined;
  private server: Server | undefined;

  constructor(
    private readonly blueprint: Blueprint,
    private readonly session: Session,
    private readonly runtime: Runtime | undefined,
    private readonly onLog: LogListener | undefined,
  ) {}

  // --- starting -----------------------------------------------------------------------------------------------------

  /** Starts the graph if nobody has. */
  async ensure(): Promise<void> {
    await (this.starting ?? this.begin({}));
  }

  begin(options: RunOptions): Promise<GraphRun> {
    if (this.begun) return Promise.reject(stateError('the graph has been run', 'A graph runs once; build a new one'));
    this.begun = true;
    this.starting = this.beginOnce(options);
    return this.starting;
  }

  private async beginOnce(options: RunOptions): Promise<GraphRun> {
    const { blueprint, runtime, onLog } = this;
    const { signal, onProgress, trace = blueprint.resolved.tracePath } = options;
    let tracer: TraceWriter | undefined;
    try {
      const { problems, later } = blueprint.check();
      // Without asynchronous schemas the run exists when this call returns: stop() and stats() may follow at once.
      if (later.length > 0) for (const found of await Promise.all(later)) problems.push(...found);
      blueprint.refuse(problems);
      blueprint.dump();
      if (trace) tracer = new TraceWriter(trace);
    } catch (error) {
      // Nothing was started: the graph may be completed and run again.
      this.begun = false;
      this.stopAsked = false;
      this.starting = undefined;
      throw error;
    }
    if (blueprint.resolved.loglevel) setLogLevel(blueprint.resolved.loglevel);
    this.current = new GraphRun(blueprint.spec(), {
      ...(runtime && { threads: runtime.source() }),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
      ...(tracer && { trace: tracer }),
      ...(onLog && { onLog }),
    });
    runtime?.watch(this.current);
    const started = this.current.start();
    if (this.stopAsked) this.current.stop();
    await this.session.attach(this.current, started);
    return this.current;
  }

  async serve(options: CheckedServeOptions): Promise<Server> {
    if (this.begun) throw stateError('the graph has been run', 'A graph runs once; build a new one');
    this.begun = true;
    const { blueprint, runtime } = this;
    try {
      const { problems, later } = blueprint.check(withOutputs(blueprint.spec(), options.outputs));
      problems.push(...servingProblems(blueprint.spec(), blueprint.pathOf));
      for (const found of await Promise.all(later)) problems.push(...found);
      blueprint.refuse(problems);
      blueprint.dump();
    } catch (error) {
      this.begun = false;
      throw error;
    }
    if (blueprint.resolved.loglevel) setLogLevel(blueprint.resolved.loglevel);
    this.session.serve();
    const server = new Server(
      served(blueprint.spec(), options, {
        trace: blueprint.resolved.tracePath,
        runtime,
        onLog: this.onLog,
        onRun: (run) => {
          this.current = run;
          runtime?.watch(run);
        },
      }),
    );
    this.server = server;
    return server.start(options.signal);
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

  stats(): GraphStats {
    if (!this.current) throw stateError('stats() was called before the run', 'Call run() first');
    return this.current.stats();
  }
}

/**
 * The context of a module that outlives graphs: one object from its `init` on, behind which the graph changes. What a
 * module keeps of it (`this.ctx = ctx`, `this.log = ctx.log`) is that of the graph it is in.
 */
import { performance } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../errors/errors.js';
import type { Log, Meter, ModuleContext, NodeSources } from '../../module/contract.js';
import { logTo } from '../../module/log.js';

/** What it has between graphs. */
export type IdleContext = Pick<ModuleContext, 'alias' | 'inputs' | 'outputs' | 'log' | 'signal' | 'protocolWhitelist'>;

const FIGURES = ['duration', 'position', 'frames', 'bytes', 'dropped', 'duplicated', 'corrupt', 'psnr'] as const;

export class WarmContext implements ModuleContext {
  /** Of the graph that it is in. */
  private graph: ModuleContext | undefined;
  private readonly idleMeter = plainMeter();
  private readonly began = performance.now();
  readonly log: Log;
  readonly meter: Meter;

  /** @param options checked. */
  constructor(
    readonly options: Record<string, unknown>,
    private readonly idle: IdleContext,
  ) {
    const now = (): IdleContext => this.graph ?? this.idle;
    this.log = logTo((level, message) => now().log[level](message as string));
    const meterNow = (): Meter => this.graph?.meter ?? this.idleMeter;
    this.meter = Object.defineProperties(
      {},
      Object.fromEntries(
        FIGURES.map((figure) => [
          figure,
          {
            enumerable: true,
            get: () => meterNow()[figure],
            set: (value: number) => {
              meterNow()[figure] = value;
            },
          },
        ]),
      ),
    ) as Meter;
  }

  /** It belongs to that graph from now on; undefined: to none. */
  turnTo(graph: ModuleContext | undefined): void {
    this.graph = graph;
  }

  get id(): number {
    return this.graph?.id ?? 0;
  }

  get alias(): string {
    return (this.graph ?? this.idle).alias;
  }

  get inputs(): readonly number[] {
    return (this.graph ?? this.idle).inputs;
  }

  get outputs(): readonly number[] {
    return (this.graph ?? this.idle).outputs;
  }

  get signal(): AbortSignal {
    return (this.graph ?? this.idle).signal;
  }

  get stopping(): boolean {
    return this.graph?.stopping ?? false;
  }

  get protocolWhitelist(): string | undefined {
    return (this.graph ?? this.idle).protocolWhitelist;
  }

  get sources(): NodeSources | undefined {
    return this.graph?.sources;
  }

  get job(): number {
    return this.graph?.job ?? 0;
  }

  readonly callback = (key: string | number, value: unknown): Promise<unknown> =>
    this.graph?.callback(key, value) ??
    Promise.reject(new MillraceError('ERR_MILLRACE_STATE', `the warm module ${this.idle.alias} is in no graph`));

  readonly hasCallback = (key: string | number): boolean => this.graph?.hasCallback(key) ?? false;

  readonly elapsed = (): number => this.graph?.elapsed() ?? (performance.now() - this.began) * 1000;

  readonly sleep = (milliseconds: number): Promise<void> => {
    if (this.graph !== undefined) return this.graph.sleep(milliseconds);
    return Promise.reject(
      new MillraceError(
        'ERR_MILLRACE_STATE',
        `the warm module ${this.idle.alias} is in no graph, by whose time it could wait`,
      ),
    );
  };

  readonly trace: ModuleContext['trace'] = (name, data, phase) => this.graph?.trace(name, data, phase);

  readonly tell: ModuleContext['tell'] = (event, facts) => this.graph?.tell(event, facts);

  readonly wrote = (path: string): void => this.graph?.wrote(path);
}

/** Figures that nobody reads. */
function plainMeter(): Meter {
  return { duration: 0, position: 0, frames: 0, bytes: 0, dropped: 0, duplicated: 0, corrupt: 0 };
}

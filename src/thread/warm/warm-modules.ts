/**
 * The modules of this thread that outlive graphs. Each is constructed and initialised when it is made, and closed when it is
 * given up; between two graphs it is reset. Who uses it when is the calling thread's affair (scheduler/warm/): here it is
 * in one graph at a time.
 *
 *   made -> init -> (in a graph -> reset)* -> close
 *
 * A module is reset when the next graph begins, and at the end of one that was aborted, whose outputs it may have left open.
 */
import { builtinOf } from '../../catalog/builtin.js';
import { instantiate, loadModule } from '../../catalog/load.js';
import { MillraceError } from '../../errors/errors.js';
import type { InputManagerSpec, Module, ModuleContext, Task } from '../../module/contract.js';
import { requireReturned } from '../../module/door.js';
import type { ModuleRef } from '../../module/ref.js';
import { validated } from '../../module/validated.js';
import { type IdleContext, WarmContext } from './warm-context.js';

/** What a warm module is. Everything but a definition in `module` can cross threads. */
export interface WarmSpec {
  readonly id: number;
  readonly module: ModuleRef;
  readonly alias: string;
  readonly options: Record<string, unknown>;
  /** What it is initialised for. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** By their ids. */
const modules = new Map<number, WarmInstance>();

/** How many there are on this thread. */
export function warmModules(): number {
  return modules.size;
}

/** Makes one. @throws what loading, its schema or its `init` throws; then it is closed and there is none. */
export async function makeWarm(spec: WarmSpec, log: IdleContext['log']): Promise<void> {
  const instance = new WarmInstance(spec, log);
  // A graph may ask for it before it is there.
  modules.set(spec.id, instance);
  try {
    await instance.begin();
  } catch (error) {
    modules.delete(spec.id);
    throw error;
  }
}

/** Closes it; one that is not there is no error. @throws what its `close` throws. */
export async function closeWarm(id: number): Promise<void> {
  const instance = modules.get(id);
  modules.delete(id);
  await instance?.close();
}

/** As a module of a graph, when it is made. @throws what making it has thrown; MillraceError ERR_MILLRACE_STATE if there is none. */
export async function warmModule(id: number): Promise<Module> {
  const instance = modules.get(id);
  if (instance === undefined) {
    throw new MillraceError('ERR_MILLRACE_STATE', `the warm module ${id} is not on this thread`);
  }
  await instance.begin();
  return instance.forGraph();
}

class WarmInstance {
  private module: Module | undefined;
  private context: WarmContext | undefined;
  private readonly aborter = new AbortController();
  private begun: Promise<void> | undefined;
  /** It has been in a graph since it was last as new. */
  private used = false;
  /** The ports for which it was initialised. */
  private ports: string;

  constructor(
    private readonly spec: WarmSpec,
    private readonly log: IdleContext['log'],
  ) {
    this.ports = portsOf(spec);
  }

  /** Makes it, once. */
  begin(): Promise<void> {
    this.begun ??= this.make();
    return this.begun;
  }

  /** Constructs and initialises it, within a graph if it is in one. */
  private async make(graph?: ModuleContext): Promise<void> {
    const { spec, log } = this;
    const module = instantiate(await loadModule(spec.module));
    const options = (await validated(module, spec.options)) as Record<string, unknown>;
    const { alias, inputs, outputs } = spec;
    const context = new WarmContext(options, {
      alias,
      inputs,
      outputs,
      log,
      signal: this.aborter.signal,
      protocolWhitelist: undefined,
    });
    context.turnTo(graph);
    this.module = module;
    this.context = context;
    this.ports = portsOf(context);
    try {
      requireReturned(await module.init?.(context));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const { module } = this;
    this.module = undefined;
    await module?.close?.();
  }

  forGraph(): Module {
    const module = this.made;
    const use: Module = {
      init: (graph) => this.enter(graph),
      process: (task: Task) => this.made.process(task),
      wants: () => this.made.wants?.(),
      reset: () => this.made.reset?.(),
      close: () => this.leave(),
      inputManager: (): InputManagerSpec => this.made.inputManager?.(this.context!.options) ?? 'immediate',
    };
    if (module.dynamicReset !== undefined) use.dynamicReset = (options) => this.made.dynamicReset!(options);
    return use;
  }

  private get made(): Module {
    if (this.module !== undefined) return this.module;
    throw new MillraceError('ERR_MILLRACE_STATE', `the warm module ${this.spec.alias} has been closed`);
  }

  private async enter(graph: ModuleContext): Promise<void> {
    const { made: module, context, spec } = this;
    // A built-in module is initialised for what is connected to it, and a graph that connects something else gets a new one.
    if (builtinOf(spec.module) !== undefined && portsOf(graph) !== this.ports) {
      await this.close();
      await this.make(graph);
    } else {
      context!.turnTo(graph);
      if (this.used) requireReturned(await module.reset?.());
    }
    this.used = true;
  }

  private async leave(): Promise<void> {
    const { context, module, used } = this;
    try {
      if (used && context?.signal.aborted) {
        this.used = false;
        await module?.reset?.();
      }
    } finally {
      context?.turnTo(undefined);
    }
  }
}

function portsOf({ inputs, outputs }: Pick<ModuleContext, 'inputs' | 'outputs'>): string {
  return `${inputs.join()}:${outputs.join()}`;
}

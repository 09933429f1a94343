/** A module that outlives graphs, as the calling thread has it: where it lives, whether it can be used, who uses it. */
import { clearInterval, clearTimeout, setInterval, setTimeout, type Timer } from '../../../ringbuffer/clock.js';
import { GraphError, MillraceError } from '../../errors/errors.js';
import { stateError } from '../../errors/make.js';
import { errorOf, messageOf, unpackError } from '../../errors/wire.js';
import { type LogListener, logText, logTo } from '../../module/log.js';
import type { FromHost } from '../../thread/protocol.js';
import { closeWarm, makeWarm, type WarmSpec } from '../../thread/warm/warm-modules.js';
import { CalledLog } from '../call/called-log.js';
import { causeOfDeath, nextUser, type Thread } from '../threads/thread.js';

/** A thread on which it lives, and what is done when it does no more. */
export interface WarmHome {
  readonly thread: Thread;
  release(): Promise<void>;
}

let ids = 0;
/** Those that can be used, by their ids; the ones that are closed go. */
const known = new Map<number, WarmModule>();

/** The warm module with that id, for graph files. */
export function warmCalled(id: number): WarmModule | undefined {
  return known.get(id);
}

/**
 * Made by `createModule`: a module that is constructed and initialised once, and then used by one graph after the other,
 * which `reset()` it in between: `graph.module(warm)`, `stream.module(warm)`. To be closed (`close()`, `await using`); one that is
 * not does not keep the process alive.
 */
export class WarmModule {
  /** Number by which graph files name it (`premodule_id`), from 1 on. */
  readonly id = ++ids;
  /** @internal What it is. */
  readonly spec: WarmSpec;
  /** @internal The thread of a graph on which it runs has this name; undefined: it lives on the calling thread. */
  readonly place: string | undefined;
  private readonly home: WarmHome | undefined;
  private readonly user = nextUser();
  private readonly making: Promise<this>;
  private readonly log: CalledLog;
  /** A thread does not keep the process alive, and whoever waits for `init` is to hear of its end. */
  private alive: ReturnType<typeof setInterval> | undefined;
  /** Why it cannot be used any more. */
  private lost: Error | undefined;
  /** Name of the graph it is in. */
  private graph: string | undefined;
  private closing: Promise<void> | undefined;
  private settleClose: ((error?: Error) => void) | undefined;

  /** @internal @param home undefined: the calling thread. */
  constructor(
    spec: Omit<WarmSpec, 'id'>,
    home: (() => WarmHome) | undefined,
    listener: LogListener | undefined,
    /** Milliseconds that its `init` and its `close` have when it is closed. */
    private readonly grace: number,
  ) {
    this.spec = { ...spec, id: this.id };
    this.log = new CalledLog(spec, listener);
    this.home = home?.();
    this.place = this.home === undefined ? undefined : `warm module ${this.id}`;
    this.making = this.make();
    known.set(this.id, this);
    // Who uses it is told; nobody has to ask.
    this.making.catch((error: unknown) => {
      this.lost ??= errorOf(error);
    });
  }

  /** Resolves with it when it has been initialised. @throws GraphError of what failed; then it is of no use. */
  get ready(): Promise<this> {
    return this.making;
  }

  /** Its name in errors. */
  get alias(): string {
    return this.spec.alias;
  }

  /** @internal The thread it lives on. */
  get thread(): Thread | undefined {
    return this.home?.thread;
  }

  /** @internal Why a graph cannot have it; undefined if it can. */
  get refusal(): string | undefined {
    if (this.closing !== undefined) return 'has been closed';
    if (this.lost !== undefined) return `is of no use: ${this.lost.message}`;
    return this.graph === undefined ? undefined : `is in the graph ${this.graph}, and in one at a time`;
  }

  /** @internal A graph has it from now on. @returns how it gives it back. @throws MillraceError ERR_MILLRACE_STATE if it cannot. */
  claim(graph: string): () => void {
    const { refusal } = this;
    if (refusal !== undefined) {
      throw stateError(`the warm module ${this.alias} ${refusal}`, 'Make one for each graph that runs at a time');
    }
    this.graph = graph;
    return () => {
      this.graph = undefined;
    };
  }

  /** @internal What it has warned of outside of graphs, and nobody has heard. */
  takeWarnings(): string[] {
    return this.log.warnings.splice(0).map((text) => `${this.alias}: ${text}`);
  }

  /**
   * Closes the module, and ends its thread if it had one of its own. Again: the same.
   * @throws MillraceError ERR_MILLRACE_STATE while a graph has it; what its `close` threw; GraphError ERR_MILLRACE_TIMEOUT if its
   *   `init` or its `close` does not come back within `stop_grace` of the environment (5 s): a thread of its own has gone then.
   */
  close(): Promise<void> {
    if (this.closing === undefined && this.graph !== undefined) {
      return Promise.reject(
        stateError(`the warm module ${this.alias} is in the graph ${this.graph}`, 'Close it when that has ended'),
      );
    }
    known.delete(this.id);
    this.closing ??= this.end();
    return this.closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private async make(): Promise<this> {
    const { home, spec } = this;
    if (home === undefined) {
      const log = logTo((level, message) => this.log.take(level, logText(message)));
      await makeWarm(spec, log).catch((cause: unknown) => {
        throw this.failure(errorOf(cause));
      });
      return this;
    }
    this.alive = setInterval(() => {}, 2 ** 30);
    try {
      await this.askToMake(home);
    } finally {
      clearInterval(this.alive);
    }
    return this;
  }

  private askToMake({ thread }: WarmHome): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      thread.attach(this.user, {
        onMessage: (message) => {
          if (message.type !== 'warm-made') this.receive(message);
          else if (message.error === undefined) resolve();
          else reject(this.failure(unpackError(message.error)));
        },
        onDeath: (code, error) => {
          const why = causeOfDeath(code, error);
          const cause = error === undefined ? {} : { cause: error };
          const message = `the thread of the warm module ${this.alias} died (${why})`;
          this.lost = new GraphError('ERR_MILLRACE_WORKER_DIED', message, { phase: 'run', ...cause });
          reject(this.lost);
          this.settleClose?.();
        },
      });
      thread.post({ type: 'make-warm', run: this.user, spec: this.spec, heard: this.log.heard });
    });
  }

  private receive(message: FromHost): void {
    if (message.type === 'log') this.log.take(message.level, message.text);
    if (message.type === 'warm-closed')
      this.settleClose?.(message.error && this.failure(unpackError(message.error), 'close'));
  }

  private async end(): Promise<void> {
    const { home } = this;
    try {
      // What it was not made for, it has not to be closed of; its thread is to go all the same.
      await this.inTime(
        this.making.then(
          () => {},
          () => {},
        ),
        'init',
      );
      if (home === undefined) await this.inTime(closeWarm(this.id), 'close');
      else if (this.lost === undefined) await this.inTime(this.askToClose(home), 'close');
    } finally {
      clearInterval(this.alive);
      home?.thread.detach(this.user);
      await home?.release();
    }
  }

  private askToClose({ thread }: WarmHome): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.settleClose = (error) => (error ? reject(error) : resolve());
      thread.post({ type: 'close-warm', run: this.user, id: this.id });
    });
  }

  /** A module's promise may never settle; to close it must not depend on it. */
  private async inTime(work: Promise<void>, phase: 'init' | 'close'): Promise<void> {
    const { alias, grace, spec } = this;
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `the warm module ${alias} did not come back from ${phase}() within ${grace} ms of close()`;
        reject(new GraphError('ERR_MILLRACE_TIMEOUT', message, { alias, module: spec.module.name, phase }));
      }, grace);
    });
    try {
      await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private failure(cause: Error, phase: 'init' | 'close' = 'init'): Error {
    if (cause instanceof GraphError) return cause;
    const { alias, module } = this.spec;
    const code = cause instanceof MillraceError ? cause.code : 'ERR_MILLRACE_MODULE';
    const message = `the warm module ${alias} failed in ${phase}(): ${messageOf(cause)}`;
    return new GraphError(code, message, { alias, module: module.name, phase, cause });
  }
}

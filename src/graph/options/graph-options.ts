/** What `new Graph()` takes. */
import type { LogListener } from '../../module/log.js';
import type { GraphFileOptions, LoaderOption } from '../../scheduler/plan/graph-options.js';
import type { Runtime } from '../runtime.js';

/** Options of `new Graph(options)`. */
export interface GraphOptionsInput extends GraphFileOptions, LoaderOption {
  /** Threads to run on. Default: threads of its own. */
  runtime?: Runtime | undefined;
  /**
   * Is told what modules say through `ctx.log`, on this thread, in the order in which a module said it. Default: the
   * runtime's. What it throws fails the graph (ERR_MILLRACE_CALLBACK).
   */
  onLog?: LogListener | undefined;
}

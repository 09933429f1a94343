/**
 * The seam between a graph and its user: a module that packets enter by or leave by at the user's pace. Such a module is
 * an object of the calling thread. Its actor asks it whether there is anything to do before it asks the links, because
 * nobody in the graph knows when the user will push, or ask for a packet.
 */
import type { Module } from '../../module/contract.js';

export const APP_PORT = Symbol('the outside of a module');

export interface AppPort {
  /**
   * A source: has something to send. A sink: somebody waits for a packet. An actor whose outside is not due does not run
   * and, as a sink, does not starve.
   */
  readonly due: boolean;
  /** It ends now, whatever waits. */
  readonly leaving: boolean;
  /** A job is under way, whether or not anything of it has been sent; of a graph that serves them. */
  readonly within?: boolean;
  /**
   * The user may act at any moment, so nobody who waits for this node is stuck. False for a user who is known to wait
   * for the graph itself.
   */
  readonly free: boolean;
  /** What was sent has found room on every link. */
  onRoom(): void;
}

export type AppPortModule = Module & { readonly [APP_PORT]: AppPort };

export function appPortOf(module: Module): AppPort | undefined {
  return (module as Partial<AppPortModule>)[APP_PORT];
}

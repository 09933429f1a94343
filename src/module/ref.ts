import type { Module, ModuleClass } from './contract.js';
import type { GraphTemplate } from './graph-template.js';

/** Where a module comes from. */
export interface ModuleRef {
  name: string;
  /** Absolute path or file: URL of the module file; absent for built-in modules. */
  path?: string;
  /** Export name in that file, `default` if absent. */
  entry?: string;
  /** A module that was registered as an object of this process: it cannot leave its thread, so it runs on the calling one. */
  definition?: Module | ModuleClass;
  /** No module but a sub-graph, whose nodes take the place of the node: nothing that runs has one. */
  graph?: GraphTemplate<object>;
}

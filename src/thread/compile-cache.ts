/**
 * Has Node keep what it compiles on disk, where it can (22.1 and later; NODE_DISABLE_COMPILE_CACHE=1 forbids it): what is
 * imported from here on is compiled by the first thread that ever does it, and read by all others. It is Node's own folder
 * in that for temporary files, or NODE_COMPILE_CACHE. A program that imports the package decides this for itself.
 */
import * as nodeModule from 'node:module';

(nodeModule as { enableCompileCache?: () => unknown }).enableCompileCache?.();

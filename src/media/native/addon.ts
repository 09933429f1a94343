/**
 * When node-av's native binary is loaded: in a build of ours (tsup.plugins.ts) at the first use of something of it, in each thread
 * by itself. Who imports the package to describe a graph, or for modules without FFmpeg, goes without its 50 MB.
 *
 * A thread that may be ended must not load it at just any moment, because ending it meanwhile aborts the process: ours do
 * so at their start, behind the gate that says whether they are still wanted (thread/boot-gate.ts), or while they hold a slot of
 * the table of native waits (native-wait.ts), for which their end waits.
 */

let load: (() => void) | undefined;
let loaded = false;
const then: (() => void)[] = [];

/** Called by the file of node-av's that loads the binary, where it waits until that is used. */
export function loadsWhenUsed(loader: () => void): void {
  load = loader;
}

/** Called by the same as soon as the binary is there. */
export function isLoadedNow(): void {
  loaded = true;
  for (const work of then.splice(0)) work();
}

/** Does what has to follow the loading: then, or at once where that has happened. */
export function afterLoading(work: () => void): void {
  // Without a loader node-av's own file has loaded the binary, when it was imported.
  if (loaded || load === undefined) work();
  else then.push(work);
}

/** Loads the binary in this thread, once. @throws Error of node-av when there is none for this system. */
export function loadAddon(): void {
  if (!loaded) load?.();
}

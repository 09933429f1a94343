/**
 * What the commands do, in one file of the build: each of several would be found, read and compiled by itself. Help and
 * refused arguments need none of it. The benchmarks are apart, being of use to few.
 */
export { environment } from './about/env.js';
export { initModule } from './about/init-module.js';
export { list } from './about/list.js';
export { schema } from './about/schema.js';
export { graph } from './graph.js';
export { inspect } from './inspect/inspect.js';
export { modules } from './modules.js';
export { run } from './run.js';
export { transcode } from './transcode.js';
export { concat, extractAudio, gif, sprite, thumbnail, trim, waveform } from './verbs/verbs.js';

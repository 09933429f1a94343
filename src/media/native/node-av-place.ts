/**
 * Where node-av is installed. Its JavaScript is part of our build and looks for the native binary from here, as if it were still
 * in its place: the binary is a dependency of node-av's, which pnpm and Yarn let nobody else see.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createRequire } from '../../errors/node-require.js';

// In CommonJS, by a bundler of an application's, there is no import.meta.url.
declare const __filename: string | undefined;

function here(): string {
  if (typeof import.meta.url === 'string') return import.meta.url;
  return pathToFileURL(typeof __filename === 'string' ? __filename : join(process.cwd(), 'here')).href;
}

/** URL of a file of node-av's `lib`; our own where node-av itself is not to be found. */
export const nodeAvUrl: string = find();

function find(): string {
  const place = here();
  try {
    return pathToFileURL(createRequire(place).resolve('node-av/lib')).href;
  } catch {
    // Without the package the binary may still lie where we can see it; if it does not, that is told.
    return place;
  }
}

/**
 * File of the native binary: the one this thread has loaded, else the one that node-av will load. Undefined where that cannot be
 * told: of a node-av that was built here, and of systems with more than one.
 */
export function addonFile(): string | undefined {
  const require = createRequire(nodeAvUrl);
  const loaded = Object.keys(require.cache).find((file) => file.endsWith('node-av.node'));
  if (loaded !== undefined || process.platform === 'win32' || process.env.AV_FROM_SOURCE === '1') return loaded;
  const places = ['../../build/Release/node-av.node', '../../binary/node-av.node', '../../node-av.node'];
  if (places.some((place) => existsSync(fileURLToPath(new URL(place, nodeAvUrl))))) return undefined;
  try {
    return require.resolve(`@seydx/node-av-${process.platform}-${process.arch}/node-av.node`);
  } catch {
    // Whoever loads it is told that there is none.
    return undefined;
  }
}

/**
 * Where node-av is installed. Its JavaScript is part of our build and looks for the native binary from here, as if it were still
 * in its place: the binary is a dependency of node-av's, which pnpm and Yarn let nobody else see.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
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

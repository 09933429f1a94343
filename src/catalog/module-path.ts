/**
 * Modules by name and version: those that were registered, and those in the folders that MILLRACE_MODULE_PATH names.
 *
 *   <folder>/blur.mjs   <folder>/blur@1.2.mjs   <folder>/blur/index.mjs   <folder>/blur@2/index.js
 */
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** A version as numbers: '1.2.10' is newer than '1.2.9'. None at all is the oldest. */
export type Version = readonly number[];

/** @returns undefined for what is no version. */
export function toVersion(text: string): Version | undefined {
  return /^\d{1,9}(\.\d{1,9}){0,3}$/.test(text) ? text.split('.').map(Number) : undefined;
}

/** `name@1.2`: the newest of the versions 1.2, 1.2.0, 1.2.1, …; a name alone: the newest of all. */
export function splitName(name: string): { readonly base: string; readonly wanted: Version } | undefined {
  const [base, version, ...more] = name.split('@');
  if (version === undefined) return { base: name, wanted: [] };
  const wanted = toVersion(version);
  return base === undefined || base === '' || wanted === undefined || more.length > 0 ? undefined : { base, wanted };
}

/** The newest that fits. */
export function newest<T extends { readonly version: Version }>(all: Iterable<T>, wanted: Version): T | undefined {
  let best: T | undefined;
  for (const one of all) {
    const fits = wanted.every((number, place) => (one.version[place] ?? 0) === number) && one.version.length > 0;
    if (wanted.length > 0 && !fits) continue;
    if (best === undefined || isNewer(one.version, best.version)) best = one;
  }
  return best;
}

function isNewer(a: Version, b: Version): boolean {
  if (b.length === 0) return a.length > 0;
  if (a.length === 0) return false;
  for (let place = 0; place < Math.max(a.length, b.length); place++) {
    const difference = (a[place] ?? 0) - (b[place] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

export interface FoundModule {
  readonly name: string;
  readonly version: Version;
  readonly path: string;
}

/** Of a file or a folder of the module path. */
const ENTRY = /^([A-Za-z_][\w-]*)(?:@([\d.]+))?(\.(?:[cm]?[jt]s|json))?$/;
const INDEXES = ['index.mjs', 'index.js', 'index.cjs', 'index.mts', 'index.ts', 'index.json'];

/** The folders of the module path, as they are given. */
export function moduleFolders(path = process.env.MILLRACE_MODULE_PATH): string[] {
  return (path ?? '').split(delimiter).flatMap((folder) => (folder === '' ? [] : resolve(folder)));
}

/** What is in the folders of the module path; of the same name and version, the one in the first folder. */
export function modulesOnPath(folders = moduleFolders()): FoundModule[] {
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { withFileTypes: true }).flatMap((entry): FoundModule[] => {
        const [, name, version, extension] = ENTRY.exec(entry.name) ?? [];
        const numbers = version === undefined ? [] : toVersion(version);
        if (name === undefined || numbers === undefined) return [];
        const whole = join(folder, entry.name);
        if (extension !== undefined) return [{ name, version: numbers, path: whole }];
        const index = INDEXES.map((file) => join(whole, file)).find((file) => existsSync(file));
        return index === undefined ? [] : [{ name, version: numbers, path: index }];
      }),
    );
}

/**
 * Compiled code on disk, one file for each script and use of it.
 *
 *   bytes   0  magic
 *           4  how many processes have written it
 *           8  CRC-32 of the code
 *          12  0
 *          16  the code, as V8 gives it
 *
 * V8 takes it as it is and does not check it: what is damaged crashes the process, and who can write it decides what the process does. So it
 * is read from a folder that belongs to this user and that nobody else may write to, and is summed up.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Script } from 'node:vm';
import { isMainThread, threadId } from 'node:worker_threads';

const MAGIC = 0x31_63_72_6d;
const HEADER = 16;
/** Bits of a mode: the kind of file, that this is a directory, and that others than the owner may write. */
const [DIRECTORY_OTHERS_WRITE, DIRECTORY] = [0o170022, 0o040000];

/** What was kept of a script. */
export interface Kept {
  readonly code: Buffer;
  /** Processes that have written it, one after the other. */
  readonly times: number;
}

let folder: string | undefined;
let looked = false;

/** Made when it is not there. @returns undefined when there is none that belongs to this user alone, or it is not wanted. */
export function cacheFolder(): string | undefined {
  if (looked || process.env.NODE_DISABLE_COMPILE_CACHE) return folder;
  looked = true;
  try {
    folder = ownFolder();
  } catch {
    // No place to write to, or somebody else's: everything is compiled anew, as ever.
  }
  return folder;
}

function ownFolder(): string | undefined {
  const user = process.getuid?.();
  // As it is now: a program may go to another directory.
  const parent = resolve(process.env.NODE_COMPILE_CACHE || tmpdir());
  const place = join(parent, user === undefined ? 'millrace-code' : `millrace-code-${user}`);
  // With the rights that folders have here: only what is in it is nobody else's.
  mkdirSync(parent, { recursive: true });
  if (statSync(place, { throwIfNoEntry: false }) === undefined) mkdirSync(place, { mode: 0o700 });
  // Windows has no owners here, and a folder of temporary files for every user.
  if (user === undefined) return place;
  const { uid, mode } = lstatSync(place);
  return uid === user && (mode & DIRECTORY_OTHERS_WRITE) === DIRECTORY ? place : undefined;
}

// Whoever only imports the package has no use for these.
export const crc32 = (bytes: Buffer | string, before = 0): number =>
  process.getBuiltinModule('node:zlib').crc32(bytes, before);
const versionOfV8 = (): string => process.getBuiltinModule('node:v8').cachedDataVersionTag().toString(36);

/** What uses the scripts. */
let user = isMainThread ? 'main' : 'thread';

/** Says what uses the scripts from here on: every use has its own functions kept. @param name letters, digits, - */
export function keepAs(name: string): void {
  user = name;
}

// V8 refuses code of another version, of other flags or for another processor: it has another name, so that they do not replace each other.
const nameOf = (hash: string): string => `${hash}-${user}-${versionOfV8()}`;

/** @returns undefined if there is nothing, or nothing that is whole. */
export function readKept(hash: string): Kept | undefined {
  const place = cacheFolder();
  if (place === undefined) return undefined;
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(place, nameOf(hash)));
  } catch {
    // Nothing was kept, or what was is being cleared away.
    return undefined;
  }
  if (bytes.length <= HEADER || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  const code = bytes.subarray(HEADER);
  return crc32(code) === bytes.readUInt32LE(8) ? { code, times: bytes.readUInt32LE(4) } : undefined;
}

/** Processes, or threads, that write what they have compiled: each has used something that those before it had not. */
const TIMES = 5;
/** 30 days. */
const LASTS_MS = 30 * 24 * 3600 * 1000;
/** What `nameOf` gives, and what `write` has begun. */
const OWN_NAME = /^[\w-]+-[0-9a-f]{1,8}-[\w-]+-[0-9a-z]+(\.\d+\.\d+)?$/;

const used: { hash: string; script: Script; before: Kept | undefined }[] = [];

/** Has the code of a script kept with the next `keepCompiled`. @param before what V8 took of it; undefined if it had to compile it. */
export function keepLater(hash: string, script: Script, before: Kept | undefined): void {
  if (before === undefined || before.times < TIMES) used.push({ hash, script, before });
}

/** Keeps what was compiled until now, once: to be called when all that is usual has been done. Takes some 10 ms, and as a rule nothing. */
export function keepCompiled(): void {
  const place = cacheFolder();
  const scripts = used.splice(0);
  if (place === undefined || scripts.length === 0) return;
  try {
    let written = '';
    for (const { hash, script, before } of scripts) {
      const code = script.createCachedData();
      // V8 throws away what has not run for long, so that it may be less.
      const most = before && before.code.length > code.length ? before.code : code;
      written = join(place, nameOf(hash));
      write(written, { code: most, times: (before?.times ?? 0) + 1 });
    }
    clearAway(place, statSync(written).mtimeMs);
  } catch {
    // The disk is full, the folder has been taken away, or belongs to somebody whom this process is no more: the next start compiles once more.
  }
}

/** Other versions have other names, and nobody else would take away what is theirs. What is still used is written once more. */
function clearAway(place: string, now: number): void {
  for (const name of readdirSync(place)) {
    const file = join(place, name);
    if (OWN_NAME.test(name) && now - statSync(file).mtimeMs > LASTS_MS) rmSync(file, { force: true });
  }
}

/** In one step: whoever reads meanwhile finds what was there before. */
function write(file: string, { code, times }: Kept): void {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt32LE(times, 4);
  header.writeUInt32LE(crc32(code), 8);
  const mine = `${file}.${process.pid}.${threadId}`;
  try {
    writeFileSync(mine, Buffer.concat([header, code]), { flag: 'wx', mode: 0o600 });
    renameSync(mine, file);
  } catch (error) {
    rmSync(mine, { force: true });
    throw error;
  }
}

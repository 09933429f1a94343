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
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** Made when it is not there. @returns undefined when there is none that belongs to this user alone. */
export function cacheFolder(): string | undefined {
  if (looked) return folder;
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
  const place = join(process.env.NODE_COMPILE_CACHE || tmpdir(), user === undefined ? 'millrace' : `millrace-${user}`);
  mkdirSync(place, { recursive: true, mode: 0o700 });
  // Windows has no owners here, and a folder of temporary files for every user.
  if (user === undefined) return place;
  const { uid, mode } = lstatSync(place);
  return uid === user && (mode & DIRECTORY_OTHERS_WRITE) === DIRECTORY ? place : undefined;
}

// Whoever only imports the package has no use for these.
const crc32 = (bytes: Buffer): number => process.getBuiltinModule('node:zlib').crc32(bytes);
const versionOfV8 = (): string => process.getBuiltinModule('node:v8').cachedDataVersionTag().toString(36);

/** What uses the scripts. */
let user = isMainThread ? 'main' : 'thread';

/** Says what uses the scripts from here on: every use has its own functions kept. @param name letters, digits, - */
export function keepAs(name: string): void {
  user = name;
}

function fileOf(hash: string): string | undefined {
  const place = cacheFolder();
  // V8 refuses code of another version, of other flags or for another processor: it has another name, so that they do not replace each other.
  return place && join(place, `${hash}-${user}-${versionOfV8()}`);
}

/** @returns undefined if there is nothing, or nothing that is whole. */
export function readKept(hash: string): Kept | undefined {
  const file = fileOf(hash);
  if (file === undefined) return undefined;
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
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

const used: { hash: string; script: Script; before: Kept | undefined }[] = [];

/** Has the code of a script kept with the next `keepCompiled`. @param before what V8 took of it; undefined if it had to compile it. */
export function keepLater(hash: string, script: Script, before: Kept | undefined): void {
  if (before === undefined || before.times < TIMES) used.push({ hash, script, before });
}

/** Keeps what was compiled until now, once: to be called when all that is usual has been done. Takes some 10 ms, and as a rule nothing. */
export function keepCompiled(): void {
  for (const { hash, script, before } of used.splice(0)) {
    const code = script.createCachedData();
    // V8 throws away what has not run for long, so that it may be less.
    const most = before && before.code.length > code.length ? before.code : code;
    write(hash, { code: most, times: (before?.times ?? 0) + 1 });
  }
}

/** In one step: whoever reads meanwhile finds what was there before. Without effect where nothing can be written. */
function write(hash: string, { code, times }: Kept): void {
  const file = fileOf(hash);
  if (file === undefined) return;
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt32LE(times, 4);
  header.writeUInt32LE(crc32(code), 8);
  const mine = `${file}.${process.pid}.${threadId}`;
  try {
    writeFileSync(mine, Buffer.concat([header, code]), { flag: 'wx', mode: 0o600 });
    renameSync(mine, file);
  } catch {
    // The disk is full, say: the next start compiles once more.
    rmSync(mine, { force: true });
  }
}

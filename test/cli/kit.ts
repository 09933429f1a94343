/** Starts the built command and looks at what it did. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { encode, Graph } from 'millrace';
import { TestSink } from 'millrace/testing';

export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
/** A command that takes longer hangs. */
const LIMIT_MS = 20_000;

export interface Result {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Options {
  cwd?: string;
  env?: Record<string, string>;
  /** Signals to send, each when the condition holds; looked at every 20 ms. */
  signals?: readonly { name: NodeJS.Signals; when: (soFar: Result) => boolean }[];
  /** The reader of its stdout leaves at once. */
  deaf?: boolean;
  /** What is piped into it; the path of a file is opened for it as by the shell. */
  input?: Buffer | string;
  /** Milliseconds after which it hangs. */
  limit?: number;
  /** They begin anew with each of these in its stdout. */
  renewal?: string;
}

/** Runs `node script ...args` to its own end. Rejects if it has to be killed. */
export function node(script: string, args: readonly string[], options: Options = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const { input } = options;
    const file = typeof input === 'string' ? openSync(input, 'r') : undefined;
    const child = spawn(process.execPath, [script, ...args], {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...options.env },
      stdio: [file ?? (input === undefined ? 'ignore' : 'pipe'), 'pipe', 'pipe'],
    }) as ChildProcessByStdio<Writable | null, Readable, Readable>;
    if (file !== undefined) closeSync(file);
    // It may leave before it has read all.
    child.stdin?.on('error', () => {}).end(input);
    const result: Result = { code: null, signal: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      result.stdout += chunk;
      if (options.renewal !== undefined && chunk.includes(options.renewal)) watchdog.refresh();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      result.stderr += chunk;
    });
    if (options.deaf) child.stdout.destroy();
    const pending = [...(options.signals ?? [])];
    const signaller = setInterval(() => {
      if (!pending[0]?.when(result)) return;
      child.kill(pending.shift()!.name);
    }, 20);
    const watchdog = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${script} ${args.join(' ')} did not end\n${result.stdout}${result.stderr}`));
    }, options.limit ?? LIMIT_MS);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(watchdog);
      clearInterval(signaller);
      resolve({ ...result, code, signal });
    });
  });
}

export function millrace(args: readonly string[], options: Options = {}): Promise<Result> {
  return node(CLI, args, options);
}

const EACH = fileURLToPath(new URL('../fixtures/scripts/each.mjs', import.meta.url));
const MARK = '\u0001ended: ';

/** A script and its arguments. Words before it such as NAME=value are its environment, as in a shell. */
export type Run = readonly string[];
const ASSIGNMENT = /^[A-Z][A-Z_]*=/;

/**
 * Runs scripts one after another in one process: starting one with the package takes longer than most of them. For what is
 * not about the process itself.
 * @returns how each ended; if one of them ended the process, it is the last. The last one has the code of the process, which
 *   has ended with all that they left behind.
 */
export async function nodeEach(runs: readonly Run[], options: Options = {}): Promise<Result[]> {
  const { stdout, stderr, ...whole } = await node(EACH, [JSON.stringify(runs), MARK], { ...options, renewal: MARK });
  const told = stderr.split(`${MARK}\n`);
  // Texts and, between them, codes.
  const parts = stdout.split(new RegExp(`${MARK}(\\d+)\\n`));
  const results = Array.from({ length: parts.length >> 1 }, (_, n): Result => {
    return { code: Number(parts[2 * n + 1]), signal: null, stdout: parts[2 * n]!, stderr: told[n]! };
  });
  if (results.length < runs.length) results.push({ ...whole, stdout: parts.at(-1)!, stderr: told.at(-1)! });
  else Object.assign(results.at(-1)!, { code: whole.code, signal: whole.signal });
  return results;
}

/**
 * As `nodeEach`, begun when the first of them is asked for; those after one that ended its process have another.
 * @returns how the script of a number ended.
 */
export function resultsOfEach(runs: readonly Run[], options: Options = {}): (script: number) => Promise<Result> {
  const results: Result[] = [];
  return async (script) => {
    while (script >= results.length) results.push(...(await nodeEach(runs.slice(results.length), options)));
    return results[script]!;
  };
}

/** Commands that are not about their process, in one; each may begin with its environment. */
export async function millraceEach(commands: readonly Run[], options: Options = {}): Promise<Result[]> {
  const runs = commands.map((words) => {
    const args = words.findIndex((word) => !ASSIGNMENT.test(word));
    return args < 0 ? [...words, CLI] : [...words.slice(0, args), CLI, ...words.slice(args)];
  });
  const results = await nodeEach(runs, options);
  if (results.length === commands.length) return results;
  const { code, signal, stderr } = results.at(-1)!;
  throw new Error(`${commands[results.length - 1]!.join(' ')}: ended the process, ${code ?? signal}\n${stderr}`);
}

/** A folder that goes with the process. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A clip of 25 fps, 320x180 unless said otherwise, with a tone of 48 kHz. */
export async function makeClip(
  path: string,
  {
    seconds = 2,
    video = true,
    audio = true,
    size = '320x180',
  }: { seconds?: number; video?: boolean; audio?: boolean; size?: string } = {},
): Promise<string> {
  const graph = new Graph({ threads: 0 });
  const picture = video ? graph.filter('testsrc2', { size, rate: 25, duration: seconds }) : null;
  const tone = audio ? graph.filter('sine', { sample_rate: 48000, duration: seconds }) : null;
  encode(picture, tone, { output_path: path, ...(video && { video_params: { preset: 'ultrafast' } }) });
  await graph.run();
  return path;
}

export interface Contents {
  frames: number;
  width: number | undefined;
  height: number | undefined;
  samples: number;
  /** MD5 of each picture, in order. */
  pictures: (string | undefined)[];
}

/** Decodes a file to its end, on this thread. */
export async function contents(path: string): Promise<Contents> {
  const graph = new Graph({ threads: 0 });
  const source = graph.decode({ input_path: path });
  const [video, audio] = [new TestSink(), new TestSink()];
  source.video.module(video.spec, video.options, { callback: video.callback });
  source.audio.module(audio.spec, audio.options, { callback: audio.callback });
  await graph.run();
  const { width, height } = video.packets[0] ?? {};
  const samples = audio.packets.reduce((sum, packet) => sum + (packet.samples ?? 0), 0);
  return { frames: video.packets.length, width, height, samples, pictures: video.packets.map(({ hash }) => hash) };
}

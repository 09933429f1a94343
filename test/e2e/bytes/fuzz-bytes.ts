/**
 * Mutated media as bytes: every input must end in frames or in an error, never in a hang or a crash.
 *
 *   node --import tsx test/e2e/bytes/fuzz-bytes.ts --long            2,000 inputs
 *   node --import tsx test/e2e/bytes/fuzz-bytes.ts --first 17 --count 1
 *
 * An input is made from its number alone. They run in processes of their own, so that a crash names its input; the short form,
 * inside `npm test`, runs a few in the process it is in.
 */
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Graph, GraphError, type GraphOptionsInput } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { bytesOfFile, END_OF_FILE, sourceOf } from '../../kit/bytes.js';

const FILES = [
  'fragmented.mp4',
  'part0.flv',
  'clip.mpegts',
  'vfr.mkv',
  'raw.aac',
  'raw.h264',
  'mono-16k.wav',
  'still.jpg',
  'logo-alpha.png',
  'one-frame.mp4',
  'aac_slice/100.aac',
] as const;
/** Bytes of a file that take part. */
const LENGTH = 120_000;
/** Milliseconds after which an input counts as one that hangs: long enough for a machine that is busy otherwise. */
const HANG = 120_000;

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Mutation = (bytes: Buffer, below: (limit: number) => number) => Buffer;

function slice(bytes: Buffer, below: (limit: number) => number, longest: number): [number, number] {
  const from = below(bytes.length);
  return [from, Math.min(bytes.length, from + 1 + below(longest))];
}

const MUTATIONS: Record<string, Mutation> = {
  none: (bytes) => bytes,
  flip: (bytes, below) => {
    for (let n = 1 + below(200); n > 0; n--) bytes[below(bytes.length)]! ^= 1 << below(8);
    return bytes;
  },
  // Headers are where a wrong number does most.
  head: (bytes, below) => {
    for (let n = 1 + below(20); n > 0; n--) bytes[below(Math.min(bytes.length, 512))] = below(256);
    return bytes;
  },
  cut: (bytes, below) => bytes.subarray(0, below(bytes.length)),
  behead: (bytes, below) => bytes.subarray(below(Math.min(bytes.length, 5000))),
  drop: (bytes, below) => {
    const [from, to] = slice(bytes, below, 5000);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  repeat: (bytes, below) => {
    const [from, to] = slice(bytes, below, 20_000);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  zero: (bytes, below) => bytes.fill(0, ...slice(bytes, below, 3000)),
  noise: (bytes, below) => {
    const [from, to] = slice(bytes, below, 3000);
    for (let i = from; i < to; i++) bytes[i] = below(256);
    return bytes;
  },
};

interface Input {
  readonly what: string;
  /** Names of its mutations. */
  readonly mutations: readonly string[];
  readonly payloads: Uint8Array[];
}

/** The input of this number. */
function inputOf(number: number): Input {
  const next = random(number * 2_654_435_761);
  const below = (limit: number): number => Math.floor(next() * Math.max(1, limit));
  const names = Object.keys(MUTATIONS);
  const parts: Input[] = [];
  for (let files = next() < 0.2 ? 2 : 1; files > 0; files--) {
    const file = FILES[below(FILES.length)]!;
    let bytes: Buffer = Buffer.from(bytesOfFile(file).subarray(0, LENGTH));
    const applied: string[] = [];
    for (let n = 1 + below(3); n > 0 && bytes.length > 0; n--) {
      const name = names[below(names.length)]!;
      applied.push(name);
      bytes = MUTATIONS[name]!(bytes, below);
    }
    const payloads: Uint8Array[] = [];
    // Pieces of a byte take as long as a hundred larger ones: only so many of them.
    const largest = next() < 0.1 ? 50 : 20_000;
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + below(payloads.length < 2000 ? largest : LENGTH);
      payloads.push(bytes.subarray(at, at + size));
      at += size;
    }
    parts.push({ what: `${file} ${applied.join('+')}`, mutations: applied, payloads: [...payloads, END_OF_FILE] });
  }
  return {
    what: parts.map(({ what }) => what).join(', '),
    mutations: parts.flatMap(({ mutations }) => mutations),
    payloads: parts.flatMap(({ payloads }) => payloads),
  };
}

/** Names of the mutations that none of these inputs has. */
export function neverDrawn(first: number, count: number): string[] {
  const drawn = new Set(Array.from({ length: count }, (_, n) => inputOf(first + n).mutations).flat());
  return Object.keys(MUTATIONS).filter((name) => !drawn.has(name));
}

type GraphMaker = (options: GraphOptionsInput) => Graph;

/** @returns How many frames came, or the error's code. @throws if it is neither, or if something is left of it. */
async function decode(number: number, graphOn: GraphMaker = (options) => new Graph(options)): Promise<number | string> {
  const graph = graphOn({ threads: number % 2 });
  const decoder = sourceOf(graph, inputOf(number).payloads).module('c_ffmpeg_decoder', { dec_params: { threads: 1 } });
  let frames = 0;
  for (const id of [0, 1]) {
    decoder.output(id).module({
      process(task) {
        frames += (task.inputs.get(0) ?? []).filter((packet) => !packet.isEof).length;
      },
    });
  }
  const leaks = new LeakWatch();
  try {
    const signal = AbortSignal.timeout(HANG);
    const report = await graph.run({ signal });
    leaks.check(report);
    return frames;
  } catch (error) {
    if (!(error instanceof GraphError) || error.code === 'ERR_MILLRACE_ABORTED') throw error;
    if (error.code !== 'ERR_MILLRACE_INPUT') throw error;
    leaks.check(error);
    return error.code;
  }
}

/** What became of these inputs, each in this process. */
export async function decodeHere(first: number, count: number, graphOn: GraphMaker): Promise<FuzzResult> {
  const result: FuzzResult = { frames: 0, errors: 0, failures: [] };
  for (let number = first; number < first + count; number++) {
    const outcome = await decode(number, graphOn).catch((error: unknown) => new Error(`${number}: ${error}`));
    if (outcome instanceof Error) result.failures.push(`${outcome.message} (${inputOf(number).what})`);
    else if (typeof outcome === 'number' && outcome > 0) result.frames++;
    else result.errors++;
  }
  return result;
}

/** In the process of its own: tells on a line each what is begun and what has ended. */
async function child(first: number, count: number): Promise<void> {
  for (let number = first; number < first + count; number++) {
    writeSync(1, `begin ${number}\n`);
    const result = await decode(number).catch((error: unknown) => `failed: ${error}`);
    writeSync(1, `${typeof result === 'string' && result.startsWith('failed') ? 'bad' : 'end'} ${number} ${result}\n`);
  }
}

interface FuzzResult {
  /** Inputs of which frames came, and those that ended in an error. */
  frames: number;
  errors: number;
  /** Number, what it was and what happened. */
  failures: string[];
}

/**
 * Decodes the inputs of these numbers.
 * @param onFailure Told at once, because the long form takes its time.
 */
async function fuzz(
  first: number,
  count: number,
  { perProcess = 50, onFailure }: { perProcess?: number; onFailure?: (failure: string) => void } = {},
): Promise<FuzzResult> {
  const result: FuzzResult = { frames: 0, errors: 0, failures: [] };
  let told = 0;
  for (let next = first; next < first + count; ) {
    const until = Math.min(first + count, next + perProcess);
    const last = await batch(next, until - next, result);
    for (; told < result.failures.length; told++) onFailure?.(result.failures[told]!);
    // A process that died took its input with it; the others of its batch follow.
    next = last + 1;
  }
  return result;
}

async function batch(first: number, count: number, result: FuzzResult): Promise<number> {
  const script = fileURLToPath(import.meta.url);
  const args = ['--import', 'tsx', script, '--child', '--first', String(first), '--count', String(count)];
  const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<string>((resolve) =>
    process_.once('close', (code, signal) => resolve(signal ?? (code === 0 ? '' : `exit code ${code}`))),
  );
  let begun = first - 1;
  let open = false;
  let watchdog: NodeJS.Timeout | undefined;
  for await (const line of createInterface({ input: process_.stdout })) {
    const [what, number, outcome] = line.split(' ', 3);
    clearTimeout(watchdog);
    watchdog = setTimeout(() => process_.kill('SIGKILL'), 2 * HANG);
    open = what === 'begin';
    if (open) begun = Number(number);
    else if (what === 'bad') result.failures.push(`${number} (${inputOf(begun).what}): ${line}`);
    else if (/^\d+$/.test(outcome ?? '') && outcome !== '0') result.frames++;
    else result.errors++;
  }
  clearTimeout(watchdog);
  const death = await ended;
  if (open || death !== '') {
    result.failures.push(`${begun} (${inputOf(Math.max(begun, 0)).what}): the process died, ${death}`);
    return begun;
  }
  return first + count - 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      long: { type: 'boolean' },
      child: { type: 'boolean' },
      first: { type: 'string', default: '0' },
      count: { type: 'string' },
    },
  });
  const [first, count] = [Number(values.first), Number(values.count ?? (values.long ? 2000 : 50))];
  if (values.child) await child(first, count);
  else {
    const onFailure = (failure: string): void => console.log(`FAILED ${failure}`);
    const { frames, errors, failures } = await fuzz(first, count, { onFailure });
    console.log(`${count} inputs: ${frames} gave frames, ${errors} an error or nothing`);
    process.exitCode = failures.length > 0 ? 1 : 0;
  }
}

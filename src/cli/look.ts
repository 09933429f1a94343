/** How the command looks into its inputs. */
import { fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { localPath, type MediaInfo, openPipe, pipeOf } from '../catalog/ffmpeg.js';
import { MillraceError } from '../errors/errors.js';
import { probe, probeSync } from '../graph/probe.js';

export interface Input {
  readonly info: MediaInfo;
  /** What a decoder opens; undefined for what is piped. */
  readonly path: string | undefined;
  /** All that is piped, to be read once. */
  readonly bytes?: AsyncIterable<Uint8Array>;
  /** The same in memory. */
  readonly memory?: Buffer;
}

/** The command has nothing else to do meanwhile: a thread for a file would only cost its start. */
export async function lookInto(input: string): Promise<MediaInfo> {
  const { info, bytes } = await openInput(input);
  if (bytes) leavePipes();
  return info;
}

export async function openInput(input: string): Promise<Input> {
  if (isStandard(input)) return openStandardInput();
  const pipe = fifo(input);
  if (pipe) return openPiped(input, pipe);
  const info = localPath(input) === undefined ? await probe(input) : probeSync(input);
  return { info, path: input };
}

/** The same for what is read more than once. */
export async function openAgain(input: string): Promise<Input> {
  const whole = await wholeInput(input);
  if (typeof whole !== 'string') {
    const name = isStandard(input) ? NAME : input;
    return { info: { ...(await probe(whole)), path: name }, path: undefined, memory: whole };
  }
  const opened = await openInput(whole);
  return whole === input ? opened : { ...opened, info: { ...opened.info, path: NAME } };
}

/** The ffmpeg command's names of the standard input. */
export function isStandard(input: string): boolean {
  return ['-', 'pipe:', 'pipe:0'].includes(input);
}

/** And of the standard output. */
export function isStandardOutput(output: string): boolean {
  return ['-', 'pipe:', 'pipe:1'].includes(output);
}

/** FIFOs that were opened by their names. */
const fifos: Readable[] = [];

function fifo(input: string): Readable | undefined {
  const pipe = pipeOf(input, null);
  if (!pipe) return undefined;
  const socket = openPipe(input, pipe);
  fifos.push(socket);
  return socket;
}

/** Nobody reads them any more: they would keep the process alive as long as they are open. */
export function leavePipes(): void {
  process.stdin.destroy();
  for (const pipe of fifos.splice(0)) pipe.destroy();
}

/** The same for what reads its input more than once or from anywhere in it: what is piped is taken into memory. */
export async function wholeInput(input: string): Promise<string | Buffer> {
  const pipe = isStandard(input) ? undefined : fifo(input);
  if (!isStandard(input) && !pipe) return input;
  if (!pipe && isOpenedFile()) return OPENED_FILE;
  if (!pipe) refuseTerminal();
  const chunks: Buffer[] = [];
  for await (const chunk of pipe ?? process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** What the shell has opened as the standard input can be read from anywhere in it, where the system has a name for it. */
const OPENED_FILE = '/dev/fd/0';

function isOpenedFile(): boolean {
  return process.platform !== 'win32' && fstatSync(0).isFile();
}

function refuseTerminal(): void {
  if (!process.stdin.isTTY) return;
  throw new MillraceError('ERR_MILLRACE_INPUT', 'Nothing is piped into the standard input: it is a terminal', {
    hint: 'Pipe a file into it, or name one',
  });
}

const NAME = 'the standard input';

async function openStandardInput(): Promise<Input> {
  if (isOpenedFile()) {
    const info = probeSync(OPENED_FILE);
    return { info: { ...info, path: NAME }, path: OPENED_FILE };
  }
  refuseTerminal();
  return openPiped(NAME, process.stdin);
}

async function openPiped(name: string, stream: Readable): Promise<Input> {
  const iterator: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  let ended = false;
  async function* rest(keep: boolean): AsyncGenerator<Uint8Array> {
    while (!ended) {
      const { done, value } = await iterator.next();
      if (done) ended = true;
      else {
        if (keep) read.push(value);
        yield value;
      }
    }
  }
  // The look takes the beginning, which the run needs as well.
  const info = await probe(Object.assign(rest(true), { name }));
  async function* whole(): AsyncGenerator<Uint8Array> {
    for (let chunk = read.shift(); chunk !== undefined; chunk = read.shift()) yield chunk;
    yield* rest(false);
  }
  return { info: { ...info, path: name }, path: undefined, bytes: whole() };
}

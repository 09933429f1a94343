/** What a media file holds, without decoding it: on a thread of its own, or at once. */
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../../ringbuffer/clock.js';
import { MillraceError } from '../../src/errors/errors.js';
import { ServedSource } from '../../src/media/bytes/served.js';
import type { OpenSource } from '../../src/media/bytes/source.js';
import { Input } from '../decoder/input/input.js';
import { isNetwork, NetworkInput, stepLimit } from '../decoder/network/input.js';
import type { MediaInfo } from '../shared/media-info.js';
import { protocolOf } from '../shared/protocols/protocols.js';
import { Looking } from './client.js';
import { describeInput } from './describe.js';

export interface ProbeOptions {
  /** Ends it: it rejects with ERR_MILLRACE_ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Milliseconds that it may take as a whole; then it rejects with ERR_MILLRACE_TIMEOUT. 0: as long as it takes. Default:
   * none for files; of what comes from the network no step may take more than 30 s.
   */
  readonly timeout_ms?: number | undefined;
}

const noOptions = { format: undefined, options: {}, required: {} };

/** @throws MillraceError as `probe` of src/graph/probe.ts tells it. */
export async function probeInput(
  input: string | OpenSource,
  { signal, timeout_ms: timeout }: ProbeOptions,
): Promise<MediaInfo> {
  const name = typeof input === 'string' ? input : input.name;
  const ends = new AbortController();
  const abort = (): void => ends.abort();
  let late = false;
  const whenLate = (): void => {
    late = true;
    abort();
  };
  const timer = timeout ? setTimeout(whenLate, timeout) : undefined;
  signal?.addEventListener('abort', abort);
  // Nothing else would keep the process alive.
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    if (signal?.aborted) abort();
    return await (isFar(input) ? lookFar(input, timeout, ends.signal) : lookNear(input, timeout, ends.signal));
  } catch (error) {
    if (!ends.signal.aborted) throw error;
    if (!late)
      throw new MillraceError('ERR_MILLRACE_ABORTED', `${name}: looking into it was aborted`, {
        cause: signal?.reason,
      });
    throw new MillraceError('ERR_MILLRACE_TIMEOUT', `Cannot look into ${name}: it took longer than ${timeout} ms`, {
      hint: 'timeout_ms is how long it may take',
    });
  } finally {
    clearInterval(alive);
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

function isFar(input: string | OpenSource): input is string {
  return typeof input === 'string' && isNetwork(input, undefined, {});
}

async function lookFar(path: string, timeout: number | undefined, signal: AbortSignal): Promise<MediaInfo> {
  const input = new NetworkInput(
    {
      input: { path, ...noOptions },
      // What is given counts for all steps together, and not here.
      timeout: timeout === undefined ? undefined : 0,
      ...{ choices: [], chapters: false, loglevel: undefined },
      probes: 'far',
    },
    () => {},
  );
  try {
    for (;;) {
      const { info } = input;
      if (info) return info;
      await input.more(signal);
    }
  } finally {
    const closed = input.close();
    if (!signal.aborted) await closed;
  }
}

/** A disk or a source that does not answer keeps its thread, but not the caller. */
async function lookNear(
  input: string | OpenSource,
  timeout: number | undefined,
  signal: AbortSignal,
): Promise<MediaInfo> {
  // It may be a pipe; of a source only the whole counts.
  const limit = typeof input === 'string' ? stepLimit(input, timeout === undefined ? undefined : 0, {}) : undefined;
  const source = typeof input === 'string' ? undefined : new ServedSource(input, input, false);
  source?.open();
  const looking = new Looking({ path: source?.ref.name ?? String(input), ...noOptions }, source, signal, limit);
  try {
    const info = await looking.info();
    const size = source?.ref.size;
    return size === undefined ? info : { ...info, format: { ...info.format, size } };
  } finally {
    const closed = Promise.all([looking.close(), source?.close()]);
    // Nobody waits for what a source says to being closed after it was left.
    if (signal.aborted) closed.catch(() => {});
    else await closed;
  }
}

/** Blocks the thread meanwhile. @throws MillraceError as `probeSync` of src/graph/probe.ts tells it. */
export function probePathSync(path: string): MediaInfo {
  if (isNetwork(path, undefined, {})) {
    throw new MillraceError(
      'ERR_MILLRACE_OPTION',
      `probeSync cannot open ${path}: '${protocolOf(path)}' could block for ever`,
      {
        hint: 'Use `await probe(…)`',
      },
    );
  }
  const input = new Input({ path, ...noOptions });
  try {
    return describeInput(input);
  } finally {
    input.close();
  }
}

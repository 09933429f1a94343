/** What a media file holds, without decoding it: on a thread of its own, or at once. */
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../../ringbuffer/clock.js';
import { MillraceError } from '../../src/errors/errors.js';
import { Input } from '../decoder/input/input.js';
import { isNetwork, NetworkInput } from '../decoder/network/input.js';
import type { MediaInfo } from '../shared/media-info.js';
import { protocolOf } from '../shared/protocols.js';
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
export async function probePath(path: string, { signal, timeout_ms: timeout }: ProbeOptions): Promise<MediaInfo> {
  const far = isNetwork(path, undefined, {});
  const input = new NetworkInput(
    {
      input: { path, ...noOptions },
      // What is given counts here, for all steps together.
      timeout: timeout === undefined && far ? undefined : 0,
      ...{ video: undefined, audio: undefined, loglevel: undefined },
      probes: far ? 'far' : 'near',
    },
    () => {},
  );
  const ends = new AbortController();
  const abort = (): void => ends.abort();
  let late = false;
  const timer = timeout
    ? setTimeout(() => {
        late = true;
        abort();
      }, timeout)
    : undefined;
  signal?.addEventListener('abort', abort);
  // Nothing else would keep the process alive.
  const alive = setInterval(() => {}, 2 ** 30);
  let over: void | Promise<void>;
  try {
    if (signal?.aborted) abort();
    for (;;) {
      const { info } = input;
      if (info) return info;
      await input.more(ends.signal);
    }
  } catch (error) {
    if (!ends.signal.aborted) throw error;
    const why = late
      ? new MillraceError('ERR_MILLRACE_TIMEOUT', `Cannot look into ${path}: it took longer than ${timeout} ms`, {
          hint: 'timeout_ms is how long it may take',
        })
      : new MillraceError('ERR_MILLRACE_ABORTED', `${path}: looking into it was aborted`, { cause: signal?.reason });
    throw why;
  } finally {
    clearInterval(alive);
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    over = input.close();
    // A disk that does not answer keeps the thread, but not the caller.
    if (!ends.signal.aborted) await over;
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

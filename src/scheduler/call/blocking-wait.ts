/**
 * How this thread waits for answers of others: blocked, in a sync call, or with its event loop alive. One doorbell for
 * all that are called from here.
 *
 * Two may wait on the doorbell at once, because a blocking call can come while asynchronous ones are pending. Whoever
 * rings wakes both. A blocking wait takes the announcement of the sleep (`arm`) back when it ends; if an asynchronous
 * wait is pending then, it is woken by hand, looks for itself and announces anew. At most one `waitAsync` is pending.
 */
import { clearInterval, performance, setInterval } from '../../../ringbuffer/clock.js';
import { Doorbell } from '../../../ringbuffer/index.js';
import { withoutContext } from '../threads/context.js';

/** Something whose answers arrive at this thread. */
export interface PendingCalls {
  /** Takes what has arrived and sends what waits. @returns whether there was anything. */
  poll(): boolean;
  /** Asynchronous calls that are not settled. */
  readonly pending: number;
  /** performance.now() in ms until which it is worth being blocked; it moves as calls that came first are answered. */
  readonly deadline: number;
}

const bell = Doorbell.create();
/** The same doorbell, for the other kind of wait. */
const asyncBell = Doorbell.attach(bell.buffer, bell.byteOffset);
const waiting = new Set<PendingCalls>();
let pumping = false;
/** The pump sleeps, or is about to. */
let asleep = false;

/** The doorbell that others ring when they have something for this thread. */
export function callerBell(): Doorbell {
  return bell;
}

/**
 * Blocks this thread until `settled`.
 * @param spin times it looks before it sleeps.
 * @returns false when the deadline has passed.
 */
export function blockUntil(from: PendingCalls, settled: () => boolean, spin: number): boolean {
  for (let i = 0; i < spin; i++) {
    from.poll();
    if (settled()) return true;
  }
  try {
    for (;;) {
      const ticket = bell.ticket();
      from.poll();
      if (settled()) return true;
      bell.arm();
      // What came before the announcement rang nobody.
      if (from.poll() || settled()) {
        bell.disarm();
        continue;
      }
      const left = from.deadline - performance.now();
      if (left <= 0) {
        bell.disarm();
        return false;
      }
      bell.wait(ticket, left);
    }
  } finally {
    if (pumping) bell.alarm();
  }
}

/**
 * Looks after `from` until it has no pending calls. A call may settle without an answer, when it is given up or its thread
 * dies: then nobody rings, and whoever settled it says so by `unpump`. Otherwise the pump would sleep for ever, and with it the
 * process.
 */
export function pump(from: PendingCalls): void {
  waiting.add(from);
  if (pumping) {
    bell.alarm();
    return;
  }
  pumping = true;
  withoutContext(() => void run());
}

/** Calls of `from` have been settled, and perhaps by nobody's ring. */
export function unpump(from: PendingCalls): void {
  if (from.pending > 0 || !waiting.delete(from)) return;
  if (waiting.size === 0 && asleep) bell.alarm();
}

async function run(): Promise<void> {
  // A pending wait does not keep the process alive; calls that are awaited do.
  const alive = setInterval(() => {}, 2 ** 30);
  while (waiting.size > 0) {
    const ticket = asyncBell.ticket();
    pollAll();
    if (waiting.size === 0) break;
    asyncBell.arm();
    if (pollAll()) {
      asyncBell.disarm();
      await Promise.resolve();
      continue;
    }
    if (waiting.size === 0) {
      asyncBell.disarm();
      break;
    }
    const wait = asyncBell.waitAsync(ticket);
    if (wait === 'rung') continue;
    asleep = true;
    await wait;
    asleep = false;
  }
  clearInterval(alive);
  pumping = false;
}

function pollAll(): boolean {
  let any = false;
  for (const from of waiting) {
    if (from.poll()) any = true;
    if (from.pending === 0) waiting.delete(from);
  }
  return any;
}

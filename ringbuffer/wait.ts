import { clearInterval, performance, setInterval } from './clock.js';
import type { Doorbell } from './doorbell.js';

/** What a ring can tell somebody who waits; `undefined`: nothing yet. */
type Look<Status> = () => Status | undefined;

/**
 * Polls `look` a few times, then sleeps on `bell` until `armedLook` (called with the bell armed) has an answer.
 * @param timeoutMs milliseconds for the whole; `look` is asked once more when they are over.
 */
export function waitFor<Status>(
  bell: Doorbell,
  look: Look<Status>,
  armedLook: Look<Status>,
  spin: number,
  timeoutMs: number,
): Status | 'timed-out' {
  const early = spinFor(look, spin);
  if (early !== undefined) return early;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const ticket = bell.ticket();
    const status = look() ?? lookArmed(bell, armedLook);
    if (status !== undefined) return status;
    if (bell.wait(ticket, deadline - performance.now()) === 'timed-out') return look() ?? 'timed-out';
  }
}

/** `waitFor` for a thread whose event loop must go on. Keeps that loop alive meanwhile. */
export async function waitForAsync<Status>(
  bell: Doorbell,
  look: Look<Status>,
  armedLook: Look<Status>,
  spin: number,
  timeoutMs: number,
): Promise<Status | 'timed-out'> {
  const early = spinFor(look, spin);
  if (early !== undefined) return early;
  const deadline = performance.now() + timeoutMs;
  const keepAlive = setInterval(() => {}, 2 ** 30);
  try {
    for (;;) {
      const ticket = bell.ticket();
      const status = look() ?? lookArmed(bell, armedLook);
      if (status !== undefined) return status;
      if ((await bell.waitAsync(ticket, deadline - performance.now())) === 'timed-out') return look() ?? 'timed-out';
    }
  } finally {
    clearInterval(keepAlive);
  }
}

function spinFor<Status>(look: Look<Status>, spin: number): Status | undefined {
  for (let i = 0; i < spin; i++) {
    const status = look();
    if (status !== undefined) return status;
  }
  return undefined;
}

function lookArmed<Status>(bell: Doorbell, look: Look<Status>): Status | undefined {
  bell.arm();
  // [park.3] what was published before the flag was up rang nobody
  const status = look();
  if (status !== undefined) bell.disarm();
  return status;
}

/** How much one packet may bring to another thread. */
import { MillraceError } from '../../errors/errors.js';

/** Bytes: a record has to fit into half of the largest ring, with what describes its payload. */
export const LARGEST_PAYLOAD = 2 ** 29 - 2 ** 16;

/** @throws MillraceError ERR_MILLRACE_PAYLOAD naming both sizes. */
export function requireFits(bytes: number): void {
  if (bytes <= LARGEST_PAYLOAD) return;
  throw new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `a payload of ${bytes} bytes (${inUnits(bytes)}) cannot cross threads: the limit is ${LARGEST_PAYLOAD} bytes (${inUnits(LARGEST_PAYLOAD)})`,
    { hint: 'Send it in pieces, or run both nodes in one thread' },
  );
}

function inUnits(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** When packets come and go: milliseconds on the one clock of all threads. */
import { monotonic } from '../../../ringbuffer/clock.js';

export function now(): number {
  return Number(monotonic()) / 1e6;
}

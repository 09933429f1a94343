/** One side of a transfer for bench/ring.ts: ringbuf.js here, the others from bench/core/ring-sides.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { RingBuffer as RingbufJs } from 'ringbuf.js';
import { fill, type RingJob, type RingResult, runSide, timeRounds, verify } from './core/ring-sides.js';

/** ringbuf.js has no way of waiting: both of its sides poll. */
function push(ring: RingbufJs, words: Int32Array): void {
  while (ring.availableWrite() < words.length);
  ring.push(words);
}

function pop(ring: RingbufJs, words: Int32Array, n: number): void {
  while (ring.availableRead() < words.length);
  ring.pop(words);
  verify(words, 0, n, words.length);
}

function runRingbufJs(job: RingJob): RingResult {
  const { what, side, size, warmUp, records } = job;
  const [there, back] = job.buffers.map((buffer) => new RingbufJs(buffer, Int32Array));
  const count = size / 4;
  const words = new Int32Array(count);
  const total = warmUp + records;
  if (what === 'latency' && side === 'send') {
    return timeRounds(job, (n) => {
      fill(words, 0, n, count);
      push(there!, words);
      pop(back!, words, n);
    });
  }
  let start = 0;
  for (let n = 0; n < total; n++) {
    if (n === warmUp) start = performance.now();
    if (side === 'send') {
      fill(words, 0, n, count);
      push(there!, words);
    } else {
      pop(there!, words, n);
      if (what === 'latency') push(back!, words);
    }
  }
  return what === 'throughput' && side === 'receive' ? performance.now() - start : undefined;
}

const job = workerData as RingJob;
parentPort!.postMessage(job.transport === 'ringbuf.js' ? runRingbufJs(job) : await runSide(job));

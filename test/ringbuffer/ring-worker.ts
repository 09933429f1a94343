/**
 * A thread at one end of one ring (or of several, on one doorbell). Both ends draw the records' sizes from the same
 * sequence of pseudo-random numbers; the receiving end checks every byte, length and kind.
 */
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { Doorbell, RingBuffer, type RingConsumer, type RingProducer } from '../../ringbuffer/index.js';

export interface Job {
  role: 'produce' | 'consume';
  rings: SharedArrayBuffer[];
  /** Doorbell that the consumer of several rings waits on. */
  bell?: SharedArrayBuffer;
  /** One per ring. */
  seeds: number[];
  /** Records per ring. */
  records: number;
  /** Largest payload. */
  maxSize: number;
  /** Most records per commit. */
  maxBatch: number;
  /** Wait with the …Async forms. */
  async: boolean;
  /** Now and then stand still, from microseconds to milliseconds. */
  pauses: boolean;
  /** End the thread, by process.exit, in the middle of that record. */
  dieAt?: number;
}

export interface Outcome {
  /** Records written, or read and found right. */
  records: number;
  end: 'all' | 'ended' | 'poisoned' | 'abandoned' | 'timed-out';
}

const LONG_MS = 30_000;
const job = workerData as Job;

class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed | 1;
  }
  /** 0..limit-1 */
  below(limit: number): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return (x >>> 0) % limit;
  }
}

const luck = new Random(threadId * 7919 + 1);
const nobody = new Int32Array(new SharedArrayBuffer(4));

function maybePause(): void {
  if (!job.pauses || luck.below(5000) !== 0) return;
  if (luck.below(8) === 0) Atomics.wait(nobody, 0, 0, 1 + luck.below(2));
  else for (const until = performance.now() + luck.below(100) / 1000; performance.now() < until; );
}

function die(): never {
  process.exit(3);
}

async function produce(ring: RingProducer): Promise<Outcome> {
  const sizes = new Random(job.seeds[0]!);
  let batch = 1;
  for (let n = 0; n < job.records; n++) {
    const size = sizes.below(job.maxSize + 1);
    let offset = ring.claim(size, n & 0xffff);
    while (offset < 0) {
      ring.commit();
      const status = job.async ? await ring.waitForSpaceAsync(size, LONG_MS) : ring.waitForSpace(size, LONG_MS);
      if (status !== 'ok') return { records: n, end: status };
      offset = ring.claim(size, n & 0xffff);
    }
    for (let i = 0; i < size; i++) ring.bytes[offset + i] = n + i;
    if (n === job.dieAt) die();
    if (--batch === 0) {
      ring.commit();
      batch = 1 + luck.below(job.maxBatch);
      maybePause();
    }
  }
  ring.commit();
  ring.close();
  return { records: job.records, end: 'all' };
}

function check(ring: RingConsumer, offset: number, n: number, size: number): void {
  if (ring.length !== size) throw new Error(`record ${n} has ${ring.length} bytes instead of ${size}`);
  if (ring.kind !== (n & 0xffff)) throw new Error(`record ${n} is of kind ${ring.kind}`);
  for (let i = 0; i < size; i++) {
    if (ring.bytes[offset + i] !== ((n + i) & 255)) throw new Error(`record ${n} is wrong at byte ${i} of ${size}`);
  }
}

async function consume(ring: RingConsumer): Promise<Outcome> {
  const sizes = new Random(job.seeds[0]!);
  for (let n = 0; ; n++) {
    let offset = ring.peek();
    while (offset < 0) {
      const status = job.async ? await ring.waitForRecordAsync(LONG_MS) : ring.waitForRecord(LONG_MS);
      if (status !== 'ok') return { records: n, end: status };
      offset = ring.peek();
    }
    check(ring, offset, n, sizes.below(job.maxSize + 1));
    if (n === job.dieAt) die();
    ring.release();
    maybePause();
  }
}

async function consumeAll(rings: RingConsumer[], bell: Doorbell): Promise<Outcome> {
  const sizes = job.seeds.map((seed) => new Random(seed));
  const counts = rings.map(() => 0);
  const total = () => counts.reduce((sum, count) => sum + count, 0);

  /** Reads what is there; true if anything was, or if all rings have ended. */
  function look(): boolean {
    let found = false;
    let open = 0;
    for (const [i, ring] of rings.entries()) {
      const ended = ring.ended;
      for (let offset = ring.peek(); offset >= 0; offset = ring.peek()) {
        check(ring, offset, counts[i]!++, sizes[i]!.below(job.maxSize + 1));
        ring.release();
        found = true;
      }
      if (!ended) open++;
    }
    maybePause();
    return found || open === 0;
  }

  while (!rings.every((ring) => ring.ended)) {
    const ticket = bell.ticket();
    if (look()) continue;
    bell.arm();
    if (look()) {
      bell.disarm();
      continue;
    }
    const wake = job.async ? await bell.waitAsync(ticket, LONG_MS) : bell.wait(ticket, LONG_MS);
    if (wake === 'timed-out') return { records: total(), end: wake };
  }
  return { records: total(), end: 'ended' };
}

async function run(): Promise<Outcome> {
  const rings = job.rings.map((buffer) => RingBuffer.attach(buffer));
  const bell = job.bell && Doorbell.attach(job.bell);
  if (job.role === 'produce') return produce(rings[0]!.producer({ ...(bell ? { bell } : {}) }));
  if (!bell) return consume(rings[0]!.consumer());
  const keepAlive = setInterval(() => {}, 2 ** 30);
  const outcome = await consumeAll(
    rings.map((ring) => ring.consumer({ own: bell })),
    bell,
  );
  clearInterval(keepAlive);
  return outcome;
}

parentPort!.postMessage(await run());

/**
 * One side of one transfer in bench/ring.ts. Every transport moves records whose 32-bit words are all derived from the
 * record's number; the receiving side checks every word and takes the time from the last warm-up record to the last.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { RingBuffer as RingbufJs } from 'ringbuf.js';
import { RingBuffer, type RingConsumer, type RingProducer } from '../ringbuffer/index.js';

export interface Job {
  transport: 'millrace' | 'ringbuf.js' | 'postMessage';
  side: 'send' | 'receive';
  buffer: SharedArrayBuffer;
  port?: MessagePort;
  /** Payload bytes, a multiple of 4. */
  size: number;
  /** Records per publish. */
  batch: number;
  /** Records before the clock starts, then records on the clock. */
  warmUp: number;
  records: number;
}

const job = workerData as Job;
const { size, batch, warmUp } = job;
const total = warmUp + job.records;
const count = size / 4;

function fill(words: Int32Array, at: number, n: number): void {
  for (let i = 0; i < count; i++) words[at + i] = n + i;
}

function check(words: Int32Array, at: number, n: number): void {
  for (let i = 0; i < count; i++) {
    if (words[at + i] !== ((n + i) | 0)) throw new Error(`record ${n} is wrong at word ${i}: ${words[at + i]}`);
  }
}

function claim(ring: RingProducer): number {
  let offset = ring.claim(size);
  while (offset < 0) {
    ring.commit();
    if (ring.waitForSpace(size) !== 'ok') throw new Error('the ring has ended');
    offset = ring.claim(size);
  }
  return offset;
}

function sendMillrace(ring: RingProducer): void {
  const words = new Int32Array(ring.bytes.buffer, ring.bytes.byteOffset, ring.bytes.byteLength / 4);
  let pending = 0;
  for (let n = 0; n < total; n++) {
    fill(words, claim(ring) >> 2, n);
    if (++pending === batch) {
      ring.commit();
      pending = 0;
    }
  }
  ring.commit();
}

function receiveMillrace(ring: RingConsumer): number {
  const words = new Int32Array(ring.bytes.buffer, ring.bytes.byteOffset, ring.bytes.byteLength / 4);
  let start = 0;
  for (let n = 0; n < total; n++) {
    if (n === warmUp) start = performance.now();
    let offset = ring.peek();
    while (offset < 0) {
      if (ring.waitForRecord() !== 'ok') throw new Error('the ring has ended');
      offset = ring.peek();
    }
    if (ring.length !== size) throw new Error(`record ${n} has ${ring.length} bytes`);
    check(words, offset >> 2, n);
    ring.release();
  }
  return performance.now() - start;
}

/** ringbuf.js has no way of waiting: both of its sides poll. */
function sendRingbufJs(): void {
  const ring = new RingbufJs(job.buffer, Int32Array);
  const words = new Int32Array(count);
  for (let n = 0; n < total; n++) {
    fill(words, 0, n);
    while (ring.availableWrite() < count);
    ring.push(words);
  }
}

function receiveRingbufJs(): number {
  const ring = new RingbufJs(job.buffer, Int32Array);
  const words = new Int32Array(count);
  let start = 0;
  for (let n = 0; n < total; n++) {
    if (n === warmUp) start = performance.now();
    while (ring.availableRead() < count);
    ring.pop(words);
    check(words, 0, n);
  }
  return performance.now() - start;
}

/** The receiver answers once per 1,000 messages and the sender stays at most 2,000 ahead, or the queue would grow without bound. */
async function sendPostMessage(port: MessagePort): Promise<void> {
  let answered = 0;
  let wake = () => {};
  port.on('message', (n: number) => {
    answered = n;
    wake();
  });
  for (let n = 0; n < total; n++) {
    const words = new Int32Array(count);
    fill(words, 0, n);
    port.postMessage(words);
    if (n % 1000 === 999 && n - answered >= 2000) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  port.close();
}

function receivePostMessage(port: MessagePort): Promise<number> {
  return new Promise((resolve, reject) => {
    let n = 0;
    let start = 0;
    port.on('message', (words: Int32Array) => {
      try {
        if (n === warmUp) start = performance.now();
        check(words, 0, n++);
        if (n % 1000 === 0) port.postMessage(n);
        if (n < total) return;
        resolve(performance.now() - start);
        port.close();
      } catch (error) {
        reject(error);
      }
    });
  });
}

async function run(): Promise<number | undefined> {
  if (job.transport === 'postMessage') {
    return job.side === 'send' ? void (await sendPostMessage(job.port!)) : receivePostMessage(job.port!);
  }
  if (job.transport === 'ringbuf.js') return job.side === 'send' ? void sendRingbufJs() : receiveRingbufJs();
  const ring = RingBuffer.attach(job.buffer);
  return job.side === 'send' ? void sendMillrace(ring.producer()) : receiveMillrace(ring.consumer());
}

parentPort!.postMessage(await run());

/**
 * One side of one transfer between two threads, as the ring benchmark runs it. Throughput: records whose 32-bit words
 * all derive from the record's number; the receiver checks every word and takes the time from the last warm-up record
 * to the last. Latency: one record there and back, and the sender times each round.
 */

import type { MessagePort } from 'node:worker_threads';
import { performance } from '../../ringbuffer/clock.js';
import { RingBuffer, type RingConsumer, type RingProducer } from '../../ringbuffer/index.js';

export interface RingJob {
  what: 'throughput' | 'latency';
  transport: string;
  side: 'send' | 'receive';
  /** There, and for latency back. */
  buffers: readonly SharedArrayBuffer[];
  port: MessagePort;
  /** Payload bytes, a multiple of 4. */
  size: number;
  /** Records per publish. */
  batch: number;
  /** Looks before a side sleeps. */
  spin: number;
  /** Records or rounds before the clock starts, then on the clock. */
  warmUp: number;
  records: number;
}

/** Milliseconds of a transfer from the receiver, microseconds of each round from the sender, else nothing. */
export type RingResult = number | Float64Array | undefined;

export function fill(words: Int32Array, at: number, n: number, count: number): void {
  for (let i = 0; i < count; i++) words[at + i] = n + i;
}

/** @throws Error naming the record and the word that is wrong. */
export function verify(words: Int32Array, at: number, n: number, count: number): void {
  for (let i = 0; i < count; i++) {
    if (words[at + i] !== ((n + i) | 0)) throw new Error(`record ${n} is wrong at word ${i}: ${words[at + i]}`);
  }
}

/** Times rounds: `round(n)` sends record n and returns when its answer is there. */
export function timeRounds({ warmUp, records }: RingJob, round: (n: number) => void): Float64Array {
  const times = new Float64Array(records);
  for (let n = 0; n < warmUp + records; n++) {
    const start = performance.now();
    round(n);
    if (n >= warmUp) times[n - warmUp] = (performance.now() - start) * 1000;
  }
  return times;
}

export async function runSide(job: RingJob): Promise<RingResult> {
  switch (`${job.transport} ${job.what} ${job.side}`) {
    case 'millrace throughput send':
      return sendRing(job);
    case 'millrace throughput receive':
      return receiveRing(job);
    case 'millrace latency send':
      return pingRing(job);
    case 'millrace latency receive':
      return pongRing(job);
    case 'postMessage throughput send':
      return sendMessages(job);
    case 'postMessage throughput receive':
      return receiveMessages(job);
    case 'postMessage latency send':
      return pingMessages(job);
    case 'postMessage latency receive':
      return pongMessages(job);
    case 'Atomics.wait latency send':
      return waitRounds(job);
    case 'Atomics.wait latency receive':
      return answerRounds(job);
    default:
      throw new Error(`there is no ${job.what} of ${job.transport}`);
  }
}

const wordsOf = (side: RingProducer | RingConsumer): Int32Array =>
  new Int32Array(side.bytes.buffer, side.bytes.byteOffset, side.bytes.byteLength / 4);

function claim(ring: RingProducer, size: number): number {
  let offset = ring.claim(size);
  while (offset < 0) {
    ring.commit();
    if (ring.waitForSpace(size) !== 'ok') throw new Error('the ring has ended');
    offset = ring.claim(size);
  }
  return offset;
}

function take(ring: RingConsumer, words: Int32Array, n: number, size: number): void {
  let offset = ring.peek();
  while (offset < 0) {
    if (ring.waitForRecord() !== 'ok') throw new Error('the ring has ended');
    offset = ring.peek();
  }
  if (ring.length !== size) throw new Error(`record ${n} has ${ring.length} bytes`);
  verify(words, offset >> 2, n, size / 4);
  ring.release();
}

function sendRing({ buffers, size, batch, spin, warmUp, records }: RingJob): undefined {
  const ring = RingBuffer.attach(buffers[0]!).producer({ spin });
  const words = wordsOf(ring);
  let pending = 0;
  for (let n = 0; n < warmUp + records; n++) {
    fill(words, claim(ring, size) >> 2, n, size / 4);
    if (++pending === batch) {
      ring.commit();
      pending = 0;
    }
  }
  ring.commit();
}

function receiveRing({ buffers, size, spin, warmUp, records }: RingJob): number {
  const ring = RingBuffer.attach(buffers[0]!).consumer({ spin });
  const words = wordsOf(ring);
  let start = 0;
  for (let n = 0; n < warmUp + records; n++) {
    if (n === warmUp) start = performance.now();
    take(ring, words, n, size);
  }
  return performance.now() - start;
}

function pingRing(job: RingJob): Float64Array {
  const { buffers, size, spin } = job;
  const there = RingBuffer.attach(buffers[0]!).producer({ spin });
  const back = RingBuffer.attach(buffers[1]!).consumer({ spin });
  const [out, answers] = [wordsOf(there), wordsOf(back)];
  return timeRounds(job, (n) => {
    fill(out, claim(there, size) >> 2, n, size / 4);
    there.commit();
    take(back, answers, n, size);
  });
}

function pongRing({ buffers, size, spin, warmUp, records }: RingJob): undefined {
  const there = RingBuffer.attach(buffers[0]!).consumer({ spin });
  const back = RingBuffer.attach(buffers[1]!).producer({ spin });
  const [questions, out] = [wordsOf(there), wordsOf(back)];
  for (let n = 0; n < warmUp + records; n++) {
    take(there, questions, n, size);
    fill(out, claim(back, size) >> 2, n, size / 4);
    back.commit();
  }
}

/** The receiver answers once per 1,000 messages and the sender stays at most 2,000 ahead, or the queue would grow without bound. */
async function sendMessages({ port, size, warmUp, records }: RingJob): Promise<undefined> {
  let answered = 0;
  let wake = () => {};
  port.on('message', (n: number) => {
    answered = n;
    wake();
  });
  for (let n = 0; n < warmUp + records; n++) {
    const words = new Int32Array(size / 4);
    fill(words, 0, n, size / 4);
    port.postMessage(words);
    if (n % 1000 === 999 && n - answered >= 2000) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  port.close();
}

function receiveMessages({ port, size, warmUp, records }: RingJob): Promise<number> {
  return new Promise((resolve, reject) => {
    let n = 0;
    let start = 0;
    port.on('message', (words: Int32Array) => {
      try {
        if (n === warmUp) start = performance.now();
        verify(words, 0, n++, size / 4);
        if (n % 1000 === 0) port.postMessage(n);
        if (n < warmUp + records) return;
        resolve(performance.now() - start);
        port.close();
      } catch (error) {
        reject(error);
      }
    });
  });
}

function pingMessages({ port, size, warmUp, records }: RingJob): Promise<Float64Array> {
  return new Promise((resolve, reject) => {
    const times = new Float64Array(records);
    let n = 0;
    let start = 0;
    const ask = (): void => {
      const words = new Int32Array(size / 4);
      fill(words, 0, n, size / 4);
      start = performance.now();
      port.postMessage(words);
    };
    port.on('message', (words: Int32Array) => {
      if (n >= warmUp) times[n - warmUp] = (performance.now() - start) * 1000;
      try {
        verify(words, 0, n++, size / 4);
      } catch (error) {
        reject(error);
      }
      if (n < warmUp + records) return ask();
      resolve(times);
      port.close();
    });
    ask();
  });
}

function pongMessages({ port }: RingJob): Promise<undefined> {
  return new Promise((resolve) => {
    port.on('message', (words: Int32Array) => port.postMessage(words));
    port.on('close', () => resolve(undefined));
  });
}

/** The least that two sleeping threads can do: one word, both sides always sleep. What is above it is a transport's own. */
function waitRounds(job: RingJob): Float64Array {
  const word = new Int32Array(job.buffers[0]!);
  return timeRounds(job, (n) => {
    Atomics.store(word, 0, 2 * n + 1);
    Atomics.notify(word, 0);
    sleepWhile(word, 2 * n + 1);
  });
}

function answerRounds({ buffers, warmUp, records }: RingJob): undefined {
  const word = new Int32Array(buffers[0]!);
  for (let n = 0; n < warmUp + records; n++) {
    sleepWhile(word, 2 * n);
    Atomics.store(word, 0, 2 * n + 2);
    Atomics.notify(word, 0);
  }
}

function sleepWhile(word: Int32Array, value: number): void {
  // The other side's notify of the round before may come late and end a wait of this round.
  while (Atomics.load(word, 0) === value) Atomics.wait(word, 0, value);
}

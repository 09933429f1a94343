/**
 * A picture's planes through postMessage, cloned by the structured clone algorithm: how frames cross threads in Node.js
 * without shared memory. At most `ahead` messages are in flight, as a graph's link has it. Both sides block instead of
 * returning to their event loops, and the count of messages taken goes back through shared memory: the least such a
 * transfer can cost.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { type Enough, Windows } from './windows.js';

export interface CloneJob extends Enough {
  what: 'clone';
  side: 'send' | 'receive';
  port: MessagePort;
  /** [messages sent, messages taken, 1 when the receiver has seen enough] */
  counters: SharedArrayBuffer;
  /** Bytes of each plane. */
  planes: readonly number[];
  ahead: number;
}

const SENT = 0;
const TAKEN = 1;
const ENOUGH = 2;

/** @returns From the receiver: microseconds per frame, of each window. */
export function runCloneSide(job: CloneJob): number[] | undefined {
  return job.side === 'send' ? send(job) : receive(job);
}

function send({ port, counters, planes, ahead }: CloneJob): undefined {
  const words = new Int32Array(counters);
  const picture = planes.map((bytes) => new Uint8Array(bytes).fill(7));
  for (let n = 0; Atomics.load(words, ENOUGH) === 0; n++) {
    port.postMessage({ n, picture });
    Atomics.store(words, SENT, n + 1);
    Atomics.notify(words, SENT);
    // The receiver sets ENOUGH before it counts its last message, so this wait ends.
    for (let taken = Atomics.load(words, TAKEN); n + 1 - taken >= ahead; taken = Atomics.load(words, TAKEN)) {
      Atomics.wait(words, TAKEN, taken);
    }
  }
}

function receive({ port, counters, planes, ...enough }: CloneJob): number[] {
  const words = new Int32Array(counters);
  const windows = new Windows(enough);
  for (let n = 0; Atomics.load(words, ENOUGH) === 0; n++) {
    while (Atomics.load(words, SENT) <= n) Atomics.wait(words, SENT, n);
    const message = receiveMessageOnPort(port)?.message as { n: number; picture: Uint8Array[] } | undefined;
    if (message?.n !== n || message.picture.some((plane, i) => plane.byteLength !== planes[i])) {
      throw new Error(`frame ${n} did not arrive as it was sent`);
    }
    if (windows.count() >= 1) Atomics.store(words, ENOUGH, 1);
    Atomics.store(words, TAKEN, n + 1);
    Atomics.notify(words, TAKEN);
  }
  return windows.microseconds;
}

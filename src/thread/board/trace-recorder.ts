/**
 * What a thread writes down for the trace: fixed binary records into a ring that the calling thread empties now and then
 * (run/trace-writer.ts). A ring that is full, because that thread is busy, makes nobody wait: the record is left
 * out and counted.
 */

import { inspect } from 'node:util';
import { monotonic, performance } from '../../../ringbuffer/clock.js';
import { RingBuffer, type RingProducer } from '../../../ringbuffer/index.js';
import type { TracePhase } from '../../module/contract.js';
import type { DropReason, SyncEvent } from '../../sync/index.js';
import type { PartitionLink, TraceSpec } from '../protocol.js';
import type { Board } from './board.js';

/** Kinds of ring records. */
const CALL = 1;
const RELIEF = 2;
const ERROR = 3;
const USE = 4;
const USER = 5;

/** Bytes of a call's record before the levels of its links, and of each level. */
const CALL_BYTES = 48;
const LEVEL_BYTES = 8;
const ERROR_HEAD = 16;
const USE_BYTES = 40;
/** As they are numbered in records; what is no drop is a reuse, number -1. */
const REASONS: readonly DropReason[] = ['superseded', 'queue', 'end', 'reset'];
const LONGEST_TEXT = 1000;
const USER_HEAD = 24;
/** Characters of what a user's event is told with. */
const LONGEST_DATA = 4000;
const PHASES: readonly (TracePhase | undefined)[] = [undefined, 'begin', 'end'];
/** About 15,000 calls of a node with two links. */
const CAPACITY = 2 ** 20;

export function createTraceRing(): SharedArrayBuffer {
  return RingBuffer.create({ capacity: CAPACITY }).buffer;
}

/** Milliseconds of the clock that is the same in all threads. */
export function traceClock(): number {
  return Number(monotonic()) / 1e6;
}

/** One call of a module. Times in ms of performance.now(). */
export interface TracedCall {
  node: number;
  /** One of NodeCall. */
  call: number;
  began: number;
  ended: number;
  /** It went on after it had returned (a promise). */
  asynchronous: boolean;
  packetsIn: number;
  packetsOut: number;
  dropped: number;
  /** Microseconds; of the first packet it was given. */
  timestamp: number | undefined;
}

/** A packet that an input manager left out or used again. */
export interface TracedUse {
  node: number;
  /** Id of the input it came by. */
  input: number;
  event: SyncEvent;
}

export class TraceRecorder {
  private readonly ring: RingProducer;
  private readonly offset: number;
  private readonly linksOf = new Map<number, number[]>();

  constructor(
    { rings, origin }: TraceSpec,
    private readonly board: Board,
    private readonly thread: number,
    links: readonly PartitionLink[],
  ) {
    this.ring = RingBuffer.attach(rings[thread]!).producer();
    this.offset = traceClock() - performance.now() - origin;
    this.follow(links);
  }

  /** Links have come to the thread. */
  follow(links: readonly PartitionLink[]): void {
    for (const { index, producer, consumer } of links) {
      for (const node of [producer, consumer]) this.linksOf.set(node, [...(this.linksOf.get(node) ?? []), index]);
    }
  }

  call(call: TracedCall): void {
    const { board, ring } = this;
    const links = this.linksOf.get(call.node) ?? [];
    const at = this.claim(CALL_BYTES + links.length * LEVEL_BYTES, CALL);
    if (at < 0) return;
    const { view } = ring;
    view.setFloat64(at, call.began + this.offset, true);
    view.setFloat64(at + 8, call.ended - call.began, true);
    view.setFloat64(at + 16, call.timestamp ?? Number.NaN, true);
    view.setInt32(at + 24, call.node, true);
    view.setInt32(at + 28, call.call, true);
    view.setInt32(at + 32, call.packetsIn, true);
    view.setInt32(at + 36, call.packetsOut, true);
    view.setInt32(at + 40, call.dropped, true);
    view.setInt32(at + 44, call.asynchronous ? 1 : 0, true);
    links.forEach((link, i) => {
      view.setInt32(at + CALL_BYTES + i * LEVEL_BYTES, link, true);
      view.setInt32(at + CALL_BYTES + i * LEVEL_BYTES + 4, board.left(link) ? 0 : board.queued(link), true);
    });
    ring.commit();
  }

  /** @param now performance.now() */
  use({ node, input, event }: TracedUse, now: number): void {
    const at = this.claim(USE_BYTES, USE);
    if (at < 0) return;
    const { view } = this.ring;
    view.setFloat64(at, now + this.offset, true);
    view.setBigInt64(at + 8, event.pts, true);
    view.setBigInt64(at + 16, event.kind === 'reuse' ? event.output : 0n, true);
    view.setInt32(at + 24, node, true);
    view.setInt32(at + 28, input, true);
    view.setInt32(at + 32, event.pad, true);
    view.setInt32(at + 36, event.kind === 'reuse' ? -1 : REASONS.indexOf(event.reason), true);
    this.ring.commit();
  }

  /** @param now performance.now() */
  relief(link: number, now: number): void {
    const at = this.claim(16, RELIEF);
    if (at < 0) return;
    this.ring.view.setFloat64(at, now + this.offset, true);
    this.ring.view.setInt32(at + 8, link, true);
    this.ring.commit();
  }

  error(node: number, message: string): void {
    const text = new TextEncoder().encode(message.slice(0, LONGEST_TEXT));
    const at = this.claim(ERROR_HEAD + text.length, ERROR);
    if (at < 0) return;
    this.ring.view.setFloat64(at, performance.now() + this.offset, true);
    this.ring.view.setInt32(at + 8, node, true);
    this.ring.bytes.set(text, at + ERROR_HEAD);
    this.ring.commit();
  }

  /** Something that a module tells. @param phase it is no moment, but the begin or the end of something. */
  user(node: number, name: string, data: unknown, phase: TracePhase | undefined): void {
    const encoder = new TextEncoder();
    const title = encoder.encode(name.slice(0, LONGEST_TEXT));
    const json = encoder.encode(dataText(data));
    const at = this.claim(USER_HEAD + title.length + json.length, USER);
    if (at < 0) return;
    const { view, bytes } = this.ring;
    view.setFloat64(at, performance.now() + this.offset, true);
    view.setInt32(at + 8, node, true);
    view.setInt32(at + 12, PHASES.indexOf(phase), true);
    view.setInt32(at + 16, title.length, true);
    bytes.set(title, at + USER_HEAD);
    bytes.set(json, at + USER_HEAD + title.length);
    this.ring.commit();
  }

  private claim(bytes: number, kind: number): number {
    const at = this.ring.claim(bytes, kind);
    if (at < 0) this.board.countTraceLoss(this.thread);
    return at;
  }
}

/** As JSON, as far as it is: a trace must not fail a module. */
function dataText(data: unknown): string {
  if (data === undefined) return '';
  let text: string;
  try {
    text = JSON.stringify(data, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ?? '';
  } catch {
    text = JSON.stringify(inspect(data));
  }
  return text.length <= LONGEST_DATA ? text : JSON.stringify(`${text.slice(0, LONGEST_DATA)} …`);
}

/** What a record says. Times in ms after the start of the run. */
export type TraceRecord =
  | { kind: 'user'; at: number; node: number; name: string; data: unknown; phase: TracePhase | undefined }
  | ({ kind: 'call'; levels: { link: number; packets: number }[] } & TracedCall)
  | ({ kind: 'use'; at: number } & TracedUse)
  | { kind: 'relief'; at: number; link: number }
  | { kind: 'error'; at: number; node: number; message: string };

/** Takes every record that is in a thread's ring. */
export class TraceReader {
  private readonly ring: ReturnType<RingBuffer['consumer']>;

  constructor(buffer: SharedArrayBuffer) {
    this.ring = RingBuffer.attach(buffer).consumer();
  }

  *take(): Generator<TraceRecord> {
    const { ring } = this;
    for (let at = ring.peek(); at >= 0; at = ring.peek()) {
      const record = read(ring.view, ring.bytes, at, ring.kind, ring.length);
      ring.release();
      yield record;
    }
  }
}

function read(view: DataView, bytes: Uint8Array, at: number, kind: number, length: number): TraceRecord {
  const time = view.getFloat64(at, true);
  if (kind === RELIEF) return { kind: 'relief', at: time, link: view.getInt32(at + 8, true) };
  if (kind === USER) return readUser(view, bytes, at, length);
  if (kind === USE) return { kind: 'use', at: time, ...readUse(view, at) };
  if (kind === ERROR) {
    // A decoder takes no views of shared memory.
    const message = new TextDecoder().decode(bytes.slice(at + ERROR_HEAD, at + length));
    return { kind: 'error', at: time, node: view.getInt32(at + 8, true), message };
  }
  const levels = Array.from({ length: (length - CALL_BYTES) / LEVEL_BYTES }, (_, i) => {
    const level = at + CALL_BYTES + i * LEVEL_BYTES;
    return { link: view.getInt32(level, true), packets: view.getInt32(level + 4, true) };
  });
  const timestamp = view.getFloat64(at + 16, true);
  return {
    kind: 'call',
    began: time,
    ended: time + view.getFloat64(at + 8, true),
    timestamp: Number.isNaN(timestamp) ? undefined : timestamp,
    node: view.getInt32(at + 24, true),
    call: view.getInt32(at + 28, true),
    packetsIn: view.getInt32(at + 32, true),
    packetsOut: view.getInt32(at + 36, true),
    dropped: view.getInt32(at + 40, true),
    asynchronous: view.getInt32(at + 44, true) !== 0,
    levels,
  };
}

function readUser(view: DataView, bytes: Uint8Array, at: number, length: number): TraceRecord {
  const decoder = new TextDecoder();
  const title = at + USER_HEAD + view.getInt32(at + 16, true);
  const text = decoder.decode(bytes.slice(title, at + length));
  return {
    kind: 'user',
    at: view.getFloat64(at, true),
    node: view.getInt32(at + 8, true),
    name: decoder.decode(bytes.slice(at + USER_HEAD, title)),
    data: text === '' ? undefined : (JSON.parse(text) as unknown),
    phase: PHASES[view.getInt32(at + 12, true)],
  };
}

function readUse(view: DataView, at: number): TracedUse {
  const pad = view.getInt32(at + 32, true);
  const pts = view.getBigInt64(at + 8, true);
  const reason = REASONS[view.getInt32(at + 36, true)];
  const event: SyncEvent =
    reason === undefined
      ? { kind: 'reuse', pad, pts, output: view.getBigInt64(at + 16, true) }
      : { kind: 'drop', pad, pts, reason };
  return { node: view.getInt32(at + 24, true), input: view.getInt32(at + 28, true), event };
}

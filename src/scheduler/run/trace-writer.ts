/**
 * The trace file of a run: Chrome's trace-event JSON in its array form, which Perfetto (https://ui.perfetto.dev) and
 * chrome://tracing open. The array form may lack its end, so what a crash leaves behind can be opened as well.
 * Format: "Trace Event Format", https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 *
 * The threads record into rings of fixed size (board/trace-recorder.ts); a timer of the calling thread empties them
 * into the file. While that thread is blocked they fill up, and then what they cannot take is lost and counted.
 */
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { clearInterval, setInterval } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import { NodeCall } from '../../thread/board/states.js';
import { createTraceRing, TraceReader, type TraceRecord, traceClock } from '../../thread/board/trace-recorder.js';
import type { TraceSpec } from '../../thread/protocol.js';

/** What the writer has to know of the graph. */
export interface TracedGraph {
  name: string;
  /** `thread`: index on the board. */
  nodes: { id: number; alias: string; module: string; thread: number }[];
  links: readonly { from: { node: number; output: number }; to: { node: number; input: number } }[];
  threads: number;
  /** Index on the board of the calling thread, if it hosts nodes. */
  localThread: number | undefined;
}

/** Milliseconds between two emptyings of the rings. */
const INTERVAL = 100;
/** What calls other than `process` are named by. */
const CALLS: Readonly<Record<number, string>> = {
  [NodeCall.init]: 'init',
  [NodeCall.reset]: 'reset',
  [NodeCall.close]: 'close',
};

/** Lanes of asynchronous calls come behind those of the threads. */
const ASYNCHRONOUS_LANES = 10_000;

type TraceEvent = Record<string, unknown> & { ph: string; name: string };

/** Files of runs that go on: two writers of one file would leave none that can be read. */
const inUse = new Set<string>();

export class TraceWriter {
  private readonly file: string;
  private readonly fd: number;
  /** There was no such file before. */
  private readonly isNew: boolean;
  private readonly readers: TraceReader[] = [];
  private readonly lanes = new Set<number>();
  private graph: TracedGraph | undefined;
  private timer: NodeJS.Timeout | undefined;
  private first = true;
  private problem: string | undefined;
  private readonly onExit = (): void => this.drain();

  /** @throws MillraceError ERR_MILLRACE_OUTPUT if the file cannot be written. */
  constructor(path: string) {
    this.file = resolve(path);
    if (inUse.has(this.file)) throw this.cannot('another graph is being traced into it');
    try {
      const known = statSync(this.file, { throwIfNoEntry: false });
      if (known?.isFIFO()) throw new Error('it is a pipe, and may have no reader');
      this.fd = openSync(this.file, 'w');
      this.isNew = known === undefined;
    } catch (cause) {
      throw this.cannot(messageOf(cause), cause);
    }
    inUse.add(this.file);
  }

  /** Begins the file. */
  start(graph: TracedGraph): TraceSpec {
    this.graph = graph;
    const rings = Array.from({ length: graph.threads }, createTraceRing);
    for (const ring of rings) this.readers.push(new TraceReader(ring));
    const events: TraceEvent[] = [{ ph: 'M', name: 'process_name', pid: 1, args: { name: `millrace ${graph.name}` } }];
    for (let thread = 0; thread < graph.threads; thread++) {
      const names = graph.nodes.filter((node) => node.thread === thread).map(({ alias }) => alias);
      const which = thread === graph.localThread ? 'calling thread' : `thread ${thread}`;
      events.push(...lane(thread + 1, `${which}: ${names.join(', ')}`));
    }
    this.write(events);
    this.timer = setInterval(() => this.drain(), INTERVAL);
    // Nothing else would bring the last moments of a process that ends in the middle into the file.
    process.on('exit', this.onExit);
    return { rings, origin: traceClock() };
  }

  /** Nothing was traced: the run was refused. What the opening has made goes with it. */
  abandon(): void {
    closeSync(this.fd);
    inUse.delete(this.file);
    if (this.isNew) rmSync(this.file, { force: true });
  }

  /**
   * Ends the file. @param lost events that found no room, of all threads.
   * @returns what the user should know: events that were lost, a file that could not be written to its end.
   */
  finish(lost: number): string[] {
    clearInterval(this.timer);
    process.off('exit', this.onExit);
    this.drain();
    const warnings: string[] = [];
    if (lost > 0) {
      const text = `${lost} events of the trace were lost: the calling thread was too busy to write them`;
      warnings.push(text);
      this.write([{ ph: 'i', s: 'g', name: text, pid: 1, tid: 0, ts: 0 }]);
    }
    this.append(this.first ? '[]\n' : '\n]\n');
    try {
      closeSync(this.fd);
    } catch (cause) {
      this.problem ??= messageOf(cause);
    }
    inUse.delete(this.file);
    if (this.problem !== undefined) warnings.push(`the trace file ${this.file} is incomplete: ${this.problem}`);
    return warnings;
  }

  private drain(): void {
    for (const [thread, reader] of this.readers.entries()) {
      const events: TraceEvent[] = [];
      for (const record of reader.take()) events.push(...this.eventsOf(record, thread + 1));
      this.write(events);
    }
  }

  private eventsOf(record: TraceRecord, tid: number): TraceEvent[] {
    const { nodes, links } = this.graph!;
    if (record.kind === 'relief') {
      const name = `limit lifted: ${this.linkName(record.link)}`;
      return [
        { ph: 'i', s: 'p', name, cat: 'relief', pid: 1, tid, ts: micros(record.at), args: { ...links[record.link] } },
      ];
    }
    const { alias: name, module } = nodes[record.node]!;
    if (record.kind === 'error') {
      const args = { message: record.message };
      return [{ ph: 'i', s: 'p', name: `error: ${name}`, cat: 'error', pid: 1, tid, ts: micros(record.at), args }];
    }
    if (record.kind === 'user') return [userEvent(record, name, tid)];
    if (record.kind === 'use') {
      const { event, input } = record;
      const { pad } = event;
      // All times of packets in a trace are microseconds.
      const pts = Number(event.pts) / 1000;
      const args =
        event.kind === 'drop'
          ? { node: name, pad, input, pts, reason: event.reason }
          : { node: name, pad, input, pts, output: Number(event.output) / 1000 };
      return [
        {
          ph: 'i',
          s: 't',
          name: `${event.kind}: ${name}[${input}]`,
          cat: event.kind,
          pid: 1,
          tid,
          ts: micros(record.at),
          args,
        },
      ];
    }
    const { packetsIn, packetsOut, timestamp, dropped } = record;
    const events: TraceEvent[] = [];
    const own = { pid: 1, tid };
    if (record.asynchronous) {
      // It overlaps with other calls of its thread, and slices of one lane must not overlap.
      own.tid = ASYNCHRONOUS_LANES + record.node;
      if (!this.lanes.has(own.tid)) {
        this.lanes.add(own.tid);
        events.push(...lane(own.tid, `thread ${tid - 1}: ${name}, asynchronous calls`));
      }
    }
    const ts = micros(record.began);
    const ends = micros(record.ended);
    const isProcess = record.call === NodeCall.process;
    events.push({
      ph: 'X',
      name: isProcess ? name : `${name}: ${CALLS[record.call]}`,
      cat: module,
      ...own,
      ts,
      dur: Math.max(0, ends - ts),
      args: isProcess ? { in: packetsIn, out: packetsOut, ...(timestamp !== undefined && { pts: timestamp }) } : {},
    });
    if (dropped > 0) {
      events.push({
        ph: 'i',
        s: 't',
        name: `${name} dropped ${dropped}`,
        cat: 'drop',
        ...own,
        ts: ends,
        args: { dropped },
      });
    }
    for (const { link, packets } of record.levels) {
      events.push({ ph: 'C', name: `queue ${this.linkName(link)}`, pid: 1, tid, ts: ends, args: { packets } });
    }
    return events;
  }

  private linkName(link: number): string {
    const { nodes, links } = this.graph!;
    const { from, to } = links[link]!;
    const name = (id: number): string => nodes.find((node) => node.id === id)!.alias;
    return `${name(from.node)}[${from.output}] -> ${name(to.node)}[${to.input}]`;
  }

  private write(events: readonly TraceEvent[]): void {
    if (events.length === 0) return;
    const lines = events.map((event) => JSON.stringify(event)).join(',\n');
    this.append(`${this.first ? '[\n' : ',\n'}${lines}`);
    this.first = false;
  }

  /** Once a write has failed the rest is left out: half an event in the middle would spoil the file. */
  private append(text: string): void {
    if (this.problem !== undefined) return;
    const bytes = Buffer.from(text);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
    } catch (cause) {
      this.problem = messageOf(cause);
    }
  }

  private cannot(why: string, cause?: unknown): MillraceError {
    return new MillraceError('ERR_MILLRACE_OUTPUT', `the trace file ${this.file} cannot be written: ${why}`, {
      ...(cause === undefined ? {} : { cause }),
      hint: 'trace is the path of a file of its own',
    });
  }
}

/** A moment on the lane of the thread; what begins and ends has a lane of its own, because it may last beyond a call. */
function userEvent(record: TraceRecord & { kind: 'user' }, node: string, tid: number): TraceEvent {
  const { name, data, phase } = record;
  const own = {
    name,
    cat: 'user',
    pid: 1,
    tid,
    ts: micros(record.at),
    args: { node, ...(data !== undefined && { data }) },
  };
  if (phase === undefined) return { ph: 'i', s: 't', ...own };
  return { ph: phase === 'begin' ? 'b' : 'e', id: record.node, ...own };
}

function lane(tid: number, name: string): TraceEvent[] {
  return [
    { ph: 'M', name: 'thread_name', pid: 1, tid, args: { name } },
    { ph: 'M', name: 'thread_sort_index', pid: 1, tid, args: { sort_index: tid } },
  ];
}

/** Of milliseconds: microseconds with three digits. */
function micros(milliseconds: number): number {
  return Math.round(milliseconds * 1e6) / 1e3;
}

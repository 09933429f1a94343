/**
 * What a file says beside its pictures and sound, on its way from the decoder that reads it to the encoder that writes
 * another one: at once to encoders of the same thread, to those of others by ports that the scheduler has laid
 * (source-ports.ts). It is there in time: a decoder tells it before its first packet, an encoder asks for it when a packet
 * has come from that decoder, and what was posted before it was asked for can be taken at once. Encoders listen from their
 * `init` on, which is over before anything is read.
 *
 * Nobody listens at the ports: the first event of a port or a channel has Node.js load all of its `fetch` (0.04 s).
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { ModuleContext } from '../../src/module/contract.js';
import type { Chapter } from './media-info.js';

export interface SourceFacts {
  /** The decoder's node and job. */
  readonly node: number;
  readonly job: number;
  readonly alias: string;
  /** Of the container. */
  readonly tags: Readonly<Record<string, string>>;
  /** On the clock of the decoder's output, and only of what it plays; undefined: not known. */
  readonly chapters: readonly Chapter[] | undefined;
  /** Of a live input: when its packets came (live/arrivals.ts). */
  readonly arrivals?: SharedArrayBuffer | undefined;
  /** Of each output that has a stream. */
  readonly streams: readonly SourceStreamTexts[];
}

export interface SourceStreamTexts {
  readonly output: number;
  readonly tags: Readonly<Record<string, string>>;
  /** AV_DISPOSITION_* bits. */
  readonly disposition: number;
  /** Of text subtitles: FFmpeg's name of the codec, and what its packets refer to. */
  readonly text?: { readonly codec: string; readonly header: string | undefined };
}

type Context = Pick<ModuleContext<unknown>, 'sources' | 'id' | 'alias' | 'job'>;

/** The encoders of this thread, by the name of what they listen to. */
const listening = new Map<string, Set<SourceListener>>();

/** Tells it, if somebody wants to know. */
export function tellSource(ctx: Context, told: Omit<SourceFacts, 'node' | 'job' | 'alias'>): void {
  if (!ctx.sources) return;
  const { id: node, job, alias } = ctx;
  const facts: SourceFacts = { node, job, alias, ...told };
  for (const listener of listening.get(ctx.sources.channel) ?? []) listener.note(facts);
  for (const port of ctx.sources.tell) port.postMessage(facts);
}

export class SourceListener {
  readonly #ctx: Context;
  readonly #facts = new Map<number, SourceFacts>();

  constructor(ctx: Context) {
    this.#ctx = ctx;
    if (!ctx.sources) return;
    const { channel } = ctx.sources;
    const others = listening.get(channel);
    if (others) others.add(this);
    else listening.set(channel, new Set([this]));
  }

  /** What was told for this job, by node. A decoder of bytes tells it of every file; the last one counts. */
  get known(): ReadonlyMap<number, SourceFacts> {
    const { job, sources } = this.#ctx;
    for (const [node, facts] of this.#facts) if (facts.job < job) this.#facts.delete(node);
    for (const port of sources?.hear ?? []) this.#takeFrom(port);
    return this.#facts;
  }

  #takeFrom(port: MessagePort): void {
    for (;;) {
      const received = receiveMessageOnPort(port) as { message: SourceFacts } | undefined;
      if (received === undefined) return;
      this.note(received.message);
    }
  }

  note(facts: SourceFacts): void {
    if (facts.job >= this.#ctx.job) this.#facts.set(facts.node, facts);
  }

  /** What is told from now on is kept for nobody. */
  close(): void {
    const { channel, hear = [] } = this.#ctx.sources ?? {};
    for (const port of hear) port.close();
    const others = channel === undefined ? undefined : listening.get(channel);
    if (others?.delete(this) && others.size === 0) listening.delete(channel!);
  }
}

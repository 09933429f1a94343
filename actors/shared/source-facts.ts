/**
 * What a file says beside its pictures and sound, on its way from the decoder that reads it to the encoder that writes
 * another one. It goes over a channel that all threads of the process share, and is there in time: a decoder posts it before
 * its first packet, an encoder asks for it when a packet has come from that decoder, and what was posted before it was asked
 * for can be taken at once. Encoders listen from their `init` on, which is over before anything is read.
 */
import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';
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

/** Tells it, if somebody wants to know. */
export function tellSource(ctx: Context, facts: Omit<SourceFacts, 'node' | 'job' | 'alias'>): void {
  if (!ctx.sources) return;
  const channel = new BroadcastChannel(ctx.sources.channel);
  const { id: node, job, alias } = ctx;
  channel.postMessage({ node, job, alias, ...facts } satisfies SourceFacts);
  channel.close();
}

export class SourceListener {
  readonly #ctx: Context;
  readonly #channel: BroadcastChannel | undefined;
  readonly #facts = new Map<number, SourceFacts>();

  constructor(ctx: Context) {
    this.#ctx = ctx;
    if (!ctx.sources) return;
    this.#channel = new BroadcastChannel(ctx.sources.channel);
    // What has come is delivered by the event loop, if it turns before somebody asks.
    this.#channel.onmessage = (event) => this.#note((event as { data: SourceFacts }).data);
    // It is never waited for.
    this.#channel.unref();
  }

  /** What was told for this job, by node. A decoder of bytes tells it of every file; the last one counts. */
  get known(): ReadonlyMap<number, SourceFacts> {
    const { job } = this.#ctx;
    for (const [node, facts] of this.#facts) if (facts.job < job) this.#facts.delete(node);
    while (this.#channel) {
      const received = receiveMessageOnPort(this.#channel as never) as { message: SourceFacts } | undefined;
      if (received === undefined) break;
      this.#note(received.message);
    }
    return this.#facts;
  }

  #note(facts: SourceFacts): void {
    if (facts.job >= this.#ctx.job) this.#facts.set(facts.node, facts);
  }

  close(): void {
    this.#channel?.close();
  }
}

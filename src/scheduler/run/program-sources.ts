/** What the nodes of a run read of the program's, on the program's thread: opened with the run and closed behind it. */
import { clearTimeout, setTimeout, type Timer } from '../../../ringbuffer/clock.js';
import { messageOf } from '../../errors/wire.js';
import { type ServedSource, servedIn } from '../../media/bytes/served.js';
import type { NodeSpec } from '../plan/spec.js';

/** Longest time in ms that a source may take to be closed. */
const CLOSE_WITHIN = 2000;

interface Own {
  /** Of the node. */
  readonly id: number;
  readonly alias: string;
  readonly source: ServedSource;
}

export class ProgramSources {
  #all: Own[];

  constructor(nodes: readonly NodeSpec[]) {
    this.#all = ProgramSources.ownOf(nodes);
  }

  /** Nodes that wait for this thread when they read. */
  get readers(): string[] {
    return this.#all.filter(({ source }) => source.needsThisThread).map(({ alias }) => alias);
  }

  open(): void {
    for (const { source } of this.#all) source.open();
  }

  /** Of nodes that come to a running graph. */
  add(nodes: readonly NodeSpec[]): void {
    const own = ProgramSources.ownOf(nodes);
    this.#all.push(...own);
    for (const { source } of own) source.open();
  }

  static ownOf(nodes: readonly NodeSpec[]): Own[] {
    return nodes.flatMap(({ id, alias, options }) => servedIn(options).map((source) => ({ id, alias, source })));
  }

  /** These nodes read no more: they have left the graph, or never came. @returns what went wrong. */
  async release(ids: readonly number[]): Promise<string[]> {
    const over = this.#all.filter(({ id }) => ids.includes(id));
    this.#all = this.#all.filter((own) => !over.includes(own));
    // One source may be read by several nodes.
    return closeAll(over.filter(({ source }) => !this.#all.some((other) => other.source === source)));
  }

  /** When no thread reads them any more. @returns what went wrong. */
  close(): Promise<string[]> {
    return closeAll(this.#all);
  }
}

async function closeAll(all: readonly Own[]): Promise<string[]> {
  const closed = await Promise.all(all.map(({ alias, source }) => closeInTime(source).then(withName(alias))));
  return closed.filter((text) => text !== undefined);
}

function withName(alias: string): (problem: string | undefined) => string | undefined {
  return (problem) => problem && `${alias}: ${problem}`;
}

/** What is wrong, if anything is. */
export async function closeInTime(source: ServedSource): Promise<string | undefined> {
  let timer: Timer | undefined;
  const late = new Promise<string>((resolve) => {
    const text = `${source.ref.name} was not closed within ${CLOSE_WITHIN} ms, and is waited for no longer`;
    timer = setTimeout(() => resolve(text), CLOSE_WITHIN);
  });
  const closed = source.close().then(() => undefined, messageOf);
  return Promise.race([closed, late]).finally(() => clearTimeout(timer));
}

/**
 * A source of the program's on its way to the thread that reads it: its bytes themselves, where they lie in memory that
 * all threads share, or the name of the channel on which they are asked for (served.ts, source-reader.ts).
 */
import { types } from 'node:util';
import type { ErrorWire } from '../../errors/wire.js';

export interface SourceRef {
  /** What it is called in messages. */
  readonly name: string;
  /** Bytes; undefined for what comes one after the other. */
  readonly size: number | undefined;
  /** In shared memory. */
  readonly bytes?: Uint8Array | undefined;
  readonly channel: string;
  /** No file holds such a thing: whoever has a reference was given it by the program. */
  readonly mark: SharedArrayBuffer;
}

export function isSourceRef(value: unknown): value is SourceRef {
  if (typeof value !== 'object' || value === null) return false;
  const { name, channel, mark } = value as Partial<SourceRef>;
  return typeof name === 'string' && typeof channel === 'string' && types.isSharedArrayBuffer(mark);
}

/** Bytes that a reader asks for. */
export interface Asked {
  /** Who asks, and how it is woken: see native-wait.ts. */
  readonly reader: ReaderSlot;
  /** Counts up with every question of a reader. */
  readonly serial: number;
  readonly offset: number;
  readonly length: number;
  /** Where they are to be written. */
  readonly target: SharedArrayBuffer;
  /** ms that it may take; undefined: as long as it takes. */
  readonly limit: number | undefined;
}

export interface ReaderSlot {
  readonly waits: SharedArrayBuffer;
  readonly slot: number;
  readonly claim: number;
}

export type ToSource = ({ readonly type: 'want' } & Asked) | { readonly type: 'leave'; readonly reader: ReaderSlot };

/** To one reader of those that hear it. */
export interface FromSource {
  readonly reader: number;
  readonly serial: number;
  /** How many bytes were written; 0 at the end of what has no size. */
  readonly length: number;
  readonly error?: ErrorWire | undefined;
}

/** What tells a reader from the others of the process. */
export function readerId({ claim }: Pick<ReaderSlot, 'claim'>): number {
  return claim;
}

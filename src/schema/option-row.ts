/** Options in tables: what one row says of an option, and the schema that follows from the rows. */
import * as v from 'valibot';
import type { Schema } from './schema.js';

/** All there is to know of an option: docs/options.md is made from it, and what is given is checked by it. */
export interface OptionRow<T = unknown> {
  /** What may be given, in the words of the documentation. */
  readonly type: string;
  /** What is assumed when nobody says it, in words; empty: nothing. */
  readonly default: string;
  /** Environment variable that stands in for it. */
  readonly env?: string;
  readonly meaning: string;
  readonly schema: Schema<T>;
}

/** Every option of the rows may be left out. */
export function entriesOf<R extends Readonly<Record<string, { readonly schema: Schema<unknown> }>>>(
  rows: R,
): { [K in keyof R]: v.OptionalSchema<R[K]['schema'], undefined> } {
  const entries = Object.entries(rows).map(([name, { schema }]) => [name, v.optional(schema)]);
  return Object.fromEntries(entries) as ReturnType<typeof entriesOf<R>>;
}

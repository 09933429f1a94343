/** What the edit helpers check alike. */
import * as v from 'valibot';
import { ConfigError, type Problem } from '../../../errors/errors.js';
import { problemsFrom } from '../../../schema/problems.js';
import { number, parsed, type Schema } from '../../../schema/schema.js';
import { Stream } from '../stream.js';

/** Seconds. */
export const seconds = number({ min: 0, max: 1e9 });

/** More than none. */
export const someSeconds = v.pipe(
  seconds,
  v.check((value) => value > 0, 'must be more than 0'),
);

export const streamSchema: Schema<Stream> = parsed(
  'a stream, as decode(), module() and their methods return it',
  (value) => (value instanceof Stream ? value : undefined),
);

interface Fading {
  readonly duration?: number | undefined;
  readonly fadeIn: number;
  readonly fadeOut: number;
}

/** What comes and goes does so within its duration. */
export function fading<T extends Fading>(schema: Schema<T>): Schema<T> {
  return v.pipe(
    schema,
    v.check(
      ({ fadeOut, duration }) => fadeOut === 0 || duration !== undefined,
      'fadeOut needs a duration, at whose end it is',
    ),
    v.check(
      ({ fadeIn, fadeOut, duration }) => duration === undefined || fadeIn + fadeOut <= duration,
      'fadeIn and fadeOut together are longer than duration',
    ),
  ) as Schema<T>;
}

/** A list with at least one. */
export function someOf<T>(item: Schema<T>): Schema<T[]> {
  return v.pipe(
    v.array(item),
    v.check((list) => list.length > 0, 'is empty'),
  ) as Schema<T[]>;
}

/** @param more finds what else is wrong. @throws ConfigError naming everything that is wrong. */
export function checkedList<T>(schema: Schema<T>, value: unknown, call: string, more: (value: T) => Problem[]): T {
  const result = v.safeParse(schema, value);
  const problems = result.success ? more(result.output) : problemsFrom('', result.issues);
  if (result.success && problems.length === 0) return result.output;
  throw new ConfigError(`wrong arguments of ${call}`, problems);
}

/** A number as FFmpeg takes it, without the noise of sums of decimal numbers. */
export function exact(value: number): number {
  return Number(value.toFixed(6));
}

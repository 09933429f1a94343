/** Problems of a graph: JSON paths, and the issues of a Standard Schema turned into them. */
import * as v from 'valibot';
import { ConfigError, type Problem } from '../errors/errors.js';
import type { Schema } from './schema.js';
import type { OptionSchema } from './standard.js';

/** An issue as Standard Schema has it; valibot types its keys more widely. */
interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: unknown })[] | undefined;
}

/** `nodes[2].option` + `crf` = `nodes[2].option.crf`; numbers become indexes, names that are no identifiers are quoted. */
export function joinPath(path: string, ...keys: readonly unknown[]): string {
  let result = path;
  for (const key of keys) {
    if (typeof key === 'number') result += `[${key}]`;
    else if (/^[A-Za-z_$][\w$]*$/.test(String(key))) result += result === '' ? String(key) : `.${String(key)}`;
    else result += `[${JSON.stringify(String(key))}]`;
  }
  return result;
}

/** The issues of a schema as problems below `path`. */
export function problemsFrom(path: string, issues: readonly Issue[]): Problem[] {
  return issues.map((issue) => ({
    path: joinPath(path, ...(issue.path ?? []).map((step) => (typeof step === 'object' ? step.key : step))),
    message: issue.message,
  }));
}

/**
 * What a call was given, with defaults filled in.
 * @param what it is called in the error, such as 'options of run'.
 * @throws ConfigError naming everything that is wrong.
 */
export function checked<T>(schema: Schema<T>, value: unknown, what: string): T {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new ConfigError(`wrong ${what}`, problemsFrom('', result.issues));
}

/** What a schema says of a value: at once, or later when the schema itself is asynchronous. */
export function checkSchema(
  schema: OptionSchema<unknown>,
  value: unknown,
  path: string,
): readonly Problem[] | Promise<readonly Problem[]> {
  const result = schema['~standard'].validate(value);
  return result instanceof Promise
    ? result.then(({ issues }) => problemsFrom(path, issues ?? []))
    : problemsFrom(path, result.issues ?? []);
}
